//! An autoscaler is ready when the controller worked out a number of runners.

use serde_json::Value;

use super::State;
use super::fields::number;

/// Judges a HorizontalRunnerAutoscaler: `status.desiredReplicas` appears after its first look at GitHub.
pub fn horizontal_runner_autoscaler(object: &Value) -> State {
    match number(object, "/status/desiredReplicas") {
        Some(desired) => State::ready(format!("{desired} runners desired")),
        None => State::waiting("the controller has not worked out the number of runners yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn zero_is_a_number_too() {
        assert!(
            horizontal_runner_autoscaler(&json!({"status": {"desiredReplicas": 0}})).is_ready()
        );
        assert!(!horizontal_runner_autoscaler(&json!({"status": {}})).is_ready());
    }
}
