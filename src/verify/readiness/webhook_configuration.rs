//! A webhook is ready when a Service stands behind it and answers the API server.

use serde_json::Value;

use super::fields::{items, text};
use super::{State, World};

/// What the API server said to a dry-run of a guarded object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The webhook was reached, whatever it decided.
    Reached,
    /// `failed calling webhook`, with the server's text.
    NotReached(String),
}

/// Judges a webhook configuration by the endpoints behind its Services, and by a dry-run where one was made.
pub fn webhook_configuration(object: &Value, world: &World, answer: Option<&Answer>) -> State {
    for webhook in items(object, "/webhooks") {
        let name = text(webhook, "/clientConfig/service/name");
        let namespace = text(webhook, "/clientConfig/service/namespace");
        if !name.is_empty() && !has_endpoints(world, namespace, name) {
            return State::waiting(format!("Service {namespace}/{name} has no ready endpoint"));
        }
        if !name.is_empty() && text(webhook, "/clientConfig/caBundle").is_empty() {
            return State::waiting(format!("{} has no caBundle yet", text(webhook, "/name")));
        }
    }
    match answer {
        Some(Answer::NotReached(message)) => State::waiting(message.clone()),
        Some(Answer::Reached) => State::ready("answers the API server"),
        None => State::ready("has an endpoint; no guarded object was tried"),
    }
}

fn has_endpoints(world: &World, namespace: &str, service: &str) -> bool {
    world
        .of_kind("EndpointSlice", Some(namespace))
        .filter(|slice| text(slice, "/metadata/labels/kubernetes.io~1service-name") == service)
        .flat_map(|slice| items(slice, "/endpoints"))
        // Absent means ready (discovery.k8s.io/v1).
        .any(|endpoint| {
            endpoint
                .pointer("/conditions/ready")
                .and_then(Value::as_bool)
                != Some(false)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn endpoint_authority_and_answer() {
        let configuration = json!({"webhooks": [{"name": "mutate.runner",
            "clientConfig": {"caBundle": "Zm9v", "service": {"name": "webhook", "namespace": "arc"}}}]});
        let mut world = World::default();
        assert_eq!(
            webhook_configuration(&configuration, &world, None),
            State::waiting("Service arc/webhook has no ready endpoint")
        );
        let slice = |ready: bool| {
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "webhook-1", "namespace": "arc", "labels": {"kubernetes.io/service-name": "webhook"}},
            "endpoints": [{"conditions": {"ready": ready}}]})
        };
        world.insert(slice(false));
        assert!(!webhook_configuration(&configuration, &world, None).is_ready());
        world.insert(slice(true));
        let not_reached = Answer::NotReached("failed calling webhook".into());
        assert!(!webhook_configuration(&configuration, &world, Some(&not_reached)).is_ready());
        assert!(webhook_configuration(&configuration, &world, Some(&Answer::Reached)).is_ready());
    }
}
