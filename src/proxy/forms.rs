//! One entry of NO_PROXY in the forms that every reader honours.

use std::net::IpAddr;

/// What to write for an entry. A domain `D` becomes `D,.D`: some readers take the first for the domain alone, some the
/// second for its subdomains alone. An address of IPv6 stands without and with brackets. There is no `*.`, which most
/// do not know, no port, for which curl, git and wget pass an entry over, no blank, and no range of one address.
pub fn forms(entry: &str) -> Vec<String> {
    let entry: String = entry
        .chars()
        .filter(|letter| !letter.is_whitespace() && !letter.is_control() && *letter != ',')
        .flat_map(char::to_lowercase)
        .collect();
    if entry == "*" {
        return vec![entry];
    }
    if let Some(range) = range(&entry) {
        return range;
    }
    // What is left out may stand before something else that is.
    let mut bare = entry.as_str();
    loop {
        let shorter = shortened(bare);
        if shorter == bare {
            break;
        }
        bare = shorter;
    }
    if let Ok(address) = bare.parse::<IpAddr>() {
        return of_address(address);
    }
    // Whole hosts have one form.
    match bare {
        "" => Vec::new(),
        "localhost" | "kubernetes.default.svc" => vec![bare.to_owned()],
        "svc" => vec![".svc".to_owned()],
        _ => vec![bare.to_owned(), format!(".{bare}")],
    }
}

fn range(entry: &str) -> Option<Vec<String>> {
    let (address, bits) = entry.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits: u8 = bits.parse().ok().filter(|bits| *bits <= most)?;
    Some(if bits == most {
        of_address(address)
    } else {
        vec![format!("{address}/{bits}")]
    })
}

/// Without a scheme, a path, a star and dots in front, a port, and dots behind.
fn shortened(text: &str) -> &str {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split('/').next().unwrap_or_default();
    let text = text.trim_start_matches(['*', '.']);
    without_port(text).trim_end_matches('.')
}

fn of_address(address: IpAddr) -> Vec<String> {
    match address {
        IpAddr::V4(_) => vec![address.to_string()],
        IpAddr::V6(_) => vec![address.to_string(), format!("[{address}]")],
    }
}

/// `host:port`, `[address]:port`, `[address]`; an address of IPv6 without brackets has no port.
fn without_port(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::{Destination, PROGRAMS, Program, Reader, Variables};

    #[test]
    fn every_entry_becomes_what_all_understand() {
        for (entry, wanted) in [
            (" *.corp.example ", "corp.example,.corp.example"),
            (".corp.example", "corp.example,.corp.example"),
            ("Corp.Example.", "corp.example,.corp.example"),
            ("registry.corp:5000", "registry.corp,.registry.corp"),
            ("https://registry.corp/x", "registry.corp,.registry.corp"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3:80", "10.1.2.3"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("FD00:0::1", "fd00::1,[fd00::1]"),
            ("[fd00::1]:6443", "fd00::1,[fd00::1]"),
            ("fd00::/8", "fd00::/8"),
            ("localhost", "localhost"),
            ("svc", ".svc"),
            ("*", "*"),
            (".", ""),
            ("", ""),
        ] {
            assert_eq!(forms(entry).join(","), wanted, "{entry:?}");
        }
    }

    /// The point of the forms: no two programs differ in them, but for the runner, which takes no address at all, and
    /// Java, which reads no variables.
    #[test]
    fn no_reader_differs_in_them() {
        let cases = [
            ("*.corp", &["corp", "a.corp", "a.b.corp"][..]),
            ("registry.corp:5000", &["registry.corp"]),
            ("10.1.2.3", &["10.1.2.3"]),
            ("fd00::1", &["[fd00::1]"]),
        ];
        for (entry, hosts) in cases {
            let variables = Variables::injected(true, true, &forms(entry).join(","));
            for program in PROGRAMS {
                let reader = Reader::new(program, &variables);
                for host in hosts {
                    let to = Destination::new(true, host, Some(5000));
                    let takes_none = program == Program::Runner && to.address().is_some();
                    let is_expected = reader.decide(&to).is_direct != takes_none;
                    assert!(is_expected, "{program}: {entry}: {to}");
                }
                let other = Destination::new(true, "acorp", None);
                let is_direct = reader.decide(&other).is_direct;
                // To the oldest any end of a name matches: nothing can be written that it does not take too far.
                let reads = !matches!(program, Program::Java | Program::OldRequests);
                assert!(!(reads && is_direct), "{program}: {entry}");
            }
        }
    }
}
