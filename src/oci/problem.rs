//! Why an image cannot be read or given a layer.

/// Each is a fragment for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The manifest is of the first schema, which names no configuration.
    #[error(
        "it is in the format of Docker's first registries (schema 1), which has no configuration to write a layer into"
    )]
    Schema1,
    /// It is no image and no index of images.
    #[error("it is no image: {0}")]
    NoImage(String),
    /// The registry's answer is not what the format wants.
    #[error("its {what} cannot be read: {why}")]
    Malformed {
        /// Manifest, index, configuration.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Layers of manifest, configuration and history are not the same.
    #[error("its configuration does not fit its manifest: {0}")]
    DoesNotFit(String),
    /// What was handed out is not what was asked for.
    #[error("{what} is not what its digest says: {wanted} was asked for, and {found} came")]
    WrongDigest {
        /// What was asked for.
        what: String,
        /// The digest.
        wanted: String,
        /// That of what came.
        found: String,
    },
    /// A layer that merged mode cannot read.
    #[error("its layer {0}")]
    Layer(String),
    /// There is no bundle to add to.
    #[error("{0}")]
    NoStore(String),
    /// A file of the layer cannot be written into a tar of the plain format.
    #[error("the name of a file is too long: {0}")]
    NameTooLong(String),
    /// A certificate that cannot be named or read.
    #[error("a certificate cannot be used: {0}")]
    Certificate(String),
}

impl Problem {
    pub(super) fn malformed(what: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Malformed {
            what,
            why: why.to_string(),
        }
    }
}
