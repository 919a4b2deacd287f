//! Before authorities and proxy are put into a workload: the objects that hold them, in its namespace.

use serde_json::Value;

use super::injecting::{Injecting, Made};
use super::report::{ObjectReport, Treatment};
use super::write::{Mode, Work};
use crate::clients::kube::{ApplyOptions, ClusterError};
use crate::object::ObjectRef;
use crate::plan::patch::MANAGER;
use crate::rewrite::injection::is_injected;

/// Said of a workload whose authorities or account are others now: programs read them when they are started.
const RENEWED: &str = "what was injected was written anew: its programs read that when they are started again (kubectl rollout restart)";

impl Work<'_> {
    /// Makes sure that what the patch would name is in the namespace, once for each. The treatment is why the object is
    /// left as it is: pods that name what is not there do not start.
    pub(super) async fn cannot_inject(&self, report: &ObjectReport) -> Option<Treatment> {
        let injecting = self.injecting?;
        if report.injected.is_empty() {
            return None;
        }
        let Some(namespace) = report.object.namespace.as_deref() else {
            let why = "it is in no namespace, where its authorities could lie".to_owned();
            return Some(Treatment::Failed { why });
        };
        let made = self.injected_objects(injecting, namespace).await;
        made.err().map(|why| Treatment::Failed { why })
    }

    /// Of an object that lacks nothing: what it names is brought up to date, and told where it was not.
    pub(super) async fn renewed(
        &self,
        object: &Value,
        told: Option<ObjectReport>,
    ) -> Option<ObjectReport> {
        let writes = matches!(self.mode, Mode::Write | Mode::DryRun);
        let Some(injecting) = self.injecting.filter(|_| writes && is_injected(object)) else {
            return told;
        };
        let reference = ObjectRef::from_value(object);
        let Some(namespace) = reference.namespace.clone() else {
            return told;
        };
        let made = self.injected_objects(injecting, &namespace).await;
        let note = match made {
            Ok(Made::AsWanted) => return told,
            Ok(Made::Renewed) => RENEWED.to_owned(),
            Err(why) => why,
        };
        let mut report =
            told.unwrap_or_else(|| ObjectReport::new(reference, Treatment::Unchanged, Vec::new()));
        report.notes.push(note);
        Some(report)
    }

    async fn injected_objects(
        &self,
        injecting: &Injecting<'_>,
        namespace: &str,
    ) -> Result<Made, String> {
        // The others of this namespace wait for its first; there are few namespaces.
        let mut known = self.injected.lock().await;
        if let Some(made) = known.get(namespace) {
            return made.clone();
        }
        let made = self.make_injected_objects(injecting, namespace).await;
        // What may pass is tried again for the next one.
        let passes = matches!(made, Err((_, true)));
        let made = made.map_err(|(why, _)| why);
        if !passes {
            known.insert(namespace.to_owned(), made.clone());
        }
        made
    }

    /// The error says why, and whether it may pass.
    async fn make_injected_objects(
        &self,
        injecting: &Injecting<'_>,
        namespace: &str,
    ) -> Result<Made, (String, bool)> {
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        let mut all = Made::AsWanted;
        for manifest in injecting.injection.objects(namespace) {
            let reference = manifest.reference();
            // Whoever may not read it gets no note.
            let before = self.cluster.get(&reference).await.ok().flatten();
            let object = injecting
                .resolver
                .resolve(self.cluster, &manifest, None, false);
            let object = object
                .await
                .map_err(|failure| (failure.to_string(), false))?;
            let options = ApplyOptions {
                manager: MANAGER,
                force: false,
                dry_run: self.mode == Mode::DryRun,
            };
            let applied = self.cluster.apply(&object, &options).await;
            let applied = applied.map_err(|error: ClusterError| {
                let why = format!("{reference} cannot be made: {}", error.message());
                let is_final = matches!(
                    error,
                    ClusterError::Forbidden { .. }
                        | ClusterError::Invalid { .. }
                        | ClusterError::Conflict { .. }
                );
                (why, !is_final)
            })?;
            if before.is_some_and(|before| version(&before) != version(&applied.object)) {
                all = Made::Renewed;
            }
        }
        Ok(all)
    }
}
