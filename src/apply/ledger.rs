//! Keeps the receipt in step with the cluster: everything planned before the first write, uids after each wave.

use crate::clients::kube::{ApplyOptions, Cluster};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{MANAGER, Receipt};
use crate::plan::{Plan, Step, invalidates};

/// The receipt of a run, and whether the cluster's copy is behind.
#[derive(Debug)]
pub(super) struct Ledger {
    receipt: Receipt,
    behind: bool,
    /// False where there is none to keep: a removal that found none, or has removed it.
    kept: bool,
}

impl Ledger {
    /// The inventory as the plan will leave it; what earlier runs made stays in it until it is gone.
    pub(super) fn open(plan: &Plan) -> Self {
        let mut receipt = plan
            .receipt
            .clone()
            .unwrap_or_else(|| Receipt::new(&plan.install, &plan.namespace, &plan.inputs));
        receipt.plan.clone_from(&plan.inputs);
        for object in &plan.forgotten {
            receipt.forget(object);
        }
        receipt
            .controller_namespace
            .clone_from(&plan.controller_namespace);
        receipt.complete = false;
        receipt
            .pull_tests
            .retain(|tested| !invalidates(plan, &tested.set));
        for step in plan.steps() {
            match step {
                Step::Create { object, .. } | Step::Unchanged { object } => {
                    receipt.note(object, None, false);
                }
                Step::Update {
                    object, adopted, ..
                } => receipt.note(object, None, *adopted),
                _ => {}
            }
        }
        Self {
            receipt,
            behind: true,
            kept: plan.receipt.is_some() || !plan.objects.is_empty(),
        }
    }

    pub(super) fn wrote(&mut self, object: &ObjectRef, uid: Option<&str>) {
        let known = self
            .receipt
            .entry(object)
            .and_then(|entry| entry.uid.as_deref());
        if known != uid {
            self.receipt.note(object, uid, false);
            self.behind = true;
        }
    }

    pub(super) fn removed(&mut self, object: &ObjectRef) {
        if self.receipt.entry(object).is_some() {
            self.receipt.forget(object);
            self.behind = true;
        }
    }

    /// Where the cluster's copy lies.
    pub(super) fn reference(&self) -> ObjectRef {
        self.receipt.reference()
    }

    /// Writes no more copies: the cluster's one is about to be removed.
    pub(super) fn end(&mut self) {
        self.kept = false;
    }

    pub(super) fn complete(&mut self) {
        self.receipt.complete = true;
        self.behind = true;
    }

    pub(super) fn into_receipt(self) -> Receipt {
        self.receipt
    }

    /// Writes the receipt where the cluster's copy is behind. The copy is taken now, so that the next wave may run
    /// while it is written.
    pub(super) fn write<'a>(
        &mut self,
        cluster: &'a Cluster,
    ) -> impl Future<Output = Result<(), Failure>> + use<'a> {
        let receipt = (std::mem::take(&mut self.behind) && self.kept).then(|| self.receipt.clone());
        async move {
            match receipt {
                Some(receipt) => store(cluster, &receipt).await,
                None => Ok(()),
            }
        }
    }
}

/// Writes a receipt, in place of what the cluster has.
pub(super) async fn store(cluster: &Cluster, receipt: &Receipt) -> Result<(), Failure> {
    let what = format!("cannot write the receipt {}", receipt.reference());
    let secret = receipt.to_secret().map_err(|problem| {
        Failure::new("receipt", Exit::ApplyFailed, what.as_str()).why(problem.to_string())
    })?;
    let options = ApplyOptions {
        manager: MANAGER,
        force: true,
        dry_run: false,
    };
    match cluster.apply(&secret, &options).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.failure(what, Exit::ApplyFailed)),
    }
}
