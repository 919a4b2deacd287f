//! `HOST[:PORT][/KEY]`: where a rule sends images to, or where dind finds them.

use std::fmt;

use crate::image_ref::{ImageReference, canonical_host, is_host, looks_like_host};

use super::target_set::is_under;

/// A host with an optional path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Canonical `host[:port]`.
    pub host: String,
    /// The path under it without slashes at its ends; empty for the host alone.
    pub path: String,
}

impl Target {
    /// Parses `HOST[:PORT][/KEY]`. The error says what is wrong, as a fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            return Err(format!("'{text}' has a scheme; write HOST[:PORT][/KEY]"));
        }
        let (host, path) = text.split_once('/').unwrap_or((text, ""));
        let path = path.trim_end_matches('/');
        if !is_host(host) {
            return Err(format!("'{text}' does not begin with a host"));
        }
        if !looks_like_host(host) {
            return Err(format!(
                "'{host}' would be read as a user of Docker Hub: a registry's name has a dot or a port, or is localhost"
            ));
        }
        // The path is valid where an image under it is.
        let image = if path.is_empty() {
            format!("{host}/x")
        } else {
            format!("{host}/{path}/x")
        };
        let reference = ImageReference::parse(&image)
            .map_err(|error| format!("'{text}' is no place for images: {}", error.reason))?;
        if reference.suffix().is_empty() {
            Ok(Self {
                host: canonical_host(host).to_owned(),
                path: path.to_owned(),
            })
        } else {
            Err(format!("'{text}' names a tag or digest"))
        }
    }

    /// True where `host/path` stands under this target, cut at `/`.
    pub fn holds(&self, host: &str, path: &str) -> bool {
        host == self.host && is_under(path, &self.path)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.host)?;
        if self.path.is_empty() {
            return Ok(());
        }
        write!(formatter, "/{}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_slashes_and_whole_hosts() {
        let target = Target::parse("quay.io/corp-mirror").unwrap();
        assert!(target.holds("quay.io", "corp-mirror/x"));
        assert!(!target.holds("quay.io", "corp-mirror-2/x"));
        assert!(!target.holds("quay.io", "corp-mirror"));
        let target = Target::parse("registry.artifactory.mydomain.com").unwrap();
        assert!(!target.holds("registry.artifactory.mydomain.com.evil", "x"));
        assert!(!target.holds("registry.artifactory.mydomain.com:5000", "x"));
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in [
            "registry",
            "https://registry.corp",
            "",
            "registry.corp/Key",
            "registry.corp/a:1",
            "-x.y",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
        for text in [
            "reg:5000",
            "reg.corp:5000/docker-remote/",
            "localhost/a/b",
            "[fc00::1]:5000/k",
        ] {
            assert!(Target::parse(text).is_ok(), "{text}");
        }
    }
}
