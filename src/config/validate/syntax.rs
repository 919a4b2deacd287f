//! Syntax of names, labels, images and quantities, as Kubernetes and OCI define it.

use crate::image_ref::ImageReference;

/// RFC 1123 label, of any length.
pub fn is_dns_label(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// RFC 1123 subdomain of at most 253 characters.
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

fn is_qualified(text: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.bytes().next())
        && edge(text.bytes().last())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Key of a label or annotation: an optional subdomain, a slash and a name.
pub(super) fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((domain, name)) => is_dns_subdomain(domain) && is_qualified(name),
        None => is_qualified(key),
    }
}

/// Value of a label.
pub(super) fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_qualified(value)
}

/// Name of a GitHub organization, enterprise, owner or repository.
pub(super) fn is_github_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 100
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && text != "."
        && text != ".."
}

/// `HOST[:PORT]`: a name, an IPv4 address, or an IPv6 address in brackets.
pub(super) fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    port_fits
        && match address {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => is_dns_subdomain(&host.to_lowercase()),
        }
}

/// A label for `runs-on`: without commas, which part labels, and without white space.
pub(super) fn is_runner_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 256
        && !text.contains(|character: char| {
            character == ',' || character.is_whitespace() || character.is_control()
        })
}

/// The tag that moves: `latest`, `dind` and their like, or none at all.
pub(super) fn floating_tag(image: &ImageReference) -> Option<&str> {
    match (image.digest(), image.tag()) {
        (Some(_), _) => None,
        (None, None) => Some("latest"),
        (None, Some(tag)) => matches!(
            tag,
            "latest" | "dind" | "dind-rootless" | "canary" | "edge" | "stable"
        )
        .then_some(tag),
    }
}

/// A Kubernetes quantity of bytes: `20Gi`, `500M`.
pub(super) fn is_quantity(text: &str) -> bool {
    let number = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let suffix = &text[number.len()..];
    matches!(
        suffix,
        "" | "k" | "M" | "G" | "T" | "P" | "E" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei"
    ) && number
        .parse::<f64>()
        .is_ok_and(|number| number > 0.0 && number.is_finite())
        && number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(
            is_dns_label("arc-1")
                && !is_dns_label("Arc")
                && !is_dns_label("-a")
                && !is_dns_label("")
        );
        assert!(is_label_key("example.com/team") && is_label_key("team") && !is_label_key("a b"));
        assert!(is_label_value("") && is_label_value("a.b_c") && !is_label_value("-a"));
        assert!(is_runner_label("linux-x64") && !is_runner_label("a,b") && !is_runner_label(""));
    }

    #[test]
    fn hosts() {
        for good in ["github.com", "127.0.0.1:8080", "[::1]:443", "GHES.corp"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", ":443", "a b", "host:0", "host:port", "https:", "::1"] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn floating_tags() {
        for (text, tag) in [
            ("localhost:5000/a", Some("latest")),
            ("docker:dind", Some("dind")),
            ("docker:28.3-dind", None),
        ] {
            assert_eq!(floating_tag(&ImageReference::parse(text).unwrap()), tag);
        }
    }

    #[test]
    fn quantities() {
        assert!(is_quantity("20Gi") && is_quantity("1.5G") && is_quantity("1000"));
        assert!(
            !is_quantity("20GB") && !is_quantity("") && !is_quantity("-1Gi") && !is_quantity("0")
        );
    }
}
