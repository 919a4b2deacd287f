//! What ends a run, with the way on.

use super::run::Run;
use super::write::Mode;
use crate::clients::kube::ClusterError;
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::workloads::Kind;
use crate::plan::counted;

impl Run<'_, '_> {
    /// A failure to look at a kind. Where nothing was written yet, nothing was applied either.
    pub(super) fn unlisted(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        error: &ClusterError,
    ) -> Failure {
        let patched = self.report.patched();
        let selection = &self.work.options.selection;
        let place = namespace.map_or("the whole cluster".to_owned(), |name| {
            format!("namespace {name}")
        });
        let what = format!("cannot look for {}s in {place}", kind.kind);
        if let (ClusterError::Invalid { .. }, Some(labels)) = (error, &selection.labels) {
            return error
                .failure(what, Exit::Usage)
                .remedy(format!("write the selector as kubectl takes it: --selector app=web,tier!=db; it is {labels}"));
        }
        let exit = match (self.work.mode, patched) {
            (Mode::Write, 1..) => Exit::ApplyFailed,
            _ => Exit::Preflight,
        };
        let failure = error.failure(what, exit).remedy(format!(
            "use a login that may get, list and patch Deployments and ARC's own kinds in {place}{}",
            match namespace {
                Some(_) => "",
                None => ", or look into one namespace only: --namespace NAME",
            }
        ));
        match patched {
            0 => failure,
            _ => failure.remedy(format!(
                "{}; the same command goes on from there",
                stays(patched)
            )),
        }
    }

    /// What is as it was patched although it does not become ready, and the way back.
    pub(super) fn goes_on(&self, failure: Failure, rolling: &[ObjectRef]) -> Failure {
        let mut failure = failure.remedy(format!(
            "{}; what ran before goes on until new pods are ready, and the same command waits for them again (--no-wait does not, and goes on to the runners)",
            stays(self.report.patched())
        ));
        for object in rolling.iter().take(3) {
            failure = failure.remedy(format!(
                "to have the images of before again: kubectl rollout undo deployment {} -n {}",
                object.name,
                object.namespace.as_deref().unwrap_or_default()
            ));
        }
        failure
    }

    pub(super) fn failure(&self, object: &ObjectRef, error: &ClusterError) -> Failure {
        let patched = self.report.patched();
        let failure = error.failure(format!("cannot patch {object}"), Exit::ApplyFailed);
        let failure = match error {
            ClusterError::WebhookFailed { webhook, .. } => failure.remedy(format!(
                "the webhook {webhook} guards this kind and does not answer: get the pod behind it ready (kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations names its Service), or delete the configuration where its install is gone"
            )),
            ClusterError::Forbidden { .. } => failure.remedy(format!(
                "the user needs get, list and patch on {} in that namespace, and admission must accept the object",
                object.kind
            )),
            _ => failure,
        };
        failure.remedy(format!(
            "{}; the same command goes on from there",
            stays(patched)
        ))
    }
}

fn stays(count: usize) -> String {
    format!("what was patched stays ({})", counted(count, "object"))
}
