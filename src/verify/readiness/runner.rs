//! A legacy Runner is ready when its own phase says that it runs.

use serde_json::Value;

use super::State;
use super::fields::text;

/// Judges a Runner of the legacy generation. Before v0.20 the phase is the only sign.
pub fn runner(object: &Value) -> State {
    let message = text(object, "/status/message");
    match text(object, "/status/phase") {
        "Running" => State::ready("runner runs"),
        "" if text(object, "/status/registration/expiresAt").is_empty() => {
            State::waiting("not accepted by the controller yet")
        }
        "" => State::waiting("registered, its pod is not seen yet"),
        // The controller makes its pod again after every end.
        phase if message.is_empty() => State::waiting(format!("phase {phase}")),
        phase => State::waiting(format!("phase {phase}: {message}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_phase_decides() {
        let with = |status| runner(&json!({"status": status}));
        assert_eq!(
            with(json!({})),
            State::waiting("not accepted by the controller yet")
        );
        assert_eq!(
            with(json!({"registration": {"expiresAt": "2026-01-01T00:00:00Z"}})),
            State::waiting("registered, its pod is not seen yet")
        );
        assert_eq!(
            with(json!({"phase": "Pending", "message": "no node"})),
            State::waiting("phase Pending: no node")
        );
        assert!(with(json!({"phase": "Running"})).is_ready());
    }
}
