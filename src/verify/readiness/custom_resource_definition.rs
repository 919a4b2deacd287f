//! A CRD is ready when its kind is served.

use serde_json::Value;

use super::State;
use super::fields::{condition_is, text};

/// Judges a CustomResourceDefinition.
pub fn custom_resource_definition(object: &Value) -> State {
    if let Some(condition) = condition_is(object, "NamesAccepted", "False") {
        return State::failed(text(condition, "/reason"), text(condition, "/message"));
    }
    if condition_is(object, "Established", "True").is_some() {
        return State::ready("established");
    }
    State::waiting("not established yet")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_that_is_taken_never_becomes_established() {
        let with =
            |conditions| custom_resource_definition(&json!({"status": {"conditions": conditions}}));
        assert_eq!(with(json!([])), State::waiting("not established yet"));
        assert!(with(json!([{"type": "Established", "status": "True"}])).is_ready());
        assert_eq!(
            with(json!([{"type": "Established", "status": "True"},
                {"type": "NamesAccepted", "status": "False", "reason": "PluralConflict", "message": "\"runners\" is in use"}])),
            State::failed("PluralConflict", "\"runners\" is in use")
        );
    }
}
