//! Custom kinds that a user may not list, or that have nothing where is looked.

use super::ends::{everything, patched, seeded, two_workloads};
use super::*;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// The definition of a kind of `example.com` whose spec has these fields.
fn definition(kind: &str, fields: &Value) -> Value {
    json!({"spec": {"group": "example.com", "names": {"kind": kind}, "versions": [
        {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "properties": fields}}}}}]}})
}

/// Most users may list few of a cluster's custom kinds.
#[tokio::test]
async fn a_kind_without_pods_that_may_not_be_listed_fails_only_whom_it_was_named_to() {
    let definition = definition("Proxy", &json!({"image": {"type": "string"}}));
    let (cluster, _) = cluster(move |method, path, _| match method {
        "GET" if path.starts_with(DEFINITIONS) => list(std::slice::from_ref(&definition), ""),
        "GET" if path.starts_with("/apis/example.com/v1/proxies") => status(403, "Forbidden"),
        _ => two_workloads(method, path),
    });
    seeded(&cluster);
    cluster.seed("example.com/v1", "Proxy", "proxies", Scope::Namespaced);
    for (name, exit) in [
        (None, Exit::Done),
        (Some("Proxy.example.com"), Exit::ApplyFailed),
    ] {
        let mut options = everything(&[]);
        options.selection.kinds = name.map(str::to_owned).into_iter().collect();
        let (_, ended) = patched(&cluster, &options, Ok(())).await;
        assert!(ended.failure.is_none(), "{:?}", ended.failure);
        let unlisted = &ended.report.unlisted;
        assert_eq!(unlisted.len(), 1, "{unlisted:?}");
        assert!(unlisted[0].kind == "Proxy" && unlisted[0].is_forbidden);
        assert_eq!(ended.report.exit(), exit, "{name:?}");
    }
}

/// Whoever may look into a namespace may seldom list what lives in none.
#[tokio::test]
async fn a_kind_that_lives_in_no_namespace_is_looked_at_where_none_is_named_or_it_is() {
    let text = json!({"type": "string"});
    let container = json!({"type": "object", "properties": {"name": text, "image": text, "args": {}, "env": {}, "command": {}}});
    let containers = json!({"containers": {"type": "array", "items": container}});
    let definitions = ["Agent", "Probe"].map(|kind| definition(kind, &containers));
    let (cluster, asked) = cluster(move |method, path, _| match method {
        "GET" if path.starts_with(DEFINITIONS) => list(&definitions, ""),
        "GET" if path.starts_with("/apis/example.com/v1/agents") => status(403, "Forbidden"),
        "GET" if path == "/api/v1/namespaces/shop" || path == "/api/v1/namespaces/billing" => {
            (200, json!({"kind": "Namespace"}))
        }
        _ => two_workloads(method, path),
    });
    seeded(&cluster);
    cluster.seed("example.com/v1", "Agent", "agents", Scope::Cluster);
    cluster.seed("example.com/v1", "Probe", "probes", Scope::Namespaced);
    for (namespaces, name, lists, exit) in [
        (&["shop", "billing"][..], None, 0, Exit::Done),
        (&["shop"], Some("Agent.example.com"), 1, Exit::ApplyFailed),
        (&[], None, 1, Exit::ApplyFailed),
    ] {
        asked.lock().unwrap().clear();
        let mut options = everything(namespaces);
        options.selection.kinds = name.map(str::to_owned).into_iter().collect();
        let (_, ended) = patched(&cluster, &options, Ok(())).await;
        assert!(ended.failure.is_none(), "{:?}", ended.failure);
        let asked = asked.lock().unwrap();
        let listed = |path: &str| asked.iter().filter(|call| call.ends_with(path)).count();
        assert_eq!(listed("/agents"), lists, "{namespaces:?} {asked:?}");
        // What lives in namespaces is looked for in each.
        let probes = if name.is_some() {
            0
        } else {
            namespaces.len().max(1)
        };
        assert_eq!(listed("/probes"), probes, "{namespaces:?} {asked:?}");
        assert_eq!(ended.report.exit(), exit, "{namespaces:?} {name:?}");
    }
}
