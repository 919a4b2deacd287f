//! What must run after `init`.

use anyhow::{Result, ensure};
use arc_setup::plan::counted;
use serde_json::Value;

use crate::surroundings::Surroundings;
use crate::transcript::Transcript;

/// The kinds that a person declares runners with, by API group.
const RUNNER_KINDS: &[(&str, &[&str])] = &[
    ("actions.github.com", &["autoscalingrunnersets"]),
    (
        "actions.summerwind.dev",
        &[
            "runners",
            "runnerdeployments",
            "runnersets",
            "horizontalrunnerautoscalers",
        ],
    ),
];

/// Shows the manager and the runner objects, and fails unless both are there and no image is from quay.io.
pub(crate) fn installed(transcript: &Transcript, around: &Surroundings) -> Result<()> {
    let namespace = around
        .company()
        .configured("/namespaces/controller", "arc-systems");
    around.kubectl(transcript, &["get", "deployments", "-n", namespace])?;
    let deployments = items(around, &["get", "deployments", "-n", namespace])?;
    ensure!(!deployments.is_empty(), "no Deployment in {namespace}");
    for deployment in &deployments {
        let available = deployment["status"]["availableReplicas"]
            .as_u64()
            .unwrap_or(0);
        ensure!(
            available > 0,
            "{} is not available",
            deployment["metadata"]["name"]
        );
    }

    let columns = "custom-columns=NAMESPACE:.metadata.namespace,POD:.metadata.name,IMAGES:.spec.containers[*].image";
    around.kubectl(transcript, &["get", "pods", "-n", namespace, "-o", columns])?;
    for pod in items(around, &["get", "pods", "-n", namespace])? {
        let text = pod["spec"].to_string();
        ensure!(
            !text.contains("\"quay.io/"),
            "{} runs an image from quay.io",
            pod["metadata"]["name"]
        );
    }

    let mut runner_objects = 0;
    for (group, kinds) in RUNNER_KINDS {
        let served = around.ask(&["api-resources", "--api-group", group, "-o", "name"])?;
        let names = kinds.iter().map(|kind| format!("{kind}.{group}"));
        for kind in names.filter(|kind| served.lines().any(|line| line == kind)) {
            let found = items(around, &["get", &kind, "-A"])?;
            if !found.is_empty() {
                around.kubectl(transcript, &["get", &kind, "-A"])?;
            }
            runner_objects += found.len();
        }
    }
    ensure!(runner_objects > 0, "no runner object was accepted");
    transcript.say(&format!(
        "the manager is available; accepted: {}",
        counted(runner_objects, "runner object")
    ));
    Ok(())
}

fn items(around: &Surroundings, arguments: &[&str]) -> Result<Vec<Value>> {
    let mut list: Value =
        serde_json::from_str(&around.ask(&[arguments, &["-o", "json"]].concat())?)?;
    Ok(match list["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    })
}
