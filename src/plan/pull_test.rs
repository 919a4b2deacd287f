//! The pod that shows that a runner set without idle runners could start one: made from its template, with another
//! command for the runner. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Plan, Step};
use crate::object::labels::{INSTALL_LABEL, MANAGED_BY};
use crate::object::pods::{Part, Shape, is_daemon, pod_specs};
use crate::object::{Manifest, ObjectRef, items_at, sha256, text_at};
use crate::observe::{LegacyManager, names_every_image, pod_of};

/// On every pod of a pull test: the runner set.
pub const PULL_TEST_LABEL: &str = "arc-setup.dev/pull-test";
/// Longest name that a server completes: it adds five letters of its own.
const LONGEST_NAME: usize = 58;
const NAME_END: &str = "-pull-test-";
/// What the runner waits for where a Docker daemon runs beside it, with the limit that the runner itself would have.
/// Its last words become the status of its container.
const ASK_DOCKER: &str = r#"
limit=${RUNNER_WAIT_FOR_DOCKER_IN_SECONDS:-${WAIT_FOR_DOCKER_SECONDS:-120}}
say() { echo "$1"; echo "$1" > /dev/termination-log || true; }
if ! command -v docker > /dev/null; then
  say "the runner's image has no docker program: whether Docker answers was not asked"
  exit 0
fi
waited=0
until answer=$(docker ps 2>&1); do
  if [ "$waited" -ge "$limit" ]; then
    say "Docker did not answer the runner within $limit s: $answer"
    exit 1
  fi
  waited=$((waited + 1))
  sleep 1
done
say "Docker answers the runner"
"#;
/// A pod may take this many times as long as nothing new may happen, and never less than ten minutes.
const STEPS: u32 = 4;
const SHORTEST_DEADLINE: Duration = Duration::from_mins(10);

/// One pod to be tried.
#[derive(Debug, Clone, PartialEq)]
pub struct PullTest {
    /// The runner set.
    pub set: ObjectRef,
    /// The pod, for `create`: the server completes its name.
    pub pod: Value,
    /// SHA-256 of what the pod is made of; the same hash is the same proof.
    pub hash: String,
}

/// The pull test of a runner set as it lives. None for what has no pod template, or has a container whose image only
/// its controller knows. `patience` is how long nothing new
/// may happen in a wait: the pod ends itself some time after, should nobody be there to remove it.
pub fn pull_test(
    set: &Value,
    manager: &LegacyManager,
    install: &str,
    patience: Duration,
) -> Option<PullTest> {
    let reference = ObjectRef::from_value(set);
    let namespace = reference.namespace.as_deref()?;
    let at = pod_specs(set)
        .into_iter()
        .find(|at| at.part == Part::Runner && at.shape != Shape::RunnerConfig)?;
    let mut pod = pod_of(set, &at, namespace, manager).filter(names_every_image)?;
    identify(&mut pod, &reference.name, install);
    replace_runner(&mut pod);
    let spec = &mut pod["spec"];
    spec["restartPolicy"] = json!("Never");
    // Nothing runs in it that would need time to end.
    spec["terminationGracePeriodSeconds"] = json!(1);
    let hash = sha256(pod.to_string().as_bytes());
    let deadline = (patience * STEPS).max(SHORTEST_DEADLINE);
    pod["spec"]["activeDeadlineSeconds"] = json!(deadline.as_secs());
    Some(PullTest {
        set: reference,
        pod,
        hash,
    })
}

/// A name, and labels by which it is found again. Those that a controller of ARC selects by are left out; others
/// stay, since policies may ask for them.
fn identify(pod: &mut Value, set: &str, install: &str) {
    let kept = |key: &str| {
        let of_arc = [
            "pod-template-hash",
            "runner-deployment-name",
            "runner-template-hash",
            "runnerset-name",
        ];
        !key.starts_with("actions") && !of_arc.contains(&key)
    };
    let mut labels: Map<String, Value> = pod
        .pointer("/metadata/labels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(key, _)| kept(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for (key, value) in [
        ("app.kubernetes.io/component", "pull-test"),
        (MANAGED_BY, "arc-setup"),
        (INSTALL_LABEL, install),
        (PULL_TEST_LABEL, set),
    ] {
        labels.insert(key.to_owned(), json!(value));
    }
    pod["metadata"]["labels"] = Value::Object(labels);
    let begin: String = set.chars().take(LONGEST_NAME - NAME_END.len()).collect();
    let begin = begin.trim_end_matches(['-', '.']);
    pod["metadata"]["generateName"] = json!(format!("{begin}{NAME_END}"));
}

/// The runner ends at once, or as soon as Docker answers; a container that fails tells its last lines. Every image is
/// pulled, also where the node has it from another time: the next node has not.
fn replace_runner(pod: &mut Value) {
    let daemon = has_daemon(pod);
    for list in ["initContainers", "containers"] {
        let items = pod["spec"].get_mut(list).and_then(Value::as_array_mut);
        for container in items.into_iter().flatten() {
            let is_runner = list == "containers"
                && container.get("name").and_then(Value::as_str) == Some("runner");
            let Some(fields) = container.as_object_mut() else {
                continue;
            };
            fields
                .entry("terminationMessagePolicy")
                .or_insert_with(|| json!("FallbackToLogsOnError"));
            let policy = fields.get("imagePullPolicy").and_then(Value::as_str);
            if policy != Some("Never") {
                fields.insert("imagePullPolicy".to_owned(), json!("Always"));
            }
            if !is_runner {
                continue;
            }
            for field in [
                "args",
                "lifecycle",
                "livenessProbe",
                "readinessProbe",
                "startupProbe",
                "terminationMessagePath",
            ] {
                fields.remove(field);
            }
            let script = if daemon { ASK_DOCKER.trim() } else { "exit 0" };
            fields.insert("command".to_owned(), json!(["/bin/sh", "-c", script]));
        }
    }
}

fn has_daemon(pod: &Value) -> bool {
    ["/spec/initContainers", "/spec/containers"]
        .iter()
        .flat_map(|list| items_at(pod, list))
        .any(|container| text_at(container, "/name").is_some_and(is_daemon))
}

/// The runner sets that may be without a runner while nothing is to do.
pub fn idle_sets(manifests: &[Manifest]) -> BTreeSet<ObjectRef> {
    let count = |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_u64);
    let autoscaled_to_none = |set: &ObjectRef| {
        manifests.iter().any(|manifest| {
            manifest.kind() == "HorizontalRunnerAutoscaler"
                && manifest.reference().namespace == set.namespace
                && manifest.text("/spec/scaleTargetRef/name") == Some(set.name.as_str())
                && count(&manifest.object, "/spec/minReplicas").unwrap_or_default() == 0
        })
    };
    manifests
        .iter()
        .filter(|manifest| match manifest.kind() {
            "AutoscalingRunnerSet" => {
                count(&manifest.object, "/spec/minRunners").unwrap_or_default() == 0
            }
            "RunnerDeployment" | "RunnerSet" => match count(&manifest.object, "/spec/replicas") {
                Some(replicas) => replicas == 0,
                None => autoscaled_to_none(&manifest.reference()),
            },
            _ => false,
        })
        .map(Manifest::reference)
        .collect()
}

/// True where the plan writes anything that a pod in the set's namespace may read: what a pull test has shown before
/// holds no longer. A change of the set itself is one of the pod's hash.
pub fn invalidates(plan: &Plan, set: &ObjectRef) -> bool {
    plan.steps()
        .filter(|step| step.writes())
        .filter_map(Step::object)
        .any(|object| {
            matches!(
                object.kind.as_str(),
                "Secret" | "ConfigMap" | "ServiceAccount"
            ) && object.namespace == set.namespace
        })
}

#[cfg(test)]
#[path = "pull_test_tests.rs"]
mod tests;
