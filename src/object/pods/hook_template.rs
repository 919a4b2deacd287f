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
        // A Runner's own lists reach the container that is called so, written out or not.
        let own = Some(pod.spec).filter(|_| pod.at.shape == Shape::RunnerSpec);
        let containers = containers::written(pod).map(|container| container.value);
        let holders: Vec<&Value> = containers.chain(own).collect();
        let items = |list| {
            holders
                .iter()
                .flat_map(move |holder| items_at(holder, list))
        };
        let files = items("/env").filter(|variable| text_at(variable, "/name") == Some(VARIABLE));
        for file in files.filter_map(|variable| text_at(variable, "/value")) {
            // The deepest mount is the one that is seen.
            let mount = items("/volumeMounts")
                .filter_map(|mount| Some((text_at(mount, "/mountPath")?, text_at(mount, "/name")?)))
                .filter(|(path, _)| holds(path, file))
                .max_by_key(|(path, _)| path.len());
            let volume = mount.and_then(|(_, name)| {
                let mut volumes = items_at(pod.spec, "/volumes").iter();
                volumes.find(|volume| text_at(volume, "/name") == Some(name))
            });
            for name in volume.into_iter().flat_map(config_maps) {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
    }
    names
}

/// True where a file lies below a directory.
fn holds(directory: &str, file: &str) -> bool {
    let below = file.strip_prefix(directory.trim_end_matches('/'));
    !directory.is_empty() && below.is_some_and(|rest| rest.starts_with('/')) || directory == file
}

/// The ConfigMaps that a volume shows.
fn config_maps(volume: &Value) -> impl Iterator<Item = &str> {
    let projected = items_at(volume, "/projected/sources").iter();
    std::iter::once(volume)
        .chain(projected)
        .filter_map(|source| text_at(source, "/configMap/name"))
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
        let of_runner_with_a_list = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner",
            "spec": {"volumes": volumes, "env": env, "containers": [{"name": "runner", "volumeMounts": mounts}]}});
        assert_eq!(hook_templates(&of_runner_with_a_list), ["pods"]);
        let mut nested = of_container.clone();
        let pod = &mut nested["spec"]["template"]["spec"];
        pod["containers"][0]["volumeMounts"] = json!([{"name": "work", "mountPath": "/"}, {"name": "hook", "mountPath": "/home/runner/hook/"}, {"name": "work", "mountPath": "/home/runner"}]);
        pod["volumes"][1] = json!({"name": "hook", "projected": {"sources": [{"secret": {"name": "x"}}, {"configMap": {"name": "one"}}, {"configMap": {"name": "two"}}]}});
        assert_eq!(hook_templates(&nested), ["one", "two"]);
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
