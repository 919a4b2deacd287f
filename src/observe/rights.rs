//! What the user of the kubeconfig may do, asked of the API server (SelfSubjectAccessReview).
//!
//! A dry-run proves the rights for what it reaches; these questions cover what does not exist yet:
//! namespaces, and kinds whose CRD this plan makes.

use std::collections::BTreeSet;

use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::kube::Cluster;
use crate::object::Manifest;

use super::dropped::{Dropped, Remains};

/// Questions in flight at once.
const CONCURRENCY: usize = 8;

/// One right that the plan needs, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    /// `create`, `patch` or `delete`; for the pods of a pull test also `list` and `watch`.
    pub verb: String,
    /// API group; empty for core.
    pub group: String,
    /// Plural resource name.
    pub resource: String,
    /// The kind behind it; `*` for every kind.
    pub kind: String,
    /// None for what is cluster-scoped.
    pub namespace: Option<String>,
    /// The answer; None where the question itself was refused.
    pub allowed: Option<bool>,
}

impl Right {
    /// A question.
    fn of(verb: &str, group: &str, resource: &str, kind: &str, namespace: Option<&str>) -> Self {
        Self {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            allowed: None,
        }
    }

    /// True for an administrator's answer.
    fn is_everything(&self) -> bool {
        self.verb == "*" && self.resource == "*" && self.allowed == Some(true)
    }
}

/// Asks for every right that writing `manifests` needs, the lock and receipt in `namespace`, and pull tests in the
/// namespaces `tested`. An administrator is recognised by one question.
pub async fn rights(
    cluster: &Cluster,
    manifests: &[Manifest],
    namespace: &str,
    tested: &BTreeSet<String>,
) -> Vec<Right> {
    let everything = ask(cluster, Right::of("*", "*", "*", "*", None)).await;
    if everything.is_everything() {
        return vec![everything];
    }
    answers(cluster, needed(cluster, manifests, namespace, tested)).await
}

/// Asks for every right that probes in `namespaces` need, and the lock in `home`.
pub async fn rights_to_probe(
    cluster: &Cluster,
    namespaces: &BTreeSet<String>,
    home: &str,
) -> Vec<Right> {
    let mut needed = BTreeSet::new();
    for namespace in namespaces {
        for verb in ["create", "delete", "get", "list", "watch"] {
            needed.insert(Right::of(verb, "", "pods", "Pod", Some(namespace)));
        }
    }
    for verb in ["create", "patch", "delete"] {
        let group = "coordination.k8s.io";
        needed.insert(Right::of(verb, group, "leases", "Lease", Some(home)));
    }
    answers(cluster, needed).await
}

async fn answers(cluster: &Cluster, needed: BTreeSet<Right>) -> Vec<Right> {
    let mut answers: Vec<Right> = futures::stream::iter(needed)
        .map(|right| ask(cluster, right))
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    answers.sort();
    answers
}

/// Asks for every right that removing what the configuration no longer has needs; nothing of an administrator, as
/// `known` tells one.
pub async fn rights_to_remove(
    cluster: &Cluster,
    dropped: &[Dropped],
    known: &[Right],
) -> Vec<Right> {
    if known.iter().any(Right::is_everything) {
        return Vec::new();
    }
    let needed: BTreeSet<Right> = dropped
        .iter()
        .filter(|dropped| matches!(dropped.now, Remains::Ours { .. } | Remains::Unread { .. }))
        .filter_map(|dropped| {
            let object = &dropped.object;
            let resource = cluster.plural_of(&object.api_version, &object.kind)?;
            let namespace = object.namespace.as_deref();
            Some(Right::of(
                "delete",
                object.group(),
                &resource,
                &object.kind,
                namespace,
            ))
        })
        .collect();
    answers(cluster, needed).await
}

/// The distinct rights. A server-side apply needs `patch`, and `create` where the object is new.
fn needed(
    cluster: &Cluster,
    manifests: &[Manifest],
    namespace: &str,
    tested: &BTreeSet<String>,
) -> BTreeSet<Right> {
    const APPLY: &[&str] = &["create", "patch"];
    let mut needed = BTreeSet::new();
    let mut add =
        |verbs: &[&str], group: &str, resource: &str, kind: &str, namespace: Option<&str>| {
            for verb in verbs {
                needed.insert(Right::of(verb, group, resource, kind, namespace));
            }
        };
    for manifest in manifests {
        let object = manifest.reference();
        if let Some(resource) = cluster.plural_of(&object.api_version, &object.kind) {
            add(
                APPLY,
                object.group(),
                &resource,
                &object.kind,
                object.namespace.as_deref(),
            );
        }
    }
    // In no manifest: without them an install would end after its namespaces.
    add(
        &["create", "patch", "delete"],
        "coordination.k8s.io",
        "leases",
        "Lease",
        Some(namespace),
    );
    add(APPLY, "", "secrets", "Secret", Some(namespace));
    // In no manifest either: without them it would end at its last stage.
    for namespace in tested {
        let verbs = ["create", "delete", "list", "watch"];
        add(&verbs, "", "pods", "Pod", Some(namespace));
    }
    needed
}

async fn ask(cluster: &Cluster, right: Right) -> Right {
    let mut attributes =
        json!({"verb": right.verb, "group": right.group, "resource": right.resource});
    if let (Value::Object(fields), Some(namespace)) = (&mut attributes, &right.namespace) {
        fields.insert("namespace".to_owned(), json!(namespace));
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    });
    let allowed = match cluster.create(&review, false).await {
        Ok(answer) => answer
            .object
            .pointer("/status/allowed")
            .and_then(Value::as_bool),
        Err(_) => None,
    };
    Right { allowed, ..right }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lock_receipt_and_pull_tests_are_asked_for_too() {
        let service = tower::service_fn(async |_: http::Request<kube::client::Body>| {
            Err::<http::Response<kube::client::Body>, _>(tower::BoxError::from("nobody is asked"))
        });
        let cluster = Cluster::new(
            kube::Client::new(service, "default"),
            crate::clients::kube::Identity::default(),
        );
        let tested = BTreeSet::from(["arc-runners".to_owned()]);
        let needed = needed(&cluster, &[], "arc-systems", &tested);
        let of = |resource: &str| {
            let mut verbs = needed
                .iter()
                .filter(|right| right.resource == resource)
                .map(|right| (right.verb.as_str(), right.namespace.as_deref()));
            [verbs.next(), verbs.next(), verbs.next()]
        };
        let home = Some("arc-systems");
        assert_eq!(
            of("leases"),
            [
                Some(("create", home)),
                Some(("delete", home)),
                Some(("patch", home))
            ]
        );
        assert_eq!(
            of("secrets"),
            [Some(("create", home)), Some(("patch", home)), None]
        );
        let pods = needed.iter().filter(|right| right.kind == "Pod");
        let verbs: Vec<&str> = pods.map(|right| right.verb.as_str()).collect();
        assert_eq!(verbs, ["create", "delete", "list", "watch"]);
    }

    #[tokio::test]
    async fn what_is_removed_is_asked_for_but_not_what_is_gone_or_somebody_elses() {
        let service = tower::service_fn(async |_: http::Request<kube::client::Body>| {
            let answer = json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": false}});
            let body = kube::client::Body::from(answer.to_string().into_bytes());
            Ok::<_, tower::BoxError>(http::Response::new(body))
        });
        let cluster = Cluster::new(
            kube::Client::new(service, "default"),
            crate::clients::kube::Identity::default(),
        );
        let scope = crate::clients::kube::Scope::Namespaced;
        cluster.seed("v1", "Secret", "secrets", scope);
        cluster.seed("v1", "ConfigMap", "configmaps", scope);
        let reviews = "selfsubjectaccessreviews";
        let cluster_scope = crate::clients::kube::Scope::Cluster;
        let group = "authorization.k8s.io/v1";
        cluster.seed(group, "SelfSubjectAccessReview", reviews, cluster_scope);
        let dropped = |kind: &str, now| Dropped {
            object: crate::object::ObjectRef::new("v1", kind, Some("runners"), "a"),
            now,
        };
        let ours = Remains::Ours { uid: "u".into() };
        let dropped = [
            dropped("Secret", Remains::Theirs),
            dropped("Secret", Remains::Absent),
            dropped("ConfigMap", ours),
        ];
        let asked = rights_to_remove(&cluster, &dropped, &[]).await;
        let mut expected = Right::of("delete", "", "configmaps", "ConfigMap", Some("runners"));
        expected.allowed = Some(false);
        assert_eq!(asked, [expected]);
        let mut everything = Right::of("*", "*", "*", "*", None);
        everything.allowed = Some(true);
        assert_eq!(
            rights_to_remove(&cluster, &dropped, &[everything]).await,
            []
        );
    }
}
