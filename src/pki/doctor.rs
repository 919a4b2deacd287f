//! What a server's chain is, what is missing of it, what each program makes of it, and what to do.
//!
//! Pure: the chain as it was seen, what is trusted, and the time.

mod path;
mod remedy;
mod shown;

use serde::{Deserialize, Serialize};

use super::certificate::{Certificate, LONGEST_CHAIN};
use super::programs::{Presented, Program, Refusal, judge_all};
use path::upwards;
pub use path::{Wanted, root_needed, wanted};
pub use remedy::{Remedy, remedies};
pub use shown::Shown;

/// All that can be said of one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Examination {
    /// What was sent, in that order.
    pub sent: Vec<Shown>,
    /// What is wrong with how it was sent, for a person.
    pub remarks: Vec<String>,
    /// What belongs to the chain and was not sent, from the server's certificate upwards.
    pub unsent: Vec<Unsent>,
    /// What each program makes of it.
    pub verdicts: Vec<ProgramVerdict>,
}

/// An authority of the chain that the server does not send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unsent {
    /// Its subject.
    pub subject: String,
    /// The certificate that it issued.
    pub issued: String,
    /// True for a root, which need not be sent.
    pub is_root: bool,
    /// It is among what is trusted.
    pub is_trusted: bool,
    /// Where it can be fetched, as what it issued says.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub urls: Vec<String>,
}

/// What one program makes of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgramVerdict {
    /// Which.
    pub program: Program,
    /// Why it refuses; None where it takes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refusal: Option<Refusal>,
}

/// What was fetched from where a certificate says that its issuer's lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fetched {
    /// From where.
    pub url: String,
    /// The issuer that was looked for, where it was there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate: Option<Shown>,
    /// The same, PEM.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pem: Option<String>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<String>,
}

impl Examination {
    /// What our own client said just now counts more than what is known of it.
    pub fn observed(&mut self, refusal: Option<&str>) {
        let of_ours = self
            .verdicts
            .iter_mut()
            .find(|verdict| verdict.program == Program::Rustls);
        if let Some(verdict) = of_ours {
            verdict.refusal = refusal.map(|why| {
                let known = verdict.refusal.take();
                known.unwrap_or_else(|| Refusal::Observed {
                    why: why.to_owned(),
                })
            });
        }
    }

    /// The programs that refuse, each with its reason.
    pub fn refused(&self) -> impl Iterator<Item = (Program, &Refusal)> {
        let verdicts = self.verdicts.iter();
        verdicts.filter_map(|verdict| Some((verdict.program, verdict.refusal.as_ref()?)))
    }
}

/// Examines what a server presents.
pub fn examine(presented: &Presented<'_>) -> Examination {
    let sent = Certificate::read_all(presented.sent);
    let trusted = Certificate::read_all(presented.trusted);
    Examination {
        sent: sent.iter().map(Shown::of).collect(),
        remarks: remarks(&sent, presented.sent.len()),
        unsent: unsent(&sent, &trusted),
        verdicts: verdicts(presented),
    }
}

/// What each program makes of it.
pub fn verdicts(presented: &Presented<'_>) -> Vec<ProgramVerdict> {
    let verdict = |(program, refusal)| ProgramVerdict { program, refusal };
    judge_all(presented).into_iter().map(verdict).collect()
}

/// What is odd about the order and the number of what was sent.
fn remarks(sent: &[Certificate<'_>], count: usize) -> Vec<String> {
    let mut remarks = Vec::new();
    if sent.len() < count {
        remarks.push(format!(
            "{} of the {count} certificates that were sent cannot be read",
            count - sent.len()
        ));
    }
    let Some((server, others)) = sent.split_first() else {
        return remarks;
    };
    let chain = upwards(server, others);
    for other in others {
        if !chain.iter().any(|one| one.der == other.der) {
            let names_it = |one: &&Certificate<'_>| one.issuer() == other.subject();
            let is_namesake = names_it(&server) || chain.iter().any(names_it);
            let why = if is_namesake {
                ": it has the name of an issuer, and another key; Java may refuse such a chain"
            } else {
                ""
            };
            remarks.push(format!(
                "{} was sent and is no part of the chain{why}",
                other.subject()
            ));
        }
    }
    let order = others
        .iter()
        .filter(|other| chain.iter().any(|one| one.der == other.der));
    let is_ordered = order.zip(&chain).all(|(other, one)| other.der == one.der);
    if !is_ordered {
        remarks.push(
            "the certificates were sent in another order than each with its issuer behind it, which TLS before 1.3 asks for"
                .to_owned(),
        );
    }
    if let Some(root) = chain.iter().find(|one| one.is_self_issued()) {
        remarks.push(format!(
            "the root {} was sent, which no program needs: each trusts only the one that it has",
            root.subject()
        ));
    }
    remarks
}

/// What is not sent of the chain, as far as it is known.
fn unsent(sent: &[Certificate<'_>], trusted: &[Certificate<'_>]) -> Vec<Unsent> {
    let mut unsent = Vec::new();
    let Some(mut last) = sent.first() else {
        return unsent;
    };
    for _ in 0..LONGEST_CHAIN {
        if last.is_self_issued() {
            return unsent;
        }
        let issued = |one: &&Certificate<'_>| last.is_issued_by(one);
        if let Some(next) = sent.iter().find(issued) {
            last = next;
            continue;
        }
        let known = trusted.iter().find(issued);
        unsent.push(Unsent {
            subject: last.issuer(),
            issued: last.subject(),
            is_root: known.is_some_and(Certificate::is_self_issued),
            is_trusted: known.is_some(),
            urls: last.issuer_urls(),
        });
        match known {
            Some(next) => last = next,
            // Above it nothing is known.
            None => return unsent,
        }
    }
    unsent
}

#[cfg(test)]
#[path = "doctor/tests.rs"]
mod tests;
