//! Bytes and their digest.

use ring::digest::{Context, SHA256, SHA384, SHA512};

use crate::object::sha256;

/// What is pushed, by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// `sha256:…`
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// What it is.
    pub bytes: Vec<u8>,
}

impl Blob {
    /// Takes the bytes and says their digest.
    pub fn new(media_type: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self {
            digest: format!("sha256:{}", sha256(&bytes)),
            media_type: media_type.into(),
            bytes,
        }
    }
}

/// The digest of what comes in pieces, by the algorithm of another.
#[derive(Clone)]
pub struct Hasher {
    algorithm: &'static str,
    context: Context,
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.algorithm)
    }
}

impl Hasher {
    /// For comparing with `digest`; sha256 where it names no algorithm that registries know.
    pub fn like(digest: &str) -> Self {
        let (algorithm, function) = match digest.split_once(':').map(|(name, _)| name) {
            Some("sha512") => ("sha512", &SHA512),
            Some("sha384") => ("sha384", &SHA384),
            _ => ("sha256", &SHA256),
        };
        Self {
            algorithm,
            context: Context::new(function),
        }
    }

    /// Takes a piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// `sha256:…`
    pub fn finish(self) -> String {
        let mut text = format!("{}:", self.algorithm);
        for byte in self.context.finish().as_ref() {
            for nibble in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(nibble), 16));
            }
        }
        text
    }

    /// The digest of `bytes` by the algorithm of `digest`.
    pub fn digest_like(digest: &str, bytes: &[u8]) -> String {
        let mut hasher = Self::like(digest);
        hasher.update(bytes);
        hasher.finish()
    }
}
