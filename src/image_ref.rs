//! An image reference: parsed as container runtimes parse it, and never forgetting its spelling.
//!
//! The grammar and the normalisation are those of `github.com/distribution/reference`, with one addition:
//! `registry-1.docker.io` is Docker Hub too. A leaf: pure, no regular expressions, no panic on any input.

mod grammar;

use std::fmt;

use grammar::{is_lower_hex, is_path_component, is_tag};

pub use grammar::{check_digest, is_host};

/// The host that references without one mean.
pub const DOCKER_HUB: &str = "docker.io";
/// Docker Hub under its other names.
pub const DOCKER_HUB_ALIASES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];
/// What runtimes add to a reference with neither tag nor digest.
const LATEST: &str = ":latest";
/// The longest repository path, and the longest `host/path` that clients accept (distribution-spec).
pub const NAME_LIMIT: usize = 255;

/// A parsed reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    host: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
    original: String,
}

/// Why a text is no image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is no image reference: {reason}", shortened(text))]
pub struct ImageReferenceError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: ImageReferenceReason,
}

/// What is no reference can have any length.
fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(NAME_LIMIT).collect();
    let rest = if shown.len() < text.len() { "…" } else { "" };
    [&shown, rest].concat()
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageReferenceReason {
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// 64 hexadecimal digits: an image id, which no registry knows.
    #[error("64 hexadecimal digits are an image id")]
    ImageId,
    /// The repository has an upper-case letter.
    #[error("upper-case letter in the repository (byte {0})")]
    UpperCase(usize),
    /// Host or repository breaks the grammar.
    #[error("invalid host or repository")]
    Name,
    /// The repository has more than 255 bytes.
    #[error("the repository is longer than {NAME_LIMIT} bytes")]
    TooLong,
    /// The part after `:` is no tag.
    #[error("invalid tag")]
    Tag,
    /// The part after `@` is no digest.
    #[error("invalid digest")]
    Digest,
    /// The digest's algorithm is none of sha256, sha384, sha512.
    #[error("unknown digest algorithm")]
    Algorithm,
}

impl ImageReference {
    /// Parses and normalises `text`: `nginx` is `docker.io/library/nginx`. No default tag is added.
    pub fn parse(text: &str) -> Result<Self, ImageReferenceError> {
        Self::normalised(text).map_err(|reason| ImageReferenceError {
            text: text.to_owned(),
            reason,
        })
    }

    fn normalised(text: &str) -> Result<Self, ImageReferenceReason> {
        if text.is_empty() {
            return Err(ImageReferenceReason::Empty);
        }
        if text.len() == 64 && text.bytes().all(is_lower_hex) {
            return Err(ImageReferenceReason::ImageId);
        }
        let (host, remainder) = split_host(text);
        let offset = text.len() - remainder.len();
        let (name, digest) = match remainder.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (remainder, None),
        };
        let (path, tag) = match name.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (name, None),
        };
        if let Some(at) = path.find(|letter: char| letter.is_uppercase()) {
            return Err(ImageReferenceReason::UpperCase(offset + at));
        }
        let (host, mut path) = if is_host(host) {
            (canonical_host(host).to_owned(), path.to_owned())
        } else {
            // The grammar's host is optional: what is no host may still be a path.
            (String::new(), format!("{host}/{path}"))
        };
        if host == DOCKER_HUB && !path.contains('/') {
            path.insert_str(0, "library/");
        }
        if !path.split('/').all(is_path_component) {
            return Err(ImageReferenceReason::Name);
        }
        if path.len() > NAME_LIMIT {
            return Err(ImageReferenceReason::TooLong);
        }
        if !tag.is_none_or(is_tag) {
            return Err(ImageReferenceReason::Tag);
        }
        digest.map_or(Ok(()), check_digest)?;
        Ok(Self {
            host,
            path,
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
            original: text.to_owned(),
        })
    }

    /// The canonical host with its port: `docker.io`, `localhost:5000`, `[fc00::1]:5000`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The canonical repository path: `library/nginx`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path without the `library/` of Docker Hub's official images.
    pub fn path_without_library(&self) -> &str {
        if self.host == DOCKER_HUB {
            self.path.strip_prefix("library/").unwrap_or(&self.path)
        } else {
            &self.path
        }
    }

    /// The tag as written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest as written, with its algorithm.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The spelling that was parsed, byte for byte.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// `host/path`.
    pub fn name(&self) -> String {
        if self.host.is_empty() {
            return self.path.clone();
        }
        format!("{}/{}", self.host, self.path)
    }

    /// `:tag@digest`, each where it is given.
    pub fn suffix(&self) -> String {
        suffix(self.tag(), self.digest())
    }

    /// `host/path:tag@digest`.
    pub fn canonical(&self) -> String {
        self.name() + &self.suffix()
    }

    /// The canonical spelling as it is pulled: `:latest` where it names neither tag nor digest.
    pub fn pulled(&self) -> String {
        let canonical = self.canonical();
        if self.tag.is_none() && self.digest.is_none() {
            return canonical + LATEST;
        }
        canonical
    }

    /// Both canonical spellings of an image whose tag is `latest`, written or not; else the one there is.
    pub fn spellings(&self) -> Vec<String> {
        match (self.tag(), self.digest()) {
            (None, None) => vec![self.canonical(), self.pulled()],
            (Some("latest"), None) => vec![self.canonical(), self.name()],
            _ => vec![self.canonical()],
        }
    }

    /// True where the text itself names the host.
    pub fn names_host(&self) -> bool {
        let first = self.original.split('/').next().unwrap_or_default();
        first.len() < self.original.len() && canonical_host(first) == self.host
    }
}

/// [`ImageReference::pulled`] of a text; what is no reference stays as it is.
pub fn pulled(text: &str) -> String {
    let parsed = ImageReference::parse(text);
    parsed.map_or_else(|_| text.to_owned(), |reference| reference.pulled())
}

/// `:tag@digest`, each where it is given.
pub fn suffix(tag: Option<&str>, digest: Option<&str>) -> String {
    let tag = tag.iter().map(|tag| format!(":{tag}"));
    let digest = digest.iter().map(|digest| format!("@{digest}"));
    tag.chain(digest).collect()
}

impl fmt::Display for ImageReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.original)
    }
}

/// Docker Hub's names folded into one; every other host as it is.
pub fn canonical_host(host: &str) -> &str {
    if DOCKER_HUB_ALIASES.contains(&host) {
        DOCKER_HUB
    } else {
        host
    }
}

/// True where the first component of a reference is a host and not a user of Docker Hub.
pub fn looks_like_host(component: &str) -> bool {
    component == "localhost"
        || component.contains(['.', ':'])
        || component.chars().any(char::is_uppercase)
}

fn split_host(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some((first, rest)) if looks_like_host(first) => (first, rest),
        _ => (DOCKER_HUB, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHA256: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn canonical(text: &str) -> String {
        ImageReference::parse(text).unwrap().canonical()
    }

    fn reason(text: &str) -> ImageReferenceReason {
        ImageReference::parse(text).unwrap_err().reason
    }

    #[test]
    fn every_spelling_of_docker_hub_is_one_image() {
        for text in [
            "nginx",
            "library/nginx",
            "docker.io/nginx",
            "docker.io/library/nginx",
            "index.docker.io/library/nginx",
            "index.docker.io/nginx",
            "registry-1.docker.io/library/nginx",
        ] {
            assert_eq!(canonical(text), "docker.io/library/nginx", "{text}");
            assert_eq!(ImageReference::parse(text).unwrap().original(), text);
        }
        assert_eq!(canonical("summerwind/x:v1"), "docker.io/summerwind/x:v1");
        assert_eq!(canonical("quay.io/nginx"), "quay.io/nginx");
    }

    #[test]
    fn without_tag_and_digest_it_is_the_latest() {
        let digest = format!("nginx@{SHA256}");
        for (text, pulled, spellings) in [
            ("quay.io/a", "quay.io/a:latest", 2),
            ("quay.io/a:latest", "quay.io/a:latest", 2),
            ("quay.io/a:1", "quay.io/a:1", 1),
            (&digest, &format!("docker.io/library/{digest}"), 1),
        ] {
            let reference = ImageReference::parse(text).unwrap();
            assert_eq!(reference.pulled(), pulled);
            assert_eq!(reference.spellings().len(), spellings, "{text}");
            for spelling in reference.spellings() {
                assert_eq!(ImageReference::parse(&spelling).unwrap().pulled(), pulled);
            }
        }
    }

    #[test]
    fn hosts_are_recognised() {
        for (text, host) in [
            ("localhost:5000/a", "localhost:5000"),
            ("localhost/a", "localhost"),
            ("[fc00::1]:5000/a", "[fc00::1]:5000"),
            ("reg:5000/a", "reg:5000"),
            ("my-reg.corp.com/a", "my-reg.corp.com"),
            ("10.0.0.1:80/a", "10.0.0.1:80"),
            ("Foo/bar", "Foo"),
            ("registry/foo", "docker.io"),
        ] {
            assert_eq!(ImageReference::parse(text).unwrap().host(), host, "{text}");
        }
        assert_eq!(
            canonical("localhost:5000"),
            "docker.io/library/localhost:5000"
        );
        assert_eq!(
            canonical("192.168.0.1:80"),
            "docker.io/library/192.168.0.1:80"
        );
        // No host by the grammar, but a valid path.
        assert_eq!(ImageReference::parse("a_b.corp/x").unwrap().host(), "");
    }

    #[test]
    fn tag_and_digest_are_both_kept() {
        let text = format!("x:1@{SHA256}");
        let reference = ImageReference::parse(&text).unwrap();
        assert_eq!(reference.tag(), Some("1"));
        assert_eq!(reference.digest(), Some(SHA256));
        let sha512 = format!("x@sha512:{}", "a".repeat(128));
        assert!(ImageReference::parse(&sha512).is_ok());
        assert_eq!(reason(&format!("repo:{SHA256}")), ImageReferenceReason::Tag);
        assert_eq!(reason("x@md5:abc"), ImageReferenceReason::Algorithm);
        assert_eq!(reason("x@sha256:abc"), ImageReferenceReason::Digest);
    }

    #[test]
    fn what_is_no_reference_is_refused_with_the_reason() {
        assert_eq!(reason(""), ImageReferenceReason::Empty);
        assert_eq!(reason("foo/Bar"), ImageReferenceReason::UpperCase(4));
        assert_eq!(reason(&"a".repeat(64)), ImageReferenceReason::ImageId);
        assert_eq!(reason("fc00::1:5000/x"), ImageReferenceReason::Name);
        for text in [
            "a..b",
            "-a",
            "a//b",
            "a/",
            "/a",
            "a b",
            "http://a/b",
            "a___b",
            "é",
        ] {
            assert_eq!(reason(text), ImageReferenceReason::Name, "{text}");
        }
        assert_eq!(reason("a:+1"), ImageReferenceReason::Tag);
        assert_eq!(
            reason(&format!("a:{}", "1".repeat(129))),
            ImageReferenceReason::Tag
        );
        assert_eq!(reason(&"a".repeat(256)), ImageReferenceReason::TooLong);
        assert_eq!(
            canonical("ab/a--b__c.d_e/f:A-b.c"),
            "docker.io/ab/a--b__c.d_e/f:A-b.c"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "\\PC{0,80}") {
            let _ = ImageReference::parse(&text);
        }

        #[test]
        fn the_canonical_form_is_its_own_canonical_form(
            text in "([a-zA-Z0-9.\\[\\]:-]{1,12}/)?[a-z0-9._/-]{1,30}(:[a-zA-Z0-9_.-]{1,10})?"
        ) {
            if let Ok(reference) = ImageReference::parse(&text) {
                let again = ImageReference::parse(&reference.canonical()).unwrap();
                prop_assert_eq!(again.canonical(), reference.canonical());
            }
        }
    }
}
