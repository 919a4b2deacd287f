//! Paths and query strings of the Kubernetes API.

use std::fmt::Write;

/// A path with its query, built up parameter by parameter.
#[derive(Debug, Clone)]
pub(super) struct Path(String);

impl Path {
    /// Any path, such as `/version`.
    pub(super) fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// `/api/v1` or `/apis/<group>/<version>`.
    pub(super) fn of_version(api_version: &str) -> Self {
        let root = if api_version.contains('/') {
            "/apis"
        } else {
            "/api"
        };
        api_version.split('/').fold(Self::new(root), Self::segment)
    }

    /// Appends one path segment, escaped.
    pub(super) fn segment(mut self, segment: &str) -> Self {
        self.0.push('/');
        escape(segment, &mut self.0);
        self
    }

    /// Appends a parameter, escaped.
    pub(super) fn parameter(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        escape(value, &mut self.0);
        self
    }

    /// Appends a parameter where there is a value.
    pub(super) fn optional(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.parameter(name, value),
            None => self,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_and_parameters_are_escaped() {
        let path = Path::of_version("apps/v1")
            .segment("deployments")
            .segment("a/b")
            .parameter("labelSelector", "a in (b,c)")
            .optional("continue", None)
            .parameter("limit", "500");
        assert_eq!(
            path.as_str(),
            "/apis/apps/v1/deployments/a%2Fb?labelSelector=a%20in%20%28b%2Cc%29&limit=500"
        );
        assert_eq!(Path::of_version("v1").as_str(), "/api/v1");
    }
}
