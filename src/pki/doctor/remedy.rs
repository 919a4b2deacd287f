//! What to do about what programs refuse.

use serde::{Deserialize, Serialize};

use super::{Examination, Fetched, ProgramVerdict};
use crate::pki::programs::{Program, Refusal};

/// One thing to do, and whom it helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// What to do.
    pub text: String,
    /// The programs that refuse until it is done.
    pub programs: Vec<Program>,
}

/// What to do about everything that is refused, each once, in the order of the programs. `bundle` is how the bundle is
/// called, such as `caBundle (/etc/anchors)`.
pub fn remedies(examination: &Examination, bundle: &str, fetched: &[Fetched]) -> Vec<Remedy> {
    let mut remedies: Vec<Remedy> = Vec::new();
    for ProgramVerdict { program, refusal } in &examination.verdicts {
        let Some(refusal) = refusal else { continue };
        let text = text(refusal, examination, bundle, fetched);
        match remedies.iter_mut().find(|known| known.text == text) {
            Some(known) => known.programs.push(*program),
            None => remedies.push(Remedy {
                text,
                programs: vec![*program],
            }),
        }
    }
    remedies
}

fn text(refusal: &Refusal, examination: &Examination, bundle: &str, fetched: &[Fetched]) -> String {
    let server = examination.sent.first();
    let sha256 = server.map_or("", |server| server.sha256.as_str());
    match refusal {
        Refusal::Unreadable => {
            "give the server a certificate that can be read: what it sends is none".to_owned()
        }
        Refusal::MissingIssuer { issuer, .. } => format!(
            "add the certificate of {issuer} to {bundle}{}; or have the server send it, behind its own in the file of its certificate",
            where_it_is(examination, fetched, issuer)
        ),
        Refusal::NoRoot { root, .. } => format!(
            "add the root {root} to {bundle} as well{}: these programs go on to a root, and take no other authority as the end",
            where_it_is(examination, fetched, root)
        ),
        Refusal::UnknownRoot { root } => format!(
            "add the root {root} to {bundle}, if it is one that you know: the server sends it (SHA-256 {})",
            sha256_of(examination, root)
        ),
        Refusal::SelfSigned if server.is_some_and(|server| server.is_authority) => format!(
            "have the company's authority issue a certificate for the server; or add the server's own to {bundle}, if you know it (SHA-256 {sha256}): all but rustls take it then, and arc-setup itself with --pin-sha256"
        ),
        Refusal::SelfSigned => format!(
            "have the company's authority issue a certificate for the server: one that signed itself and is no authority's cannot be given to containers. arc-setup takes it meanwhile with --pin-sha256 {sha256}"
        ),
        Refusal::Pinned => format!(
            "add the authority that issued the server's certificate to {bundle}, and its root: these programs trust no server's certificate by itself, and it would end with the next renewal"
        ),
        Refusal::AuthorityAsServer => format!(
            "have the server use a certificate that is no authority's (CA:FALSE): one that signs others should not lie on a server. arc-setup takes it meanwhile with --pin-sha256 {sha256}"
        ),
        Refusal::NoAuthority { certificate } => format!(
            "have {certificate} issued anew as an authority (basic constraints CA:TRUE): it issued another certificate and may not"
        ),
        Refusal::KeyUsage { certificate } => format!(
            "have {certificate} issued anew with the key usage keyCertSign, which RFC 5280 asks for; until then such a program runs with strict verification switched off"
        ),
        Refusal::KeyIdentifier { certificate } => format!(
            "have {certificate} issued anew with key identifiers (subject and authority), which RFC 5280 asks for; until then such a program runs with strict verification switched off"
        ),
        Refusal::NotCritical { certificate } => format!(
            "have {certificate} issued anew with critical basic constraints, which RFC 5280 asks for; until then such a program runs with strict verification switched off"
        ),
        Refusal::Namesake { certificate } => format!(
            "have the server send the {certificate} that issued its certificate, and not an older or newer one"
        ),
        Refusal::PathTooLong { certificate } => format!(
            "have the server's certificate issued by an authority nearer to {certificate}, or that one issued anew with a longer path"
        ),
        Refusal::PurposeOfAuthority { certificate } => format!(
            "have the server's certificate issued by an authority that is for servers: {certificate} is not"
        ),
        Refusal::Observed { .. } => format!(
            "have the server's certificate issued anew; arc-setup takes it meanwhile with --pin-sha256 {sha256}, if it can be read"
        ),
        Refusal::Purpose => {
            "have the server's certificate issued anew for servers (extended key usage serverAuth)"
                .to_owned()
        }
        Refusal::NotValidNow { certificate, .. } => {
            format!("renew {certificate}, and look whether the clocks are right")
        }
        Refusal::Name { names } if names.is_empty() => {
            "have the server's certificate issued anew with the name that it is asked by (subject alternative name)".to_owned()
        }
        Refusal::Name { names } => format!(
            "ask the server by a name of its certificate ({}), or have that issued anew with this one",
            names.join(", ")
        ),
        Refusal::CommonNameOnly => {
            "have the server's certificate issued anew with its name as a subject alternative name: the common name alone is read no more".to_owned()
        }
    }
}

fn sha256_of<'a>(examination: &'a Examination, subject: &str) -> &'a str {
    let mut sent = examination.sent.iter();
    let found = sent.find(|one| one.subject == subject);
    found.map_or("unknown", |one| one.sha256.as_str())
}

/// Where an authority's certificate can be fetched, as what it issued says.
fn where_it_is(examination: &Examination, fetched: &[Fetched], subject: &str) -> String {
    let is_fetched = |one: &Fetched| {
        let certificate = one.certificate.as_ref();
        certificate.is_some_and(|certificate| certificate.subject == subject)
    };
    if fetched.iter().any(is_fetched) {
        return ", which is shown above (compare its SHA-256 with what its owner says)".to_owned();
    }
    let unsent = examination.unsent.iter().find(|one| one.subject == subject);
    let urls = unsent.into_iter().flat_map(|one| one.urls.iter());
    // What was tried in vain is told above.
    let is_open =
        |url: &&String| url.starts_with("http") && !fetched.iter().any(|one| one.url == **url);
    let url = urls.into_iter().find(is_open);
    url.map_or_else(String::new, |url| {
        format!(", which lies at {url} (--aia fetches it)")
    })
}
