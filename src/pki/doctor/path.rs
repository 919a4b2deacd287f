//! From a server's certificate upwards.

use crate::pki::certificate::{Certificate, LONGEST_CHAIN};

/// An issuer that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its subject.
    pub subject: String,
    /// DER of the certificate that it issued.
    pub issued: Vec<u8>,
    /// Where it can be fetched, as that one says.
    pub urls: Vec<String>,
}

impl Wanted {
    /// The one of these certificates (DER) that is this issuer's.
    pub fn among(&self, ders: Vec<Vec<u8>>) -> Option<Vec<u8>> {
        let known = Certificate::read(&self.issued)?;
        let is_it = |der: &Vec<u8>| {
            let other = Certificate::read(der);
            other.is_some_and(|other| known.is_issued_by(&other))
        };
        ders.into_iter().find(is_it)
    }
}

/// The issuers of `server` that are among `others`, from it upwards.
pub(super) fn upwards<'c, 'a>(
    server: &Certificate<'a>,
    others: &'c [Certificate<'a>],
) -> Vec<&'c Certificate<'a>> {
    let mut chain: Vec<&Certificate<'a>> = Vec::new();
    while chain.len() < LONGEST_CHAIN {
        let last = chain.last().copied().unwrap_or(server);
        let next = others.iter().find(|other| {
            chain.iter().all(|known| known.der != other.der) && last.is_issued_by(other)
        });
        match next {
            Some(next) if !last.is_self_issued() => chain.push(next),
            _ => break,
        }
    }
    chain
}

/// The issuer that a chain lacks, of what is sent and what is known (DER); None where the chain ends in a root.
pub fn wanted(sent: &[Vec<u8>], known: &[Vec<u8>]) -> Option<Wanted> {
    let (sent, known) = (Certificate::read_all(sent), Certificate::read_all(known));
    let (server, others) = sent.split_first()?;
    let mut last = server;
    for _ in 0..LONGEST_CHAIN {
        if last.is_self_issued() {
            return None;
        }
        let all = others.iter().chain(&known);
        let Some(next) = all.into_iter().find(|one| last.is_issued_by(one)) else {
            return Some(Wanted {
                subject: last.issuer(),
                issued: last.der.to_vec(),
                urls: last.issuer_urls(),
            });
        };
        last = next;
    }
    None
}

/// The one of `roots` (DER; asked for only where it matters) that a chain ends in, as far as it is sent or in `bundle`.
pub fn root_needed(
    sent: &[Vec<u8>],
    bundle: &[Vec<u8>],
    roots: impl FnOnce() -> Vec<Vec<u8>>,
) -> Option<Vec<u8>> {
    let (sent, bundle) = (Certificate::read_all(sent), Certificate::read_all(bundle));
    let server = sent.first()?;
    let mut last = server;
    for _ in 0..LONGEST_CHAIN {
        let is_trusted = bundle.iter().any(|one| one.der == last.der);
        if is_trusted && last.is_self_issued() {
            return None;
        }
        let all = sent.iter().chain(&bundle);
        let next = all
            .into_iter()
            .find(|one| one.der != last.der && last.is_issued_by(one));
        match next {
            Some(next) if !last.is_self_issued() => last = next,
            _ => break,
        }
    }
    let roots = roots();
    let roots = Certificate::read_all(&roots);
    // The same root with another certificate counts as well.
    let root = roots
        .iter()
        .find(|root| last.der == root.der || last.is_issued_by(root));
    root.map(|root| root.der.to_vec())
}
