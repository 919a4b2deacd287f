//! Where a connection goes to, as a program sees it in a URL.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A scheme, a host and a port. The host is kept as it was written: some programs compare its letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// True for https.
    pub is_secure: bool,
    host: String,
    lower: String,
    address: Option<IpAddr>,
    port: Option<u16>,
}

impl Destination {
    /// `host`: a name or an address, with or without brackets. `port`: only where the URL names it.
    pub fn new(is_secure: bool, host: &str, port: Option<u16>) -> Self {
        let host = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        Self {
            is_secure,
            host: host.to_owned(),
            lower: host.to_lowercase(),
            address: host.parse().ok(),
            port,
        }
    }

    /// The host as it was written, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host in lower case, without brackets.
    pub fn lower(&self) -> &str {
        &self.lower
    }

    /// The host where it is an address.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The port that the URL names.
    pub fn named_port(&self) -> Option<u16> {
        self.port
    }

    /// The port that is connected to.
    pub fn port(&self) -> u16 {
        let default = if self.is_secure { 443 } else { 80 };
        self.port.unwrap_or(default)
    }

    /// True for an IPv6 address, which stands in brackets in a URL.
    pub(super) fn is_bracketed(&self) -> bool {
        matches!(self.address, Some(IpAddr::V6(_)))
    }

    /// The host in lower case as it stands in a URL: an IPv6 address in brackets.
    pub(super) fn in_url(&self) -> String {
        if self.is_bracketed() {
            format!("[{}]", self.lower)
        } else {
            self.lower.clone()
        }
    }

    /// The shortest spelling of an IPv6 address (RFC 5952), the host in lower case for all others.
    pub(super) fn shortest(&self) -> String {
        match self.address {
            Some(IpAddr::V6(address)) => address.to_string(),
            _ => self.lower.clone(),
        }
    }

    /// The same as a browser writes it: IPv4 within IPv6 in hexadecimal digits, too (WHATWG URL).
    pub(super) fn shortest_in_url(&self) -> String {
        match self.address {
            Some(IpAddr::V6(address)) => format!("[{}]", hexadecimal(address)),
            _ => self.lower.clone(),
        }
    }
}

fn hexadecimal(address: Ipv6Addr) -> String {
    match (address.to_ipv4_mapped(), address.segments()) {
        (Some(_), [.., high, low]) => format!("::ffff:{high:x}:{low:x}"),
        // Rust writes the outdated ::a.b.c.d in hexadecimal digits as well.
        _ => address.to_string(),
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "https" } else { "http" };
        let (open, close) = if self.is_bracketed() {
            ("[", "]")
        } else {
            ("", "")
        };
        write!(formatter, "{scheme}://{open}{}{close}", self.host)?;
        match self.port {
            Some(port) => write!(formatter, ":{port}"),
            None => Ok(()),
        }
    }
}
