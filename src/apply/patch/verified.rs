//! Before an object is patched: are the images that it will have in their registry?

use futures::future::join_all;
use serde_json::Value;

use super::report::{ObjectReport, Treatment};
use super::requests::TargetImage;
use super::write::Work;
use crate::clients::kube::ClusterError;
use crate::object::{Pointer, text_at};
use crate::observe::ImagePresence;
use crate::plan::patch::{Patch, SlotChange, accounted_pods, service_account};

impl Work<'_> {
    /// Asks for every image that the patch would write. The treatment is why the object is left as it is.
    pub(super) async fn verify(
        &self,
        report: &mut ObjectReport,
        patch: &Patch,
        object: &Value,
    ) -> Result<Option<Treatment>, ClusterError> {
        let Some(targets) = self.targets else {
            return Ok(None);
        };
        let namespace = &report.object.namespace.clone().unwrap_or_default();
        let secrets = &if targets.reads_pull_secrets() {
            self.pod_pull_secrets(&patch.after(object), namespace)
                .await?
        } else {
            Vec::new()
        };
        let asked = report.slots.iter().map(|slot| async move {
            let secrets = secrets_of(secrets, slot);
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
        let is_absent = !absent.is_empty();
        if self.options.require_verified && !is_absent && !unknown.is_empty() {
            return Ok(Some(Treatment::Unverified { images: unknown }));
        }
        // They are told also where another image of the object is not there.
        report.unverified = unknown;
        Ok(is_absent.then_some(Treatment::Absent { images: absent }))
    }

    /// The pull secrets of each pod of this object: its own, else those of its ServiceAccount.
    async fn pod_pull_secrets(
        &self,
        object: &Value,
        namespace: &str,
    ) -> Result<Vec<(Pointer, Vec<String>)>, ClusterError> {
        let mut found = Vec::new();
        for pod in accounted_pods(object, Some(&self.custom_kinds)) {
            let list = pod.pointer.child("imagePullSecrets");
            let mut names: Vec<String> = list
                .get(object)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|secret| text_at(secret, "/name").map(str::to_owned))
                .collect();
            if names.is_empty() {
                let account = service_account(object, &pod);
                let secrets = self.accounts.pull_secrets(self.cluster, namespace, account);
                names = secrets.await?;
            }
            found.push((pod.pointer, names));
        }
        Ok(found)
    }
}

/// Those of the pod that an image stands in. One that stands beside a template is of the first pod.
fn secrets_of<'a>(pods: &'a [(Pointer, Vec<String>)], slot: &SlotChange) -> &'a [String] {
    let holds = |pod: &&(Pointer, Vec<String>)| {
        let inner = slot.pointer.as_str().strip_prefix(pod.0.as_str());
        inner.is_some_and(|inner| inner.is_empty() || inner.starts_with('/'))
    };
    let pod = pods.iter().find(holds).or_else(|| pods.first());
    pod.map_or(&[], |(_, secrets)| secrets.as_slice())
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
