//! What `ca doctor` says to a person.

use crate::pki::doctor::{Fetched, ProgramVerdict, Remedy, Shown, Unsent};
use crate::pki::programs::PROGRAMS;
use crate::ui::{foreign, table};

use super::{Answer, Interception, Seen, Way};

const DAY: i64 = 24 * 60 * 60;

/// The whole answer; `now` in seconds since 1970.
pub(super) fn text(answer: &Answer, now: i64) -> String {
    let mut lines = Vec::new();
    for way in &answer.ways {
        let direct = answer.ways.first().and_then(|direct| direct.seen.as_ref());
        way_lines(answer, way, direct, now, &mut lines);
    }
    if let Some(Interception { directly, proxied }) = &answer.interception {
        lines.push(format!(
            "the proxy looks into TLS: through it the certificate is issued by {proxied}, directly by {directly}. Whatever goes through the proxy needs that authority as well"
        ));
    }
    // Where there are two ways, one of which shows nothing.
    if let [directly, proxied] = answer.ways.as_slice()
        && directly.seen.is_some() != proxied.seen.is_some()
    {
        lines.push("whether the proxy looks into TLS is not known: only one of the two ways shows a certificate".to_owned());
    }
    if answer.has_two_certificates {
        lines.push(
            "the two ways end at two different certificates of one issuer: more than one server, or a renewal under way"
                .to_owned(),
        );
    }
    let mut text = String::new();
    for line in lines {
        text.push_str(&foreign::line(&line));
        text.push('\n');
    }
    text
}

fn way_lines(answer: &Answer, way: &Way, direct: Option<&Seen>, now: i64, lines: &mut Vec<String>) {
    if !lines.is_empty() {
        lines.push(String::new());
    }
    let name = match &way.proxy {
        Some(proxy) => format!("{} through {proxy}", answer.server),
        None => format!("{} directly", answer.server),
    };
    // Where there are two ways, what is not gone is for comparison.
    let name = match (way.is_used, answer.ways.len()) {
        (false, 2) => format!("{name} (not the way of an install)"),
        _ => name,
    };
    let Some(seen) = &way.seen else {
        let why = way.failure.as_deref().unwrap_or("nothing was seen");
        lines.push(format!("{name}: {why}"));
        return;
    };
    if way.proxy.is_some()
        && direct.is_some_and(|direct| direct.examination.sent == seen.examination.sent)
    {
        lines.push(format!("{name}: the same"));
        return;
    }
    lines.push(format!("{name} sends"));
    for (number, certificate) in seen.examination.sent.iter().enumerate() {
        certificate_lines(number + 1, certificate, now, lines);
    }
    for remark in &seen.examination.remarks {
        lines.push(format!("  note: {remark}"));
    }
    for unsent in &seen.examination.unsent {
        lines.push(format!("  not sent: {}", unsent_line(unsent)));
    }
    if let Some(root) = &seen.machine_root {
        lines.push(format!(
            "  note: it ends in {root}, which this machine trusts by itself. A public authority is trusted in images as well; if it is the company's, it belongs into caBundle"
        ));
    }
    for fetched in &seen.fetched {
        fetched_lines(fetched, lines);
    }
    lines.push(String::new());
    lines.push(format!("with {}", trusted(answer.bundle)));
    verdict_lines(&seen.examination.verdicts, lines);
    if !seen.verdicts_with_fetched.is_empty() {
        lines.push("with what was fetched beside it".to_owned());
        verdict_lines(&seen.verdicts_with_fetched, lines);
    }
    remedy_lines(&seen.remedies, lines);
}

fn trusted(bundle: usize) -> String {
    match bundle {
        0 => "no caBundle, and the public authorities".to_owned(),
        1 => "the one authority of caBundle, and the public ones".to_owned(),
        count => format!("the {count} authorities of caBundle, and the public ones"),
    }
}

fn certificate_lines(number: usize, certificate: &Shown, now: i64, lines: &mut Vec<String>) {
    lines.push(format!("  {number}. {}", certificate.subject));
    lines.push(format!("     issued by {}", certificate.issuer));
    if !certificate.is_authority || !certificate.names.is_empty() {
        let names = if certificate.names.is_empty() {
            "no host by name".to_owned()
        } else {
            certificate.names.join(", ")
        };
        lines.push(format!("     for {names}"));
    }
    lines.push(format!("     {}", validity(certificate, now)));
    let mut uses = Vec::new();
    if certificate.is_authority {
        uses.push("an authority".to_owned());
    }
    match &certificate.key_usages {
        Some(usages) => uses.push(format!("key usage {}", usages.join(", "))),
        None => uses.push("no key usage".to_owned()),
    }
    if !certificate.purposes.is_empty() {
        uses.push(format!("for {}", certificate.purposes.join(", ")));
    }
    if !certificate.names_issuers_key && certificate.subject != certificate.issuer {
        uses.push("no authority key identifier".to_owned());
    }
    lines.push(format!("     {}", uses.join("; ")));
    lines.push(format!("     SHA-256 {}", certificate.sha256));
}

fn validity(certificate: &Shown, now: i64) -> String {
    let (from, until) = (date(certificate.not_before), date(certificate.not_after));
    let left = certificate.not_after - now;
    if now < certificate.not_before {
        format!("valid from {from} on, which has not come")
    } else if left < 0 {
        format!("expired on {until}")
    } else {
        let days = match left / DAY {
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        };
        format!("valid from {from} until {until}, for {days} more")
    }
}

/// The day of a time in seconds since 1970, in UTC.
fn date(seconds: i64) -> String {
    match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.strftime("%Y-%m-%d").to_string(),
        Err(_) => "the end of time".to_owned(),
    }
}

fn unsent_line(unsent: &Unsent) -> String {
    let Unsent {
        subject, issued, ..
    } = unsent;
    let known = if unsent.is_trusted {
        "which is trusted"
    } else {
        "which is not trusted either"
    };
    let root = if unsent.is_root {
        " (a root need not be sent)"
    } else {
        ""
    };
    format!("{subject}, which issued {issued}; {known}{root}")
}

fn fetched_lines(fetched: &Fetched, lines: &mut Vec<String>) {
    let url = &fetched.url;
    match (&fetched.certificate, &fetched.failure) {
        (Some(certificate), _) => {
            lines.push(format!("  fetched from {url}: {}", certificate.subject));
            lines.push(format!("     SHA-256 {}", certificate.sha256));
            let pem = fetched.pem.iter().flat_map(|pem| pem.lines());
            lines.extend(pem.map(str::to_owned));
        }
        (None, why) => {
            let why = why.as_deref().unwrap_or("nothing was there");
            lines.push(format!("  not fetched from {url}: {why}"));
        }
    }
}

/// A table, unless all say the same.
fn verdict_lines(verdicts: &[ProgramVerdict], lines: &mut Vec<String>) {
    let first = verdicts.first().map(|first| &first.refusal);
    if verdicts.iter().all(|other| Some(&other.refusal) == first) {
        lines.push(match first {
            Some(Some(refusal)) => format!("  no program takes it: {refusal}"),
            _ => "  every program takes it".to_owned(),
        });
        return;
    }
    let heading = ["  PROGRAM", "USED BY", "VERDICT"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for verdict in verdicts {
        let said = match &verdict.refusal {
            None => "takes it".to_owned(),
            Some(refusal) => format!("refuses: {refusal}"),
        };
        rows.push(vec![
            format!("  {}", verdict.program),
            verdict.program.used_by().to_owned(),
            // A line of theirs would be a row.
            foreign::line(&said),
        ]);
    }
    lines.extend(table::columns(&rows).lines().map(str::to_owned));
}

fn remedy_lines(remedies: &[Remedy], lines: &mut Vec<String>) {
    if remedies.is_empty() {
        return;
    }
    lines.push("what to do".to_owned());
    for remedy in remedies {
        let programs: Vec<String> = remedy.programs.iter().map(ToString::to_string).collect();
        lines.push(format!("  - {}", remedy.text));
        if remedy.programs.len() < PROGRAMS.len() {
            lines.push(format!("    for {}", programs.join(", ")));
        }
    }
}
