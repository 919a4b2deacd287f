//! A second run: what it asks, what it repairs, and what it leaves alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::recording_proxy::{Recorded, RecordingProxy};

use super::site::Site;
use super::world::{differing, essence_of, versions};
use super::{STORY, STORY_OF_SCALE_SETS};

const SOMEBODY: &str =
    r#"[{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "edited"}]"#;

/// What is broken by hand in each kind that is installed; the pointer's last part may be `*`, the first key.
const EDITS: &[(&str, &str, &str)] = &[
    ("ClusterRole", "/rules", "[]"),
    ("ClusterRoleBinding", "/subjects", SOMEBODY),
    ("ConfigMap", "/data/*", "\"edited\""),
    (
        "CustomResourceDefinition",
        "/spec/versions/0/additionalPrinterColumns",
        "[]",
    ),
    (
        "Deployment",
        "/spec/template/spec/containers/0/image",
        "\"edited:1\"",
    ),
    ("Deployment", "/spec/replicas", "0"),
    ("AutoscalingRunnerSet", "/spec/maxRunners", "99"),
    (
        "MutatingWebhookConfiguration",
        "/webhooks/0/timeoutSeconds",
        "29",
    ),
    (
        "Namespace",
        "/metadata/labels/app.kubernetes.io~1managed-by",
        "\"arc-setup-edited\"",
    ),
    ("Role", "/rules", "[]"),
    ("RoleBinding", "/subjects", SOMEBODY),
    ("Runner", "/spec/image", "\"edited:1\""),
    ("Secret", "/data/*", "\"e30=\""),
    ("Service", "/spec/ports/0/targetPort", "\"edited\""),
    (
        "ServiceAccount",
        "/metadata/labels/app.kubernetes.io~1part-of",
        "\"edited\"",
    ),
    (
        "ValidatingWebhookConfiguration",
        "/webhooks/0/failurePolicy",
        "\"Ignore\"",
    ),
];

async fn plan(site: &Site) -> Vec<Value> {
    let outcome = site.init(&["--dry-run", "-o", "json"]).await.expect_code(0);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    answer["plan"]["objects"].as_array().unwrap().clone()
}

/// Each object of the plan and how kubectl names it.
fn addressed(objects: &[Value]) -> Vec<(String, Vec<String>)> {
    let address = |manifest: &Value| {
        let object = manifest.get("object").unwrap_or(manifest);
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let kind = text("/kind").unwrap().to_owned();
        let api = text("/apiVersion").unwrap();
        let resource = match api.split_once('/') {
            Some((group, version)) => format!("{kind}.{version}.{group}"),
            None => kind.clone(),
        };
        let mut words = vec![resource, text("/metadata/name").unwrap().to_owned()];
        words.extend(
            text("/metadata/namespace").map(|namespace| format!("--namespace={namespace}")),
        );
        (kind, words)
    };
    objects.iter().map(address).collect()
}

/// Replaces one field of everything that is installed; returns the kinds.
fn edit(site: &Site, objects: &[Value], manager: &str, leave: &[&str]) -> Vec<String> {
    let mut kinds = Vec::new();
    // Runner objects first, while their webhook answers.
    for (kind, words) in addressed(objects).into_iter().rev() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if leave.contains(&kind.as_str()) {
            continue;
        }
        let edits: Vec<_> = EDITS.iter().filter(|edit| edit.0 == kind).collect();
        assert!(!edits.is_empty(), "no edit for {kind}");
        for (_, pointer, value) in edits {
            let live = site.get(&words);
            let mut pointer = (*pointer).to_owned();
            if let Some(parent) = pointer.strip_suffix("/*") {
                let data = live.pointer(parent).and_then(Value::as_object);
                let Some(key) = data.and_then(|data| data.keys().next()) else {
                    continue;
                };
                pointer = format!("{parent}/{}", key.replace('~', "~0").replace('/', "~1"));
            }
            let value: Value = serde_json::from_str(value).unwrap();
            if live.pointer(&pointer) == Some(&value) {
                continue;
            }
            let patch = json!([{"op": "add", "path": pointer, "value": value}]).to_string();
            let manager = format!("--field-manager={manager}");
            let patching = ["patch", "--type=json", &manager, "-p", &patch];
            site.kubectl(&[&patching, &words[..]].concat());
            kinds.push(kind.clone());
        }
    }
    kinds.sort();
    kinds.dedup();
    kinds
}

/// Whether a path of the API server is that of a rendered object.
fn is_path_of(object: &Value, path: &str) -> bool {
    let object = object.get("object").unwrap_or(object);
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let kind = text("/kind").unwrap().to_lowercase();
    let address = match text("/metadata/namespace") {
        Some(namespace) => format!("/namespaces/{namespace}/{kind}s/"),
        None => format!("/{kind}s/"),
    };
    path.ends_with(&format!("{address}{}", text("/metadata/name").unwrap()))
}

async fn repairs(config: &str) {
    let site = Site::start(config).await;
    site.installed().await;
    let before = essence_of(&site).await;
    let objects = plan(&site).await;

    // The hand of an older self: a plain run repairs it.
    let kinds = edit(&site, &objects, "arc-setup", &[]);
    let edited = differing(&before, &essence_of(&site).await);
    assert!(edited.len() >= kinds.len(), "{kinds:?}: {edited:?}");
    site.installed().await;
    assert_eq!(differing(&before, &essence_of(&site).await), [""; 0]);

    // Somebody else's hand: nothing is written until that is wanted.
    edit(
        &site,
        &objects,
        "kubectl-edit",
        &["CustomResourceDefinition"],
    );
    let edited = site.world().await;
    // A person sees a screen of it; all of it is in the answer.
    let refused = site
        .init(&["--wait", "manager", "-o", "json"])
        .await
        .expect_code(22);
    for kind in &kinds {
        let is_asked = kind != "CustomResourceDefinition" && kind != "Namespace";
        assert!(
            !is_asked || refused.stdout.contains(&format!("\"subject\": \"{kind} ")),
            "{kind}: {}",
            refused.stderr
        );
    }
    assert!(
        refused.stderr.contains("kubectl-edit"),
        "{}",
        refused.stderr
    );
    assert_eq!(versions(&edited), versions(&site.world().await));
    site.init(&["--wait", "manager", "--force-conflicts"])
        .await
        .expect_code(0);
    assert_eq!(differing(&before, &essence_of(&site).await), [""; 0]);
}

#[tokio::test]
async fn one_field_of_each_kind_is_repaired_in_the_first_generation() {
    repairs(STORY).await;
}

#[tokio::test]
async fn one_field_of_each_kind_is_repaired_with_scale_sets() {
    repairs(STORY_OF_SCALE_SETS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_and_every_object_is_asked_about_once() {
    for config in [STORY, STORY_OF_SCALE_SETS] {
        let mut site = Site::start(config).await;
        site.installed().await;
        let objects = plan(&site).await;
        let recorder = RecordingProxy::start(site.client.clone()).await.unwrap();
        let kubeconfig = site
            .program
            .file("recorded", recorder.kubeconfig("site"))
            .unwrap();
        site.program.env("KUBECONFIG", &kubeconfig);
        site.init(&["--wait", "none"]).await.expect_code(0);
        let asked = recorder.take();
        let writes: Vec<_> = asked.iter().filter(|one| one.writes()).collect();
        assert!(writes.is_empty(), "{writes:?}");
        let count = |asked: &[Recorded], method: &str| {
            let mut counts = BTreeMap::<String, usize>::new();
            for one in asked.iter().filter(|one| one.method == method) {
                *counts.entry(one.path.clone()).or_default() += 1;
            }
            counts
        };
        let (read, applied) = (count(&asked, "GET"), count(&asked, "PATCH"));
        // What lives is as wanted, which its own fields prove: no dry-run is needed for that.
        assert_eq!(applied, BTreeMap::new(), "{config}");
        for object in &objects {
            assert!(
                read.keys().any(|path| is_path_of(object, path)),
                "{config}: nobody asked about {object}\n{read:#?}"
            );
        }
        let twice = |counts: BTreeMap<String, usize>| -> Vec<_> {
            counts.into_iter().filter(|(_, count)| *count > 1).collect()
        };
        assert_eq!(twice(read), [], "{config}");
    }
}
