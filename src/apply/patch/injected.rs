//! Before authorities and proxy are put into a workload: the objects that hold them, in its namespace.

use super::injecting::Injecting;
use super::report::{ObjectReport, Treatment};
use super::write::{Mode, Work};
use crate::clients::kube::{ApplyOptions, ClusterError};
use crate::plan::patch::MANAGER;

impl Work<'_> {
    /// Makes sure that what the patch would name is in the namespace, once for each. The treatment is why the object is
    /// left as it is: pods that name what is not there do not start.
    pub(super) async fn cannot_inject(&self, report: &ObjectReport) -> Option<Treatment> {
        let injecting = self.injecting?;
        let namespace = report.object.namespace.as_deref()?;
        if report.injected.is_empty() {
            return None;
        }
        // The others of this namespace wait for its first; there are few namespaces.
        let mut known = self.injected.lock().await;
        if !known.contains_key(namespace) {
            let made = self.make_injected_objects(injecting, namespace).await;
            known.insert(namespace.to_owned(), made);
        }
        let made = known.get(namespace)?.as_ref();
        made.err().map(|why| Treatment::Failed { why: why.clone() })
    }

    async fn make_injected_objects(
        &self,
        injecting: &Injecting<'_>,
        namespace: &str,
    ) -> Result<(), String> {
        for manifest in injecting.injection.objects(namespace) {
            let object = injecting
                .resolver
                .resolve(self.cluster, &manifest, None, false);
            let object = object.await.map_err(|failure| failure.to_string())?;
            let options = ApplyOptions {
                manager: MANAGER,
                force: false,
                dry_run: self.mode == Mode::DryRun,
            };
            let applied = self.cluster.apply(&object, &options).await;
            applied.map_err(|error: ClusterError| {
                format!(
                    "{} cannot be made: {}",
                    manifest.reference(),
                    error.message()
                )
            })?;
        }
        Ok(())
    }
}
