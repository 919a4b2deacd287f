//! A legacy RunnerDeployment is ready when as many runners as wanted are.

use serde_json::Value;

use super::State;
use super::fields::number;

/// Judges a RunnerDeployment. Before v0.20 every Runner that was made is available, and those that run are ready; later
/// releases count those that run as both, and `updatedReplicas` too.
pub fn runner_deployment(object: &Value) -> State {
    let Some(status) = object.get("status") else {
        return State::waiting("not accepted by the controller yet");
    };
    let wanted = number(object, "/spec/replicas")
        .or_else(|| number(status, "/desiredReplicas"))
        .unwrap_or(1);
    let available = number(status, "/availableReplicas").unwrap_or_default();
    let updated = number(status, "/updatedReplicas").unwrap_or(available);
    if wanted == 0 {
        return State::ready("accepted by the controller; no idle runners wanted");
    }
    let running = number(status, "/readyReplicas").unwrap_or(available);
    let ready = available.min(updated).min(running);
    if ready < wanted {
        return State::waiting(format!("{ready} of {wanted} runners available"));
    }
    State::ready(format!("{ready} of {wanted} runners available"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_of_both_ages_are_read() {
        let with = |replicas: i64, status: Value| {
            runner_deployment(&json!({"spec": {"replicas": replicas}, "status": status}))
        };
        assert!(with(1, json!({"availableReplicas": 1, "readyReplicas": 1})).is_ready());
        assert_eq!(
            with(2, json!({"availableReplicas": 2, "updatedReplicas": 1})),
            State::waiting("1 of 2 runners available")
        );
        assert_eq!(
            with(1, json!({"availableReplicas": 1, "readyReplicas": 0})),
            State::waiting("0 of 1 runners available")
        );
        assert!(with(0, json!({})).is_ready());
        assert_eq!(
            runner_deployment(&json!({})),
            State::waiting("not accepted by the controller yet")
        );
    }
}
