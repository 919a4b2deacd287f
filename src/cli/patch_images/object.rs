//! What `patch-images` says to a person of one object: before → after for each image, and the reason where it was left.

use crate::apply::patch::{ObjectReport, TargetImage, Treatment};
use crate::plan::patch::Advice;
use crate::yaml;

/// One object.
pub(super) fn lines(report: &ObjectReport) -> Vec<String> {
    let mut lines = vec![head(report)];
    let advised = match &report.treatment {
        Treatment::Owned { advice } => advice.slots.as_slice(),
        _ => &[],
    };
    for slot in report.slots.iter().chain(advised) {
        let before = slot.before.as_deref().unwrap_or("(compiled in)");
        lines.push(format!(
            "  {}: {before} → {} [{}]",
            slot.place, slot.after, slot.rule
        ));
    }
    if let Treatment::Owned { advice } = &report.treatment {
        lines.extend(to_commit(advice));
    }
    lines.extend(
        report
            .pull_secrets
            .iter()
            .map(|pointer| format!("  {pointer}: pull secret appended")),
    );
    lines.extend(
        report
            .injected
            .iter()
            .map(|one| format!("  {}: gets {}", one.place, one.what.join(", "))),
    );
    lines.extend(
        report
            .removed
            .iter()
            .map(|removal| format!("  {}: {} taken out again", removal.place, removal.item)),
    );
    lines.extend(report.notes.iter().map(|note| format!("  note: {note}")));
    lines
}

/// What to commit, and what to run then.
fn to_commit(advice: &Advice) -> Vec<String> {
    let wanted = advice.to_commit();
    if wanted.as_array().is_some_and(Vec::is_empty) {
        return Vec::new();
    }
    let mut lines = vec!["  to commit there (or patch all the same with --force):".to_owned()];
    let wanted = yaml::to_string(&wanted);
    lines.extend(wanted.lines().map(|line| format!("    {line}")));
    if !advice.commands.is_empty() {
        lines.push("  then run, where that file is:".to_owned());
        let commands = advice.commands.iter();
        lines.extend(commands.map(|command| format!("    {command}")));
    }
    lines
}

fn targets(images: &[TargetImage]) -> String {
    let names: Vec<&str> = images.iter().map(|image| image.after.as_str()).collect();
    names.join(", ")
}

/// What became of it.
fn head(report: &ObjectReport) -> String {
    match &report.treatment {
        Treatment::Patched => report.object.to_string(),
        Treatment::Unchanged => format!("{}: as the rules want it", report.object),
        Treatment::ByOtherRules => format!(
            "{}: left as an earlier run with other rules wrote it",
            report.object
        ),
        Treatment::Stays => format!(
            "{}: left alone: nothing of it can be changed where it stands",
            report.object
        ),
        Treatment::Made { from } => {
            format!("{}: left alone, it is made from {from}", report.object)
        }
        Treatment::Skipped { why } => format!("{}: left alone: {why}", report.object),
        Treatment::Absent { images } => format!(
            "{}: not patched: not in the registry: {}",
            report.object,
            targets(images)
        ),
        Treatment::Unverified { images } => format!(
            "{}: not patched: not known to be in the registry: {}",
            report.object,
            targets(images)
        ),
        Treatment::NoPullSecret { namespace, name } => format!(
            "{}: not patched: Secret {namespace}/{name} is not there, and its pods could not log in",
            report.object
        ),
        Treatment::Failed { why } => format!("{}: not patched: {why}", report.object),
        Treatment::Kept => format!(
            "{}: nothing stands any more of what was patched; its record goes",
            report.object
        ),
        Treatment::Gone => format!("{}: it went away in between", report.object),
        Treatment::Refused { reasons } => {
            format!("{}: refused: {}", report.object, reasons.join("; "))
        }
        Treatment::Owned { advice } => {
            format!(
                "{}: not patched, {} would write it back: {}",
                report.object, advice.owner, advice.how
            )
        }
    }
}
