//! The pull test of `init` on a real node: what it proves at min 0, and that it never stays.

pub(super) mod legacy;
pub(super) mod scale_set;

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::administrator;
use crate::lab::Lab;
use crate::support::arc_setup::{ArcSetup, Outcome};

/// An install of its own with one runner set of this name, which wants no runner while idle.
struct Install {
    lab: Arc<Lab>,
    program: ArcSetup,
    config: Value,
    runners: String,
}

impl Install {
    fn new(lab: &Arc<Lab>, name: &str, mode: &str, version: &str, set: &Value) -> Result<Self> {
        let runners = format!("{name}-runners");
        let mut config = administrator::behind_the_proxy(lab);
        config["name"] = name.into();
        config["mode"] = mode.into();
        config["version"] = version.into();
        config["namespaces"] = json!({"controller": format!("{name}-systems"), "runners": runners});
        config["runnerSets"] = json!([set]);
        Ok(Self {
            lab: Arc::clone(lab),
            program: administrator::program(lab)?,
            config,
            runners,
        })
    }

    /// `init` with more arguments.
    async fn init(&self, more: &[&str]) -> Result<Outcome> {
        let init = ["init", "--context", "lab", "--yes"];
        administrator::run(&self.program, &self.config, &[&init, more].concat()).await
    }

    /// Fails unless every pod of a pull test is gone.
    async fn pods_are_gone(&self) -> Result<()> {
        let wait = [
            "wait",
            "--namespace",
            &self.runners,
            "--for=delete",
            "pod",
            "--selector=arc-setup.dev/pull-test",
            "--timeout=30s",
        ];
        self.lab.cluster.kubectl(&wait).await.map(drop)
    }

    /// Waits until a RunnerDeployment wants no runner.
    async fn is_idle(&self, name: &str) -> Result<()> {
        // A controller that meets an autoscaler before its target looks again after a whole sync period, or when
        // it changes.
        let touch = [
            "annotate",
            "--namespace",
            &self.runners,
            "horizontalrunnerautoscalers.actions.summerwind.dev",
            "--all",
            "arc-setup.test/look=again",
        ];
        self.lab.cluster.kubectl(&touch).await?;
        let deployment = format!("runnerdeployments.actions.summerwind.dev/{name}");
        let wait = [
            "wait",
            "--namespace",
            &self.runners,
            "--for=jsonpath={.spec.replicas}=0",
            &deployment,
            "--timeout=120s",
        ];
        self.lab.cluster.kubectl(&wait).await.map(drop)
    }

    async fn uninstall(self) -> Result<()> {
        let uninstall = ["uninstall", "--context", "lab", "--yes"];
        let outcome = administrator::run(&self.program, &self.config, &uninstall).await?;
        outcome.expect_code(0);
        Ok(())
    }
}

/// Fails unless stderr holds all of these words.
fn said(outcome: &Outcome, words: &[&str]) -> Result<()> {
    for words in words {
        ensure!(
            outcome.stderr.contains(words),
            "{words} is not in:\n{}",
            outcome.stderr
        );
    }
    Ok(())
}
