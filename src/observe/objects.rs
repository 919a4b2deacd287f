//! Reads what lives and asks the server what an apply would make of it: one read and one dry-run per object.
//!
//! A comparison of those two decides whether anything is written; no hash of an earlier run does, so that every
//! field that someone edited by hand is seen.

use futures::{StreamExt, TryStreamExt};
use serde_json::Value;

use crate::clients::kube::{Applied, ApplyOptions, Cluster, ClusterError, Scope};
use crate::facts::Facts;
use crate::failure::{Exit, Failure};
use crate::object::{LateSource, Manifest, ObjectRef, text_at};

use super::late::Resolver;
use super::mask::{MANAGER, compare, masked};
use super::model::{DryRun, Live, Observed, ObservedObject, Refusal};
use super::receipt::Receipt;
use super::refusal::{all_ours, classify};
use super::surroundings::{NotRead, Surroundings};

/// Requests in flight at once; two cores of an API server are busy with eight.
pub(super) const CONCURRENCY: usize = 8;

/// What observation needs to know of the run.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The install's name.
    pub install: &'a str,
    /// The controller's namespace: the home of the receipt.
    pub namespace: &'a str,
    /// What was read before rendering.
    pub facts: &'a Facts,
    /// Takes other managers' fields, but never a CRD's.
    pub force_conflicts: bool,
    /// Labels namespaces that were there before.
    pub manage_namespaces: bool,
}

/// Every manifest against the cluster. Fails only where nothing can be said at all: no answer, no login,
/// a credential that is missing.
pub async fn observe(
    cluster: &Cluster,
    manifests: &[Manifest],
    resolver: &Resolver<'_>,
    options: &Options<'_>,
) -> Result<Observed, Failure> {
    seed(cluster, manifests);
    let surroundings = Surroundings::of(
        manifests,
        options.facts,
        options.install,
        options.manage_namespaces,
    );
    let force = options.force_conflicts;
    let each = |manifest| one(cluster, manifest, resolver, &surroundings, force);

    // What depends on Secrets of this plan comes after them.
    let (later, first): (Vec<_>, Vec<_>) = manifests
        .iter()
        .partition(|manifest| depends_on_secrets(manifest));
    let receipt = async {
        // A namespace that is not there holds none.
        if surroundings.namespace(options.namespace).is_some() {
            return Ok(None);
        }
        read_receipt(cluster, options.install, options.namespace, Exit::Preflight).await
    };
    let first = futures::stream::iter(first)
        .map(each)
        .buffered(CONCURRENCY)
        .try_collect::<Vec<_>>();
    let (first, receipt) = futures::try_join!(first, receipt)?;
    let later: Vec<ObservedObject> = futures::stream::iter(later)
        .map(each)
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;

    let (mut first, mut later) = (first.into_iter(), later.into_iter());
    let objects = manifests
        .iter()
        .filter_map(|manifest| {
            if depends_on_secrets(manifest) {
                later.next()
            } else {
                first.next()
            }
        })
        .collect();
    Ok(Observed {
        objects,
        pods: Vec::new(),
        receipt,
        renewed: resolver.renewed(),
    })
}

/// Asks again about objects whose namespace or kind has come into being. Nothing is skipped.
pub async fn observe_again(
    cluster: &Cluster,
    manifests: &[&Manifest],
    resolver: &Resolver<'_>,
    force_conflicts: bool,
) -> Result<Vec<ObservedObject>, Failure> {
    futures::stream::iter(manifests.iter().copied())
        .map(|manifest| again(cluster, manifest, resolver, force_conflicts))
        .buffered(CONCURRENCY)
        .try_collect()
        .await
}

/// Most of these are new, which the dry-run tells: only what is there is read as well.
async fn again(
    cluster: &Cluster,
    manifest: &Manifest,
    resolver: &Resolver<'_>,
    force_conflicts: bool,
) -> Result<ObservedObject, Failure> {
    if keeps_certificate(manifest) {
        let surroundings = Surroundings::default();
        return one(cluster, manifest, resolver, &surroundings, force_conflicts).await;
    }
    let object = manifest.reference();
    let wanted = resolver.resolve(cluster, manifest, None, false).await?;
    let answer = dry_run(cluster, &wanted, force_conflicts).await;
    // An object that a dry-run makes has no version.
    let is_new = answer
        .as_ref()
        .is_ok_and(|applied| version_of(&applied.object).is_none());
    let live = if is_new {
        Ok(None)
    } else {
        cluster.get(&object).await
    };
    conclude(cluster, manifest, resolver, live, answer).await
}

/// Kinds of our own CRDs need no discovery.
fn seed(cluster: &Cluster, manifests: &[Manifest]) {
    for manifest in manifests {
        if manifest.kind() != "CustomResourceDefinition" {
            continue;
        }
        let text = |pointer| manifest.text(pointer).unwrap_or_default();
        let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
        let scope = match text("/spec/scope") {
            "Cluster" => Scope::Cluster,
            _ => Scope::Namespaced,
        };
        let versions = manifest
            .object
            .pointer("/spec/versions")
            .and_then(Value::as_array);
        for version in versions.into_iter().flatten() {
            let version = version
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let api_version = format!("{group}/{version}");
            cluster.seed(&api_version, kind, text("/spec/names/plural"), scope);
        }
    }
}

fn depends_on_secrets(manifest: &Manifest) -> bool {
    manifest.lates.iter().any(|late| {
        matches!(
            late.from,
            LateSource::CaBundleOf(_) | LateSource::ResourceVersionOf { .. }
        )
    })
}

/// The receipt of an install as the cluster holds it; None where there is none. `exit` is that of a failure.
pub async fn read_receipt(
    cluster: &Cluster,
    install: &str,
    namespace: &str,
    exit: Exit,
) -> Result<Option<Receipt>, Failure> {
    let reference = Receipt::new(install, namespace, "").reference();
    let what = || format!("cannot read the receipt {reference}");
    let secret = match cluster.get(&reference).await {
        Ok(secret) => secret,
        Err(error) => return Err(error.failure(what(), exit)),
    };
    let Some(secret) = secret else {
        return Ok(None);
    };
    Receipt::from_secret(&secret).map_err(|problem| {
        Failure::new("receipt-unreadable", exit, what())
            .why(problem.to_string())
            .remedy("use the arc-setup that wrote it, or move the Secret away: objects of ours are still found by their label")
    })
}

async fn one(
    cluster: &Cluster,
    manifest: &Manifest,
    resolver: &Resolver<'_>,
    surroundings: &Surroundings,
    force_conflicts: bool,
) -> Result<ObservedObject, Failure> {
    let object = manifest.reference();
    // Nobody serves it and this plan does not make it: that does not change by waiting.
    if let Err(ClusterError::NotFound { message }) =
        cluster.scope_of(&object.api_version, &object.kind).await
    {
        return Ok(ObservedObject {
            object,
            live: None,
            dry_run: DryRun::Refused {
                refusal: Refusal::KindMissing,
                why: message,
            },
            warnings: Vec::new(),
            keys: Vec::new(),
        });
    }
    if let Some((live, dry_run)) = surroundings.answer(&object) {
        resolver.note_version(&object, None);
        if matches!(dry_run, DryRun::Unknown { .. }) {
            // A missing credential is found before anything is written, and a new certificate is known to webhooks.
            resolver.resolve(cluster, manifest, None, false).await?;
        }
        return Ok(ObservedObject {
            object,
            live,
            dry_run,
            warnings: Vec::new(),
            keys: Vec::new(),
        });
    }
    let (live, answer) = if keeps_certificate(manifest) {
        // The request holds the stored certificate, so that has to be read first.
        let live = cluster.get(&object).await;
        let known = live.as_ref().ok().and_then(Option::as_ref);
        let wanted = resolver.resolve(cluster, manifest, known, false).await?;
        (live, dry_run(cluster, &wanted, force_conflicts).await)
    } else {
        let wanted = resolver.resolve(cluster, manifest, None, false).await?;
        let live = async {
            match surroundings.read(&object) {
                Ok(live) => Ok(live),
                Err(NotRead) => cluster.get(&object).await,
            }
        };
        futures::join!(live, dry_run(cluster, &wanted, force_conflicts))
    };
    conclude(cluster, manifest, resolver, live, answer).await
}

/// True for a Secret whose certificate is kept while it is sound.
fn keeps_certificate(manifest: &Manifest) -> bool {
    manifest
        .lates
        .iter()
        .any(|late| matches!(late.from, LateSource::ServingCertificate { .. }))
}

/// What both answers say, noted for what depends on the object's version.
async fn conclude(
    cluster: &Cluster,
    manifest: &Manifest,
    resolver: &Resolver<'_>,
    live: Result<Option<Value>, ClusterError>,
    answer: Result<Applied, ClusterError>,
) -> Result<ObservedObject, Failure> {
    let object = manifest.reference();
    let observed = merge(cluster, manifest, &object, live, answer).await;
    let observed = observed.map_err(|error| {
        error.failure(
            format!("cannot ask the cluster about {object}"),
            Exit::Preflight,
        )
    })?;
    let unchanged = matches!(observed.dry_run, DryRun::Accepted { changed: false, .. });
    let version = observed
        .live
        .as_ref()
        .filter(|_| unchanged)
        .map(|live| live.resource_version.as_str());
    resolver.note_version(&object, version);
    Ok(observed)
}

/// Applies without writing; fields that another manager name of ours holds are taken.
async fn dry_run(
    cluster: &Cluster,
    wanted: &Value,
    force_conflicts: bool,
) -> Result<Applied, ClusterError> {
    let definition = wanted.get("kind").and_then(Value::as_str) == Some("CustomResourceDefinition");
    let options = |force| ApplyOptions {
        manager: MANAGER,
        force,
        dry_run: true,
    };
    match cluster.apply(wanted, &options(false)).await {
        Err(ClusterError::Conflict { message, owners }) => {
            let ours = classify(ClusterError::Conflict {
                message: message.clone(),
                owners: owners.clone(),
            })
            .is_ok_and(|answer| matches!(answer, DryRun::Conflict { owners } if all_ours(&owners)));
            if ours || owners.is_empty() || (force_conflicts && !definition) {
                cluster.apply(wanted, &options(!owners.is_empty())).await
            } else {
                Err(ClusterError::Conflict { message, owners })
            }
        }
        answer => answer,
    }
}

async fn merge(
    cluster: &Cluster,
    manifest: &Manifest,
    object: &ObjectRef,
    live: Result<Option<Value>, ClusterError>,
    answer: Result<Applied, ClusterError>,
) -> Result<ObservedObject, ClusterError> {
    let mut live = match live {
        Ok(live) => live,
        // Whoever may write it may not be allowed to read it; the dry-run still answers.
        Err(ClusterError::Forbidden { .. }) if answer.is_ok() => None,
        Err(error) => {
            return Ok(ObservedObject {
                object: object.clone(),
                live: None,
                dry_run: classify(error)?,
                warnings: Vec::new(),
                keys: Vec::new(),
            });
        }
    };
    let (dry_run, warnings, keys, seen) = match answer {
        Ok(applied) => {
            // The two requests may have met different states: read once more.
            if let Some(read) = &live
                && version_of(read) != version_of(&applied.object)
            {
                live = cluster.get(object).await?;
            }
            let seen = compare(manifest, live.as_ref(), &applied.object);
            let dry_run = DryRun::Accepted {
                changed: seen.changed,
                result: seen.result,
            };
            (dry_run, applied.warnings, seen.keys, seen.live)
        }
        Err(error) => {
            let seen = live.as_ref().map(|live| masked(manifest, live));
            (classify(error)?, Vec::new(), Vec::new(), seen)
        }
    };
    let text = |pointer| {
        live.as_ref()
            .and_then(|live| text_at(live, pointer))
            .unwrap_or_default()
            .to_owned()
    };
    Ok(ObservedObject {
        object: object.clone(),
        live: seen.map(|seen| Live {
            resource_version: text("/metadata/resourceVersion"),
            uid: text("/metadata/uid"),
            object: seen,
        }),
        dry_run,
        warnings,
        keys,
    })
}

fn version_of(object: &Value) -> Option<&Value> {
    object.pointer("/metadata/resourceVersion")
}
