//! Media types: two families that say the same with other words (OCI image-spec 1.1, Docker's image manifest 2.2).

/// All that is taken: Artifactory answers with the wrong one, or with schema 1, to less (RTFACT-20795).
pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// Whose words a document uses. They are never mixed within one manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// The Open Container Initiative's.
    Oci,
    /// Docker's, manifest version 2, schema 2.
    Docker,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    Index(Family),
    Manifest(Family),
}

impl Document {
    pub(super) fn of(media_type: &str) -> Option<Self> {
        match media_type {
            OCI_INDEX => Some(Self::Index(Family::Oci)),
            DOCKER_INDEX => Some(Self::Index(Family::Docker)),
            OCI_MANIFEST => Some(Self::Manifest(Family::Oci)),
            DOCKER_MANIFEST => Some(Self::Manifest(Family::Docker)),
            _ => None,
        }
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Index(Family::Oci) => OCI_INDEX,
            Self::Index(Family::Docker) => DOCKER_INDEX,
            Self::Manifest(Family::Oci) => OCI_MANIFEST,
            Self::Manifest(Family::Docker) => DOCKER_MANIFEST,
        }
    }
}

impl Family {
    /// The media type of an image's configuration.
    pub(super) fn config(self) -> &'static str {
        match self {
            Self::Oci => OCI_CONFIG,
            Self::Docker => DOCKER_CONFIG,
        }
    }

    /// That of the layer that is added. Every runtime takes OCI's plain tar, whose digest is its diff id; of Docker's
    /// types only the gzipped one is in its specification.
    pub(super) fn layer(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.layer.v1.tar",
            Self::Docker => "application/vnd.docker.image.rootfs.diff.tar.gzip",
        }
    }
}

/// How a layer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    /// A plain tar.
    None,
    /// gzip.
    Gzip,
    /// Zstandard, or something unknown.
    Other,
}

impl Compression {
    /// By the media type of the layer.
    pub(super) fn of(media_type: &str) -> Self {
        match media_type.rsplit('.').next() {
            Some("tar") => Self::None,
            Some("tar+gzip" | "gzip") => Self::Gzip,
            _ => Self::Other,
        }
    }
}

/// True for a layer that stays where its maker put it: registries neither hold nor mount it.
pub(super) fn is_foreign(media_type: &str) -> bool {
    media_type.contains(".nondistributable.") || media_type.contains(".foreign.")
}
