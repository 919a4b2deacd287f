//! A change of ARC's release in scale-set mode: the controller deletes every runner set that is not of its own
//! release, or since 0.12 of its minor (`config::arc_versions::keeps`), so it takes more than an apply.

use crate::config::arc_versions::differences::{Feature, has};
use crate::config::arc_versions::keeps;
use crate::config::{ArcVersion, Config, Mode};
use crate::facts::Facts;
use crate::failure::{Exit, Failure};
use crate::observe::Observed;

const VERSION_LABEL: &str = "app.kubernetes.io/version";

/// The failure (exit 3) that keeps running sets alive; None where nothing of another release is in reach.
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
    others.retain(|(_, version)| !keeps(wanted, *version));
    let (_, running) = others.first()?;
    let mut failure = Failure::new(
        "minor-change",
        Exit::Preflight,
        format!("ARC {running} runs here, and {wanted} is wanted"),
    )
    .why(format!(
        "a controller of {wanted} deletes every runner set whose version label names another {}",
        if has(Mode::ScaleSet, wanted, Feature::KeepsMinor) {
            "minor release"
        } else {
            "release"
        }
    ))
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
    fn before_0_12_another_patch_deletes_them_too() {
        let failed = failure(ArcVersion::new(0, 10, 1), holders(&running("0.10.0"))).unwrap();
        assert_eq!(failed.code(), "minor-change");
        assert!(
            failed.details().why[0].ends_with("names another release"),
            "{failed:?}"
        );
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
