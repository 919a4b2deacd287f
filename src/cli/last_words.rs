//! How a run of `init` that began to write ends, for a person: what is proven, how to use it, how to go on.

use crate::cli::Session;
use crate::clients::kube::Cluster;
use crate::config::{Config, Mode, RunnerSet};
use crate::failure::Failure;
use crate::ui::output;
use crate::verify::wait::{Level, Report};

/// Says what is proven, what is not, and last how it ended; `wrote` tells whether anything was out of step.
pub(super) fn told(
    report: &Report,
    wrote: bool,
    config: &Config,
    session: &Session,
    cluster: &Cluster,
) {
    if session.quiet {
        return;
    }
    if session.verbose {
        for proof in &report.proven {
            output::talk(&format!("  proven: {}: {}", proof.object, proof.proof));
        }
    }
    for gap in &report.not_proven {
        output::talk(&format!("  not proven: {gap}"));
    }
    if !wrote {
        output::talk(as_wanted(report));
        return;
    }
    let verb = match report.level {
        Level::None => "written to",
        Level::Manager | Level::Runners => "installed in",
    };
    let context = &cluster.identity.context;
    output::talk(&format!("{} is {verb} {context}", config.name));
    for set in &config.runner_sets {
        let runs_on = runs_on(config.mode, set);
        output::talk(&format!(
            "  {}: jobs get there by `runs-on: {runs_on}`",
            set.name
        ));
    }
}

/// The last word of a run that found nothing to write.
fn as_wanted(report: &Report) -> &'static str {
    if report.has_tried {
        "nothing to write: everything is as wanted, and the pull test has shown that its pods start"
    } else {
        "nothing to do: everything is as wanted"
    }
}

/// What a workflow says to get a runner of the set: a scale set's name, or `self-hosted` and the labels of legacy
/// runners.
fn runs_on(mode: Mode, set: &RunnerSet) -> String {
    match mode {
        Mode::ScaleSet => set.name.clone(),
        Mode::Legacy if set.labels.is_empty() => "self-hosted".to_owned(),
        Mode::Legacy => format!("[self-hosted, {}]", set.labels.join(", ")),
    }
}

/// Says of a run that stopped after it began to write how to go on, unless the failure does.
pub(super) fn goes_on(failure: Failure) -> Failure {
    let remedies = &failure.details().remedy;
    if remedies
        .iter()
        .any(|remedy| remedy.contains("same command"))
    {
        return failure;
    }
    failure
        .remedy("what was written stays: once that is mended, the same command goes on from there")
        .remedy("to take it away instead: arc-setup uninstall")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    #[test]
    fn how_to_go_on_is_said_once() {
        let failure = Failure::new(
            "image-absent",
            Exit::ApplyFailed,
            "it does not become ready",
        );
        let told = goes_on(failure);
        assert_eq!(told.details().remedy.len(), 2);
        assert_eq!(goes_on(told.clone()), told);
    }
}
