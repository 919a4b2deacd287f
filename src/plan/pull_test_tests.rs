use super::*;
use crate::config::ArcVersion;
use crate::object::Source;
use crate::plan::Wave;

const PATIENCE: Duration = Duration::from_mins(5);

fn scale_set(spec: &Value) -> Value {
    json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
        "metadata": {"name": "linux", "namespace": "arc-runners", "uid": "u"},
        "spec": {"minRunners": 0, "template": {
            "metadata": {"labels": {"app.kubernetes.io/component": "runner", "example.com/team": "platform",
                "actions-runner-controller/inject-registration-token": "true", "actions-ephemeral-runner": "True",
                "pod-template-hash": "1", "runner-template-hash": "2", "runnerset-name": "3"},
                "annotations": {"arc-setup.dev/config-hash": "h"}},
            "spec": spec}}})
}

fn dind() -> Value {
    json!({"restartPolicy": "OnFailure", "nodeSelector": {"pool": "runners"}, "terminationGracePeriodSeconds": 3600,
        "imagePullSecrets": [{"name": "arc-pull"}],
        "initContainers": [{"name": "dind", "image": "r/docker:29", "imagePullPolicy": "IfNotPresent", "restartPolicy": "Always",
            "startupProbe": {"exec": {"command": ["docker", "info"]}}, "args": ["dockerd"]}],
        "containers": [
            {"name": "runner", "image": "r/runner:2", "command": ["/home/runner/run.sh"], "args": ["x"],
                "livenessProbe": {}, "lifecycle": {}, "env": [{"name": "DOCKER_HOST", "value": "unix:///var/run/docker.sock"}]},
            {"name": "mine", "image": "m", "terminationMessagePolicy": "File", "imagePullPolicy": "Never", "lifecycle": {"preStop": {}}}],
        "volumes": [{"name": "work", "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast"}}}}]})
}

fn tried(set: &Value) -> PullTest {
    pull_test(set, &LegacyManager::default(), "arc", PATIENCE).unwrap()
}

#[test]
fn only_the_runners_command_and_the_ends_of_the_pod_are_other_than_in_the_template() {
    let made = tried(&scale_set(&dind()));
    let mut wanted = dind();
    wanted["restartPolicy"] = json!("Never");
    wanted["terminationGracePeriodSeconds"] = json!(1);
    wanted["activeDeadlineSeconds"] = json!(1200);
    wanted["initContainers"][0]["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
    wanted["initContainers"][0]["imagePullPolicy"] = json!("Always");
    let command = made.pod["spec"]["containers"][0]["command"].clone();
    wanted["containers"][0] = json!({"name": "runner", "image": "r/runner:2", "command": command,
        "env": dind()["containers"][0]["env"], "terminationMessagePolicy": "FallbackToLogsOnError",
        "imagePullPolicy": "Always"});
    assert_eq!(made.pod["spec"], wanted);
    assert!(
        command[2].as_str().unwrap().contains("docker ps"),
        "{command}"
    );
    assert_eq!(
        made.set.to_string(),
        "AutoscalingRunnerSet arc-runners/linux"
    );
}

#[test]
fn an_image_that_only_the_controller_knows_is_not_made_up() {
    let set = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "RunnerDeployment",
        "metadata": {"name": "linux", "namespace": "arc-runners"},
        "spec": {"template": {"spec": {"image": "r/runner:2"}}}});
    let manager = LegacyManager::default();
    assert_eq!(pull_test(&set, &manager, "arc", PATIENCE), None);
}

#[test]
fn the_pod_is_ours_by_its_labels_and_nothing_of_arc_selects_it() {
    let made = tried(&scale_set(&dind()));
    assert_eq!(
        made.pod["metadata"],
        json!({"generateName": "linux-pull-test-", "namespace": "arc-runners",
            "labels": {"app.kubernetes.io/component": "pull-test", "example.com/team": "platform",
                "app.kubernetes.io/managed-by": "arc-setup", "arc-setup.dev/install": "arc",
                "arc-setup.dev/pull-test": "linux"},
            "annotations": {"arc-setup.dev/config-hash": "h"}})
    );
    let mut set = scale_set(&dind());
    set["metadata"]["name"] = json!("a-name-of-forty-five-characters-0123456-abcde");
    let name = tried(&set).pod["metadata"]["generateName"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        name.len() <= LONGEST_NAME && name.ends_with(NAME_END),
        "{name}"
    );
}

#[test]
fn without_a_daemon_the_runner_ends_at_once() {
    let spec = json!({"containers": [{"name": "runner", "image": "r/runner:2"}]});
    let made = tried(&scale_set(&spec));
    assert_eq!(
        made.pod["spec"]["containers"][0]["command"],
        json!(["/bin/sh", "-c", "exit 0"])
    );
}

#[test]
fn the_same_pod_has_the_same_hash_whatever_else_changes() {
    let hash = |set: &Value, patience| {
        let made = pull_test(set, &LegacyManager::default(), "arc", patience);
        made.unwrap().hash
    };
    let mut set = scale_set(&dind());
    let first = hash(&set, PATIENCE);
    assert_eq!(first.len(), 64);
    set["spec"]["maxRunners"] = json!(9);
    set["metadata"]["resourceVersion"] = json!("2");
    assert_eq!(hash(&set, PATIENCE * 2), first);
    set["spec"]["template"]["spec"]["initContainers"][0]["image"] = json!("r/docker:30");
    assert_ne!(hash(&set, PATIENCE), first);
}

#[test]
fn the_daemon_of_a_legacy_runner_is_the_managers_and_part_of_the_hash() {
    let set = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "RunnerDeployment",
        "metadata": {"name": "builds", "namespace": "arc-runners"},
        "spec": {"template": {"metadata": {}, "spec": {"image": "r/runner:1"}}}});
    let manager = |image: &str| {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "arc"},
            "spec": {"template": {"spec": {"containers": [{"name": "manager", "image": "r/actions-runner-controller:1",
                "command": ["/manager"], "args": [format!("--docker-image={image}")]}]}}}});
        LegacyManager::of(&deployment, ArcVersion::new(0, 27, 6))
    };
    let made = |image: &str| pull_test(&set, &manager(image), "arc", PATIENCE).unwrap();
    let one = made("r/docker:29");
    assert_eq!(one.pod["spec"]["containers"][1]["image"], "r/docker:29");
    let script = &one.pod["spec"]["containers"][0]["command"][2];
    assert!(script.as_str().unwrap().contains("docker ps"), "{script}");
    assert_ne!(one.hash, made("r/docker:30").hash);
}

#[test]
fn sets_that_may_be_without_a_runner_are_known_by_their_manifests() {
    let manifest = |kind: &str, namespace: &str, spec: &Value| {
        let object = json!({"apiVersion": "x/v1", "kind": kind, "metadata": {"name": "a", "namespace": namespace}, "spec": spec});
        Manifest::new(object, Source::Pass("test".to_owned()))
    };
    let autoscaler = |namespace: &str, min: u32| {
        let spec = json!({"minReplicas": min, "scaleTargetRef": {"name": "a"}});
        manifest("HorizontalRunnerAutoscaler", namespace, &spec)
    };
    let manifests = [
        manifest("AutoscalingRunnerSet", "idle-set", &json!({})),
        manifest(
            "AutoscalingRunnerSet",
            "busy-set",
            &json!({"minRunners": 1}),
        ),
        manifest("RunnerDeployment", "idle", &json!({})),
        autoscaler("idle", 0),
        manifest("RunnerDeployment", "busy", &json!({})),
        autoscaler("busy", 1),
        manifest("RunnerSet", "fixed", &json!({"replicas": 2})),
        manifest("Runner", "one", &json!({})),
    ];
    let found = idle_sets(&manifests).into_iter();
    let namespaces: Vec<String> = found.filter_map(|set| set.namespace).collect();
    assert_eq!(namespaces, ["idle-set", "idle"]);
}

#[test]
fn what_the_pod_reads_ends_an_earlier_proof_when_it_is_written() {
    let set = ObjectRef::new(
        "actions.github.com/v1alpha1",
        "AutoscalingRunnerSet",
        Some("r"),
        "a",
    );
    let plan = |kind: &str, namespace: &str, writes: bool| {
        let object = ObjectRef::new("v1", kind, Some(namespace), "x");
        let step = if writes {
            Step::Create {
                object,
                unknown: None,
            }
        } else {
            Step::Unchanged { object }
        };
        let wave = Wave {
            title: String::new(),
            steps: vec![step],
        };
        Plan {
            install: String::new(),
            namespace: String::new(),
            inputs: String::new(),
            waves: vec![wave],
            controller_namespace: None,
            forgotten: Vec::new(),
            changes: Vec::new(),
            objects: Vec::new(),
            receipt: None,
        }
    };
    assert!(invalidates(&plan("Secret", "r", true), &set));
    assert!(!invalidates(&plan("Secret", "r", false), &set));
    assert!(!invalidates(&plan("Secret", "other", true), &set));
    assert!(!invalidates(&plan("Deployment", "r", true), &set));
}
