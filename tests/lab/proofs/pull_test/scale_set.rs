//! Runner scale sets: the pod is the template's, and dockerd is a sidecar with a startup probe.

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Install, said};
use crate::evidence::Since;
use crate::harness::topic;
use crate::lab::Lab;
use crate::parts::containerd;
use crate::parts::namespaces::NODE;
use crate::parts::registry::{NODE_MIRROR, PULLER};

topic!(pull_test_scale_set in ScaleSet: dockerd_starts_and_answers_the_runner, an_absent_dind_image_fails_init);

fn install(lab: &Arc<Lab>, name: &str) -> Result<Install> {
    let set = json!({"name": format!("{name}-set"), "containerMode": "dind", "max": 2});
    Install::new(lab, name, "scale-set", "0.14.2", &set)
}

async fn dockerd_starts_and_answers_the_runner(lab: Arc<Lab>) -> Result<()> {
    let install = install(&lab, "tried")?;
    containerd::forget_images().await?;
    let since = Since::now(&lab)?;
    let first = install.init(&[]).await?.expect_code(0);
    said(
        &first,
        &[
            "✓ AutoscalingRunnerSet tried-runners/tried-set: a pod from its template pulled and started every container: \
           init-dind-externals, dind, arc-setup-prepare, runner; Docker answers the runner",
        ],
    )?;
    let seen = since.of(&lab, NODE)?;
    let (own, mirrored) = (seen.pulled_by(PULLER), seen.pulled_by(NODE_MIRROR));
    ensure!(own.contains("actions/actions-runner:2.335.1"), "{own:?}");
    ensure!(
        mirrored.contains("library/docker:29.7.2-dind"),
        "{mirrored:?}"
    );
    install.pods_are_gone().await?;
    // Once shown it is not tried again.
    let since = Since::now(&lab)?;
    let again = install.init(&[]).await?.expect_code(0);
    said(&again, &["nothing to do"])?;
    let pulled = since.of(&lab, NODE)?.pulled_by(NODE_MIRROR);
    ensure!(!pulled.contains("library/docker:29.7.2-dind"), "{pulled:?}");
    install.uninstall().await
}

async fn an_absent_dind_image_fails_init(lab: Arc<Lab>) -> Result<()> {
    let install = install(&lab, "absent")?;
    let failed = install
        .init(&["--dind-image", "docker:29.7.2-absent"])
        .await?
        .expect_code(20);
    said(
        &failed,
        &[
            "Pod absent-runners/absent-set-pull-test-",
            "container dind, image docker:29.7.2-absent",
            "code: image-absent",
        ],
    )?;
    install.pods_are_gone().await?;
    install.init(&[]).await?.expect_code(0);
    install.uninstall().await
}
