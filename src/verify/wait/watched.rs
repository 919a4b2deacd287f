//! What to wait for at a level, and what to watch for that.

use std::collections::BTreeSet;

use super::feed::Feed;
use super::{Level, WaitOptions};
use crate::object::ObjectRef;
use crate::object::pods::{LEGACY_GROUP, SCALE_SET_GROUP};

/// The objects that a level waits for, in the order in which they become ready.
pub(super) fn targets(options: &WaitOptions<'_>) -> Vec<ObjectRef> {
    let rank = |object: &ObjectRef| match object.kind.as_str() {
        "CustomResourceDefinition" => Some(0),
        "Deployment" => Some(1),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => Some(2),
        // A pull test's; no pod is ever written as a part of an install.
        "Pod" => Some(3),
        _ if options.level < Level::Runners => None,
        "AutoscalingRunnerSet"
        | "Runner"
        | "RunnerDeployment"
        | "RunnerSet"
        | "AutoscalingListener" => Some(3),
        "HorizontalRunnerAutoscaler" => Some(4),
        _ => None,
    };
    let mut ranked: Vec<(i32, &ObjectRef)> = options
        .objects
        .iter()
        .filter_map(|object| rank(object).map(|rank| (rank, object)))
        .collect();
    ranked.sort();
    ranked.dedup();
    if options.level == Level::None {
        ranked.clear();
    }
    ranked
        .into_iter()
        .map(|(_, object)| object.clone())
        .collect()
}

/// Every feed that judging and explaining these targets needs.
pub(super) fn feeds(targets: &[ObjectRef], controller_namespace: Option<&str>) -> Vec<Feed> {
    let mut feeds = BTreeSet::new();
    let mut add = |api_version: &str, kind: &str, namespace: Option<&str>, is_needed: bool| {
        feeds.insert(Feed {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: None,
            is_needed,
        });
    };
    let scale_set = format!("{SCALE_SET_GROUP}/v1alpha1");
    let legacy = format!("{LEGACY_GROUP}/v1alpha1");
    let has_scale_set = targets
        .iter()
        .any(|target| target.group() == SCALE_SET_GROUP);
    let has_webhook = targets
        .iter()
        .any(|target| target.kind.ends_with("WebhookConfiguration"));
    let controllers: BTreeSet<&str> = targets
        .iter()
        .filter(|target| target.kind == "Deployment")
        .filter_map(|target| target.namespace.as_deref())
        .chain(controller_namespace)
        .collect();
    for namespace in controllers {
        let namespace = Some(namespace);
        add("apps/v1", "ReplicaSet", namespace, false);
        add("v1", "Pod", namespace, has_scale_set);
        add("v1", "Event", namespace, false);
        if has_webhook {
            add("discovery.k8s.io/v1", "EndpointSlice", namespace, true);
        }
        if has_scale_set {
            add(&scale_set, "AutoscalingListener", namespace, true);
        }
    }
    for target in targets {
        let namespace = target.namespace.as_deref();
        match target.group() {
            SCALE_SET_GROUP => {
                add(&scale_set, "EphemeralRunnerSet", namespace, true);
                add(&scale_set, "EphemeralRunner", namespace, true);
                add("v1", "Pod", namespace, true);
                add("v1", "Event", namespace, false);
            }
            LEGACY_GROUP => {
                add(&legacy, "RunnerReplicaSet", namespace, false);
                add(&legacy, "Runner", namespace, false);
                add("apps/v1", "StatefulSet", namespace, false);
                add("v1", "Pod", namespace, false);
                add("v1", "Event", namespace, false);
            }
            _ if target.kind == "Pod" => add("v1", "Event", namespace, false),
            _ => {}
        }
    }
    // Each target is watched by its name: CRDs are large, and Deployments of others are not our business.
    for target in targets {
        feeds.insert(Feed {
            api_version: target.api_version.clone(),
            kind: target.kind.clone(),
            namespace: target.namespace.clone(),
            name: Some(target.name.clone()),
            is_needed: true,
        });
    }
    // The same objects once: a needed feed answers for one that only explains.
    let all: Vec<Feed> = feeds.into_iter().collect();
    all.iter()
        .filter(|feed| {
            feed.is_needed
                || !all.iter().any(|other| {
                    other.is_needed
                        && other.name == feed.name
                        && other.kind == feed.kind
                        && other.api_version == feed.api_version
                        && other.namespace == feed.namespace
                })
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn options(level: Level) -> WaitOptions<'static> {
        let runner_set = ObjectRef::new(
            "actions.github.com/v1alpha1",
            "AutoscalingRunnerSet",
            Some("arc-runners"),
            "linux",
        );
        let deployment = ObjectRef::new("apps/v1", "Deployment", Some("arc-systems"), "arc");
        let role = ObjectRef::new(
            "rbac.authorization.k8s.io/v1",
            "Role",
            Some("arc-systems"),
            "arc",
        );
        WaitOptions {
            level,
            objects: vec![runner_set, deployment, role],
            controller_namespace: None,
            timeout: Duration::from_secs(1),
            registry: None,
        }
    }

    #[test]
    fn the_level_says_what_is_waited_for() {
        let kinds = |level| -> Vec<String> {
            targets(&options(level))
                .into_iter()
                .map(|target| target.kind)
                .collect()
        };
        assert!(kinds(Level::None).is_empty());
        assert_eq!(kinds(Level::Manager), ["Deployment"]);
        assert_eq!(
            kinds(Level::Runners),
            ["Deployment", "AutoscalingRunnerSet"]
        );
    }

    #[test]
    fn feeds_are_needed_or_only_explain_and_never_double() {
        let feeds = feeds(&targets(&options(Level::Runners)), None);
        let pods: Vec<&Feed> = feeds.iter().filter(|feed| feed.kind == "Pod").collect();
        assert_eq!(pods.len(), 2);
        assert!(pods.iter().all(|feed| feed.is_needed));
        assert!(
            feeds
                .iter()
                .any(|feed| feed.kind == "Event" && !feed.is_needed)
        );
        assert!(feeds.iter().any(|feed| feed.name.as_deref() == Some("arc")));
    }
}
