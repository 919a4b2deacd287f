//! Every workload of a namespace: what is patched, what follows its source, what is left, and the way back.

use std::collections::BTreeMap;

use arc_setup::apply::patch::{PatchOptions, Selection, Task, Treatment};
use arc_setup::clients::kube::Cluster;
use arc_setup::failure::Exit;
use arc_setup::object::ObjectRef;
use serde_json::{Value, json};

use super::{cluster, create, deployment, live, options, rules, run};
use crate::support::control_plane::{ControlPlane, Options};

const IMAGE: &str = "quay.io/shop/web:1.2.3";
const PATCHED: &str = "registry.artifactory.mydomain.com/shop/web:1.2.3";

fn pod() -> Value {
    json!({"containers": [{"name": "web", "image": IMAGE}]})
}

fn template(name: &str) -> Value {
    json!({"metadata": {"labels": {"app": name}}, "spec": pod()})
}

fn object(api_version: &str, kind: &str, body: Value) -> Value {
    let mut object = body;
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    object["metadata"]["namespace"] = json!("shop");
    object["metadata"]["name"] = json!(kind.to_lowercase());
    object
}

/// One of each kind that has pods, as somebody writes them.
fn sources() -> Vec<Value> {
    let selected = |name: &str| json!({"selector": {"matchLabels": {"app": name}}, "template": template(name)});
    let mut set = selected("statefulset");
    set["serviceName"] = json!("web");
    let mut job = template("cronjob");
    job["spec"]["restartPolicy"] = json!("Never");
    vec![
        object(
            "apps/v1",
            "Deployment",
            json!({"spec": selected("deployment")}),
        ),
        object("apps/v1", "StatefulSet", json!({ "spec": set })),
        object(
            "apps/v1",
            "DaemonSet",
            json!({"spec": selected("daemonset")}),
        ),
        object(
            "batch/v1",
            "CronJob",
            json!({"spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": job}}}}),
        ),
        object(
            "v1",
            "PodTemplate",
            json!({"template": template("podtemplate")}),
        ),
        object(
            "v1",
            "ReplicationController",
            json!({"spec": {"replicas": 0, "selector": {"app": "rc"}, "template": template("rc")}}),
        ),
        object(
            "apps/v1",
            "ReplicaSet",
            json!({"spec": selected("replicaset")}),
        ),
        object("v1", "Pod", json!({"spec": pod()})),
    ]
}

/// A Job that runs, and what a controller has made of the Deployment.
async fn create_others(cluster: &Cluster) {
    let mut job = template("job");
    job["spec"]["restartPolicy"] = json!("Never");
    create(
        cluster,
        object("batch/v1", "Job", json!({"spec": {"template": job}})),
    )
    .await;
    let deployment = live(cluster, "apps/v1", "Deployment", "shop", "deployment").await;
    let uid = deployment["metadata"]["uid"].clone();
    let mut made = object(
        "apps/v1",
        "ReplicaSet",
        json!({"spec": {"selector": {"matchLabels": {"app": "made"}}, "template": template("made")}}),
    );
    made["metadata"]["name"] = json!("deployment-abc");
    made["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "Deployment",
        "name": "deployment", "uid": uid, "controller": true}]);
    create(cluster, made).await;
}

async fn shop() -> (ControlPlane, Cluster) {
    let plane = ControlPlane::isolated(Options::default()).await.unwrap();
    let cluster = cluster(&plane);
    plane.create_namespace("shop").await.unwrap();
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop"}});
    create(&cluster, account).await;
    for source in sources() {
        create(&cluster, source).await;
    }
    create_others(&cluster).await;
    let platform = deployment(
        "kube-system",
        "dns",
        &json!([{"name": "dns", "image": IMAGE}]),
    );
    create(&cluster, platform).await;
    (plane, cluster)
}

fn everything() -> PatchOptions {
    PatchOptions {
        selection: Selection {
            all_workloads: true,
            ..Selection::default()
        },
        ..options(None)
    }
}

/// Every object as it is, without what a write moves by itself.
async fn specs(cluster: &Cluster) -> BTreeMap<String, Value> {
    let mut specs = BTreeMap::new();
    for source in sources() {
        let reference = ObjectRef::from_value(&source);
        let mut object = cluster.get(&reference).await.unwrap().unwrap();
        object.as_object_mut().unwrap().remove("status");
        let metadata = object["metadata"].as_object_mut().unwrap();
        for moved in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(moved);
        }
        // The server's own count of a DaemonSet's templates.
        if let Some(annotations) = metadata.get_mut("annotations") {
            let annotations = annotations.as_object_mut().unwrap();
            annotations.remove("deprecated.daemonset.template.generation");
        }
        specs.insert(reference.to_string(), object);
    }
    specs
}

#[tokio::test]
async fn every_kind_is_patched_at_its_source_and_comes_back_byte_for_byte() {
    let (_plane, cluster) = shop().await;
    let rules = rules(&["quay.io"], &[]);
    let before = specs(&cluster).await;

    // Without being asked, nothing but ARC is looked at.
    let arc = run(&cluster, &rules, &options(None)).await.unwrap();
    assert_eq!((arc.told(), arc.unchanged), (0, 0));

    let report = run(&cluster, &rules, &everything()).await.unwrap();
    assert_eq!(
        (report.patched(), report.exit()),
        (8, Exit::Done),
        "{report:?}"
    );
    for (name, object) in specs(&cluster).await {
        assert!(object.to_string().contains(PATCHED), "{name}");
    }
    let skipped = report
        .objects
        .iter()
        .find(|object| matches!(object.treatment, Treatment::Skipped { .. }))
        .expect("the Job's template is fixed");
    assert_eq!(skipped.object.kind, "Job");
    let made = &report.made[0];
    assert_eq!(
        (made.kind.as_str(), made.from.as_str(), made.count),
        ("ReplicaSet", "Deployment", 1)
    );
    let dns = live(&cluster, "apps/v1", "Deployment", "kube-system", "dns").await;
    assert!(dns.to_string().contains(IMAGE), "the platform's own stays");
    assert_eq!(report.rolling, 3, "Deployment, StatefulSet, DaemonSet");

    let again = run(&cluster, &rules, &everything()).await.unwrap();
    assert_eq!((again.patched(), again.unchanged), (0, 8));

    let undo = PatchOptions {
        task: Task::Undo,
        ..everything()
    };
    let undone = run(&cluster, &rules, &undo).await.unwrap();
    assert_eq!(
        (undone.patched(), undone.exit()),
        (8, Exit::Done),
        "{undone:?}"
    );
    for (name, after) in specs(&cluster).await {
        assert_eq!(after, before[&name], "{name}");
    }
}

#[tokio::test]
async fn labels_kinds_namespaces_and_owners_select() {
    let plane = ControlPlane::isolated(Options::default()).await.unwrap();
    let cluster = cluster(&plane);
    for namespace in ["blue", "green", "red"] {
        plane.create_namespace(namespace).await.unwrap();
        for (name, helm) in [("web", false), ("chart", true)] {
            let container = json!([{"name": "web", "image": IMAGE}]);
            let mut object = deployment(namespace, name, &container);
            object["metadata"]["labels"] = json!({"tier": name});
            if helm {
                object["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "chart", "meta.helm.sh/release-namespace": namespace});
            }
            create(&cluster, object).await;
        }
    }
    let rules = rules(&["quay.io"], &[]);
    let tried = async |selection: Selection| {
        let dry = PatchOptions {
            selection: Selection {
                all_workloads: true,
                ..selection
            },
            dry_run: true,
            force: true,
            ..options(None)
        };
        let report = run(&cluster, &rules, &dry).await.unwrap();
        let names = report.objects.iter().map(|report| {
            let object = &report.object;
            format!(
                "{}/{}",
                object.namespace.as_deref().unwrap_or_default(),
                object.name
            )
        });
        names.collect::<Vec<_>>().join(" ")
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let selection = Selection {
        namespaces: names(&["red", "blue"]),
        ..Selection::default()
    };
    assert_eq!(
        tried(selection).await,
        "red/chart red/web blue/chart blue/web"
    );
    let selection = Selection {
        labels: Some("tier=web,tier notin (x)".to_owned()),
        ..Selection::default()
    };
    assert_eq!(tried(selection).await, "blue/web green/web red/web");
    let selection = Selection {
        kinds: names(&["statefulsets"]),
        ..Selection::default()
    };
    assert_eq!(tried(selection).await, "");
    let selection = Selection {
        owners: vec!["helm/red/chart".parse().unwrap()],
        kinds: names(&["deployment"]),
        ..Selection::default()
    };
    assert_eq!(tried(selection).await, "red/chart");
    let wrong = PatchOptions {
        selection: Selection {
            labels: Some("tier=(".to_owned()),
            ..Selection::default()
        },
        ..options(None)
    };
    let failure = run(&cluster, &rules, &wrong).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Usage, "{failure:?}");
}
