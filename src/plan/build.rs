//! From manifests and observations to waves of steps.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::{Change, Common, Manifest, ObjectRef, sha256};
use crate::observe::{DryRun, Observed, ObservedObject, is_ours};

use super::certificate::{backend, guards, is_webhook, trust_both};
use super::diff::differences;
use super::order::Rank;
use super::prune::prune;
use super::{Plan, Step, Wave};

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The install's name.
    pub install: &'a str,
    /// The home of Lease and receipt.
    pub namespace: &'a str,
    /// The controller's namespace.
    pub controller_namespace: &'a str,
    /// What every object carries; Lease and receipt, which are no manifests, take it from here.
    pub common: &'a Common,
    /// What is wanted.
    pub manifests: &'a [Manifest],
    /// What the passes changed.
    pub changes: &'a [Change],
    /// What is there.
    pub observed: &'a Observed,
}

/// Builds the plan. Objects that the server refuses are part of it, as what would have been done: whether it is
/// carried out is decided by preflight and [`super::conflict`].
pub fn build(inputs: &Inputs<'_>) -> Plan {
    let pruned = prune(inputs.observed);
    let mut waves = Vec::new();
    let mut waited: BTreeSet<ObjectRef> = BTreeSet::new();
    for rank in Rank::ALL {
        let steps: Vec<Step> = inputs
            .manifests
            .iter()
            .filter(|manifest| Rank::of(&manifest.reference()) == rank)
            .map(|manifest| step(inputs, manifest))
            .collect();
        before(inputs, rank, &steps, &mut waited, &mut waves);
        let definitions = if rank == Rank::Definitions {
            created(&steps)
        } else {
            Vec::new()
        };
        push(&mut waves, rank.title(), steps);
        if !definitions.is_empty() {
            let established = vec![Step::WaitEstablished { definitions }];
            push(
                &mut waves,
                "the API server serves the new kinds",
                established,
            );
        }
        if rank == Rank::Definitions {
            waves.extend(pruned.first.iter().cloned());
        }
    }
    waves.extend(pruned.last);
    Plan {
        install: inputs.install.to_owned(),
        namespace: inputs.namespace.to_owned(),
        controller_namespace: (inputs.controller_namespace != inputs.namespace)
            .then(|| inputs.controller_namespace.to_owned()),
        common: inputs.common.clone(),
        inputs: hash(inputs.manifests),
        waves,
        changes: inputs.changes.to_vec(),
        objects: inputs.manifests.to_vec(),
        receipt: inputs.observed.receipt.clone(),
        forgotten: pruned.forgotten,
    }
}

/// What has to be so before the steps of a rank: webhooks that trust the new certificate, a manager that answers.
fn before(
    inputs: &Inputs<'_>,
    rank: Rank,
    steps: &[Step],
    waited: &mut BTreeSet<ObjectRef>,
    waves: &mut Vec<Wave>,
) {
    let wait = match rank {
        Rank::Configuration => {
            let both = trust_both(inputs.manifests, inputs.observed);
            push(
                waves,
                "webhooks trust the certificate in use and the new one",
                trusting(both),
            );
            None
        }
        Rank::Webhooks => narrowing(inputs, steps),
        Rank::Runners => guarded(inputs, steps),
        _ => None,
    };
    if let Some((object, why)) = wait
        && waited.insert(object.clone())
    {
        push(
            waves,
            "the manager answers",
            vec![Step::WaitAvailable { object, why }],
        );
    }
}

/// Names of what the steps make.
fn created(steps: &[Step]) -> Vec<String> {
    steps
        .iter()
        .filter(|step| matches!(step, Step::Create { .. }))
        .filter_map(|step| step.object().map(|object| object.name.clone()))
        .collect()
}

fn push(waves: &mut Vec<Wave>, title: &str, steps: Vec<Step>) {
    if !steps.is_empty() {
        waves.push(Wave {
            title: title.to_owned(),
            steps,
        });
    }
}

fn trusting(webhooks: Vec<ObjectRef>) -> Vec<Step> {
    webhooks
        .into_iter()
        .map(|object| Step::TrustBoth { object })
        .collect()
}

fn step(inputs: &Inputs<'_>, manifest: &Manifest) -> Step {
    let object = manifest.reference();
    let Some(entry) = inputs.observed.of(&object) else {
        let unknown = Some("it was not observed".to_owned());
        return Step::Create { object, unknown };
    };
    let unknown = match &entry.dry_run {
        DryRun::Foreign { why } => {
            let why = why.clone();
            return Step::Keep { object, why };
        }
        DryRun::Accepted { changed: false, .. } => return Step::Unchanged { object },
        DryRun::Accepted { .. } => None,
        DryRun::Unknown { why } | DryRun::Refused { why, .. } => Some(why.clone()),
        DryRun::Conflict { .. } => Some("another manager owns fields of it".to_owned()),
    };
    let Some(live) = &entry.live else {
        return Step::Create { object, unknown };
    };
    let found = match &entry.dry_run {
        DryRun::Accepted { result, .. } => differences(&live.object, result),
        _ => Vec::new(),
    };
    Step::Update {
        differences: found,
        keys: entry.keys.clone(),
        unknown,
        adopted: is_adopted(inputs, entry, &live.object),
        object,
    }
}

/// What was there before us, and is not ours by label or by an earlier receipt.
fn is_adopted(inputs: &Inputs<'_>, entry: &ObservedObject, live: &Value) -> bool {
    let receipt = inputs.observed.receipt.as_ref();
    match receipt.and_then(|receipt| receipt.entry(&entry.object)) {
        // Noted, never written, and made by somebody else since.
        Some(known) if known.uid.is_none() => known.adopted || !is_ours(live),
        Some(known) => known.adopted,
        None => !is_ours(live),
    }
}

/// A live webhook configuration that changes while its manager does: the manager comes first, so that the
/// certificate that is trusted alone is the one that is served.
fn narrowing(inputs: &Inputs<'_>, steps: &[Step]) -> Option<(ObjectRef, String)> {
    let changing = steps
        .iter()
        .filter(|step| matches!(step, Step::Update { .. }));
    let mut backends = changing
        .filter_map(Step::object)
        .filter_map(|object| manifest(inputs, object))
        .filter_map(|webhook| backend(inputs.manifests, webhook));
    let object = backends.find(|object| writes(inputs, object))?;
    Some((
        object,
        "webhooks then trust its new certificate alone".to_owned(),
    ))
}

/// Runner objects that a webhook of this install guards.
fn guarded(inputs: &Inputs<'_>, steps: &[Step]) -> Option<(ObjectRef, String)> {
    let objects: Vec<&ObjectRef> = steps
        .iter()
        .filter(|step| step.writes())
        .filter_map(Step::object)
        .collect();
    let webhook = inputs
        .manifests
        .iter()
        .filter(|manifest| is_webhook(manifest))
        .find(|webhook| objects.iter().any(|object| guards(webhook, object)))?;
    let object = backend(inputs.manifests, webhook)?;
    Some((
        object,
        "the API server asks its webhooks about runner objects".to_owned(),
    ))
}

fn manifest<'a>(inputs: &Inputs<'a>, object: &ObjectRef) -> Option<&'a Manifest> {
    inputs
        .manifests
        .iter()
        .find(|manifest| &manifest.reference() == object)
}

fn writes(inputs: &Inputs<'_>, object: &ObjectRef) -> bool {
    manifest(inputs, object).is_some_and(|manifest| step(inputs, manifest).writes())
}

/// SHA-256 of the manifests; late values are not part of them.
fn hash(manifests: &[Manifest]) -> String {
    let bytes = serde_json::to_vec(manifests).unwrap_or_default();
    sha256(&bytes)
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
