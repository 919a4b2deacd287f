//! A legacy RunnerSet counts as a RunnerDeployment does, in its own fields.

use serde_json::Value;

use super::State;
use super::fields::number;

/// Judges a RunnerSet.
pub fn runner_set(object: &Value) -> State {
    let Some(status) = object.get("status") else {
        return State::waiting("not accepted by the controller yet");
    };
    let wanted = number(object, "/spec/replicas")
        .or_else(|| number(status, "/desiredReplicas"))
        .unwrap_or(1);
    if wanted == 0 {
        return State::ready("accepted by the controller; no idle runners wanted");
    }
    let available = number(status, "/availableReplicas")
        .or_else(|| number(status, "/readyReplicas"))
        .unwrap_or_default();
    if available < wanted {
        return State::waiting(format!("{available} of {wanted} runners available"));
    }
    State::ready(format!("{available} of {wanted} runners available"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn available_runners_decide() {
        let with = |status| runner_set(&json!({"spec": {"replicas": 2}, "status": status}));
        assert!(with(json!({"availableReplicas": 2})).is_ready());
        assert_eq!(
            with(json!({"readyReplicas": 1})),
            State::waiting("1 of 2 runners available")
        );
    }
}
