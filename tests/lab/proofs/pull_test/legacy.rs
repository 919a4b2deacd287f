//! The first generation: the pod is what its controller would build, dockerd is a container beside the runner.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Install, said};
use crate::harness::topic;
use crate::lab::Lab;

topic!(pull_test_legacy in Legacy: the_last_release_adds_the_daemon, the_first_release_has_it_written_out);

async fn tried(
    lab: &Arc<Lab>,
    name: &str,
    version: &str,
    containers: &str,
    set: &Value,
) -> Result<()> {
    let install = Install::new(lab, name, "legacy", version, set)?;
    // The controller starts one runner before the autoscaler has a say, and that runner would be proof enough.
    install.init(&["--wait", "manager"]).await?.expect_code(0);
    install.is_idle(name).await?;
    let outcome = install.init(&[]).await?.expect_code(0);
    let shown = format!(
        "✓ RunnerDeployment {name}-runners/{name}: a pod from its template pulled and started every container: {containers}; \
         Docker answers the runner"
    );
    said(&outcome, &[&shown])?;
    install.pods_are_gone().await?;
    install.uninstall().await
}

fn set(name: &str, image: Option<&str>) -> Value {
    let mut set = json!({"name": name, "kind": "RunnerDeployment", "containerMode": "dind", "min": 0, "max": 2,
        "scaling": {"queue": ["app"]}});
    if let Some(image) = image {
        set["image"] = image.into();
    }
    set
}

/// Over a socket that both mount.
async fn the_last_release_adds_the_daemon(lab: Arc<Lab>) -> Result<()> {
    tried(
        &lab,
        "last",
        "0.27.6",
        "arc-setup-prepare, runner, docker",
        &set("last", None),
    )
    .await
}

/// By TLS, with certificates that the daemon makes.
async fn the_first_release_has_it_written_out(lab: Arc<Lab>) -> Result<()> {
    let image = Some("summerwind/actions-runner:v2.277.1");
    let containers = "copy-externals, arc-setup-prepare, runner, docker";
    tried(&lab, "first", "0.18.2", containers, &set("first", image)).await
}
