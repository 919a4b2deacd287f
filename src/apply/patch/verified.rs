//! Before an object is patched: are the images that it will have in their registry?

use futures::future::join_all;
use serde_json::Value;

use super::report::{ObjectReport, Treatment};
use super::requests::TargetImage;
use super::write::Work;
use crate::clients::kube::ClusterError;
use crate::object::pods::pod_specs;
use crate::object::{items_at, text_at};
use crate::observe::ImagePresence;
use crate::plan::patch::SlotChange;

impl Work<'_> {
    /// Asks for every image that the patch would write. The treatment is why the object is left as it is.
    pub(super) async fn verify(
        &self,
        report: &mut ObjectReport,
        after: &Value,
    ) -> Result<Option<Treatment>, ClusterError> {
        let Some(targets) = self.targets else {
            return Ok(None);
        };
        let namespace = report.object.namespace.clone().unwrap_or_default();
        let secrets = if targets.reads_pull_secrets() {
            self.pod_pull_secrets(after, &namespace).await?
        } else {
            Vec::new()
        };
        let (namespace, secrets) = (&namespace, &secrets);
        let asked = report.slots.iter().map(|slot| async move {
            let answer = targets.ask(self.cluster, &slot.after, namespace, secrets);
            (slot, answer.await)
        });
        let answers = join_all(asked).await;
        let (mut absent, mut unknown, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for (slot, answer) in answers {
            for note in answer.notes {
                push_new(&mut notes, format!("{}: {note}", slot.after));
            }
            match answer.presence {
                ImagePresence::Present { .. } => {}
                ImagePresence::Absent { why } => {
                    push_new(&mut absent, image(slot, "absent".to_owned(), why));
                }
                ImagePresence::Unknown { reason, why } => {
                    push_new(&mut unknown, image(slot, reason, why));
                }
            }
        }
        report.notes.extend(notes);
        if !absent.is_empty() {
            return Ok(Some(Treatment::Absent { images: absent }));
        }
        if self.options.require_verified && !unknown.is_empty() {
            return Ok(Some(Treatment::Unverified { images: unknown }));
        }
        report.unverified = unknown;
        Ok(None)
    }

    /// The pull secrets that a pod of this object has: its own, else those of its ServiceAccount.
    async fn pod_pull_secrets(
        &self,
        object: &Value,
        namespace: &str,
    ) -> Result<Vec<String>, ClusterError> {
        let pods = pod_specs(object);
        let Some(pod) = pods.first().and_then(|pod| pod.pointer.get(object)) else {
            return Ok(Vec::new());
        };
        let own: Vec<String> = items_at(pod, "/imagePullSecrets")
            .iter()
            .filter_map(|secret| text_at(secret, "/name").map(str::to_owned))
            .collect();
        if !own.is_empty() {
            return Ok(own);
        }
        let account = text_at(pod, "/serviceAccountName").filter(|name| !name.is_empty());
        let account = account.unwrap_or("default");
        let secrets = self.accounts.pull_secrets(self.cluster, namespace, account);
        secrets.await
    }
}

fn image(slot: &SlotChange, reason: String, why: String) -> TargetImage {
    TargetImage {
        before: slot.before.clone(),
        after: slot.after.clone(),
        rule: slot.rule.clone(),
        reason,
        why,
    }
}

fn push_new<T: PartialEq>(items: &mut Vec<T>, item: T) {
    if !items.contains(&item) {
        items.push(item);
    }
}
