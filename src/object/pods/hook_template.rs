//! Where the template of the pods stands that the container hooks of a runner make.

use serde_json::Value;

use super::survey::survey;
use super::{CustomKinds, Part, Shape, containers};
use crate::object::{items_at, text_at};

/// The file that the hooks read (actions/runner-container-hooks v0.5 and later).
const VARIABLE: &str = "ACTIONS_RUNNER_CONTAINER_HOOK_TEMPLATE";

/// The ConfigMaps, by name and in the object's own namespace, in which the hook templates of a runner object stand.
pub fn hook_templates(object: &Value) -> Vec<String> {
    let kinds = CustomKinds::default();
    let survey = survey(object, &kinds);
    let mut names = Vec::new();
    for pod in &survey.pods {
        if pod.at.part != Part::Runner {
            continue;
        }
        let own = Some(pod.spec).filter(|_| pod.at.shape == Shape::RunnerSpec);
        let holders = containers::written(pod).map(|container| container.value);
        for holder in holders.chain(own) {
            let found = config_map(holder, pod.spec).map(str::to_owned);
            names.extend(found.filter(|name| !names.contains(name)));
        }
    }
    names
}

/// The ConfigMap that is mounted where a container's variable says that the file is.
fn config_map<'a>(holder: &Value, pod: &'a Value) -> Option<&'a str> {
    let variable = named(items_at(holder, "/env"), VARIABLE)?;
    let file = text_at(variable, "/value")?;
    let mount = items_at(holder, "/volumeMounts").iter().find(|mount| {
        let path = text_at(mount, "/mountPath").unwrap_or_default();
        let below = file.strip_prefix(path.trim_end_matches('/'));
        !path.is_empty() && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })?;
    let volume = named(items_at(pod, "/volumes"), text_at(mount, "/name")?)?;
    text_at(volume, "/configMap/name")
}

fn named<'a>(items: &'a [Value], name: &str) -> Option<&'a Value> {
    items
        .iter()
        .find(|item| text_at(item, "/name") == Some(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_config_map_is_the_one_that_is_mounted_there() {
        let env = json!([{"name": VARIABLE, "value": "/home/runner/hook/pod.yaml"}]);
        let mounts = json!([{"name": "work", "mountPath": "/home/runner/_work"}, {"name": "hook", "mountPath": "/home/runner/hook"}]);
        let volumes = json!([{"name": "work", "emptyDir": {}}, {"name": "hook", "configMap": {"name": "pods"}}]);
        let of_container = json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
            "spec": {"template": {"spec": {"volumes": volumes,
                "containers": [{"name": "runner", "env": env, "volumeMounts": mounts}]}}}});
        assert_eq!(hook_templates(&of_container), ["pods"]);
        let of_runner = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "RunnerDeployment",
            "spec": {"template": {"spec": {"volumes": volumes, "env": env, "volumeMounts": mounts}}}});
        assert_eq!(hook_templates(&of_runner), ["pods"]);
        let mut elsewhere = of_container.clone();
        elsewhere["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] =
            json!("/home/runner/hooks/pod.yaml");
        assert!(hook_templates(&elsewhere).is_empty());
        let mut of_others = of_container;
        of_others["apiVersion"] = json!("apps/v1");
        of_others["kind"] = json!("Deployment");
        assert!(hook_templates(&of_others).is_empty());
    }
}
