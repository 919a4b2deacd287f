//! The passes in their order.

use crate::failure::Failure;
use crate::object::{Change, Manifest};
use crate::rules::RuleSet;

use super::{
    Context, gate, hashes, images, job_pods, names, pod_template, preparation, proxy, trust,
};

/// Runs every pass over rendered manifests: podTemplate → names → images → trust → preparation → proxy → job pods → gate
/// → hashes.
/// Returns every change with its rule; where `before` equals `after`, something was kept or only noted. Fails
/// with what the gate found. Running it again changes nothing.
pub fn run(
    manifests: &mut Vec<Manifest>,
    context: &Context<'_>,
    rules: &RuleSet,
) -> Result<Vec<Change>, Failure> {
    let mut changes = pod_template::run(manifests, context);
    changes.extend(names::run(manifests, context));
    gate::collisions(manifests, rules)?;
    job_pods::begin(manifests, context);
    changes.extend(images::run(manifests, context, rules));
    changes.extend(trust::run(manifests, context, rules)?);
    changes.extend(preparation::run(manifests, context, rules));
    changes.extend(proxy::run(manifests, context));
    job_pods::finish(manifests, context, &mut changes);
    changes.extend(gate::run(manifests, rules)?);
    changes.extend(hashes::run(manifests, context));
    Ok(changes)
}

/// The first pass alone: for the list of images, which shows references as they are before rewriting.
pub fn merge_pod_templates(manifests: &mut [Manifest], context: &Context<'_>) -> Vec<Change> {
    pod_template::run(manifests, context)
}
