//! Waits until the API server serves new kinds: one watch per definition, which answers at once where it is so.

use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

use crate::clients::kube::{Cluster, ClusterError, Selection};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;

const API_VERSION: &str = "apiextensions.k8s.io/v1";
const KIND: &str = "CustomResourceDefinition";

/// Ends when every definition is established.
pub(super) async fn established(
    cluster: &Cluster,
    definitions: &[String],
    limit: Duration,
) -> Result<(), Failure> {
    let waits = definitions.iter().map(|name| one(cluster, name, limit));
    futures::future::try_join_all(waits).await.map(|_| ())
}

async fn one(cluster: &Cluster, name: &str, limit: Duration) -> Result<(), Failure> {
    let definition = ObjectRef::new(API_VERSION, KIND, None, name);
    match timeout(limit, watch(cluster, name)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Ended::Refused(why))) => Err(Failure::new(
            "crd-not-established",
            Exit::ApplyFailed,
            format!("{definition} cannot be served"),
        )
        .why(why)
        .remedy("another CRD holds one of its names: remove that one, or use it with --crds")),
        Ok(Err(Ended::Cluster(error))) => {
            Err(error.failure(format!("cannot watch {definition}"), Exit::ApplyFailed))
        }
        Err(_) => Err(Failure::new(
            "crd-not-established",
            Exit::Timeout,
            format!("{definition} is not served after {} s", limit.as_secs()),
        )
        .remedy(format!("kubectl describe crd {name}"))),
    }
}

enum Ended {
    Refused(String),
    Cluster(ClusterError),
}

async fn watch(cluster: &Cluster, name: &str) -> Result<(), Ended> {
    let fields = format!("metadata.name={name}");
    let selection = Selection {
        fields: Some(&fields),
        ..Selection::default()
    };
    loop {
        let mut events = cluster
            .watch(API_VERSION, KIND, &selection, None)
            .await
            .map_err(Ended::Cluster)?;
        while let Some(event) = events.next().await {
            // A watch may end for many reasons; the next one begins with the state as it is.
            let Ok(event) = event else { break };
            if is_true(&event.object, "Established").is_some() {
                return Ok(());
            }
            if let Some(why) = refused(&event.object) {
                return Err(Ended::Refused(why));
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn condition<'a>(definition: &'a Value, wanted: &str) -> Option<&'a Value> {
    definition
        .pointer("/status/conditions")?
        .as_array()?
        .iter()
        .find(|condition| condition.get("type").and_then(Value::as_str) == Some(wanted))
}

fn is_true<'a>(definition: &'a Value, wanted: &str) -> Option<&'a Value> {
    condition(definition, wanted)
        .filter(|condition| condition.get("status").and_then(Value::as_str) == Some("True"))
}

fn refused(definition: &Value) -> Option<String> {
    let names = condition(definition, "NamesAccepted")?;
    (names.get("status").and_then(Value::as_str) == Some("False")).then(|| {
        let message = names.get("message").and_then(Value::as_str);
        message.unwrap_or("its names are not accepted").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_are_read() {
        let with = |kind: &str, status: &str| json!({"status": {"conditions": [{"type": kind, "status": status, "message": "taken"}]}});
        assert!(is_true(&with("Established", "True"), "Established").is_some());
        assert!(is_true(&with("Established", "False"), "Established").is_none());
        assert!(is_true(&json!({}), "Established").is_none());
        assert_eq!(
            refused(&with("NamesAccepted", "False")).as_deref(),
            Some("taken")
        );
        assert_eq!(refused(&with("NamesAccepted", "True")), None);
    }
}
