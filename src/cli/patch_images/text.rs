//! What `patch-images` says to a person of all objects: above the question, and at the end of the answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::patch::{
    ImageRequest, Made, PatchOptions, PatchReport, Selection, Task, Unlisted,
};
use crate::plan::counted;
use crate::rewrite::injection::INJECTED_LABEL;
use crate::ui::table;

/// Kinds and namespaces that are named one by one in a line.
const NAMED: usize = 6;

/// What stands above the question.
pub(super) fn preview(report: &PatchReport, task: Task) -> Vec<String> {
    let mut lines = Vec::new();
    if report.patched() > 0 {
        lines.push(format!(
            "{} would be {}: {}",
            counted(report.patched(), "object"),
            done(task, report.patched()),
            named(&report.patched_kinds)
        ));
    }
    if report.put_back_in_part > 0 {
        lines.push(format!(
            "  {} of them but for what somebody changed since, which stays",
            report.put_back_in_part
        ));
    }
    if report.patched_namespaces.len() > 1 {
        lines.push(format!(
            "  in {}: {}",
            counted(report.patched_namespaces.len(), "namespace"),
            named(&report.patched_namespaces)
        ));
    }
    let others = [
        (
            report.kept(),
            "would lose the record of an earlier patch: nothing of it stands any more",
        ),
        (
            report.owned(),
            "left to a deployment tool (--force patches them all the same)",
        ),
        (
            report.skipped(),
            "left alone: they cannot be changed while they exist, or only a person can tell what they are",
        ),
        (
            report.stays(),
            "left alone: their images cannot be changed where they stand",
        ),
        (
            report.by_other_rules(),
            "left as an earlier run with other rules wrote them (--undo first puts them back)",
        ),
        (report.refused(), "refused by a rule"),
        (
            report.without_pull_secret(),
            "left as they are: the pull secret is not in their namespace",
        ),
        (
            report.not_verified(),
            "left as they are: their new images are not in the registry, or not known to be",
        ),
    ];
    for (count, why) in others {
        if count > 0 {
            lines.push(format!("{} {why}", counted(count, "object")));
        }
    }
    lines.extend(listeners(report));
    lines.extend(not_looked_at(report));
    let unknown = report.unverified_images.len();
    if unknown > 0 {
        lines.push(format!(
            "of {} nobody can tell whether the registry has them (--require-verified leaves their objects)",
            counted(unknown, "new image")
        ));
    }
    lines.push("each image before and after: the same command with --dry-run".to_owned());
    lines
}

/// What is done with an object.
fn done(task: Task, count: usize) -> &'static str {
    match (task, count) {
        (Task::Rewrite, _) => "patched",
        (Task::Undo, 0 | 1) => "put back as it was",
        (Task::Undo, _) => "put back as they were",
    }
}

/// The greatest counts by name: `30 Deployments, 2 CronJobs`; the rest together.
fn named(counts: &BTreeMap<String, usize>) -> String {
    let mut sorted: Vec<(&String, &usize)> = counts.iter().collect();
    sorted.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let rest: usize = sorted.iter().skip(NAMED).map(|(_, count)| **count).sum();
    let mut words: Vec<String> = sorted
        .iter()
        .take(NAMED)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    if rest > 0 {
        words.push(format!("{rest} others"));
    }
    words.join(", ")
}

/// Custom kinds without pods that may not be listed: most users may list few of a cluster's.
fn others_not_looked_at(report: &PatchReport) -> Option<String> {
    let is_other = |kind: &&Unlisted| !kind.is_required && kind.is_forbidden;
    let others = report.unlisted.iter().filter(is_other);
    let kinds: BTreeSet<&str> = others.map(|kind| kind.kind.as_str()).collect();
    let shown: Vec<&str> = kinds.iter().copied().take(NAMED).collect();
    let more = match kinds.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!kinds.is_empty()).then(|| {
        format!(
            "not looked at, since you may not list them: custom kinds without pods that may name images ({}{more})",
            shown.join(", ")
        )
    })
}

/// What could not be read, and is told one by one.
fn not_looked_at(report: &PatchReport) -> Vec<String> {
    let told = |kind: &&Unlisted| kind.is_required || !kind.is_forbidden;
    let line = |unlisted: &Unlisted| {
        let namespace = unlisted.namespace.as_ref();
        let place = namespace.map_or(String::new(), |name| format!(" in {name}"));
        let kind = &unlisted.kind;
        // One object is named with its kind before it.
        let plural = if kind.contains(' ') { "" } else { "s" };
        format!("not looked at: {kind}{plural}{place} ({})", unlisted.why)
    };
    report.unlisted.iter().filter(told).map(line).collect()
}

/// Listeners that keep the image they were made with: they are deleted, and made again by their controller.
fn listeners(report: &PatchReport) -> Option<String> {
    let listeners = &report.listeners_remade;
    let first = listeners.first()?;
    let more = match listeners.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let deleted = if report.dry_run {
        "would be deleted"
    } else {
        "deleted"
    };
    Some(format!(
        "{deleted}, for the controller to make again with its image: {first}{more}"
    ))
}

/// Where kubectl looks for the same.
fn place(selection: &Selection) -> String {
    match selection.namespaces.as_slice() {
        [namespace] => format!("-n {namespace}"),
        _ => "-A".to_owned(),
    }
}

/// What became of all of them, as the last lines of the answer.
pub(super) fn summary(report: &PatchReport, options: &PatchOptions) -> Vec<String> {
    let mut lines: Vec<String> = report.made.iter().map(made).collect();
    lines.extend(listeners(report));
    lines.extend(not_looked_at(report));
    lines.extend(others_not_looked_at(report));
    lines.extend(requests(report));
    lines.extend(no_longer_injected(report));
    if !report.untaken.is_empty() {
        let count = report.untaken.values().sum();
        lines.push(format!(
            "left as they are, since no rule takes them: {} ({})",
            counted(count, "image"),
            named(&report.untaken)
        ));
    }
    if report.rolling > 0 {
        let under_way = if report.rolling == 1 {
            "1 rollout is under way and not waited for".to_owned()
        } else {
            format!(
                "{} rollouts are under way and not waited for",
                report.rolling
            )
        };
        lines.push(format!(
            "{under_way}; pods that cannot pull show in: kubectl get pods {} | grep -E 'ImagePull|ErrImage'",
            place(&options.selection)
        ));
    }
    let kept = report.kept();
    if kept > 0 {
        let count = counted(kept, "object");
        let loses = if report.dry_run { "would lose" } else { "lost" };
        lines.push(format!(
            "{count} {loses} the record of an earlier patch, of which nothing stands any more"
        ));
    }
    let by_other_rules = report.by_other_rules();
    if by_other_rules > 0 {
        let count = counted(by_other_rules, "object");
        lines.push(format!(
            "{count} left as an earlier run with other rules wrote it: put back with --undo, then run this again"
        ));
    }
    let skipped = report.skipped();
    if skipped > 0 {
        let count = counted(skipped, "object");
        lines.push(format!(
            "{count} left alone that cannot be changed while existing, for the reasons above"
        ));
    }
    let stays = report.stays();
    if stays > 0 {
        let count = counted(stays, "object");
        lines.push(format!(
            "{count} left alone with images that cannot be changed where they stand, for the reasons above"
        ));
    }
    lines.push(last_line(report, options));
    lines
}

/// How the objects go that held authorities and proxy, once no pod reads them any more.
fn no_longer_injected(report: &PatchReport) -> Option<String> {
    let namespaces: Vec<&str> = report
        .no_longer_injected
        .keys()
        .take(NAMED)
        .map(String::as_str)
        .collect();
    let delete = |namespace: &str| {
        format!("kubectl delete configmap,secret -n {namespace} -l {INJECTED_LABEL}=true")
    };
    let command = match namespaces.as_slice() {
        [] => return None,
        [only] => delete(only),
        many if report.no_longer_injected.len() == many.len() => {
            let names = many.join(" ");
            format!(
                "for namespace in {names}; do {}; done",
                delete("$namespace")
            )
        }
        _ => format!("{}, in each of the namespaces", delete("NAMESPACE")),
    };
    Some(format!(
        "what held the authorities and the proxy stays for pods that still read it; when no workload has them any more: {command}"
    ))
}

/// What is to be asked of the registry's owner, and what nobody could tell.
fn requests(report: &PatchReport) -> Vec<String> {
    let table = |requests: &[ImageRequest], last: &str| {
        let heading = ["IMAGE", "PULLED AS", "RULE", "NEEDED FOR", last];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        rows.extend(requests.iter().map(|request| {
            let image = &request.image;
            let needed = match request.objects {
                1 => request.first.clone(),
                count => format!("{} and {} more", request.first, count - 1),
            };
            vec![
                image
                    .before
                    .clone()
                    .unwrap_or_else(|| "(compiled in)".to_owned()),
                image.after.clone(),
                image.rule.clone(),
                needed,
                image.why.clone(),
            ]
        }));
        let table = table::columns(&rows);
        let lines: Vec<String> = table.lines().map(|line| format!("  {line}")).collect();
        lines
    };
    let mut lines = Vec::new();
    if !report.absent_images.is_empty() {
        lines.push("not in the registry; ask its owner for:".to_owned());
        lines.extend(table(&report.absent_images, "THE REGISTRY SAYS"));
    }
    if !report.unverified_images.is_empty() {
        lines.push("not verified; whether they can be pulled is not known:".to_owned());
        lines.extend(table(&report.unverified_images, "WHY"));
    }
    lines
}

fn made(made: &Made) -> String {
    let Made { kind, from, count } = made;
    match count {
        1 => format!("1 {kind} follows the {from} that it is made from"),
        _ => format!("{count} {kind}s follow the {from}s that they are made from"),
    }
}

fn last_line(report: &PatchReport, options: &PatchOptions) -> String {
    let as_wanted = match (options.task, report.unchanged) {
        (Task::Rewrite, 1) => "1 object is as the rules want it".to_owned(),
        (Task::Rewrite, many) => format!("{many} objects are as the rules want them"),
        (Task::Undo, many) => format!("{} never patched", counted_was(many)),
    };
    let done = done(options.task, report.patched());
    let verb = match (report.dry_run, report.patched()) {
        (true, _) => format!("would be {done}"),
        (false, 1) => format!("was {done}"),
        (false, _) => format!("were {done}"),
    };
    match (report.patched(), report.told(), report.unchanged) {
        (0, 0, 0) if report.made.is_empty() => nothing_there(&options.selection),
        (0, 0, _) => format!("nothing to do: {as_wanted}"),
        (0, _, 0) => format!("nothing was {done}, for the reasons above"),
        (0, ..) => format!("nothing was {done}, for the reasons above; {as_wanted}"),
        (count, _, 0) => changed(report, count, &verb),
        (count, ..) => format!("{}; {as_wanted}", changed(report, count, &verb)),
    }
}

/// How many were changed. Those of which somebody changed a part since are not as they were, and are counted apart.
fn changed(report: &PatchReport, count: usize, verb: &str) -> String {
    let in_part = report.put_back_in_part;
    let apart = format!("{in_part} of them but for what somebody changed since, as noted above");
    match in_part {
        0 => format!("{} {verb}", counted(count, "object")),
        all if all == count => format!(
            "{} {verb} but for what somebody changed since, as noted above",
            counted(count, "object")
        ),
        _ => format!("{} {verb}, {apart}", counted(count, "object")),
    }
}

fn counted_was(count: usize) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!("{} {verb}", counted(count, "object"))
}

fn nothing_there(selection: &Selection) -> String {
    let place = match selection.namespaces.as_slice() {
        [] => "in this cluster".to_owned(),
        [name] => format!("in namespace {name}"),
        names => format!("in the namespaces {}", names.join(", ")),
    };
    let narrowed =
        selection.labels.is_some() || !selection.kinds.is_empty() || !selection.owners.is_empty();
    let chosen = if narrowed { " that was selected" } else { "" };
    if selection.all_workloads {
        return format!("nothing to do: there is no workload {place}{chosen}");
    }
    format!(
        "nothing to do: there is no ARC {place}{chosen}, neither a controller nor a runner object; --all-workloads, with -n or -A, looks at everything that has pods"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectRef;

    #[test]
    fn what_an_undo_puts_back_in_part_is_counted_apart() {
        let said = |count, put_back_in_part| {
            let report = PatchReport {
                treated: BTreeMap::from([("patched", count)]),
                put_back_in_part,
                ..PatchReport::default()
            };
            changed(&report, count, "were put back as they were")
        };
        assert_eq!(said(5, 0), "5 objects were put back as they were");
        assert_eq!(
            said(5, 1),
            "5 objects were put back as they were, 1 of them but for what somebody changed since, as noted above"
        );
        assert_eq!(
            said(2, 2),
            "2 objects were put back as they were but for what somebody changed since, as noted above"
        );
    }

    #[test]
    fn what_an_earlier_run_with_other_rules_wrote_is_told_with_its_way_back() {
        let report = PatchReport {
            treated: BTreeMap::from([("by-other-rules", 2)]),
            ..PatchReport::default()
        };
        assert_eq!(
            summary(&report, &PatchOptions::default())[0],
            "2 objects left as an earlier run with other rules wrote it: put back with --undo, then run this again"
        );
    }

    #[test]
    fn the_question_tells_of_listeners_and_of_what_could_not_be_read() {
        let listener = |name| ObjectRef::new("v1", "AutoscalingListener", Some("arc"), name);
        let unlisted = |kind: &str, namespace: Option<&str>| Unlisted {
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            why: "forbidden".to_owned(),
            is_required: true,
            is_forbidden: true,
        };
        let report = PatchReport {
            dry_run: true,
            listeners_remade: vec![listener("a"), listener("b")],
            unlisted: vec![
                unlisted("CronJob", None),
                unlisted("the ConfigMap hooks", Some("ci")),
            ],
            ..PatchReport::default()
        };
        let lines = preview(&report, Task::Rewrite);
        for line in [
            "would be deleted, for the controller to make again with its image: AutoscalingListener arc/a and 1 more",
            "not looked at: CronJobs (forbidden)",
            "not looked at: the ConfigMap hooks in ci (forbidden)",
        ] {
            assert!(lines.iter().any(|one| one == line), "{line}: {lines:?}");
        }
    }
}
