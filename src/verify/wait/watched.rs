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
    around_controllers(targets, controller_namespace, &mut feeds);
    for target in targets {
        around_runners(target, &mut feeds);
        // Each target is watched by its name: CRDs are large, and Deployments of others are not our business.
        feeds.insert(Feed {
            name: Some(target.name.clone()),
            ..feed(
                &target.api_version,
                &target.kind,
                target.namespace.as_deref(),
                true,
            )
        });
    }
    once(&feeds)
}

/// All objects of a kind in a namespace.
fn feed(api_version: &str, kind: &str, namespace: Option<&str>, is_needed: bool) -> Feed {
    Feed {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: None,
        is_needed,
    }
}

/// What controllers make in their own namespaces, and what tells why they do not.
fn around_controllers(
    targets: &[ObjectRef],
    controller_namespace: Option<&str>,
    feeds: &mut BTreeSet<Feed>,
) {
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
        feeds.insert(feed("apps/v1", "ReplicaSet", namespace, false));
        feeds.insert(feed("v1", "Pod", namespace, has_scale_set));
        feeds.insert(feed("v1", "Event", namespace, false));
        if has_webhook {
            let slices = feed("discovery.k8s.io/v1", "EndpointSlice", namespace, true);
            feeds.insert(slices);
        }
        if has_scale_set {
            let api_version = format!("{SCALE_SET_GROUP}/v1alpha1");
            feeds.insert(feed(&api_version, "AutoscalingListener", namespace, true));
        }
    }
}

/// What the controllers make of a runner set, and what tells why they do not; of a pod, why it does not start.
fn around_runners(target: &ObjectRef, feeds: &mut BTreeSet<Feed>) {
    let group = target.group();
    let api_version = format!("{group}/v1alpha1");
    let made: &[(&str, &str, bool)] = match group {
        SCALE_SET_GROUP => &[
            (&api_version, "EphemeralRunnerSet", true),
            (&api_version, "EphemeralRunner", true),
            ("v1", "Pod", true),
            ("v1", "Event", false),
        ],
        LEGACY_GROUP => &[
            (&api_version, "RunnerReplicaSet", false),
            (&api_version, "Runner", false),
            ("apps/v1", "StatefulSet", false),
            ("v1", "Pod", false),
            ("v1", "Event", false),
        ],
        _ if target.kind == "Pod" => &[("v1", "Event", false)],
        _ => &[],
    };
    let namespace = target.namespace.as_deref();
    feeds.extend(
        made.iter()
            .map(|(api_version, kind, is_needed)| feed(api_version, kind, namespace, *is_needed)),
    );
}

/// The same objects once: a needed feed answers for one that only explains.
fn once(feeds: &BTreeSet<Feed>) -> Vec<Feed> {
    let is_answered = |feed: &Feed| {
        let needed = Feed {
            is_needed: true,
            ..feed.clone()
        };
        !feed.is_needed && feeds.contains(&needed)
    };
    let kept = feeds.iter().filter(|feed| !is_answered(feed));
    kept.cloned().collect()
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
            known_lines: None,
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
