//! The plan that removes an install: found by its receipt and by its label, so also after half an `init`.

mod found;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::clients::kube::{Cluster, ClusterError};
use crate::failure::{Exit, Failure};
use crate::object::{ObjectRef, text_at};
use crate::observe::{Receipt, is_ours};
use crate::plan::{PART_OF_THE_INSTALL, Plan, Rank, Step, Wave, is_runner_object};

pub use self::found::installs;
use self::found::{
    ASK, controller_namespace, find, receipts, unknown_controllers, without_receipt,
};
use super::namespace::{kept, others_of};

/// Why an object goes, for whoever is asked.
fn why_gone(object: &ObjectRef) -> &'static str {
    match object.kind.as_str() {
        "CustomResourceDefinition" => {
            "made by this install, no object of its kind is left and nobody else needs it"
        }
        "Namespace" => "made by this install, and nothing of anyone else is in it",
        _ => PART_OF_THE_INSTALL,
    }
}

/// The other installs of the cluster.
struct Others<'a> {
    receipts: &'a [Receipt],
    /// True where one has no receipt that would say what it uses.
    has_unknown: bool,
}

impl Others<'_> {
    fn use_it(&self, object: &ObjectRef) -> bool {
        let is_shared = object.kind == "CustomResourceDefinition";
        (self.has_unknown && is_shared)
            || self
                .receipts
                .iter()
                .any(|other| other.entry(object).is_some())
    }
}

/// Plans the removal of an install. `namespaces`, where its receipt may lie or its controller's, are needed only where
/// several installs share the name, or where the user may not look into all.
/// A plan without steps: there is nothing of it.
pub async fn plan_uninstall(
    cluster: &Cluster,
    install: &str,
    namespaces: &[&str],
) -> Result<Plan, Failure> {
    let receipts = receipts(cluster, install, namespaces).await?;
    let (mine, others): (Vec<Receipt>, Vec<Receipt>) = receipts
        .into_iter()
        .partition(|receipt| receipt.install == install && receipt.is_of(namespaces));
    let receipt = the_one(install, mine)?;
    let namesake = others.iter().any(|other| other.install == install);
    let (mut found, has_unknown) = live(cluster, install, receipt.as_ref(), namesake).await?;
    if receipt.is_none() && others.is_empty() {
        found.extend(without_receipt(cluster).await.map_err(unread)?);
    }
    let home = receipt
        .as_ref()
        .map(|receipt| receipt.namespace.clone())
        .or_else(|| namespaces.first().map(|&namespace| namespace.to_owned()))
        .or_else(|| controller_namespace(&found))
        .unwrap_or_default();
    let others = Others {
        receipts: &others,
        has_unknown,
    };
    let steps = steps(cluster, &found, receipt.as_ref(), &others)
        .await
        .map_err(unread)?;
    Ok(Plan {
        install: install.to_owned(),
        namespace: home,
        controller_namespace: receipt
            .as_ref()
            .and_then(|receipt| receipt.controller_namespace.clone()),
        common: receipt
            .as_ref()
            .map(|receipt| receipt.common.clone())
            .unwrap_or_default(),
        inputs: String::new(),
        waves: waves(steps, receipt.as_ref()),
        changes: Vec::new(),
        objects: Vec::new(),
        receipt,
        forgotten: Vec::new(),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unread(error: ClusterError) -> Failure {
    let failure = error.failure("cannot read what is installed", Exit::Preflight);
    failure.remedy(ASK)
}

/// What lives of the install, and whether another one of its name does of which no receipt tells. Both have the same
/// label: only a receipt can say then what is of this one.
async fn live(
    cluster: &Cluster,
    install: &str,
    receipt: Option<&Receipt>,
    namesake: bool,
) -> Result<(BTreeMap<ObjectRef, Value>, bool), Failure> {
    let found = find(cluster, install, receipt, namesake)
        .await
        .map_err(unread)?;
    let unknown = unknown_controllers(&found, receipt);
    match receipt {
        None if unknown.len() > 1 => Err(nobody_can_tell(install, &unknown)),
        Some(_) if !unknown.is_empty() => {
            let found = find(cluster, install, receipt, true).await;
            Ok((found.map_err(unread)?, true))
        }
        _ => Ok((found, false)),
    }
}

/// The receipt of the install, unless the name means several.
fn the_one(install: &str, mut mine: Vec<Receipt>) -> Result<Option<Receipt>, Failure> {
    if mine.len() > 1 {
        let failure = Failure::new(
            "install-ambiguous",
            Exit::Usage,
            format!("several installs are named {install}"),
        )
        .remedy("name the controller's namespace: --controller-namespace NAMESPACE");
        let places = mine
            .iter()
            .map(|receipt| format!("one in {}", receipt.namespace));
        return Err(places.fold(failure, Failure::evidence));
    }
    Ok(mine.pop())
}

/// Controllers of one label in several namespaces are several installs, and what else has the label may be of each.
fn nobody_can_tell(install: &str, namespaces: &BTreeSet<String>) -> Failure {
    let failure = Failure::new(
        "install-ambiguous",
        Exit::Usage,
        format!("several installs are named {install}, and no receipt tells what belongs to which"),
    )
    .remedy("run init again with the configuration of the one that is to go: it writes the receipt; then uninstall with --controller-namespace NAMESPACE removes that one alone");
    let places = namespaces
        .iter()
        .map(|namespace| format!("a controller in {namespace}"));
    places.fold(failure, Failure::evidence)
}

/// What is done with each object that was found.
async fn steps(
    cluster: &Cluster,
    found: &BTreeMap<ObjectRef, Value>,
    receipt: Option<&Receipt>,
    others: &Others<'_>,
) -> Result<BTreeMap<Rank, Vec<Step>>, ClusterError> {
    let mut steps: BTreeMap<Rank, Vec<Step>> = BTreeMap::new();
    let going: Vec<ObjectRef> = found.keys().cloned().collect();
    for (object, live) in found {
        let kept = why_kept(cluster, object, live, receipt, others, &going).await?;
        let object = object.clone();
        let rank = Rank::of(&object);
        let step = match kept {
            Some(why) => Step::Keep { object, why },
            None => Step::Delete {
                uid: text_at(live, "/metadata/uid").map(str::to_owned),
                why: why_gone(&object).to_owned(),
                object,
            },
        };
        steps.entry(rank).or_default().push(step);
    }
    for object in foreign_namespaces(&going) {
        let why = "this install did not make it".to_owned();
        let kept = steps.entry(Rank::Namespaces).or_default();
        kept.push(Step::Keep { object, why });
    }
    Ok(steps)
}

/// Namespaces in which there is something of the install, and which are not of it.
fn foreign_namespaces(found: &[ObjectRef]) -> BTreeSet<ObjectRef> {
    let namespaces = found
        .iter()
        .filter_map(|object| object.namespace.as_deref());
    namespaces
        .map(|name| ObjectRef::new("v1", "Namespace", None, name))
        .filter(|namespace| !found.contains(namespace))
        .collect()
}

/// What goes between the runner sets and the receipt, in order.
const BETWEEN: [Rank; 5] = [
    Rank::Webhooks,
    Rank::Controller,
    Rank::Rights,
    Rank::Configuration,
    Rank::Definitions,
];

/// What scales runner sets, and these, until they are gone; then webhooks, controller, rights and the rest; the
/// receipt, and last the namespaces, in which lock and receipt lay, until they are gone.
fn waves(mut steps: BTreeMap<Rank, Vec<Step>>, receipt: Option<&Receipt>) -> Vec<Wave> {
    let mut take = |rank: Rank| steps.remove(&rank).unwrap_or_default();
    let mut waves = vec![wave(Rank::Autoscalers.title(), take(Rank::Autoscalers))];
    let runners = take(Rank::Runners);
    let why = "the controller deregisters their runners from GitHub";
    let finalizers = until_gone(&runners, is_runner_object, why);
    waves.push(wave("runner sets", runners));
    waves.push(wave("runner sets: finalizers", finalizers));
    waves.extend(BETWEEN.map(|rank| wave(rank.title(), take(rank))));
    let receipt = receipt.map(|receipt| Step::Delete {
        object: receipt.reference(),
        uid: None,
        why: "nothing is left that it could tell of".to_owned(),
    });
    waves.push(wave("receipt", receipt.into_iter().collect()));
    let namespaces = take(Rank::Namespaces);
    let contents = until_gone(&namespaces, |_| true, "the cluster removes what is in them");
    waves.push(wave(Rank::Namespaces.title(), namespaces));
    waves.push(wave("namespaces: what is in them", contents));
    waves.retain(|wave| !wave.steps.is_empty());
    waves
}

fn wave(title: &str, steps: Vec<Step>) -> Wave {
    Wave {
        title: title.to_owned(),
        steps,
    }
}

/// The wait for what these steps delete; none where there is nothing to wait for.
fn until_gone(steps: &[Step], is_awaited: fn(&ObjectRef) -> bool, why: &str) -> Vec<Step> {
    let deleted = steps.iter().filter(|step| step.writes());
    let objects: Vec<ObjectRef> = deleted
        .filter_map(|step| step.object().cloned())
        .filter(is_awaited)
        .collect();
    if objects.is_empty() {
        return Vec::new();
    }
    let why = why.to_owned();
    vec![Step::WaitGone { objects, why }]
}

/// Why an object stays; None where it goes.
async fn why_kept(
    cluster: &Cluster,
    object: &ObjectRef,
    live: &Value,
    receipt: Option<&Receipt>,
    others: &Others<'_>,
    going: &[ObjectRef],
) -> Result<Option<String>, ClusterError> {
    let entry = receipt.and_then(|receipt| receipt.entry(object));
    if entry.is_some_and(|entry| entry.adopted) {
        return Ok(Some("it was there before".to_owned()));
    }
    if !is_ours(live) {
        return Ok(Some("someone else made it anew".to_owned()));
    }
    if others.use_it(object) && !is_runner_object(object) {
        return Ok(Some("another install uses it".to_owned()));
    }
    match object.kind.as_str() {
        "CustomResourceDefinition" => Ok(match others_of(cluster, live, going).await? {
            0 => None,
            count => Some(format!("{count} objects of its kind are left")),
        }),
        "Namespace" => kept(cluster, &object.name, going).await,
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::found::KINDS;
    use super::*;

    #[test]
    fn runner_sets_go_first_receipt_and_namespaces_last() {
        let mut steps: BTreeMap<Rank, Vec<Step>> = BTreeMap::new();
        for (api_version, kind) in KINDS {
            let object = ObjectRef::new(api_version, kind, Some("ns"), "a");
            let rank = Rank::of(&object);
            let step = Step::Delete {
                object,
                uid: None,
                why: String::new(),
            };
            steps.entry(rank).or_default().push(step);
        }
        let receipt = Receipt::new("one", "ns", "");
        let titles: Vec<String> = waves(steps, Some(&receipt))
            .into_iter()
            .map(|wave| wave.title)
            .collect();
        assert_eq!(
            titles,
            [
                "autoscalers",
                "runner sets",
                "runner sets: finalizers",
                "admission webhooks",
                "controller",
                "service accounts and rights",
                "configuration and secrets",
                "custom resource definitions",
                "receipt",
                "namespaces",
                "namespaces: what is in them",
            ]
        );
    }
}
