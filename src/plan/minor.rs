//! A change of ARC's minor release in scale-set mode: the controller deletes every runner set of another minor
//! (`IsVersionAllowed` in upstream's autoscalingrunnerset_controller.go), so it takes more than an apply.

use crate::config::{ArcVersion, Config, Mode};
use crate::facts::Facts;
use crate::failure::{Exit, Failure};
use crate::observe::Observed;

const VERSION_LABEL: &str = "app.kubernetes.io/version";

/// The failure (exit 3) that keeps running sets alive; None where nothing of another minor is in reach.
pub fn minor_change(config: &Config, facts: &Facts, observed: &Observed) -> Option<Failure> {
    if config.mode != Mode::ScaleSet {
        return None;
    }
    let mut others: Vec<(String, ArcVersion)> = Vec::new();
    for controller in &facts.cluster.controllers {
        let ours = controller.install.as_deref() == Some(config.name.as_str())
            && controller.namespace == config.controller_namespace();
        let existing = config.controller.existing.as_ref().is_some_and(|existing| {
            existing.namespace == controller.namespace && existing.name == controller.name
        });
        if controller.scale_set
            && (ours || existing)
            && let Some(version) = controller.version
        {
            others.push((
                format!("controller {}/{}", controller.namespace, controller.name),
                version,
            ));
        }
    }
    others.extend(holders(observed));
    failure(config.version, others)
}

/// The runner sets of the plan that live, with the release that their label names.
fn holders(observed: &Observed) -> Vec<(String, ArcVersion)> {
    observed
        .objects
        .iter()
        .filter(|entry| entry.object.kind == "AutoscalingRunnerSet")
        .filter_map(|entry| {
            let label = entry.live.as_ref()?.label(VERSION_LABEL)?;
            Some((entry.object.to_string(), label.parse().ok()?))
        })
        .collect()
}

fn failure(wanted: ArcVersion, mut others: Vec<(String, ArcVersion)>) -> Option<Failure> {
    others.retain(|(_, version)| (version.major, version.minor) != (wanted.major, wanted.minor));
    let (_, running) = others.first()?;
    let mut failure = Failure::new(
        "minor-change",
        Exit::Preflight,
        format!("ARC {running} runs here, and {wanted} is wanted"),
    )
    .why("a controller deletes every runner set whose version label names another minor release")
    .remedy(format!("keep the release for now: version: {running}"))
    .remedy("or uninstall first: the runner sets of this install go, with the jobs on them");
    for (holder, version) in &others {
        failure = failure.evidence(format!("{holder} is {version}"));
    }
    Some(failure)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::ObjectRef;
    use crate::observe::{DryRun, Live, ObservedObject};

    fn running(version: &str) -> Observed {
        Observed {
            objects: vec![ObservedObject {
                object: ObjectRef::new(
                    "actions.github.com/v1alpha1",
                    "AutoscalingRunnerSet",
                    Some("r"),
                    "a",
                ),
                live: Some(Live {
                    resource_version: "1".to_owned(),
                    uid: "u".to_owned(),
                    object: json!({"metadata": {"labels": {VERSION_LABEL: version}}}),
                }),
                dry_run: DryRun::Unknown { why: String::new() },
                warnings: Vec::new(),
                keys: Vec::new(),
            }],
            ..Observed::default()
        }
    }

    #[test]
    fn another_patch_is_fine_and_another_minor_names_the_set() {
        let wanted = ArcVersion::new(0, 14, 2);
        assert_eq!(failure(wanted, holders(&running("0.14.1"))), None);
        let failed = failure(wanted, holders(&running("0.13.1"))).unwrap();
        assert_eq!(failed.exit(), Exit::Preflight);
        assert_eq!(failed.code(), "minor-change");
        assert_eq!(
            failed.details().evidence,
            ["AutoscalingRunnerSet r/a is 0.13.1"]
        );
    }
}
