//! A server as a person names it on the command line.

use std::fmt;
use std::net::IpAddr;

/// Name or address, an IPv6 one without brackets, and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(formatter, "[{host}]:{port}")
        } else {
            write!(formatter, "{host}:{port}")
        }
    }
}

/// A name or address, perhaps with a port (443 where there is none), or a URL.
pub(super) fn server(text: &str) -> Result<Server, String> {
    let wrong = || format!("'{text}' is no host, nor host:port");
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("a user name has no place in a server's name".to_owned());
    }
    let (host, port) = if authority.parse::<IpAddr>().is_ok() {
        (authority, Some("443"))
    } else if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
        let port = port.strip_prefix(':').or(port.is_empty().then_some("443"));
        (host, port.filter(|_| host.parse::<IpAddr>().is_ok()))
    } else {
        match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port).filter(|_| !host.contains(':'))),
            None => (authority, Some("443")),
        }
    };
    let port = port.and_then(|port| port.parse().ok());
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || ".-_:".contains(letter);
    match port.filter(|port| *port > 0) {
        Some(port) if !host.is_empty() && host.chars().all(is_letter) => Ok(Server {
            host: host.to_lowercase(),
            port,
        }),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_as_people_write_them() {
        let shown = |text: &str| server(text).map(|one| one.to_string());
        for (text, wanted) in [
            ("registry.corp", "registry.corp:443"),
            ("Registry.Corp:5000", "registry.corp:5000"),
            (
                "https://registry.corp/artifactory/api?x#y",
                "registry.corp:443",
            ),
            ("10.0.0.1:8443", "10.0.0.1:8443"),
            ("::1", "[::1]:443"),
            ("2001:db8::5", "[2001:db8::5]:443"),
            ("[::1]", "[::1]:443"),
            ("[::1]:5000", "[::1]:5000"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(wanted), "{text}");
        }
        for text in [
            "", ":443", "a:0", "a:70000", "a:x", "[::1", "[a]", "a:b:1", "u@h", "a b", "a\u{1b}",
        ] {
            assert!(server(text).is_err(), "{text}");
        }
    }
}
