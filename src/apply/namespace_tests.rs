//! What counts as somebody else's in a namespace.

use serde_json::json;

use super::*;

#[test]
fn a_listener_goes_with_its_set() {
    let set = ObjectRef::new(
        "actions.github.com/v1alpha1",
        "AutoscalingRunnerSet",
        Some("r"),
        "a",
    );
    let mut listener = json!({"kind": "AutoscalingListener", "metadata": {"name": "a-1-listener"},
        "spec": {"autoscalingRunnerSetNamespace": "r", "autoscalingRunnerSetName": "a"}});
    assert!(listens_for(&listener, std::slice::from_ref(&set)));
    listener["spec"]["autoscalingRunnerSetNamespace"] = json!("other");
    assert!(!listens_for(&listener, &[set]));
}

#[test]
fn what_the_server_makes_is_nobodys() {
    assert!(is_servers_own(
        &json!({"kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}})
    ));
    assert!(is_servers_own(
        &json!({"kind": "ServiceAccount", "metadata": {"name": "default"}})
    ));
    assert!(is_servers_own(
        &json!({"kind": "Secret", "type": RECEIPT_TYPE, "metadata": {"name": "x"}})
    ));
    assert!(!is_servers_own(
        &json!({"kind": "ConfigMap", "metadata": {"name": "theirs"}})
    ));
}

fn secret(name: &str, uid: &str, owner: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": name, "namespace": "n", "uid": uid, "ownerReferences": [owner]}})
}

fn names(objects: &[Value], going: &[ObjectRef]) -> Vec<String> {
    let others = others(objects, "n", going);
    others.into_iter().map(|object| object.name).collect()
}

#[test]
fn what_hangs_on_what_is_here_is_not_counted_and_what_hangs_on_something_elsewhere_is() {
    let external = json!({"apiVersion": "e.example/v1", "kind": "ExternalSecret",
        "metadata": {"name": "login", "namespace": "n", "uid": "1"}});
    let objects = [
        external.clone(),
        secret(
            "made",
            "2",
            &json!({"kind": "ExternalSecret", "name": "login", "uid": "1"}),
        ),
        secret(
            "synced",
            "3",
            &json!({"kind": "ClusterExternalSecret", "name": "c", "uid": "9"}),
        ),
        secret(
            "quota",
            "4",
            &json!({"kind": "Namespace", "name": "n", "uid": "8"}),
        ),
    ];
    assert_eq!(names(&objects, &[]), ["login", "synced"]);
    let going = [ObjectRef::from_value(&external)];
    assert_eq!(names(&objects[..2], &going), Vec::<String>::new());
}

#[test]
fn what_two_groups_serve_goes_once_and_what_is_computed_is_nobodys() {
    let role = |api_version: &str| {
        json!({"apiVersion": api_version, "kind": "RoleBinding",
        "metadata": {"name": "arc", "namespace": "n", "uid": "1"}})
    };
    let objects = [
        role("authorization.openshift.io/v1"),
        role("rbac.authorization.k8s.io/v1"),
        json!({"kind": "PackageManifest", "metadata": {"name": "computed", "namespace": "n"}}),
    ];
    assert_eq!(
        names(&objects, &[ObjectRef::from_value(&objects[1])]),
        Vec::<String>::new()
    );
    assert_eq!(names(&objects, &[]), ["arc"]);
}

#[test]
fn what_the_controller_makes_for_a_listener_goes_with_the_set() {
    let group = "actions.github.com/v1alpha1";
    let set = ObjectRef::new(group, "AutoscalingRunnerSet", Some("n"), "a");
    let role = json!({"kind": "Role", "metadata": {"name": "a-754b578d-listener", "uid": "1", "labels": {
        "actions.github.com/scale-set-name": "a", "actions.github.com/scale-set-namespace": "n"}}});
    assert_eq!(
        names(std::slice::from_ref(&role), &[set]),
        Vec::<String>::new()
    );
    assert_eq!(names(&[role], &[]).len(), 1);
}

/// Discovery names two kinds and a group of metrics that does not answer; `secrets` is what their list answers.
fn cluster(secrets: (u16, Value), silent: &'static str) -> Cluster {
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let kinds = ["Secret", "ConfigMap"].map(|kind| {
            json!({"resource": format!("{}s", kind.to_lowercase()),
            "scope": "Namespaced", "verbs": ["list"], "responseKind": {"kind": kind}})
        });
        let (status, answer) = match request.uri().path() {
            "/api" => (
                200,
                json!({"items": [{"metadata": {}, "versions": [{"version": "v1", "resources": kinds}]}]}),
            ),
            "/apis" => (
                200,
                json!({"items": [{"metadata": {"name": silent},
                "versions": [{"version": "v1", "freshness": "Stale", "resources": []}]}]}),
            ),
            path if path.ends_with("/secrets") => secrets.clone(),
            _ => (200, json!({"items": []})),
        };
        async move {
            let body = kube::client::Body::from(answer.to_string().into_bytes());
            Ok::<_, tower::BoxError>(http::Response::builder().status(status).body(body).unwrap())
        }
    });
    let identity = crate::clients::kube::Identity::default();
    Cluster::new(kube::Client::new(service, "default"), identity)
}

#[tokio::test]
async fn a_namespace_stays_where_nobody_can_tell_whether_it_is_empty() {
    let empty = (200, json!({"items": []}));
    let denied = (
        403,
        json!({"kind": "Status", "reason": "Forbidden", "message": "cannot list secrets"}),
    );
    for (secrets, silent, why) in [
        (empty.clone(), "metrics.k8s.io", None),
        (empty.clone(), "custom.metrics.k8s.io", None),
        (
            empty,
            "silent.example",
            Some("silent.example: its API does not answer"),
        ),
        (
            denied,
            "metrics.k8s.io",
            Some("objects of kind Secret: cannot list secrets"),
        ),
    ] {
        let told = kept(&cluster(secrets, silent), "n", &[]).await.unwrap();
        let expected = why.map(|why| format!("nobody can tell whether it is empty: {why}"));
        assert_eq!(told, expected);
    }
}
