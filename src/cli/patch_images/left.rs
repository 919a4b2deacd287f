//! What `patch-images` left undone.

use crate::apply::patch::{PatchOptions, PatchReport};
use crate::failure::Exit;
use crate::plan::counted;

/// What was left undone, each with the exit code that it asks for; the run ends with the one of [`PatchReport::exit`].
pub(super) fn left_undone(report: &PatchReport, options: &PatchOptions) -> Vec<(String, Exit)> {
    let secret = secret_to_make(report, options);
    let refused = [
        (
            report.refused(),
            "a rule denies an image, or would make one image of two; change the rule, or the object"
                .to_owned(),
        ),
        (
            report.without_pull_secret(),
            secret,
        ),
        (
            report.not_verified(),
            "a new image is not in the registry, or not known to be; when the registry has it, run the same command again"
                .to_owned(),
        ),
        (
            report.failed(),
            "the server did not take the patch, for the reasons above".to_owned(),
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

/// Most namespaces that a command names.
const NAMED: usize = 20;

/// Which pull secret is to be made where, as a command.
fn secret_to_make(report: &PatchReport, options: &PatchOptions) -> String {
    let name = options.pull_secret.as_deref().unwrap_or("NAME");
    let namespaces: Vec<&str> = report
        .namespaces_without_pull_secret
        .keys()
        .map(String::as_str)
        .collect();
    let create = |namespace: &str| {
        format!(
            "kubectl create secret generic {name} -n {namespace} --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=config.json"
        )
    };
    let (place, command) = match namespaces.as_slice() {
        [namespace] => (format!("in {namespace}"), create(namespace)),
        all if all.len() <= NAMED => (
            format!("in {} namespaces", all.len()),
            format!(
                "for namespace in {}; do {}; done",
                all.join(" "),
                create("$namespace")
            ),
        ),
        all => (
            format!("in {} namespaces, which are named above", all.len()),
            create("NAMESPACE"),
        ),
    };
    format!(
        "the pull secret {name} is not {place}; make it there and run the same command again: {command}"
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(namespaces: &[String]) -> String {
        let report = PatchReport {
            treated: [("no-pull-secret", namespaces.len())].into(),
            namespaces_without_pull_secret: namespaces.iter().map(|one| (one.clone(), 1)).collect(),
            ..PatchReport::default()
        };
        let options = PatchOptions {
            pull_secret: Some("mirror".to_owned()),
            ..PatchOptions::default()
        };
        let mut lines = left_undone(&report, &options);
        assert_eq!(lines.len(), 1);
        lines.remove(0).0
    }

    #[test]
    fn the_secret_that_is_to_be_made_is_named_with_its_namespaces() {
        let shop = |count: usize| -> Vec<String> {
            (0..count)
                .map(|number| format!("shop-{number:02}"))
                .collect()
        };
        let create = |namespace: &str| {
            format!(
                "kubectl create secret generic mirror -n {namespace} --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=config.json"
            )
        };
        let one = told(&shop(1));
        assert!(one.contains("mirror is not in shop-00;"), "{one}");
        assert!(one.ends_with(&create("shop-00")), "{one}");
        let two = told(&shop(2));
        let of_all = format!(
            "for namespace in shop-00 shop-01; do {}; done",
            create("$namespace")
        );
        assert!(two.ends_with(&of_all), "{two}");
        let many = told(&shop(21));
        assert!(
            many.contains("in 21 namespaces, which are named above"),
            "{many}"
        );
    }
}
