//! One dry-run Pod per pod template: pod security, quota, LimitRange and policies judge pods, not what makes them.

use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::clients::kube::{Applied, Cluster, ClusterError};
use crate::failure::{Exit, Failure};
use crate::object::pods::{Part, PodSpecAt, pod_specs};
use crate::object::{Manifest, text_at};

use super::model::{DryRun, ObservedPod};
use super::objects::{CONCURRENCY, Options};
use super::refusal::classify;
use super::runner_pod::{LegacyManager, pod_of};
use super::surroundings::Surroundings;

/// Every pod template of `manifests`, asked of the server.
pub async fn pods(
    cluster: &Cluster,
    manifests: &[Manifest],
    options: &Options<'_>,
) -> Result<Vec<ObservedPod>, Failure> {
    let surroundings = Surroundings::of(
        manifests,
        options.facts,
        options.install,
        options.manage_namespaces,
    );
    let templates = manifests.iter().flat_map(|manifest| {
        pod_specs(&manifest.object)
            .into_iter()
            .map(move |at| (manifest, at))
    });
    let asking = Asking {
        cluster,
        manifests,
        controller_namespace: options.controller_namespace,
        surroundings: &surroundings,
    };
    futures::stream::iter(templates)
        .map(|(manifest, at)| asking.about(manifest, at))
        .buffered(CONCURRENCY)
        .try_filter_map(async |pod| Ok(pod))
        .try_collect()
        .await
}

/// What asking about any pod needs.
#[derive(Debug, Clone, Copy)]
struct Asking<'a> {
    cluster: &'a Cluster,
    manifests: &'a [Manifest],
    controller_namespace: &'a str,
    surroundings: &'a Surroundings,
}

impl Asking<'_> {
    /// The manager of this install; nothing is known of an existing one.
    fn own_manager(&self) -> LegacyManager {
        let own = self
            .manifests
            .iter()
            .find(|manifest| manifest.kind() == "Deployment");
        let known = own.and_then(|manifest| {
            let version = text_at(
                &manifest.object,
                "/metadata/labels/app.kubernetes.io~1version",
            )?;
            Some(LegacyManager::of(&manifest.object, version.parse().ok()?))
        });
        known.unwrap_or_default()
    }

    async fn about(
        &self,
        manifest: &Manifest,
        at: PodSpecAt,
    ) -> Result<Option<ObservedPod>, Failure> {
        let object = manifest.reference();
        let namespace = match at.part {
            Part::Listener => self.controller_namespace,
            _ => object.namespace.as_deref().unwrap_or_default(),
        }
        .to_owned();
        // Policies judge images too: those that the manager adds are its own flags'.
        let manager = self.own_manager();
        let Some(pod) = pod_of(&manifest.object, &at, &namespace, &manager) else {
            return Ok(None);
        };
        let (dry_run, warnings) = match self.surroundings.namespace(&namespace) {
            Some(unknown) => (unknown, Vec::new()),
            None => self.dry_run(pod, &namespace).await.map_err(|error| {
                let what = format!("cannot ask the cluster about the pods of {object}");
                error.failure(what, Exit::Preflight)
            })?,
        };
        Ok(Some(ObservedPod {
            object,
            pointer: at.pointer.to_string(),
            namespace,
            dry_run,
            warnings,
        }))
    }

    /// The server's answer and its warnings.
    async fn dry_run(
        &self,
        mut pod: Value,
        namespace: &str,
    ) -> Result<(DryRun, Vec<String>), ClusterError> {
        let mut answer = self.cluster.create(&pod, true).await;
        // A ServiceAccount that this run makes would hide every other verdict: `default` stands in.
        if account_is_missing(&answer) && self.makes_account(&pod, namespace) {
            pod["spec"]["serviceAccountName"] = json!("default");
            answer = self.cluster.create(&pod, true).await;
        }
        let accepted = DryRun::Accepted {
            changed: false,
            result: Value::Null,
        };
        match answer {
            Ok(answer) => Ok((accepted, answer.warnings)),
            Err(ClusterError::Forbidden { message }) if names_account(&message) => {
                Ok((DryRun::Unknown { why: message }, Vec::new()))
            }
            Err(error) => Ok((classify(error)?, Vec::new())),
        }
    }

    fn makes_account(&self, pod: &Value, namespace: &str) -> bool {
        let name = text_at(pod, "/spec/serviceAccountName");
        self.manifests.iter().any(|manifest| {
            let object = manifest.reference();
            object.kind == "ServiceAccount"
                && Some(object.name.as_str()) == name
                && object.namespace.as_deref() == Some(namespace)
        })
    }
}

fn account_is_missing(answer: &Result<Applied, ClusterError>) -> bool {
    matches!(answer, Err(ClusterError::Forbidden { message }) if names_account(message))
}

/// `… error looking up service account arc-systems/arc: serviceaccount "arc" not found` (ServiceAccount admission).
fn names_account(message: &str) -> bool {
    message.contains("looking up service account")
}
