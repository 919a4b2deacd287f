//! Pod security: the controller needs nothing that `restricted` forbids; a Docker daemon does, and where it may not be,
//! nothing is begun.

use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::harness::topic;
use crate::install::{self, Install};
use crate::lab::Lab;
use crate::standing::make_restricted;

topic!(LEGACY = pod_security in Legacy: a_daemon_of_the_first_generation_is_refused_before_anything);
topic!(LEGACY_CONTROLLER = pod_security on Legacy: restricted_suits_the_first_controller);
topic!(SCALE_SET = pod_security in ScaleSet: a_scale_sets_daemon_is_refused_before_anything);
topic!(SCALE_SET_CONTROLLER = pod_security on ScaleSet: restricted_suits_the_scale_set_controller);

async fn restricted_suits_the_first_controller(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.legacy(&lab).await?;
    restricted_suits_the_controller(&lab, &install).await
}

async fn restricted_suits_the_scale_set_controller(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.scale_set(&lab).await?;
    restricted_suits_the_controller(&lab, &install).await
}

async fn a_daemon_of_the_first_generation_is_refused_before_anything(lab: Arc<Lab>) -> Result<()> {
    let config = install::story(&lab)?;
    a_daemon_is_refused(&lab, config, "actions.summerwind.dev").await
}

async fn a_scale_sets_daemon_is_refused_before_anything(lab: Arc<Lab>) -> Result<()> {
    let config = install::scale_set(&lab);
    a_daemon_is_refused(&lab, config, "actions.github.com").await
}

/// The company has made the namespace so, and it is so still.
async fn restricted_suits_the_controller(lab: &Lab, install: &Install) -> Result<()> {
    install.pod_with("manager").await?;
    let namespace = install.controller.name();
    let label = "jsonpath={.metadata.labels.pod-security\\.kubernetes\\.io/enforce}";
    let level = ["get", "namespace", namespace, "-o", label];
    let level = lab.cluster.kubectl(&level).await?;
    ensure!(level == "restricted", "it is {level} now");
    Ok(())
}

async fn a_daemon_is_refused(lab: &Arc<Lab>, config: Value, group: &str) -> Result<()> {
    let install = Install::new(lab, config)?;
    make_restricted(lab, install.runners.name()).await?;
    let outcome = install.run(&["init"]).await?;
    let outcome = install.expect_code(outcome, 3).await?;
    let remedy = format!(
        "kubectl label namespace {} pod-security.kubernetes.io/enforce=privileged",
        install.runners.name()
    );
    for said in ["pod-security", &remedy, "privileged"] {
        ensure!(
            outcome.stderr.contains(said) || outcome.stdout.contains(said),
            "no {said:?} in\n{}\n{}",
            outcome.stdout,
            outcome.stderr
        );
    }
    let definitions = lab.cluster.kubectl(&["get", "crd", "-o", "name"]).await?;
    ensure!(!definitions.contains(group), "{definitions}");
    let namespaces = ["get", "namespaces", "-o", "name"];
    let namespaces = lab.cluster.kubectl(&namespaces).await?;
    ensure!(
        !namespaces.contains(install.controller.name()),
        "{namespaces}"
    );
    let objects = [
        "get",
        "all,configmaps,secrets,roles,rolebindings",
        "-o",
        "name",
    ];
    let objects = install.runners.kubectl(&objects).await?;
    ensure!(objects.trim() == "configmap/kube-root-ca.crt", "{objects}");
    install.clear().await
}
