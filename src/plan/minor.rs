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
    for entry in &observed.objects {
        if entry.object.kind == "AutoscalingRunnerSet"
            && let Some(label) = entry
                .live
                .as_ref()
                .and_then(|live| live.label(VERSION_LABEL))
            && let Ok(version) = label.parse::<ArcVersion>()
        {
            others.push((entry.object.to_string(), version));
        }
    }
    others.retain(|(_, version)| {
        (version.major, version.minor) != (config.version.major, config.version.minor)
    });
    let (_, running) = others.first()?;
    let mut failure = Failure::new(
        "minor-change",
        Exit::Preflight,
        format!("ARC {running} runs here, and {} is wanted", config.version),
    )
    .why("a controller deletes every runner set whose version label names another minor release")
    .remedy(format!("keep the release for now: version: {running}"))
    .remedy("or uninstall first: the runner sets of this install go, with the jobs on them");
    for (holder, version) in &others {
        failure = failure.evidence(format!("{holder} is {version}"));
    }
    Some(failure)
}
