//! Addresses and ranges as C and Go read them.

use std::net::{IpAddr, Ipv4Addr};

/// `address/bits`, with the address and the bits as strict as Go's `net.ParseCIDR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// None where it is no range.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let is_number = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits: u32 = bits
            .parse()
            .ok()
            .filter(|bits| is_number && *bits <= most)?;
        // A range of IPv4 within IPv6 is one of IPv4, where it leaves the prefix whole.
        Some(match address.to_canonical() {
            canonical if canonical.is_ipv4() && address.is_ipv6() && bits >= 96 => Self {
                address: canonical,
                bits: bits - 96,
            },
            _ => Self { address, bits },
        })
    }

    /// True for an address in it; IPv4 within IPv6 is IPv4.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                is_same(network.to_bits(), address.to_bits(), self.bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// True where the first `bits` are the same.
pub(super) fn is_same(network: u32, address: u32, bits: u32) -> bool {
    let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
    network & mask == address & mask
}

/// An IPv4 address as C's `inet_aton` reads it (glibc): one to four numbers, decimal, octal or hexadecimal, the last of
/// which fills what is left; whatever stands behind white space is passed over.
pub(super) fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let end = text.find(|letter: char| letter.is_ascii_whitespace() || letter == '\u{b}');
    let text = end.map_or(text, |end| text.get(..end).unwrap_or_default());
    let parts: Vec<&str> = text.split('.').collect();
    let (last, first) = parts.split_last()?;
    if first.len() > 3 {
        return None;
    }
    let mut value: u32 = 0;
    for part in first {
        value = (value << 8) | number(part).filter(|part| *part <= 255)?;
    }
    let left = u32::try_from(8 * (4 - first.len())).ok()?;
    let last = number(last)?;
    if left < 32 && last >> left != 0 {
        return None;
    }
    Some(Ipv4Addr::from_bits(
        value.checked_shl(left).unwrap_or(0) | last,
    ))
}

fn number(text: &str) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if lower.len() > 1 && lower.starts_with('0') => (lower.as_str(), 8),
        None => (lower.as_str(), 10),
    };
    let is_number = !digits.is_empty() && digits.chars().all(|one| one.is_digit(radix));
    is_number
        .then(|| u32::from_str_radix(digits, radix).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_c() {
        for (text, wanted) in [
            ("10.1.2.3", Some("10.1.2.3")),
            ("10", Some("0.0.0.10")),
            ("10.1", Some("10.0.0.1")),
            ("10.1.258", Some("10.1.1.2")),
            ("0x0a.010.0.1", Some("10.8.0.1")),
            ("1.2.3.4\tx", Some("1.2.3.4")),
            ("4294967295", Some("255.255.255.255")),
            ("4294967296", None),
            ("256.1", None),
            ("1.2.3.4.5", None),
            ("1.2.3.", None),
            ("08", None),
            ("", None),
        ] {
            let wanted = wanted.map(|text| text.parse().unwrap());
            assert_eq!(inet_aton(text), wanted, "{text:?}");
        }
    }
}
