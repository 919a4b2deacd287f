//! A listener is ready when its pod runs.

use serde_json::Value;

use super::fields::text;
use super::{State, World, pod};

/// Judges an AutoscalingListener: its pod carries its name and stands in its namespace.
pub fn autoscaling_listener(object: &Value, world: &World) -> State {
    let name = text(object, "/metadata/name");
    let namespace = text(object, "/metadata/namespace");
    let found = world
        .of_kind("Pod", Some(namespace))
        .find(|candidate| text(candidate, "/metadata/name") == name);
    let Some(found) = found else {
        return State::waiting("its pod is not made yet");
    };
    match pod::pod(found) {
        State::Ready(_) if text(found, "/status/phase") == "Succeeded" => {
            State::waiting("its pod ended and is made again")
        }
        State::Ready(_) => State::ready("listener runs"),
        State::Waiting(reason) => State::waiting(format!("listener pod: {reason}")),
        // Its controller makes a new one.
        State::Failed(terminal) => State::waiting(format!("listener pod: {}", terminal.reason)),
    }
}
