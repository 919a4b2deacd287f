//! A pod that no node takes.

use std::time::Duration;

use serde_json::Value;

use super::Classified;
use crate::object::ObjectRef;
use crate::verify::readiness::fields::{condition_is, text};

/// How long an autoscaler has to answer.
const SCALE_UP: Duration = Duration::from_mins(1);

/// The cause where the scheduler found no node for a minute and no `TriggeredScaleUp` event was seen;
/// `waited` is how long the pod is known to be unschedulable.
pub fn unschedulable(pod: &Value, waited: Duration, scale_up_seen: bool) -> Option<Classified> {
    let condition = condition_is(pod, "PodScheduled", "False")?;
    if text(condition, "/reason") != "Unschedulable" || scale_up_seen || waited < SCALE_UP {
        return None;
    }
    let message = text(condition, "/message");
    let object = ObjectRef::from_value(pod);
    Some(
        Classified::new("unschedulable", &object, message)
            .evidence(format!("condition PodScheduled of {object}: {message}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_minute_without_scale_up_ends_it() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"},
            "status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "0/3 nodes are available: 3 Insufficient cpu."}]}});
        assert!(unschedulable(&pod, Duration::from_secs(59), false).is_none());
        assert!(unschedulable(&pod, Duration::from_secs(61), true).is_none());
        let found = unschedulable(&pod, Duration::from_secs(61), false).unwrap();
        assert_eq!(found.cause.id, "unschedulable");
        assert!(found.detail.contains("Insufficient cpu"));
    }
}
