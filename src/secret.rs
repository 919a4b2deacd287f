//! A value that must not be seen: it has no `Display`, no `Serialize`, and its `Debug` says nothing.
//!
//! Leaves a process only as a Kubernetes Secret, an HTTP header or a TLS key.

use std::fmt;

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretBox};

/// Holds a secret and wipes it when dropped.
pub struct Secret<T: Zeroize>(SecretBox<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes ownership of the value.
    pub fn new(value: T) -> Self {
        Self(SecretBox::new(Box::new(value)))
    }

    /// Lends the value. Call this only where it is sent or sealed, never to print.
    pub fn expose(&self) -> &T {
        self.0.expose_secret()
    }
}

impl<T: Zeroize + Clone> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self::new(self.expose().clone())
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// True for a text that has the shape of a secret: a GitHub token, a key, a document, a URL or account with a
/// password. Such a text is never repeated, wherever a person put it.
pub fn looks_like_a_secret(text: &str) -> bool {
    const TOKENS: [&str; 6] = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"];
    TOKENS.iter().any(|token| text.starts_with(token))
        || text.contains(['\n', '{'])
        || text.starts_with("-----BEGIN")
        || (text.contains(':') && text.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let secret = Secret::new(String::from("ghp_canary"));
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "*** Some(***)");
    }
}
