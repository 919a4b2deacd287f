//! A Deployment is ready when the newest template runs everywhere and is available.

use serde_json::Value;

use super::State;
use super::fields::{condition_is, number, text};

/// Judges a Deployment. Nothing in `status` counts before its controller saw the newest spec.
pub fn deployment(object: &Value) -> State {
    let generation = number(object, "/metadata/generation").unwrap_or_default();
    let observed = number(object, "/status/observedGeneration").unwrap_or_default();
    if observed < generation {
        return State::waiting("its newest spec is not seen by its controller yet");
    }
    if let Some(condition) = condition_is(object, "Progressing", "False") {
        return State::failed(text(condition, "/reason"), text(condition, "/message"));
    }
    let wanted = number(object, "/spec/replicas").unwrap_or(1);
    let count = |field: &str| number(object, &format!("/status/{field}")).unwrap_or_default();
    let (updated, total, available) = (
        count("updatedReplicas"),
        count("replicas"),
        count("availableReplicas"),
    );
    if updated < wanted {
        return State::waiting(format!("{updated} of {wanted} replicas updated"));
    }
    if total > updated {
        let old = total - updated;
        return State::waiting(format!("{old} old replicas pending termination"));
    }
    if available < updated {
        return State::waiting(format!("{available} of {wanted} replicas available"));
    }
    State::ready(format!("{available} of {wanted} replicas available"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(status: &Value) -> State {
        deployment(
            &json!({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}),
        )
    }

    #[test]
    fn an_old_status_says_nothing() {
        let status = json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2});
        assert!(matches!(with(&status), State::Waiting(reason) if reason.contains("newest spec")));
    }

    #[test]
    fn a_rollout_goes_through_updated_old_and_available() {
        let at = |replicas, updated, available| {
            with(
                &json!({"observedGeneration": 2, "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available}),
            )
        };
        assert_eq!(at(2, 1, 2), State::waiting("1 of 2 replicas updated"));
        assert_eq!(
            at(3, 2, 2),
            State::waiting("1 old replicas pending termination")
        );
        assert_eq!(at(2, 2, 1), State::waiting("1 of 2 replicas available"));
        assert_eq!(at(2, 2, 2), State::ready("2 of 2 replicas available"));
    }

    #[test]
    fn no_progress_is_a_failure_in_its_own_words() {
        let state = with(&json!({"observedGeneration": 2, "conditions": [
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "has timed out"}]}));
        assert_eq!(
            state,
            State::failed("ProgressDeadlineExceeded", "has timed out")
        );
    }
}
