//! What `patch-images` left undone.

use crate::apply::patch::PatchReport;
use crate::failure::Exit;
use crate::plan::counted;

/// What was left undone, each with the exit code that it asks for; the run ends with the one of [`PatchReport::exit`].
pub(super) fn left_undone(report: &PatchReport) -> Vec<(String, Exit)> {
    let refused = [
        (
            report.refused(),
            "a rule denies an image, or would make one image of two; change the rule, or the object",
        ),
        (
            report.without_pull_secret(),
            "the pull secret is not in the namespace; make it there and run the same command again: kubectl create secret generic NAME -n NAMESPACE --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=config.json",
        ),
        (
            report.not_verified(),
            "a new image is not in the registry, or not known to be; when the registry has it, run the same command again",
        ),
        (
            report.failed(),
            "the server did not take the patch, for the reasons above",
        ),
    ];
    let refused = refused.into_iter().filter(|(count, _)| *count > 0);
    let mut lines: Vec<(String, Exit)> = refused
        .map(|(count, why)| (format!("{}: {why}", left(count)), Exit::ApplyFailed))
        .collect();
    lines.extend(
        not_looked_at(report.unlisted_and_required()).map(|line| (line, Exit::ApplyFailed)),
    );
    lines.extend(left_to_tools(report.owned()).map(|line| (line, Exit::Conflict)));
    lines
}

fn left(count: usize) -> String {
    let was = if count == 1 { "it was" } else { "they were" };
    format!("{} left as {was}", counted(count, "object"))
}

fn not_looked_at(kinds: usize) -> Option<String> {
    let verb = if kinds == 1 { "was" } else { "were" };
    (kinds > 0).then(|| {
        format!(
            "{} {verb} not looked at, for the reasons above: use a login that may list them, or name those that are meant with --kind",
            counted(kinds, "kind")
        )
    })
}

fn left_to_tools(count: usize) -> Option<String> {
    let (tool, it) = if count == 1 {
        ("its deployment tool", "it")
    } else {
        ("their deployment tools", "them")
    };
    (count > 0).then(|| {
        format!(
            "{} left to {tool}: commit there what stands above, or patch {it} all the same with --force",
            counted(count, "object")
        )
    })
}
