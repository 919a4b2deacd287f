//! What a server's refusals and breaks are called, and what stands when they come.

use std::convert::Infallible;

use http::{Request, Response};
use kube::client::Body;
use serde_json::json;

use super::*;
use crate::clients::kube::{Identity, Scope};
use crate::object::Source;
use crate::rules::{Action, Matcher, RuleSpec};

/// A cluster in which nothing is but `live`, and every write is answered like this.
fn cluster(live: Option<Value>, status: u16, message: &'static str) -> Cluster {
    let service = tower::service_fn(move |request: Request<Body>| {
        let (status, answer) = match (request.method().as_str(), &live) {
            ("GET", Some(live)) => (200, live.clone()),
            ("GET", None) => (404, json!({"kind": "Status", "message": "none"})),
            ("PATCH", Some(_)) if status == 200 => (200, json!({"metadata": {}})),
            _ => (status, json!({"kind": "Status", "message": message})),
        };
        let body = Body::from(answer.to_string().into_bytes());
        let answer = Response::builder().status(status).body(body).unwrap();
        async move { Ok::<_, Infallible>(answer) }
    });
    let cluster = Cluster::new(kube::Client::new(service, "default"), Identity::default());
    let kind = "ValidatingAdmissionPolicyBinding";
    let plural = "validatingadmissionpolicybindings";
    cluster.seed(&Api::V1.version(), kind, plural, Scope::Cluster);
    cluster.seed("v1", "Pod", "pods", Scope::Namespaced);
    cluster
}

fn binding(namespaces: &[&str]) -> Value {
    json!({"apiVersion": Api::V1.version(), "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "arc-images", "labels": {"app.kubernetes.io/managed-by": "arc-setup"}},
        "spec": {"matchResources": {"namespaceSelector": {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces}]}}}})
}

async fn previewed(cluster: &Cluster, namespaces: &[&str]) -> Result<Vec<Written>, Failure> {
    let source = Source::Pass("admission".to_owned());
    preview(cluster, &[Manifest::new(binding(namespaces), source)]).await
}

#[tokio::test]
async fn a_missing_right_is_handed_over_and_what_a_policy_refuses_is_told() {
    let right = "validatingadmissionpolicybindings.admissionregistration.k8s.io \"arc-images\" is forbidden: User \"jane\" cannot patch resource \"validatingadmissionpolicybindings\" in API group \"admissionregistration.k8s.io\" at the cluster scope";
    let written = previewed(&cluster(None, 403, right), &["a"]).await.unwrap();
    assert_eq!(written[0].writing, Writing::Unknown);
    assert_eq!(written[0].why.as_deref(), Some(right));
    let policy = "admission webhook \"validate.kyverno.svc-fail\" denied the request: only the platform team may";
    let failure = previewed(&cluster(None, 403, policy), &["a"]).await;
    let text = format!("{:?}", failure.unwrap_err());
    assert!(text.contains("only the platform team may"), "{text}");
    assert!(text.contains("the rights are there"), "{text}");
}

#[tokio::test]
async fn namespaces_that_drop_out_of_a_binding_are_told() {
    let live = cluster(Some(binding(&["a", "b"])), 200, "");
    let written = previewed(&live, &["b", "c"]).await.unwrap();
    assert_eq!(written[0].no_longer_in, ["a"]);
    let written = previewed(&live, &["a", "b", "c"]).await.unwrap();
    assert!(written[0].no_longer_in.is_empty(), "{written:?}");
}

#[tokio::test]
async fn whoever_cannot_try_a_pod_is_told_what_stands_and_how_to_take_it_away() {
    let rules = RuleSet::compile(&[RuleSpec::new(
        "map quay.io",
        Matcher::Host("quay.io".into()),
        Action::Rewrite {
            target: "mirror.corp".into(),
            drop_library: false,
        },
    )])
    .unwrap();
    let message = "Internal error occurred: failed calling webhook \"x.corp\": no answer";
    let server = cluster(None, 500, message);
    let namespaces = ["a".to_owned()];
    let limit = Duration::ZERO;
    let interrupt = Interrupt::never();
    let proven = in_force(
        &server,
        &rules,
        "arc-images",
        &namespaces,
        limit,
        &interrupt,
    );
    let text = format!("{:?}", proven.await.unwrap_err());
    for part in ["x.corp", "the policies are written", "--admission --undo"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
