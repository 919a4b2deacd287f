//! SHA-256 as text, by which two contents are told apart.

use ring::digest::{SHA256, digest};

/// The SHA-256 of `bytes`, 64 lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest(&SHA256, bytes).as_ref() {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    text
}

/// A SHA-256 as people write it (64 hexadecimal digits, with or without colons) as [`sha256`] does; None for anything else.
pub fn sha256_as_written(text: &str) -> Option<String> {
    let digits = text.replace(':', "").to_ascii_lowercase();
    let is_one = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_one.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_openssl_writes_them() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(sha256_as_written(&plain), Some(plain.clone()));
        assert_eq!(sha256_as_written(&colons), Some(plain));
        for text in ["", "ab", &"x".repeat(64), &"é".repeat(32)] {
            assert_eq!(sha256_as_written(text), None, "{text}");
        }
    }

    #[test]
    fn the_digest_of_nothing() {
        assert_eq!(
            sha256(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
