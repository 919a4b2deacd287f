//! One run of the stages observe, plan and apply, as the program strings them together.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_setup::apply::{Executed, Execution, execute, plan_uninstall};
use arc_setup::clients::interrupt::Interrupt;
use arc_setup::clients::kube::{Cluster, Identity};
use arc_setup::config::{Credentials, Origin};
use arc_setup::event::{Event, Outcome};
use arc_setup::facts::{Facts, KubernetesVersion};
use arc_setup::failure::Failure;
use arc_setup::object::{Credential, Manifest, ObjectRef};
use arc_setup::observe::{self, Observed, Resolver};
use arc_setup::plan::{self, Plan};
use arc_setup::secret::Secret;
use serde_json::Value;

use crate::support::control_plane::ControlPlane;

pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

pub(super) fn credentials() -> Credentials {
    let mut credentials = Credentials::default();
    let token = Secret::new(b"ghp_canary\n".to_vec());
    credentials.insert(Credential::GithubToken, token, Origin::Default);
    credentials
}

/// One run of the program, as far as these stages go.
pub(super) struct Session {
    pub(super) cluster: Cluster,
    pub(super) install: String,
    /// The controller's.
    pub(super) namespace: String,
    pub(super) credentials: Credentials,
    pub(super) now: i64,
    pub(super) force_conflicts: bool,
    /// Asks for a stop when this wave begins.
    pub(super) stop_at: Option<&'static str>,
    /// How long what may pass is waited for.
    pub(super) timeout: Duration,
    /// What the backend of webhooks fails with when it is waited for again.
    pub(super) ends_later: Option<Failure>,
    pub(super) events: Mutex<Vec<Event>>,
}

pub(super) struct Seen {
    pub(super) observed: Observed,
    pub(super) plan: Plan,
}

impl Session {
    pub(super) fn new(plane: &ControlPlane) -> Self {
        Self {
            cluster: Cluster::new(plane.client().unwrap(), Identity::default()),
            install: "one".to_owned(),
            namespace: "systems".to_owned(),
            credentials: credentials(),
            now: now(),
            force_conflicts: false,
            stop_at: None,
            timeout: Duration::from_secs(30),
            ends_later: None,
            events: Mutex::default(),
        }
    }

    pub(super) async fn facts(&self) -> Facts {
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

    pub(super) async fn list(&self, api_version: &str, kind: &str) -> Vec<Value> {
        self.cluster
            .list(api_version, kind, None, None)
            .await
            .unwrap()
    }

    pub(super) async fn look(
        &self,
        manifests: &[Manifest],
        facts: &Facts,
        resolver: &Resolver<'_>,
    ) -> Result<Seen, Failure> {
        let options = observe::Options {
            install: &self.install,
            namespace: &self.namespace,
            controller_namespace: &self.namespace,
            facts,
            force_conflicts: self.force_conflicts,
            manage_namespaces: false,
        };
        let mut observed = observe::observe(&self.cluster, manifests, resolver, &options).await?;
        observed.pods = observe::pods(&self.cluster, manifests, &options).await?;
        let plan = plan::build(&plan::Inputs {
            install: &self.install,
            namespace: &self.namespace,
            controller_namespace: &self.namespace,
            common: &arc_setup::object::Common::default(),
            manifests,
            changes: &[],
            observed: &observed,
        });
        Ok(Seen { observed, plan })
    }

    pub(super) async fn init(&self, manifests: &[Manifest]) -> Result<Plan, Failure> {
        loop {
            let facts = self.facts().await;
            let resolver = Resolver::new(&self.credentials, self.now);
            let seen = self.look(manifests, &facts, &resolver).await?;
            if let Some(failure) = plan::conflict(&seen.observed) {
                return Err(failure);
            }
            let executed = self.execute(&seen.plan, &seen.observed, &facts, &resolver);
            if let Executed::Done(_) = executed.await? {
                return Ok(seen.plan);
            }
        }
    }

    pub(super) async fn uninstall(&self) -> Plan {
        let plan = plan_uninstall(&self.cluster, &self.install, &[])
            .await
            .unwrap();
        let facts = self.facts().await;
        let resolver = Resolver::new(&self.credentials, self.now);
        let nothing = Observed::default();
        let executed = self.execute(&plan, &nothing, &facts, &resolver).await;
        assert!(matches!(executed.unwrap(), Executed::Done(_)));
        plan
    }

    pub(super) async fn execute(
        &self,
        plan: &Plan,
        observed: &Observed,
        facts: &Facts,
        resolver: &Resolver<'_>,
    ) -> Result<Executed, Failure> {
        let cluster = self.cluster.clone();
        let waits = AtomicUsize::new(0);
        let gate = move |object: ObjectRef| -> futures::future::BoxFuture<'_, Result<(), Failure>> {
            let cluster = cluster.clone();
            let end = self.ends_later.clone();
            let end = end.filter(|_| waits.fetch_add(1, Ordering::Relaxed) > 0);
            Box::pin(async move {
                available(&cluster, &object).await;
                end.map_or(Ok(()), Err)
            })
        };
        let (stop, interrupt) = Interrupt::channel();
        execute(
            plan,
            &Execution {
                cluster: &self.cluster,
                resolver,
                observed,
                facts,
                force_conflicts: self.force_conflicts,
                timeout: self.timeout,
                gate: &gate,
                events: &|event| {
                    if let Event::Wave { title, .. } = &event
                        && self.stop_at == Some(title.as_str())
                    {
                        stop.send(true).unwrap();
                    }
                    self.events.lock().unwrap().push(event);
                },
                interrupt: &interrupt,
            },
        )
        .await
    }

    pub(super) fn outcomes(&self, wanted: Outcome) -> Vec<ObjectRef> {
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

    pub(super) async fn versions(&self, manifests: &[Manifest]) -> BTreeMap<ObjectRef, Value> {
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

    pub(super) async fn patch(&self, object: &ObjectRef, operations: Value) {
        let operations: Vec<Value> = serde_json::from_value(operations).unwrap();
        self.cluster
            .json_patch(object, &operations, "kubectl-edit", false)
            .await
            .unwrap();
    }
}

pub(super) fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap().to_owned()
}

pub(super) async fn available(cluster: &Cluster, object: &ObjectRef) {
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

pub(super) async fn everything(session: &Session) -> Vec<String> {
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
            let namespace = object.namespace.as_deref().unwrap_or_default();
            // What controllers put into every namespace comes when they come to it.
            if !namespace.starts_with("kube-") && object.name != "kube-root-ca.crt" {
                found.push(object.to_string());
            }
        }
    }
    found.sort();
    found
}

pub(super) async fn eventually_gone(session: &Session, namespaces: &[&str]) {
    crate::control_plane::eventually("the end of the namespaces", async || {
        let left = session.list("v1", "Namespace").await;
        left.iter()
            .all(|one| !namespaces.contains(&name(one).as_str()))
            .then_some(())
    })
    .await;
}
