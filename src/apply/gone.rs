//! Waits until objects and what hangs on them are gone, and says what keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::clients::kube::{Cluster, ClusterError};
use crate::event::{Event, Sink};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::plan::{counted, is_runner_object};

use super::dependents::{abandoned, dependents, keeps};
use super::namespace::listens_for;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Many times what an event takes to a controller.
const SETTLING: Duration = Duration::from_secs(3);
/// Kinds that controllers make under runner objects, by API group.
const DEPENDENTS: [(&str, &[(&str, &str)]); 2] = [
    (
        "actions.github.com",
        &[
            ("actions.github.com/v1alpha1", "EphemeralRunnerSet"),
            ("actions.github.com/v1alpha1", "EphemeralRunner"),
        ],
    ),
    (
        LEGACY,
        &[
            ("actions.summerwind.dev/v1alpha1", "RunnerReplicaSet"),
            ("actions.summerwind.dev/v1alpha1", "Runner"),
            ("apps/v1", "StatefulSet"),
        ],
    ),
];
const LEGACY: &str = "actions.summerwind.dev";

/// Ends when all are gone. `limit` counts from the last progress.
pub(super) async fn gone(
    cluster: &Cluster,
    objects: &[ObjectRef],
    why: &str,
    limit: Duration,
    events: Sink<'_>,
) -> Result<(), Failure> {
    let mut owners: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for object in objects {
        let namespace = object.namespace.clone().unwrap_or_default();
        let owner = (object.kind.clone(), object.name.clone());
        owners.entry(namespace).or_default().insert(owner);
    }
    let mut pause = FIRST_PAUSE;
    let (mut progress, mut last) = (Instant::now(), None);
    let mut empty_since: Option<Instant> = None;
    loop {
        let left = left(cluster, objects, &mut owners).await?;
        let Some(first) = left.first() else {
            let since = *empty_since.get_or_insert_with(Instant::now);
            let settled = settling(objects).saturating_sub(since.elapsed());
            if settled.is_zero() {
                return Ok(());
            }
            sleep(settled.min(LONGEST_PAUSE)).await;
            continue;
        };
        empty_since = None;
        if last.as_ref() != Some(&left) {
            events(waiting(first, left.len(), why));
            (progress, last, pause) = (Instant::now(), Some(left), FIRST_PAUSE);
        } else if progress.elapsed() >= limit {
            return Err(stuck(&left, limit));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// How long nothing must be left. The legacy controller makes runners of a replica set as long as it has not heard that
/// this is gone: what it makes then has a finalizer, which nobody clears once the controller is gone too. Seen where a
/// machine had too much to do.
fn settling(objects: &[ObjectRef]) -> Duration {
    if objects.iter().any(|object| object.group() == LEGACY) {
        SETTLING
    } else {
        Duration::ZERO
    }
}

/// What is told of the first one that is left, of so many.
fn waiting((kept_by, object): &(String, Value), count: usize, why: &str) -> Event {
    let object = ObjectRef::from_value(object);
    let mut reason = match count {
        1 => why.to_owned(),
        count => format!("{why}; {} more", count - 1),
    };
    // What keeps it says more than its name only where something does.
    if *kept_by != object.to_string() {
        reason = format!("{reason}: {kept_by}");
    }
    Event::Waiting { object, reason }
}

/// What is still there: what keeps it, and itself without what changes all the time.
async fn left(
    cluster: &Cluster,
    objects: &[ObjectRef],
    owners: &mut BTreeMap<String, BTreeSet<(String, String)>>,
) -> Result<Vec<(String, Value)>, Failure> {
    let failed = |error: ClusterError| {
        error.failure(
            "cannot see whether what was removed is gone",
            Exit::ApplyFailed,
        )
    };
    let looks = objects.iter().map(|object| cluster.get(object));
    let mut left: Vec<Value> = futures::future::try_join_all(looks)
        .await
        .map_err(failed)?
        .into_iter()
        .flatten()
        // One that was kept in the end is nobody's to wait for.
        .filter(|object| {
            is_runner_object(&ObjectRef::from_value(object))
                || object.pointer("/metadata/deletionTimestamp").is_some()
        })
        .collect();
    for (namespace, owners) in owners.iter_mut() {
        let made = made_under(cluster, objects, namespace)
            .await
            .map_err(failed)?;
        for (group, found) in made {
            left.extend(dependents(owners, &found).into_iter().cloned());
            if group == LEGACY {
                let pods = list(cluster, "v1", "Pod", namespace).await;
                let pods = pods.map_err(failed)?;
                left.extend(abandoned(&pods, owners, &found).into_iter().cloned());
            }
        }
    }
    left.extend(listeners(cluster, objects).await.map_err(failed)?);
    let slim = |object: &Value| {
        let reference = ObjectRef::from_value(object);
        let mut slim = serde_json::json!({"apiVersion": reference.api_version, "kind": reference.kind,
            "metadata": {"name": reference.name}});
        if let Some(namespace) = reference.namespace {
            slim["metadata"]["namespace"] = Value::String(namespace);
        }
        slim
    };
    let mut left: Vec<(String, Value)> = left
        .iter()
        .map(|object| (keeps(object), slim(object)))
        .collect();
    // What is innermost keeps the rest, so it is named first.
    left.sort_by_cached_key(|(keeps, object)| (depth(object), keeps.clone()));
    left.dedup_by(|one, other| one.0 == other.0);
    Ok(left)
}

/// What controllers made in a namespace under runner objects like those of ours there, by API group.
async fn made_under(
    cluster: &Cluster,
    objects: &[ObjectRef],
    namespace: &str,
) -> Result<Vec<(&'static str, Vec<Value>)>, ClusterError> {
    let mut all = Vec::new();
    for (group, kinds) in DEPENDENTS {
        let concerned = objects.iter().any(|object| {
            object.group() == group && object.namespace.as_deref() == Some(namespace)
        });
        if !concerned {
            continue;
        }
        let mut found = Vec::new();
        for (api_version, kind) in kinds {
            found.extend(list(cluster, api_version, kind, namespace).await?);
        }
        all.push((group, found));
    }
    Ok(all)
}

/// The objects of a kind in a namespace; none where the server does not know it or the user may not look.
async fn list(
    cluster: &Cluster,
    api_version: &str,
    kind: &str,
    namespace: &str,
) -> Result<Vec<Value>, ClusterError> {
    match cluster.list(api_version, kind, Some(namespace), None).await {
        Err(ClusterError::NotFound { .. } | ClusterError::Forbidden { .. }) => Ok(Vec::new()),
        listed => listed,
    }
}

/// The listeners of runner sets, wherever the controller is. They have no owner to follow.
async fn listeners(cluster: &Cluster, objects: &[ObjectRef]) -> Result<Vec<Value>, ClusterError> {
    if !objects
        .iter()
        .any(|object| object.kind == "AutoscalingRunnerSet")
    {
        return Ok(Vec::new());
    }
    match cluster
        .list(
            "actions.github.com/v1alpha1",
            "AutoscalingListener",
            None,
            None,
        )
        .await
    {
        Ok(mut found) => {
            found.retain(|object| listens_for(object, objects));
            Ok(found)
        }
        Err(ClusterError::NotFound { .. } | ClusterError::Forbidden { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn depth(object: &Value) -> usize {
    let kind = object.get("kind").and_then(Value::as_str);
    match kind.unwrap_or_default() {
        "Pod" | "Runner" | "EphemeralRunner" | "AutoscalingListener" => 0,
        "RunnerReplicaSet" | "EphemeralRunnerSet" | "StatefulSet" => 1,
        _ => 2,
    }
}

fn stuck(left: &[(String, Value)], limit: Duration) -> Failure {
    let objects: Vec<ObjectRef> = left
        .iter()
        .map(|(_, object)| ObjectRef::from_value(object))
        .collect();
    let what = format!(
        "{} still there after {} s without progress",
        match objects.as_slice() {
            [only] => format!("{only} is"),
            many => format!("{} are", counted(many.len(), "object")),
        },
        limit.as_secs()
    );
    let failure = Failure::new("finalizers", Exit::Timeout, what);
    let failure = match objects.iter().find(|object| object.kind != "Namespace") {
        Some(first) => runner_objects_stuck(failure, first),
        None => failure
            .why("a namespace goes when everything in it is gone; all that this install made is removed")
            .remedy("remove what the evidence names, or mend what keeps it: the namespace then goes by itself"),
    };
    left.iter().take(10).fold(failure, |failure, (keeps, _)| {
        failure.evidence(keeps.clone())
    })
}

fn runner_objects_stuck(failure: Failure, first: &ObjectRef) -> Failure {
    let place = first.namespace.as_deref().unwrap_or_default();
    failure
        .why("runner objects wait for the controller, which deregisters their runners from GitHub and then clears its finalizers; until then the controller and all that it needs is kept")
        .remedy("see whether the controller runs and reaches GitHub (kubectl logs, in its namespace), then run the same command again")
        .remedy("where the controller is gone: run init again, which brings it back, then this command")
        .remedy(format!(
            "as a last resort, kubectl patch {} {} -n {place} --type merge -p '{{\"metadata\":{{\"finalizers\":null}}}}': the runner then stays listed at GitHub until somebody removes it there",
            first.kind, first.name
        ))
}
