//! `patch-images` on what somebody else has installed and the node cannot pull.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::administrator;
use crate::harness::topic;
use crate::install::{self, Install, until};
use crate::lab::Lab;
use crate::parts::registry;
use crate::pods::Sandbox;
use crate::support::arc_setup::Outcome;

topic!(LEGACY = repair in Legacy: a_manager_that_cannot_pull_is_mended);
topic!(EVERYTHING = repair in Legacy: a_manager_and_its_neighbour_are_mended_together);
topic!(SCALE_SET = repair in ScaleSet: a_listener_of_a_helm_release_is_mended_by_force);

/// Nobody has a receipt of these installs, so `uninstall` finds them by their name alone, wherever they are: the two
/// generations, which are tried side by side, have each its own.
const LEGACY_NAME: &str = "stuck";
const SCALE_SET_NAME: &str = "stuck-scale-set";

/// The story: everything is there, and of the manager's two images the one of quay.io cannot be pulled.
async fn a_manager_that_cannot_pull_is_mended(lab: Arc<Lab>) -> Result<()> {
    let install = stuck(&lab, |_| Ok(None)).await?;
    let outcome = patch_images(&install, &["--registry-map", "docker.io=keep"], "quay.io").await?;
    install.expect_code(outcome, 0).await?;
    // It has waited for them.
    runs_from_the_registry(&install, "1s").await?;
    install.uninstall().await
}

/// The same, and beside it a workload that is none of ARC's: one command looks at the registry, through the company's
/// proxy and with its account, and mends both. What `kubectl set image` would be told twice.
async fn a_manager_and_its_neighbour_are_mended_together(lab: Arc<Lab>) -> Result<()> {
    let install = stuck(&lab, |objects| neighbour(objects).map(Some)).await?;
    let mut rules = install.config.clone();
    rules["registry"]["map"][1]["target"] = json!(registry::HOST);
    let command = [
        "patch-images",
        "--context",
        "lab",
        "--yes",
        "--all-workloads",
        "--namespace",
        install.controller.name(),
    ];
    let outcome = administrator::run(&install.program, &rules, &command).await?;
    let outcome = install.expect_code(outcome, 0).await?;
    ensure!(
        outcome.stdout.contains("2 objects were patched"),
        "{outcome:?}"
    );
    ensure!(!outcome.stdout.contains("not verified"), "{outcome:?}");
    // Nobody waits for what is not ARC's.
    runs_from_the_registry(&install, "60s").await?;
    let neighbour = ["delete", "deployment", "neighbour", "--timeout=60s"];
    install.controller.kubectl(&neighbour).await?;
    install.uninstall().await
}

/// An install by hand whose manager waits for an image of quay.io, with what somebody else has beside it.
async fn stuck(
    lab: &Arc<Lab>,
    beside: impl FnOnce(&[Value]) -> Result<Option<Value>>,
) -> Result<Install> {
    let mut config = install::story(lab)?;
    config["name"] = json!(LEGACY_NAME);
    config["registry"]["map"][1]["target"] = json!("keep");
    let mut install = Install::new(lab, config)?;
    let objects = administrator::rendered(&mut install.program, &install.config).await?;
    let mut objects = objects["items"].as_array().cloned().context("no list")?;
    // Nobody answers for them before the manager does.
    objects.retain(|one| !is_of(one, "actions.summerwind.dev"));
    objects.push(webhook_certificate(lab, &objects)?);
    objects.extend(beside(&objects)?);
    apply(lab, &objects).await?;
    is_stuck(&install.controller, "quay.io/brancz/kube-rbac-proxy").await?;
    Ok(install)
}

/// A Deployment with the manager's second container, and nothing of ARC.
fn neighbour(objects: &[Value]) -> Result<Value> {
    let mut objects = objects.iter();
    let manager = objects.find(|one| one["kind"] == json!("Deployment"));
    let manager = manager.context("no Deployment")?;
    let pod = &manager["spec"]["template"]["spec"];
    let mut containers = pod["containers"].as_array().into_iter().flatten();
    let mut proxy = containers
        .find(|one| one["name"] == json!("kube-rbac-proxy"))
        .context("no proxy")?
        .clone();
    if let Some(fields) = proxy.as_object_mut() {
        // The manager's volumes are not here.
        fields.remove("volumeMounts");
    }
    let labels = json!({ "app": "neighbour" });
    Ok(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "neighbour", "namespace": manager["metadata"]["namespace"] },
        "spec": { "selector": { "matchLabels": labels }, "template": {
            "metadata": { "labels": labels },
            "spec": {
                // The namespace takes nothing but restricted pods.
                "securityContext": pod["securityContext"],
                "imagePullSecrets": pod["imagePullSecrets"],
                "containers": [proxy],
            },
        }},
    }))
}

async fn runs_from_the_registry(install: &Install, timeout: &str) -> Result<()> {
    let timeout = format!("--timeout={timeout}");
    let available = [
        "wait",
        "--for=condition=Available",
        "deployment",
        "--all",
        &timeout,
    ];
    install.controller.kubectl(&available).await?;
    let manager = install.pod_with("manager").await?;
    let proxy = format!("{}/brancz/kube-rbac-proxy:v0.8.0", registry::HOST);
    ensure!(manager.images().contains(&proxy), "{:?}", manager.images());
    Ok(())
}

/// Somebody has set the controller's image by hand; the listener's stands in a variable.
async fn a_listener_of_a_helm_release_is_mended_by_force(lab: Arc<Lab>) -> Result<()> {
    let mut config = install::scale_set(&lab);
    config["name"] = json!(SCALE_SET_NAME);
    let mut install = Install::new(&lab, config)?;
    let objects = administrator::rendered(&mut install.program, &install.config).await?;
    let mut objects = objects["items"].as_array().cloned().context("no list")?;
    for object in &mut objects {
        of_helm(object);
        if object["kind"] == json!("Deployment") {
            forget_the_listener(object)?;
        }
    }
    apply(&lab, &objects).await?;
    is_stuck(
        &install.controller,
        "ghcr.io/actions/gha-runner-scale-set-controller",
    )
    .await?;

    let refused = patch_images(&install, &[], "ghcr.io").await?;
    ensure!(
        refused.code != Some(0),
        "a release of Helm was patched unasked: {refused:?}"
    );
    ensure!(
        format!("{}{}", refused.stdout, refused.stderr).contains("Helm"),
        "{refused:?}"
    );
    let outcome = patch_images(&install, &["--force"], "ghcr.io").await?;
    install.expect_code(outcome, 0).await?;
    let listener = install.pod_with("listener").await?;
    ensure!(
        listener
            .images()
            .iter()
            .all(|image| image.starts_with(registry::HOST)),
        "{:?}",
        listener.images()
    );
    install.uninstall().await
}

async fn patch_images(install: &Install, more: &[&str], source: &str) -> Result<Outcome> {
    let rule = format!("{source}={}", registry::HOST);
    // Other proofs have theirs in other namespaces.
    let command = [
        "patch-images",
        "--context",
        "lab",
        "--yes",
        "--namespace",
        install.controller.name(),
        "--registry-map",
        &rule,
    ];
    install.program.run(&[&command, more].concat()).await
}

fn is_of(object: &Value, group: &str) -> bool {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    version.starts_with(group)
}

/// The Secret that the Deployment mounts and that no manifest holds: whoever installs by hand makes it.
fn webhook_certificate(lab: &Lab, objects: &[Value]) -> Result<Value> {
    let one_of = |kind: &str| {
        let mut objects = objects.iter();
        let found = objects.find(|one| one["kind"] == json!(kind));
        found.with_context(|| format!("no {kind}"))
    };
    let volumes = &one_of("Deployment")?["spec"]["template"]["spec"]["volumes"];
    let mut volumes = volumes.as_array().into_iter().flatten();
    let volume = volumes.find(|one| one["name"] == json!("serving-cert"));
    let configuration = one_of("ValidatingWebhookConfiguration")?;
    let service = &configuration["webhooks"][0]["clientConfig"]["service"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (name, namespace) = (text(&service["name"]), text(&service["namespace"]));
    let host = format!("{name}.{namespace}.svc");
    let server = lab.pki.server(lab.processes.directory(), &[&host])?;
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {
            "name": volume.context("no volume of certificates")?["secret"]["secretName"],
            "namespace": namespace,
        },
        "stringData": {
            "tls.crt": std::fs::read_to_string(server.certificate)?,
            "tls.key": std::fs::read_to_string(server.key)?,
        },
    }))
}

/// Definitions and namespaces first, as Helm does.
async fn apply(lab: &Lab, objects: &[Value]) -> Result<()> {
    let is_first = |one: &Value| {
        let kind = one["kind"].as_str().unwrap_or_default();
        ["Namespace", "CustomResourceDefinition"].contains(&kind)
    };
    let (first, then): (Vec<_>, Vec<_>) = objects.iter().cloned().partition(is_first);
    for (objects, is_first) in [(first, true), (then, false)] {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        // By their size definitions do not fit into kubectl's annotation.
        lab.cluster.create(&list.to_string()).await?;
        if is_first {
            // By name: those of the other generation come and go meanwhile.
            let definitions = objects
                .iter()
                .filter(|one| one["kind"] == "CustomResourceDefinition")
                .filter_map(|one| one["metadata"]["name"].as_str());
            let definitions: Vec<String> = definitions.map(|name| format!("crd/{name}")).collect();
            let mut wait = vec!["wait", "--for=condition=Established", "--timeout=60s"];
            wait.extend(definitions.iter().map(String::as_str));
            lab.cluster.kubectl(&wait).await?;
        }
    }
    Ok(())
}

async fn is_stuck(sandbox: &Sandbox, image: &str) -> Result<()> {
    until(&format!("a pod that cannot pull {image}"), async || {
        let pods = sandbox.kubectl(&["get", "pods", "-o", "json"]).await?;
        let is_stuck = pods.contains("ImagePullBackOff") && pods.contains(image);
        Ok(is_stuck.then_some(()))
    })
    .await
}

/// The marks of a release.
fn of_helm(object: &mut Value) {
    object["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
    object["metadata"]["annotations"]["meta.helm.sh/release-name"] = json!("arc");
    object["metadata"]["annotations"]["meta.helm.sh/release-namespace"] = json!("arc-systems");
}

fn forget_the_listener(deployment: &mut Value) -> Result<()> {
    let containers = &mut deployment["spec"]["template"]["spec"]["containers"];
    let containers = containers.as_array_mut().into_iter().flatten();
    let variables = containers
        .filter_map(|one| one["env"].as_array_mut())
        .flatten();
    for variable in variables {
        if variable["name"] == json!("CONTROLLER_MANAGER_CONTAINER_IMAGE") {
            let image = variable["value"].as_str().context("no listener's image")?;
            variable["value"] = json!(image.replace(registry::HOST, "ghcr.io"));
            return Ok(());
        }
    }
    anyhow::bail!("the controller has no listener's image")
}
