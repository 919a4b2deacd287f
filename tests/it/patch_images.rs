//! `patch-images` on a real API server: what others installed, as they left it.

mod advice;
mod compacted;
mod elsewhere;
mod everything;
mod guarded;
mod left;
mod sources;
mod story;
mod undo;

use std::ops::Deref;
use std::sync::Mutex;
use std::time::Duration;

use arc_setup::apply::patch::{
    Hands, Meetings, ObjectReport, PatchOptions, PatchReport, Patched, Selection, patch_images,
};
use arc_setup::clients::interrupt::Interrupt;
use arc_setup::clients::kube::{Cluster, Identity, Scope};
use arc_setup::failure::Failure;
use arc_setup::object::ObjectRef;
use arc_setup::rules::{Action, Matcher, RuleSet, RuleSpec};
use arc_setup::verify::wait;
use serde_json::{Value, json};

use crate::support::control_plane::ControlPlane;

const TARGET: &str = "registry.artifactory.mydomain.com";
const LEGACY: &str = "actions.summerwind.dev/v1alpha1";
const SCALE_SET: &str = "actions.github.com/v1alpha1";

fn rules(rewritten: &[&str], kept: &[&str]) -> RuleSet {
    let rule = |host: &&str, action: Action| {
        RuleSpec::new(
            format!("map {host}"),
            Matcher::Host((*host).to_owned()),
            action,
        )
    };
    let rewrite = Action::Rewrite {
        target: TARGET.to_owned(),
        drop_library: false,
    };
    let specs: Vec<RuleSpec> = rewritten
        .iter()
        .map(|host| rule(host, rewrite.clone()))
        .chain(kept.iter().map(|host| rule(host, Action::Keep)))
        .collect();
    RuleSet::compile(&specs).unwrap()
}

fn cluster(plane: &ControlPlane) -> Cluster {
    Cluster::new(plane.client().unwrap(), Identity::default())
}

fn options(namespace: Option<&str>) -> PatchOptions {
    PatchOptions {
        selection: Selection::of(namespace),
        timeout: Duration::from_secs(30),
        ..PatchOptions::default()
    }
}

/// What a run told: each object, and the counts.
#[derive(Debug)]
struct Ran {
    objects: Vec<ObjectReport>,
    report: PatchReport,
}

impl Deref for Ran {
    type Target = PatchReport;

    fn deref(&self) -> &PatchReport {
        &self.report
    }
}

async fn run(cluster: &Cluster, rules: &RuleSet, options: &PatchOptions) -> Result<Ran, Failure> {
    let interrupt = Interrupt::never();
    let objects: Mutex<Vec<ObjectReport>> = Mutex::default();
    let hands = Hands {
        rollouts: &|objects, timeout| {
            let interrupt = Interrupt::never();
            Box::pin(async move {
                wait::rolled_out(cluster, objects, timeout, None, &|_| {}, &interrupt).await
            })
        },
        sink: &|_| {},
        emit: &|report| {
            objects.lock().unwrap().push(report.clone());
            Ok(())
        },
        targets: None,
        injecting: None,
        meetings: &Meetings::default(),
        interrupt: &interrupt,
    };
    let Patched { report, failure } = patch_images(cluster, rules, options, hands).await;
    let objects = objects.into_inner().unwrap();
    failure.map_or(Ok(Ran { objects, report }), Err)
}

async fn create(cluster: &Cluster, object: Value) {
    cluster.create(&object, false).await.unwrap();
}

/// What the kubelet logs in to a registry with.
fn pull_secret(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
        "type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": r#"{"auths": {}}"#}})
}

async fn live(
    cluster: &Cluster,
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Value {
    let reference = ObjectRef::new(api_version, kind, Some(namespace), name);
    cluster.get(&reference).await.unwrap().unwrap()
}

fn deployment(namespace: &str, name: &str, containers: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}}})
}

/// The manifest of the story.
fn controller_manager(namespace: &str) -> Value {
    deployment(
        namespace,
        "controller-manager",
        &json!([
            {"name": "manager", "image": "summerwind/actions-runner-controller:v0.18.2", "command": ["/manager"],
             "args": ["--metrics-addr=127.0.0.1:8080", "--enable-leader-election", "--sync-period=10m"]},
            {"name": "kube-rbac-proxy", "image": "quay.io/brancz/kube-rbac-proxy:v0.8.0",
             "args": ["--secure-listen-address=0.0.0.0:8443", "--upstream=http://127.0.0.1:8080/", "--v=10"]}]),
    )
}

/// A CRD of a dozen lines; ARC's controllers take it (every field is preserved).
fn definition(group: &str, kind: &str) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {"group": group, "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})
}

async fn define(cluster: &Cluster, kinds: &[(&str, &str)]) {
    let mut names = Vec::new();
    for (group, kind) in kinds {
        let object = definition(group, kind);
        // Discovery follows a new CRD by a moment.
        let plural = format!("{}s", kind.to_lowercase());
        cluster.seed(
            &format!("{group}/v1alpha1"),
            kind,
            &plural,
            Scope::Namespaced,
        );
        names.push(ObjectRef::from_value(&object));
        create(cluster, object).await;
    }
    let options = wait::WaitOptions {
        level: wait::Level::Manager,
        objects: names,
        controller_namespace: None,
        known_lines: None,
        timeout: Duration::from_secs(30),
        registry: None,
    };
    wait::wait(cluster, &options, &|_| {}, &Interrupt::never())
        .await
        .unwrap();
}
