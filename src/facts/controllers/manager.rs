//! What a Deployment says of the ARC controller in it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::labels;
use crate::config::ArcVersion;
use crate::facts::ControllerFacts;
use crate::object::ObjectRef;
use crate::object::labels::INSTALL_LABEL;
use crate::object::pods::{flags, has_image_of_arc, runs_arc};

/// Reads a Deployment; None where it is no ARC controller. Which runner sets it looks after is not said here.
pub(super) fn controller(deployment: &Value) -> Option<ControllerFacts> {
    let object = ObjectRef::from_value(deployment);
    let labels = labels(deployment);
    let namespace = object.namespace.unwrap_or_default();
    let pod = deployment.pointer("/spec/template/spec")?;
    let containers = pod.get("containers")?.as_array()?;
    let manager = containers
        .iter()
        .find(|container| is_manager(container, &labels))?;
    let flags = flags(manager, &namespace);
    let scale_set = flags
        .iter()
        .any(|(name, value)| name == "auto-scaling-runner-set-only" && value != "false");
    let watch_flag = if scale_set {
        "watch-single-namespace"
    } else {
        "watch-namespace"
    };
    let watches = flags
        .iter()
        .rev()
        .find(|(name, _)| name == watch_flag)
        .map(|(_, value)| value.clone())
        .filter(|value| !value.is_empty());
    let image = manager
        .get("image")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Some(ControllerFacts {
        version: labels
            .get("app.kubernetes.io/version")
            .and_then(|version| version.parse().ok())
            .or_else(|| tag(image).and_then(version_of_tag)),
        install: labels.get(INSTALL_LABEL).cloned(),
        service_account: pod
            .get("serviceAccountName")
            .and_then(Value::as_str)
            .unwrap_or("default")
            .to_owned(),
        namespace,
        name: object.name,
        scale_set,
        watches,
        runner_sets: Vec::new(),
    })
}

/// `/manager` is what every kubebuilder project calls its program: something of ARC's own must stand beside it.
fn is_manager(container: &Value, labels: &BTreeMap<String, String>) -> bool {
    let command = container.pointer("/command/0").and_then(Value::as_str);
    if command.is_some_and(|command| command.rsplit('/').next() != Some("manager")) {
        return false;
    }
    has_image_of_arc(container)
        || (command.is_some() && (runs_arc(container) || has_label_of_arc(labels)))
}

fn has_label_of_arc(labels: &BTreeMap<String, String>) -> bool {
    ["app.kubernetes.io/part-of", "app.kubernetes.io/name"]
        .iter()
        .filter_map(|label| labels.get(*label))
        .any(|value| {
            matches!(
                value.as_str(),
                "gha-rs-controller" | "actions-runner-controller"
            )
        })
}

fn tag(image: &str) -> Option<&str> {
    let image = image.split('@').next().unwrap_or_default();
    image
        .rsplit('/')
        .next()?
        .split_once(':')
        .map(|(_, tag)| tag)
}

/// `v0.27.6`, `0.14.2`, and with a suffix such as `0.14.2-corp1`.
fn version_of_tag(tag: &str) -> Option<ArcVersion> {
    tag.split(['-', '+', '_'])
        .next()
        .and_then(|version| version.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(labels: &Value, container: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "c", "namespace": "n", "labels": labels},
            "spec": {"template": {"spec": {"serviceAccountName": "sa", "containers": [{"name": "sidecar", "image": "x"}, container]}}}})
    }

    #[test]
    fn a_scale_set_controller_of_the_chart() {
        let found = controller(&deployment(
            &json!({"app.kubernetes.io/version": "0.14.2", "arc-setup.dev/install": "arc"}),
            &json!({"image": "corp/mirror@sha256:ab", "command": ["/manager"],
                    "args": ["--auto-scaling-runner-set-only", "--watch-single-namespace=$(NS)"],
                    "env": [{"name": "NS", "value": "runners"}]}),
        ))
        .unwrap();
        assert_eq!(found.version, Some(ArcVersion::new(0, 14, 2)));
        assert_eq!(found.watches.as_deref(), Some("runners"));
        assert_eq!(found.install.as_deref(), Some("arc"));
        assert!(found.scale_set);
        assert_eq!(found.service_account, "sa");
    }

    #[test]
    fn the_storys_manager_watches_everything() {
        let found = controller(
            &deployment(
                &json!({"control-plane": "controller-manager"}),
                &json!({"image": "registry.corp:5000/summerwind/actions-runner-controller:v0.18.2", "command": ["/manager"],
                    "args": ["--enable-leader-election", "--docker-image", "registry.corp/dind:1"]}),
            ),
        )
        .unwrap();
        assert_eq!(
            (found.version, found.watches, found.scale_set),
            (Some(ArcVersion::new(0, 18, 2)), None, false)
        );
    }

    #[test]
    fn other_managers_and_arcs_other_programs_are_not_controllers() {
        let none = json!({});
        for container in [
            json!({"image": "corp/cert-operator:v1", "command": ["/manager"], "args": ["--leader-elect"]}),
            json!({"image": "summerwind/actions-runner-controller:v0.27.6", "command": ["/github-webhook-server"]}),
            json!({"image": "ghcr.io/actions-runner-controller/actions-runner-controller/actions-runner-dind:v2.317.0-ubuntu-22.04"}),
            // A bot that logs in as an App has such a variable too.
            json!({"image": "corp/bot:1", "env": [{"name": "GITHUB_APP_INSTALLATION_ID", "value": "1"}]}),
            json!({"image": "nginx"}),
        ] {
            assert_eq!(
                controller(&deployment(&none, &container)),
                None,
                "{container}"
            );
        }
        let renamed = json!({"image": "corp/arc:latest", "command": ["/manager"], "args": ["--runner-image=x", "-watch-namespace", "a"]});
        let found = controller(&deployment(&none, &renamed)).unwrap();
        assert_eq!((found.version, found.watches.as_deref()), (None, Some("a")));
    }
}
