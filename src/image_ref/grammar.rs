//! The parts of a reference, by the grammar's regular expressions, matched by hand.

use super::ImageReferenceReason;

const TAG_LIMIT: usize = 128;

/// `host[:port]` by the grammar: DNS labels, an IPv4 address or `[IPv6]`.
pub fn is_host(text: &str) -> bool {
    let (name, port) = if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        let valid = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
        if address.is_empty() || !address.bytes().all(valid) {
            return false;
        }
        match port.strip_prefix(':') {
            Some(port) => (None, Some(port)),
            None if port.is_empty() => (None, None),
            None => return false,
        }
    } else {
        match text.split_once(':') {
            Some((name, port)) => (Some(name), Some(port)),
            None => (Some(text), None),
        }
    };
    name.is_none_or(|name| name.split('.').all(is_label))
        && port
            .is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
pub(super) fn is_path_component(component: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let mut at = 0;
    loop {
        let word = bytes[at..].iter().take_while(|byte| alphanumeric(**byte));
        let length = word.count();
        if length == 0 {
            return false;
        }
        at += length;
        if at == bytes.len() {
            return true;
        }
        let separator = &bytes[at..];
        let separator = &separator[..separator
            .iter()
            .take_while(|byte| !alphanumeric(**byte))
            .count()];
        let valid = matches!(separator, b"." | b"_" | b"__")
            || (!separator.is_empty() && separator.iter().all(|byte| *byte == b'-'));
        if !valid {
            return false;
        }
        at += separator.len();
    }
}

pub(super) fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=TAG_LIMIT).contains(&tag.len())
        && tag.bytes().next().is_some_and(word)
        && tag
            .bytes()
            .all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

/// A digest of an algorithm that registries know, in lower-case hexadecimal digits of its length.
pub fn check_digest(digest: &str) -> Result<(), ImageReferenceReason> {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return Err(ImageReferenceReason::Digest);
    };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(ImageReferenceReason::Algorithm),
    };
    if hex.len() == length && hex.bytes().all(is_lower_hex) {
        Ok(())
    } else {
        Err(ImageReferenceReason::Digest)
    }
}

pub(super) fn is_lower_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}
