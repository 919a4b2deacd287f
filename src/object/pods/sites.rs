//! Where a container's environment, mounts and volumes are written, whoever builds the container.

use serde_json::Value;

use super::{ContainerAt, Part, PodSpecAt, Role, Shape, containers, pod_specs};
use crate::object::Pointer;

/// A container and where its parts go. The legacy controller builds `runner` and `docker` itself, and
/// takes their lists from fields of the runner's spec while the container leaves them out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What the container does.
    pub role: Role,
    /// Its name.
    pub name: String,
    /// The pod that it belongs to.
    pub pod: PodSpecAt,
    /// The container, where it is written out.
    pub container: Option<Pointer>,
    /// The list of its environment variables.
    pub env: Pointer,
    /// The list of its mounts.
    pub mounts: Pointer,
    /// True where a Docker daemon runs in it.
    pub runs_docker: bool,
}

impl Site {
    /// The list of the pod's volumes.
    pub fn volumes(&self) -> Pointer {
        self.pod.pointer.child("volumes")
    }
}

/// Every container of an object, built ones included.
pub fn sites(object: &Value) -> Vec<Site> {
    let mut found: Vec<Site> = containers(object)
        .into_iter()
        .map(|at| written(object, at))
        .collect();
    for pod in pod_specs(object) {
        if pod.shape != Shape::RunnerSpec {
            continue;
        }
        let Some(spec) = pod.pointer.get(object) else {
            continue;
        };
        let is = |key: &str, value: bool| spec.get(key).and_then(Value::as_bool) == Some(value);
        let has = |role: Role| {
            found
                .iter()
                .any(|site| site.pod == pod && site.role == role)
        };
        let lists_containers = spec
            .get("containers")
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty());
        let within = is("dockerdWithinRunnerContainer", true);
        let kubernetes = spec.get("containerMode").and_then(Value::as_str) == Some("kubernetes");
        let mut built = Vec::new();
        if !has(Role::Runner) {
            built.push((Role::Runner, "runner", "env", "volumeMounts", within));
        }
        if !has(Role::Dind)
            && !lists_containers
            && !within
            && !kubernetes
            && !is("dockerEnabled", false)
        {
            built.push((
                Role::Dind,
                "docker",
                "dockerEnv",
                "dockerVolumeMounts",
                true,
            ));
        }
        for (role, name, env, mounts, runs_docker) in built {
            found.push(Site {
                role,
                name: name.to_owned(),
                env: pod.pointer.child(env),
                mounts: pod.pointer.child(mounts),
                pod: pod.clone(),
                container: None,
                runs_docker,
            });
        }
    }
    found
}

fn written(object: &Value, at: ContainerAt) -> Site {
    let spec = at.pod.pointer.get(object);
    let is = |key: &str, value: bool| {
        spec.and_then(|spec| spec.get(key)).and_then(Value::as_bool) == Some(value)
    };
    let fallback = match (at.pod.shape, at.role) {
        (Shape::RunnerSpec, Role::Runner) => Some(("env", "volumeMounts")),
        // With Docker disabled a container `docker` is the user's own, which no field reaches.
        (Shape::RunnerSpec, Role::Dind) if !is("dockerEnabled", false) => {
            Some(("dockerEnv", "dockerVolumeMounts"))
        }
        _ => None,
    };
    let list = |key: &str, of_runner: Option<&str>| {
        let own = at.pointer.child(key);
        let filled = own
            .get(object)
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty());
        match of_runner {
            Some(field) if !filled => at.pod.pointer.child(field),
            _ => own,
        }
    };
    let within = is("dockerdWithinRunnerContainer", true);
    Site {
        env: list("env", fallback.map(|(env, _)| env)),
        mounts: list("volumeMounts", fallback.map(|(_, mounts)| mounts)),
        runs_docker: at.role == Role::Dind || (at.role == Role::Runner && within),
        role: at.role,
        name: at.name,
        container: Some(at.pointer),
        pod: at.pod,
    }
}

/// True for a runner object whose jobs run in pods that the container hooks make.
pub fn starts_job_pods(object: &Value) -> bool {
    let is_legacy = ["/spec/template/spec", "/spec"]
        .iter()
        .filter_map(|pointer| object.pointer(pointer)?.get("containerMode")?.as_str())
        .any(|mode| mode == "kubernetes");
    let hooks = |site: &Site| {
        let variables = site.env.get(object).and_then(Value::as_array);
        let mut names = variables.into_iter().flatten();
        names.any(|one| {
            one.get("name").and_then(Value::as_str) == Some("ACTIONS_RUNNER_CONTAINER_HOOKS")
        })
    };
    is_legacy
        || sites(object)
            .iter()
            .any(|site| site.role == Role::Runner && hooks(site))
}

/// True where the container can become root by sudo, as far as its object says.
pub fn may_use_sudo(object: &Value, site: &Site) -> bool {
    if site.pod.part != Part::Runner {
        return false;
    }
    let context = site
        .container
        .as_ref()
        .and_then(|at| at.child("securityContext").get(object));
    let Some(context) = context else {
        return true;
    };
    let flag = |key: &str| context.get(key).and_then(Value::as_bool);
    let dropped = context
        .pointer("/capabilities/drop")
        .and_then(Value::as_array);
    let drops_all = dropped
        .into_iter()
        .flatten()
        .any(|capability| capability.as_str() == Some("ALL"));
    flag("allowPrivilegeEscalation") != Some(false)
        && flag("readOnlyRootFilesystem") != Some(true)
        && !drops_all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lists(spec: &Value) -> Vec<(Role, String, String)> {
        let object = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner", "spec": spec});
        sites(&object)
            .into_iter()
            .map(|site| (site.role, site.env.to_string(), site.mounts.to_string()))
            .collect()
    }

    fn built(env: &str, mounts: &str, role: Role) -> (Role, String, String) {
        (role, format!("/spec/{env}"), format!("/spec/{mounts}"))
    }

    #[test]
    fn built_containers_are_reached_through_the_runner() {
        let runner = built("env", "volumeMounts", Role::Runner);
        let docker = built("dockerEnv", "dockerVolumeMounts", Role::Dind);
        assert_eq!(lists(&json!({})), [runner.clone(), docker.clone()]);
        for without_docker in [
            json!({"dockerEnabled": false}),
            json!({"containerMode": "kubernetes"}),
        ] {
            assert_eq!(lists(&without_docker), std::slice::from_ref(&runner));
        }
        // Names and an image only: the lists still come from the runner's spec.
        let named =
            json!({"containers": [{"name": "runner"}, {"name": "docker", "image": "docker:dind"}]});
        assert_eq!(lists(&named), [runner, docker]);
    }

    #[test]
    fn written_containers_have_their_own_lists() {
        let spec = json!({"dockerEnabled": false, "containers": [
            {"name": "runner", "env": [{"name": "A"}], "volumeMounts": [{"name": "w"}]},
            {"name": "docker", "env": [{"name": "B"}], "volumeMounts": [{"name": "w"}]}]});
        let list = |index: usize, key: &str| format!("/spec/containers/{index}/{key}");
        assert_eq!(
            lists(&spec),
            [
                (Role::Runner, list(0, "env"), list(0, "volumeMounts")),
                (Role::Dind, list(1, "env"), list(1, "volumeMounts")),
            ]
        );
    }
}
