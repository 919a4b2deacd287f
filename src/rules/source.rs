//! What a rule takes, as globs over the components of a name.

use crate::image_ref::DOCKER_HUB;

/// A host and the components of a path, as globs.
pub(super) struct Source {
    pub(super) host: String,
    pub(super) path: Vec<String>,
}

impl Source {
    /// Official images lose `library/`.
    pub(super) fn path_without_library(&self) -> Vec<String> {
        match self.path.as_slice() {
            [first, rest @ ..] if self.host == DOCKER_HUB && first == "library" => rest.to_vec(),
            // Of all namespaces one is `library`.
            [first, _] if self.host == DOCKER_HUB && first == "*" => owned(&["*", "**"]),
            path => path.to_vec(),
        }
    }
}

pub(super) fn owned(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}
