//! Observe, plan and apply against a real API server: order, conflicts, repair, removal, renewal of certificates.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use arc_setup::apply::{Execution, execute, plan_uninstall};
use arc_setup::clients::interrupt::Interrupt;
use arc_setup::clients::kube::{Cluster, Identity};
use arc_setup::config::{Credentials, Origin};
use arc_setup::event::{Event, Outcome};
use arc_setup::facts::{Facts, KubernetesVersion};
use arc_setup::failure::{Exit, Failure};
use arc_setup::object::{
    Credential, Late, LateForm, LateSource, Manifest, ObjectRef, Pointer, SecretKey, Source,
};
use arc_setup::observe::{self, DryRun, Observed, Resolver};
use arc_setup::plan::{self, Plan, Step};
use arc_setup::secret::Secret;
use serde_json::{Value, json};

use crate::support::control_plane::{Component, ControlPlane, Options, WebhookBackend};

const DAY: i64 = 86_400;

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn labels() -> Value {
    json!({"app.kubernetes.io/managed-by": "arc-setup", "arc-setup.dev/install": "one"})
}

fn shared_labels() -> Value {
    json!({"app.kubernetes.io/managed-by": "arc-setup"})
}

fn manifest(object: Value) -> Manifest {
    Manifest::new(object, Source::Pass("test".to_owned()))
}

fn namespace(name: &str) -> Manifest {
    manifest(
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": shared_labels()}}),
    )
}

fn definition(group: &str, kind: &str) -> Manifest {
    let plural = format!("{}s", kind.to_lowercase());
    manifest(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}"), "labels": shared_labels()},
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
            "scope": "Namespaced",
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}],
        },
    }))
}

fn deployment(name: &str, namespace: &str, volumes: &Value) -> Manifest {
    manifest(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels()},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {}},
                "spec": {"serviceAccountName": name, "containers": [{"name": "manager", "image": "registry.example.com/manager:1",
                    "resources": {"requests": {"cpu": "1000m"}}}], "volumes": volumes},
            },
        },
    }))
}

fn role(name: &str, namespace: &str) -> Manifest {
    manifest(
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": name, "namespace": namespace, "labels": labels()},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
    )
}

fn account(name: &str, namespace: &str) -> Manifest {
    manifest(
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace, "labels": labels()}}),
    )
}

fn token_secret() -> Manifest {
    manifest(
        json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "github", "namespace": "runners", "labels": labels()}}),
    )
    .with_late(Late {
        pointer: Pointer::new("/data/github_token"),
        from: LateSource::Credential(LateForm::Text(Credential::GithubToken)),
    })
}

fn runner_set(name: &str) -> Manifest {
    let mut labels = labels();
    labels["app.kubernetes.io/version"] = json!("0.14.2");
    manifest(
        json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingRunnerSet",
        "metadata": {"name": name, "namespace": "runners", "labels": labels},
        "spec": {"githubConfigUrl": "https://github.com/o", "maxRunners": 3,
            "template": {"spec": {"containers": [{"name": "runner", "image": "registry.example.com/runner:1"}]}}}}),
    )
}

/// A scale-set install in small.
fn scale_set() -> Vec<Manifest> {
    vec![
        namespace("systems"),
        namespace("runners"),
        definition("actions.github.com", "AutoscalingRunnerSet"),
        account("controller", "systems"),
        role("controller", "systems"),
        manifest(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca", "namespace": "runners", "labels": labels()}, "data": {"a": "1"}}),
        ),
        token_secret(),
        deployment("controller", "systems", &json!([])),
        runner_set("first"),
        runner_set("second"),
    ]
}

fn credentials() -> Credentials {
    let mut credentials = Credentials::default();
    let token = Secret::new(b"ghp_canary\n".to_vec());
    credentials.insert(Credential::GithubToken, token, Origin::Default);
    credentials
}

/// One run of the program, as far as these stages go.
struct Session {
    cluster: Cluster,
    credentials: Credentials,
    now: i64,
    force_conflicts: bool,
    events: Mutex<Vec<Event>>,
}

struct Seen {
    observed: Observed,
    plan: Plan,
}

impl Session {
    fn new(plane: &ControlPlane) -> Self {
        Self {
            cluster: Cluster::new(plane.client().unwrap(), Identity::default()),
            credentials: credentials(),
            now: now(),
            force_conflicts: false,
            events: Mutex::default(),
        }
    }

    async fn facts(&self) -> Facts {
        let mut facts = Facts::assumed(KubernetesVersion::DEFAULT);
        for namespace in self.list("v1", "Namespace").await {
            let labels = serde_json::from_value(namespace["metadata"]["labels"].clone()).unwrap();
            facts.cluster.namespaces.insert(name(&namespace), labels);
        }
        for definition in self
            .list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
            .await
        {
            facts.cluster.crds.insert(name(&definition), definition);
        }
        facts
    }

    async fn list(&self, api_version: &str, kind: &str) -> Vec<Value> {
        self.cluster
            .list(api_version, kind, None, None)
            .await
            .unwrap()
    }

    async fn look(
        &self,
        manifests: &[Manifest],
        facts: &Facts,
        resolver: &Resolver<'_>,
    ) -> Result<Seen, Failure> {
        let options = observe::Options {
            install: "one",
            namespace: "systems",
            facts,
            force_conflicts: self.force_conflicts,
            manage_namespaces: false,
        };
        let mut observed = observe::observe(&self.cluster, manifests, resolver, &options).await?;
        observed.pods = observe::pods(&self.cluster, manifests, &observed, &options).await?;
        let plan = plan::build(&plan::Inputs {
            install: "one",
            namespace: "systems",
            manifests,
            changes: &[],
            observed: &observed,
        });
        Ok(Seen { observed, plan })
    }

    async fn init(&self, manifests: &[Manifest]) -> Result<Plan, Failure> {
        let facts = self.facts().await;
        let resolver = Resolver::new(&self.credentials, self.now);
        let seen = self.look(manifests, &facts, &resolver).await?;
        if let Some(failure) = plan::conflict(&seen.observed) {
            return Err(failure);
        }
        self.execute(&seen.plan, &seen.observed, &facts, &resolver)
            .await?;
        Ok(seen.plan)
    }

    async fn uninstall(&self) -> Plan {
        let plan = plan_uninstall(&self.cluster, "one", None).await.unwrap();
        let facts = self.facts().await;
        let resolver = Resolver::new(&self.credentials, self.now);
        self.execute(&plan, &Observed::default(), &facts, &resolver)
            .await
            .unwrap();
        plan
    }

    async fn execute(
        &self,
        plan: &Plan,
        observed: &Observed,
        facts: &Facts,
        resolver: &Resolver<'_>,
    ) -> Result<(), Failure> {
        let cluster = self.cluster.clone();
        let gate = move |object: ObjectRef| -> futures::future::BoxFuture<'_, Result<(), Failure>> {
            let cluster = cluster.clone();
            Box::pin(async move {
                available(&cluster, &object).await;
                Ok(())
            })
        };
        let interrupt = Interrupt::never();
        execute(
            plan,
            &Execution {
                cluster: &self.cluster,
                resolver,
                observed,
                facts,
                force_conflicts: self.force_conflicts,
                timeout: Duration::from_secs(30),
                gate: &gate,
                events: &|event| self.events.lock().unwrap().push(event),
                interrupt: &interrupt,
            },
        )
        .await
        .map(|_| ())
    }

    fn outcomes(&self, wanted: Outcome) -> Vec<ObjectRef> {
        let events = self.events.lock().unwrap();
        let mut objects: Vec<ObjectRef> = events
            .iter()
            .filter_map(|event| match event {
                Event::Object { object, outcome } if *outcome == wanted => Some(object.clone()),
                _ => None,
            })
            .collect();
        objects.sort();
        objects
    }

    async fn versions(&self, manifests: &[Manifest]) -> BTreeMap<ObjectRef, Value> {
        let mut versions = BTreeMap::new();
        for manifest in manifests {
            let object = manifest.reference();
            let live = self.cluster.get(&object).await.unwrap().unwrap();
            let changes = ["Deployment", "Namespace", "CustomResourceDefinition"]
                .contains(&object.kind.as_str());
            // Controllers write status; a generation moves only with the spec.
            let version = if changes {
                &live["metadata"]["generation"]
            } else {
                &live["metadata"]["resourceVersion"]
            };
            versions.insert(object, version.clone());
        }
        versions
    }

    async fn patch(&self, object: &ObjectRef, operations: Value) {
        let operations: Vec<Value> = serde_json::from_value(operations).unwrap();
        self.cluster
            .json_patch(object, &operations, "kubectl-edit", false)
            .await
            .unwrap();
    }
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap().to_owned()
}

async fn available(cluster: &Cluster, object: &ObjectRef) {
    loop {
        let live = cluster.get(object).await.unwrap().unwrap();
        let is = |pointer: &str| {
            live.pointer(pointer)
                .and_then(Value::as_i64)
                .unwrap_or_default()
        };
        if is("/status/observedGeneration") == is("/metadata/generation")
            && is("/status/updatedReplicas") == 1
            && is("/status/availableReplicas") == 1
            && is("/status/replicas") == 1
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn everything(session: &Session) -> Vec<String> {
    let mut found = Vec::new();
    for (api_version, kind) in [
        ("v1", "Namespace"),
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("v1", "ServiceAccount"),
        ("v1", "Service"),
        ("apps/v1", "Deployment"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("coordination.k8s.io/v1", "Lease"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        (
            "admissionregistration.k8s.io/v1",
            "MutatingWebhookConfiguration",
        ),
    ] {
        for object in session.list(api_version, kind).await {
            let object = ObjectRef::from_value(&object);
            if object.namespace.as_deref() != Some("kube-system") {
                found.push(object.to_string());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_scale_set_install_is_made_repaired_pruned_and_removed() {
    let options = Options {
        components: vec![Component::ControllerManager],
        ..Options::default()
    };
    let plane = ControlPlane::isolated(options).await.unwrap();
    let manifests = scale_set();
    let before = everything(&Session::new(&plane)).await;

    // Fresh: everything is made, the receipt lies there, the lock is given back.
    let session = Session::new(&plane);
    session.init(&manifests).await.unwrap();
    assert_eq!(session.outcomes(Outcome::Created).len(), manifests.len());
    let receipt = ObjectRef::new("v1", "Secret", Some("systems"), "arc-setup-one");
    assert!(session.cluster.get(&receipt).await.unwrap().is_some());
    assert!(
        session
            .list("coordination.k8s.io/v1", "Lease")
            .await
            .iter()
            .all(|lease| name(lease) != "arc-setup-one")
    );
    let token = session
        .cluster
        .get(&token_secret().reference())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(token["data"]["github_token"], json!("Z2hwX2NhbmFyeQ=="));

    // Again: nothing is written.
    let versions = session.versions(&manifests).await;
    let session = Session::new(&plane);
    let plan = session.init(&manifests).await.unwrap();
    assert!(!plan.writes(), "{:?}", plan::describe(&plan));
    assert_eq!(session.versions(&manifests).await, versions);
    assert!(
        !serde_json::to_string(&plan)
            .unwrap()
            .contains("Z2hwX2NhbmFyeQ")
    );

    // One field of each kind by hand: another manager's, so it is named and refused, or taken and repaired.
    for (index, operations) in [
        (
            0,
            json!([{"op": "remove", "path": "/metadata/labels/app.kubernetes.io~1managed-by"}]),
        ),
        (
            2,
            json!([{"op": "add", "path": "/spec/names/shortNames", "value": ["x"]}, {"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/type", "value": "object"}, {"op": "remove", "path": "/metadata/labels"}]),
        ),
        (
            3,
            json!([{"op": "replace", "path": "/metadata/labels/arc-setup.dev~1install", "value": "two"}]),
        ),
        (
            4,
            json!([{"op": "replace", "path": "/rules/0/verbs", "value": ["get", "list"]}]),
        ),
        (
            5,
            json!([{"op": "replace", "path": "/data/a", "value": "2"}]),
        ),
        (
            6,
            json!([{"op": "replace", "path": "/data/github_token", "value": "eA=="}]),
        ),
        (
            7,
            json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "other:1"}]),
        ),
        (
            8,
            json!([{"op": "replace", "path": "/spec/maxRunners", "value": 30}]),
        ),
    ] {
        session
            .patch(&manifests[index].reference(), operations)
            .await;
    }
    let failure = session.init(&manifests).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Conflict);
    assert!(
        failure
            .details()
            .evidence
            .iter()
            .any(|line| line.contains("kubectl-edit") && line.contains("maxRunners"))
    );
    let mut session = Session::new(&plane);
    session.force_conflicts = true;
    let plan = session.init(&manifests).await.unwrap();
    // A namespace and a definition that lost their labels are someone else's now: they are never written.
    let kept: Vec<String> = session
        .outcomes(Outcome::Kept)
        .iter()
        .map(|object| object.kind.clone())
        .collect();
    assert_eq!(kept, ["CustomResourceDefinition", "Namespace"]);
    assert_eq!(
        session.outcomes(Outcome::Changed).len(),
        6,
        "{:#?}",
        plan::describe(&plan)
    );
    for object in [0, 2] {
        let labels = json!([{"op": "add", "path": "/metadata/labels", "value": shared_labels()}]);
        session.patch(&manifests[object].reference(), labels).await;
    }
    session.init(&manifests).await.unwrap();
    let session = Session::new(&plane);
    assert!(!session.init(&manifests).await.unwrap().writes());

    // A runner set and a role that the configuration drops go, in that order.
    let fewer: Vec<Manifest> = manifests
        .iter()
        .filter(|one| one.kind() != "Role" && one.reference().name != "second")
        .cloned()
        .collect();
    let plan = session.init(&fewer).await.unwrap();
    let deleted: Vec<String> = plan
        .steps()
        .filter(|step| matches!(step, Step::Delete { .. }))
        .map(|step| step.object().unwrap().to_string())
        .collect();
    assert_eq!(
        deleted,
        [
            "AutoscalingRunnerSet runners/second",
            "Role systems/controller"
        ]
    );
    assert!(
        session
            .cluster
            .get(&manifests[9].reference())
            .await
            .unwrap()
            .is_none()
    );

    // Removal leaves nothing, and a second removal has nothing to do.
    session.uninstall().await;
    eventually_gone(&session, &["systems", "runners"]).await;
    assert_eq!(everything(&session).await, before);
    assert!(!session.uninstall().await.writes());
}

async fn eventually_gone(session: &Session, namespaces: &[&str]) {
    crate::control_plane::eventually("the end of the namespaces", async || {
        let left = session.list("v1", "Namespace").await;
        left.iter()
            .all(|one| !namespaces.contains(&name(one).as_str()))
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_was_there_before_stays_and_half_an_init_can_be_removed() {
    let options = Options {
        components: vec![Component::ControllerManager],
        ..Options::default()
    };
    let plane = ControlPlane::isolated(options).await.unwrap();
    let session = Session::new(&plane);
    plane.create_namespace("runners").await.unwrap();
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca", "namespace": "runners"}, "data": {"b": "2"}});
    session.cluster.create(&theirs, false).await.unwrap();
    let before = everything(&session).await;

    // A Deployment that is refused: what comes before it is there, the receipt too.
    let mut broken = scale_set();
    broken[7].object["spec"]["selector"] = json!({"matchLabels": {"app": "other"}});
    let failure = session.init(&broken).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::ApplyFailed);
    assert!(
        session
            .list("coordination.k8s.io/v1", "Lease")
            .await
            .iter()
            .all(|lease| name(lease) != "arc-setup-one")
    );

    session.init(&scale_set()).await.unwrap();
    let runners = ObjectRef::new("v1", "Namespace", None, "runners");
    assert!(session.outcomes(Outcome::Kept).contains(&runners));
    let live = session.cluster.get(&runners).await.unwrap().unwrap();
    assert!(
        live.pointer("/metadata/labels/app.kubernetes.io~1managed-by")
            .is_none()
    );

    let plan = session.uninstall().await;
    assert!(
        plan.steps()
            .any(|step| matches!(step, Step::Keep { object, .. } if object.kind == "ConfigMap"))
    );
    eventually_gone(&session, &["systems"]).await;
    assert_eq!(everything(&session).await, before);
}

/// A legacy install in small: its runner objects are guarded by a webhook of its own.
fn legacy() -> Vec<Manifest> {
    let names = vec![
        "webhook.systems.svc".to_owned(),
        "webhook.systems.svc.cluster.local".to_owned(),
    ];
    let mut certificate = manifest(
        json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "serving", "namespace": "systems", "labels": labels()}}),
    );
    for key in ["tls.crt", "tls.key", "ca.crt"] {
        certificate = certificate.with_late(Late {
            pointer: Pointer::of(["data", key]),
            from: LateSource::ServingCertificate {
                key: key.to_owned(),
                dns_names: names.clone(),
            },
        });
    }
    let webhook = manifest(json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "one-systems-mutate", "labels": labels()},
        "webhooks": [{"name": "mutate.runner.actions.summerwind.dev", "failurePolicy": "Fail", "sideEffects": "None",
            "admissionReviewVersions": ["v1", "v1beta1"], "timeoutSeconds": 5,
            "clientConfig": {"service": {"name": "webhook", "namespace": "systems", "path": "/mutate", "port": 443}},
            "rules": [{"apiGroups": ["actions.summerwind.dev"], "apiVersions": ["v1alpha1"], "operations": ["CREATE", "UPDATE"], "resources": ["runners"]}]}]}))
    .with_late(Late {
        pointer: Pointer::new("/webhooks/0/clientConfig/caBundle"),
        from: LateSource::CaBundleOf(SecretKey { namespace: "systems".to_owned(), name: "serving".to_owned(), key: "ca.crt".to_owned() }),
    });
    let manager = deployment(
        "manager",
        "systems",
        &json!([{"name": "cert", "secret": {"secretName": "serving"}}]),
    )
    .with_late(Late {
        pointer: Pointer::of([
            "spec",
            "template",
            "metadata",
            "annotations",
            "arc-setup.dev/certificate",
        ]),
        from: LateSource::ResourceVersionOf {
            namespace: "systems".to_owned(),
            name: "serving".to_owned(),
        },
    });
    vec![
        namespace("systems"),
        namespace("runners"),
        definition("actions.summerwind.dev", "Runner"),
        account("manager", "systems"),
        certificate,
        manager,
        manifest(
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "webhook", "namespace": "systems", "labels": labels()},
            "spec": {"selector": {"app": "manager"}, "ports": [{"port": 443, "targetPort": 9443}]}}),
        ),
        webhook,
        manifest(
            json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner",
            "metadata": {"name": "r", "namespace": "runners", "labels": labels()}, "spec": {"repository": "o/r", "dockerEnabled": false}}),
        ),
    ]
}

#[tokio::test]
async fn webhooks_answer_before_runners_and_through_a_renewal() {
    let plane = ControlPlane::isolated(Options::full()).await.unwrap();
    plane.webhooks().unwrap().serve(WebhookBackend {
        namespace: "systems".to_owned(),
        service: "webhook".to_owned(),
        secret: "serving".to_owned(),
        deployment: "manager".to_owned(),
    });
    let manifests = legacy();
    let mut session = Session::new(&plane);
    session.now = now() - 350 * DAY;
    session.init(&manifests).await.unwrap();
    assert!(!session.init(&manifests).await.unwrap().writes());
    let bundle = async |session: &Session| {
        let live = session
            .cluster
            .get(&manifests[7].reference())
            .await
            .unwrap()
            .unwrap();
        live["webhooks"][0]["clientConfig"]["caBundle"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = bundle(&session).await;

    session.now = now();
    let plan = session.init(&manifests).await.unwrap();
    let both = plan
        .steps()
        .position(|step| matches!(step, Step::TrustBoth { .. }))
        .unwrap();
    let wait = plan
        .steps()
        .position(|step| matches!(step, Step::WaitAvailable { .. }))
        .unwrap();
    assert!(both < wait, "{:#?}", plan::describe(&plan));
    assert_ne!(bundle(&session).await, first);
    let again = session.init(&manifests).await.unwrap();
    assert!(!again.writes(), "{:#?}", plan::describe(&again));
    // The webhook is asked, and trusted, with the new certificate alone.
    let runner = manifests[8].reference();
    session
        .patch(
            &runner,
            json!([{"op": "add", "path": "/spec/labels", "value": ["x"]}]),
        )
        .await;
    session.uninstall().await;
    eventually_gone(&session, &["systems", "runners"]).await;
}

#[tokio::test]
async fn a_pod_that_pod_security_refuses_is_seen_before_anything_is_written() {
    let plane = ControlPlane::isolated(Options {
        components: vec![Component::ControllerManager],
        ..Options::default()
    })
    .await
    .unwrap();
    let session = Session::new(&plane);
    let restricted = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "runners", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    session.cluster.create(&restricted, false).await.unwrap();
    crate::control_plane::eventually("the default account", async || {
        session
            .cluster
            .get(&ObjectRef::new(
                "v1",
                "ServiceAccount",
                Some("runners"),
                "default",
            ))
            .await
            .unwrap()
    })
    .await;
    let facts = session.facts().await;
    let resolver = Resolver::new(&session.credentials, now());
    let seen = session.look(&scale_set(), &facts, &resolver).await.unwrap();
    let refused: Vec<&str> = seen
        .observed
        .pods
        .iter()
        .filter(|pod| {
            matches!(
                pod.dry_run,
                DryRun::Refused {
                    refusal: observe::Refusal::PodSecurity,
                    ..
                }
            )
        })
        .map(|pod| pod.object.name.as_str())
        .collect();
    assert_eq!(refused, ["first", "second"]);
}
