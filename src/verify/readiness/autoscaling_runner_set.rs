//! A runner scale set is ready when GitHub knows it, its listener runs and the wanted idle runners exist.
//!
//! Its own printer column for a state points at a field that does not exist; these signs were seen to work.

use serde_json::Value;

use super::fields::{is_deleting, number, text};
use super::{State, World, autoscaling_listener};

/// Judges an AutoscalingRunnerSet with the listeners, runners and pods around it.
pub fn autoscaling_runner_set(object: &Value, world: &World) -> State {
    if is_deleting(object) {
        return State::failed(
            "Deleted",
            "its controller deletes it: the label app.kubernetes.io/version is not of the controller's release",
        );
    }
    if text(object, "/status/phase") == "Outdated" {
        return State::failed(
            "Outdated",
            "GitHub refuses the version of its runner image; the image must be newer",
        );
    }
    let id = text(object, "/metadata/annotations/runner-scale-set-id");
    if id.is_empty() {
        return State::waiting("not registered at GitHub yet");
    }
    let name = text(object, "/metadata/name");
    let namespace = text(object, "/metadata/namespace");
    // The listener stands in the controller's namespace, so that no owner reference leads there.
    let listener = world.of_kind("AutoscalingListener", None).find(|listener| {
        text(listener, "/spec/autoscalingRunnerSetName") == name
            && text(listener, "/spec/autoscalingRunnerSetNamespace") == namespace
            && !is_deleting(listener)
    });
    let Some(listener) = listener else {
        return State::waiting("its listener is not made yet");
    };
    match autoscaling_listener::autoscaling_listener(listener, world) {
        State::Ready(_) => {}
        other => return other,
    }
    let wanted = number(object, "/spec/minRunners").unwrap_or_default();
    if wanted == 0 {
        return State::ready(format!(
            "accepted by the controller as scale set {id}, listener runs; no idle runners wanted"
        ));
    }
    let running = runners(object, world);
    if running < wanted {
        return State::waiting(format!("{running} of {wanted} idle runners run"));
    }
    State::ready(format!(
        "scale set {id}, listener and {running} runners run"
    ))
}

/// How many of its runners have a pod that runs.
fn runners(object: &Value, world: &World) -> i64 {
    let running = world
        .owned("EphemeralRunnerSet", object)
        .flat_map(|set| world.owned("EphemeralRunner", set))
        .flat_map(|runner| world.owned("Pod", runner))
        .filter(|pod| text(pod, "/status/phase") == "Running" && !is_deleting(pod))
        .count();
    i64::try_from(running).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(min: i64) -> Value {
        json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
            "metadata": {"name": "linux", "namespace": "arc-runners", "uid": "set",
                "annotations": {"runner-scale-set-id": "7"}},
            "spec": {"minRunners": min}})
    }

    fn child(kind: &str, name: &str, owner: &str, status: &Value) -> Value {
        json!({"apiVersion": "x/v1", "kind": kind, "status": status,
            "metadata": {"name": name, "namespace": "arc-runners", "uid": name, "ownerReferences": [{"uid": owner}]}})
    }

    fn world_with_listener(phase: &str) -> World {
        let mut world = World::default();
        world.insert(json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingListener",
            "metadata": {"name": "linux-1-listener", "namespace": "arc-systems"},
            "spec": {"autoscalingRunnerSetName": "linux", "autoscalingRunnerSetNamespace": "arc-runners"}}));
        world.insert(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "linux-1-listener", "namespace": "arc-systems"},
            "status": {"phase": phase, "conditions": [{"type": "Ready", "status": if phase == "Running" { "True" } else { "False" }}]}}));
        world
    }

    #[test]
    fn registration_listener_and_runners_come_in_turn() {
        let mut unregistered = set(1);
        unregistered["metadata"]["annotations"] = json!({});
        let empty = World::default();
        assert_eq!(
            autoscaling_runner_set(&unregistered, &empty),
            State::waiting("not registered at GitHub yet")
        );
        assert_eq!(
            autoscaling_runner_set(&set(1), &empty),
            State::waiting("its listener is not made yet")
        );
        let waiting = autoscaling_runner_set(&set(1), &world_with_listener("Pending"));
        assert!(matches!(waiting, State::Waiting(reason) if reason.starts_with("listener pod")));
        let mut world = world_with_listener("Running");
        assert_eq!(
            autoscaling_runner_set(&set(1), &world),
            State::waiting("0 of 1 idle runners run")
        );
        world.insert(child("EphemeralRunnerSet", "ers", "set", &json!({})));
        world.insert(child("EphemeralRunner", "er", "ers", &json!({})));
        world.insert(child("Pod", "pod", "er", &json!({"phase": "Running"})));
        assert!(autoscaling_runner_set(&set(1), &world).is_ready());
    }

    #[test]
    fn without_idle_runners_acceptance_is_what_is_proven() {
        let state = autoscaling_runner_set(&set(0), &world_with_listener("Running"));
        assert!(
            matches!(state, State::Ready(proof) if proof.contains("accepted by the controller"))
        );
    }

    #[test]
    fn deletion_and_outdated_runners_end_the_wait() {
        let mut deleted = set(0);
        deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert!(matches!(
            autoscaling_runner_set(&deleted, &World::default()),
            State::Failed(_)
        ));
        let mut outdated = set(0);
        outdated["status"] = json!({"phase": "Outdated"});
        assert!(matches!(
            autoscaling_runner_set(&outdated, &World::default()),
            State::Failed(_)
        ));
    }
}
