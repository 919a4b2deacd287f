//! no_proxy of libcurl 7.86 and newer, which git uses as well: as in 7.88, Debian 12's.

use std::net::Ipv4Addr;

use super::addresses::is_same;
use super::destination::Destination;

/// Longest entry that is looked at for an address, in bytes.
const LONGEST: usize = 127;

/// A list as curl reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    /// The star, which counts alone.
    everything: bool,
    tokens: Vec<String>,
}

impl List {
    /// Blanks part entries as commas do.
    pub(super) fn parse(text: &str) -> Self {
        let tokens = text.split([',', ' ', '\t']);
        Self {
            everything: text == "*",
            tokens: tokens
                .filter(|token| !token.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }

    pub(super) fn covering(&self, to: &Destination) -> Option<&str> {
        if self.everything {
            return Some("*");
        }
        if let Ok(address) = to.lower().parse::<Ipv4Addr>() {
            let found = self.tokens.iter().find(|token| is_within(token, address));
            return found.map(String::as_str);
        }
        // An address of IPv6 has lost its brackets by then, and is compared as a name.
        let host = to.shortest();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let found = self.tokens.iter().find(|token| is_name(token, host));
        found.map(String::as_str)
    }
}

/// The name itself, or what is below it; one dot at either end of the entry is left out.
fn is_name(token: &str, host: &str) -> bool {
    let token = token.strip_suffix('.').unwrap_or(token);
    let token = token.strip_prefix('.').unwrap_or(token);
    let token = token.to_ascii_lowercase();
    let below = host.strip_suffix(token.as_str());
    below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// `address/bits`, where 0 bits are 32 as well.
fn is_within(token: &str, address: Ipv4Addr) -> bool {
    if token.len() > LONGEST {
        return false;
    }
    let (network, bits) = match token.split_once('/') {
        Some((network, bits)) => (network, number(bits)),
        None => (token, Some(0)),
    };
    let (Ok(network), Some(bits)) = (network.parse::<Ipv4Addr>(), bits) else {
        return false;
    };
    let bits = if bits == 0 { 32 } else { bits };
    is_same(network.to_bits(), address.to_bits(), bits)
}

/// C's `atoi`: a sign and digits, whatever stands behind; None where it is more than 32. What does not fit loses its
/// upper half.
fn number(text: &str) -> Option<u32> {
    let text = text.trim_start_matches(['\n', '\r', '\u{b}', '\u{c}']);
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|letter: char| !letter.is_ascii_digit());
    let digits = end.map_or(digits, |end| digits.get(..end).unwrap_or_default());
    if digits.is_empty() {
        return Some(0);
    }
    let value = match (digits.parse::<i64>(), is_negative) {
        (Ok(value), false) => value,
        (Ok(value), true) => -value,
        (Err(_), false) => i64::MAX,
        (Err(_), true) => i64::MIN,
    };
    let number = u32::try_from(value & 0xffff_ffff).ok();
    number.filter(|number| *number <= 32)
}
