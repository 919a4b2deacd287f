//! Gathers what blocks a target out of the live objects around it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::RegistryLook;
use crate::clients::kube::{Cluster, LogOptions};
use crate::object::ObjectRef;
use crate::verify::classify::{
    Classified, PodEvidence, RegistryAnswer, container_evidence, crash, pull, pull_evidence,
    refusal, replica_failures, unschedulable,
};
use crate::verify::readiness::World;
use crate::verify::readiness::fields::{is_deleting, items, number, text};

/// Lines of a crashed container's log that are read: an unknown flag stands above the usage of all flags.
const CRASH_LINES: u32 = 400;

/// Answers that are asked for once.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    registry: BTreeMap<String, Option<RegistryAnswer>>,
    crash_logs: HashMap<(String, String, i64), String>,
    unscheduled_since: HashMap<String, Instant>,
    /// Events that came after the wait began; older ones may tell of what is repaired.
    pub(super) fresh_events: BTreeSet<ObjectRef>,
}

impl Gatherer {
    /// Every cause that blocks `target`.
    pub(super) async fn causes(
        &mut self,
        cluster: &Cluster,
        registry: Option<RegistryLook<'_>>,
        world: &World,
        target: &Value,
        now: Instant,
    ) -> Vec<Classified> {
        let mut found = Vec::new();
        for object in around(world, target) {
            if object.get("kind").and_then(Value::as_str) == Some("Pod") {
                found.extend(self.of_pod(cluster, registry, world, object, now).await);
            } else {
                found.extend(self.of_maker(world, object));
            }
        }
        found
    }

    /// What stops an object from making its pods.
    fn of_maker(&self, world: &World, object: &Value) -> Vec<Classified> {
        let reference = ObjectRef::from_value(object);
        // A ReplicaSet that has all its pods was refused once and is not any more.
        let wanted = number(object, "/spec/replicas").unwrap_or(1);
        let has_all = number(object, "/status/replicas").unwrap_or_default() >= wanted;
        let is_complete = reference.kind == "ReplicaSet" && has_all;
        let fresh = world
            .of_kind("Event", reference.namespace.as_deref())
            .filter(|event| {
                !is_complete && self.fresh_events.contains(&ObjectRef::from_value(event))
            });
        replica_failures(object, fresh)
            .into_iter()
            .map(|message| refusal(&reference, message))
            .collect()
    }

    async fn of_pod(
        &mut self,
        cluster: &Cluster,
        registry: Option<RegistryLook<'_>>,
        world: &World,
        pod: &Value,
        now: Instant,
    ) -> Vec<Classified> {
        if is_deleting(pod) {
            return Vec::new();
        }
        let reference = ObjectRef::from_value(pod);
        let namespace = reference.namespace.as_deref();
        let mut found = Vec::new();
        for evidence in container_evidence(pod) {
            if evidence.reason == "CrashLoopBackOff" {
                let log = self.crash_log(cluster, pod, &evidence).await;
                found.extend(crash(&evidence, &log));
                continue;
            }
            if evidence.reason == "CreateContainerConfigError" {
                found.push(
                    Classified::new(
                        "object-missing",
                        &reference,
                        format!("container {}: {}", evidence.container, evidence.message),
                    )
                    .evidence(&evidence.message),
                );
                continue;
            }
            let long_text = pull_evidence(pod, &evidence.image, world.of_kind("Event", namespace));
            if pull(&evidence, long_text, None).is_some() {
                let answer = self.ask(registry, &evidence.image).await;
                found.extend(pull(&evidence, long_text, answer.as_ref()));
            }
        }
        let uid = text(pod, "/metadata/uid").to_owned();
        if text(pod, "/spec/nodeName").is_empty() {
            let since = *self.unscheduled_since.entry(uid.clone()).or_insert(now);
            let scale_up_seen = world.of_kind("Event", namespace).any(|event| {
                text(event, "/involvedObject/uid") == uid
                    && text(event, "/reason") == "TriggeredScaleUp"
            });
            found.extend(unschedulable(pod, now.duration_since(since), scale_up_seen));
        }
        found
    }

    /// When a pod that no node takes must be looked at again.
    pub(super) fn next_look(&self, now: Instant) -> Option<Instant> {
        self.unscheduled_since
            .values()
            .map(|since| *since + Duration::from_secs(61))
            .filter(|due| *due > now)
            .min()
    }

    async fn ask(
        &mut self,
        registry: Option<RegistryLook<'_>>,
        image: &str,
    ) -> Option<RegistryAnswer> {
        if !self.registry.contains_key(image) {
            let answer = match registry {
                Some(look) => look(image.to_owned()).await,
                None => None,
            };
            self.registry.insert(image.to_owned(), answer);
        }
        self.registry.get(image).cloned().flatten()
    }

    async fn crash_log(
        &mut self,
        cluster: &Cluster,
        pod: &Value,
        evidence: &PodEvidence,
    ) -> String {
        let uid = text(pod, "/metadata/uid").to_owned();
        let key = (uid, evidence.container.clone(), evidence.restarts);
        if let Some(log) = self.crash_logs.get(&key) {
            return log.clone();
        }
        let options = LogOptions {
            container: Some(&evidence.container),
            tail: CRASH_LINES,
            previous: true,
        };
        let namespace = text(pod, "/metadata/namespace");
        // A log that cannot be read is no evidence; the crash itself is.
        let log = cluster
            .logs(namespace, text(pod, "/metadata/name"), &options)
            .await
            .unwrap_or_default();
        self.crash_logs.insert(key, log.clone());
        log
    }
}

/// The target and everything that is made from it, pods of old ReplicaSets left out.
pub(super) fn around<'a>(world: &'a World, target: &'a Value) -> Vec<&'a Value> {
    if text(target, "/kind") == "Deployment" {
        let mut found = vec![target];
        found.extend(world.newest_replica_set(target));
        found.extend(world.newest_pods(target));
        return found;
    }
    // One pass over the world: a search for each object found would be quadratic in runners.
    let mut owned: HashMap<&str, Vec<&Value>> = HashMap::new();
    let mut listeners: Vec<&Value> = Vec::new();
    for (reference, other) in world.iter() {
        for owner in items(other, "/metadata/ownerReferences") {
            owned.entry(text(owner, "/uid")).or_default().push(other);
        }
        if reference.kind == "AutoscalingListener" {
            listeners.push(other);
        }
    }
    let mut found = vec![target];
    let mut known = HashSet::from([std::ptr::from_ref(target)]);
    let mut at = 0;
    while let Some(object) = found.get(at).copied() {
        at += 1;
        let uid = text(object, "/metadata/uid");
        let name = text(object, "/metadata/name");
        let namespace = text(object, "/metadata/namespace");
        // A listener lives in the controller's namespace and is tied by name; its pod has its name.
        let is_tied = |listener: &&&Value| {
            text(object, "/kind") == "AutoscalingRunnerSet"
                && text(listener, "/spec/autoscalingRunnerSetName") == name
                && text(listener, "/spec/autoscalingRunnerSetNamespace") == namespace
        };
        let listener_pod = (text(object, "/kind") == "AutoscalingListener")
            .then(|| world.get(&ObjectRef::new("v1", "Pod", Some(namespace), name)))
            .flatten();
        let children = owned.get(uid).filter(|_| !uid.is_empty());
        let made = listeners
            .iter()
            .filter(is_tied)
            .chain(children.into_iter().flatten())
            .copied()
            .chain(listener_pod);
        for other in made {
            if known.insert(std::ptr::from_ref(other)) {
                found.push(other);
            }
        }
    }
    found
}
