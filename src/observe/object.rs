//! One object against the cluster: read, and where it is not surely as wanted, applied without being written.

use serde_json::Value;

use crate::clients::kube::{Applied, ApplyOptions, Cluster, ClusterError};
use crate::failure::{Exit, Failure};
use crate::object::{LateSource, Manifest, ObjectRef, text_at};

use super::as_wanted::is_as_wanted;
use super::late::Resolver;
use super::mask::{MANAGER, compare, masked};
use super::model::{DryRun, Live, ObservedObject, Refusal};
use super::refusal::{all_ours, classify};
use super::surroundings::{NotRead, Surroundings};

/// What asking about any object needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) resolver: &'a Resolver<'a>,
    pub(super) surroundings: &'a Surroundings,
    pub(super) force_conflicts: bool,
}

impl Asking<'_> {
    /// What lives, and what an apply would make of it.
    pub(super) async fn about(&self, manifest: &Manifest) -> Result<ObservedObject, Failure> {
        let object = manifest.reference();
        if let Some(known) = self.unasked(manifest, &object).await? {
            return Ok(known);
        }
        let live = self.live(&object).await;
        let known = live.as_ref().ok().and_then(Option::as_ref);
        let resolver = self.resolver;
        let wanted = resolver
            .resolve(self.cluster, manifest, known, false)
            .await?;
        let answer = match &live {
            Ok(Some(live)) if is_as_wanted(&wanted, live) => Ok(Applied {
                object: live.clone(),
                warnings: Vec::new(),
            }),
            // What cannot be seen is not replaced: the certificate in it may be in use.
            Err(error) if keeps_certificate(manifest) => Err(error.clone()),
            _ => self.dry_run(&wanted).await,
        };
        self.conclude(manifest, live, answer).await
    }

    /// The same after the first waves: most objects are new then, which the dry-run tells. Only what is there is read
    /// as well.
    pub(super) async fn again(&self, manifest: &Manifest) -> Result<ObservedObject, Failure> {
        if keeps_certificate(manifest) {
            return self.about(manifest).await;
        }
        let resolver = self.resolver;
        let wanted = resolver
            .resolve(self.cluster, manifest, None, false)
            .await?;
        let answer = self.dry_run(&wanted).await;
        // An object that a dry-run makes has no version.
        let is_new = answer
            .as_ref()
            .is_ok_and(|applied| version_of(&applied.object).is_none());
        let live = if is_new {
            Ok(None)
        } else {
            self.live(&manifest.reference()).await
        };
        self.conclude(manifest, live, answer).await
    }

    /// What is told without asking about the object itself.
    async fn unasked(
        &self,
        manifest: &Manifest,
        object: &ObjectRef,
    ) -> Result<Option<ObservedObject>, Failure> {
        let served = self.cluster.scope_of(&object.api_version, &object.kind);
        // Nobody serves it and this plan does not make it: that does not change by waiting.
        if let Err(ClusterError::NotFound { message }) = served.await {
            let refused = DryRun::Refused {
                refusal: Refusal::KindMissing,
                why: message,
            };
            return Ok(Some(bare(object, None, refused)));
        }
        let Some((live, dry_run)) = self.surroundings.answer(object) else {
            return Ok(None);
        };
        self.resolver.note_version(object, None);
        if matches!(dry_run, DryRun::Unknown { .. }) {
            // A missing credential is found before anything is written, and a new certificate is known to webhooks.
            let resolver = self.resolver;
            resolver
                .resolve(self.cluster, manifest, None, false)
                .await?;
        }
        Ok(Some(bare(object, live, dry_run)))
    }

    async fn live(&self, object: &ObjectRef) -> Result<Option<Value>, ClusterError> {
        match self.surroundings.read(object) {
            Ok(live) => Ok(live),
            Err(NotRead) => self.cluster.see(object, MANAGER).await,
        }
    }

    /// Applies without writing; fields that another manager name of ours holds are taken.
    async fn dry_run(&self, wanted: &Value) -> Result<Applied, ClusterError> {
        let kind = wanted.get("kind").and_then(Value::as_str);
        let definition = kind == Some("CustomResourceDefinition");
        let options = |force| ApplyOptions {
            manager: MANAGER,
            force,
            dry_run: true,
        };
        match self.cluster.apply(wanted, &options(false)).await {
            Err(ClusterError::Conflict { message, owners }) => {
                let ours = classify(ClusterError::Conflict {
                    message: message.clone(),
                    owners: owners.clone(),
                })
                .is_ok_and(
                    |answer| matches!(answer, DryRun::Conflict { owners } if all_ours(&owners)),
                );
                if ours || owners.is_empty() || (self.force_conflicts && !definition) {
                    let force = options(!owners.is_empty());
                    self.cluster.apply(wanted, &force).await
                } else {
                    Err(ClusterError::Conflict { message, owners })
                }
            }
            answer => answer,
        }
    }

    /// What both answers say, noted for what depends on the object's version.
    async fn conclude(
        &self,
        manifest: &Manifest,
        live: Result<Option<Value>, ClusterError>,
        answer: Result<Applied, ClusterError>,
    ) -> Result<ObservedObject, Failure> {
        let object = manifest.reference();
        let observed = self.merge(manifest, &object, live, answer).await;
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
        self.resolver.note_version(&object, version);
        Ok(observed)
    }

    async fn merge(
        &self,
        manifest: &Manifest,
        object: &ObjectRef,
        live: Result<Option<Value>, ClusterError>,
        answer: Result<Applied, ClusterError>,
    ) -> Result<ObservedObject, ClusterError> {
        let live = match live {
            Ok(live) => live,
            // Whoever may write it may not be allowed to read it; the dry-run still answers.
            Err(ClusterError::Forbidden { .. }) if answer.is_ok() => None,
            Err(error) => return Ok(bare(object, None, classify(error)?)),
        };
        match answer {
            Ok(applied) => self.compared(manifest, object, live, applied).await,
            Err(error) => {
                let seen = live.map(|live| noted(&live, masked(manifest, &live)));
                Ok(bare(object, seen, classify(error)?))
            }
        }
    }

    async fn compared(
        &self,
        manifest: &Manifest,
        object: &ObjectRef,
        mut live: Option<Value>,
        applied: Applied,
    ) -> Result<ObservedObject, ClusterError> {
        // The two requests may have met different states: read once more.
        if let Some(read) = &live
            && version_of(read) != version_of(&applied.object)
        {
            live = self.cluster.see(object, MANAGER).await?;
        }
        let seen = compare(manifest, live.as_ref(), &applied.object);
        let dry_run = DryRun::Accepted {
            changed: seen.changed,
            result: seen.result,
        };
        let live = live.zip(seen.live).map(|(live, seen)| noted(&live, seen));
        Ok(ObservedObject {
            warnings: applied.warnings,
            keys: seen.keys,
            ..bare(object, live, dry_run)
        })
    }
}

/// True for a Secret whose certificate is kept while it is sound.
fn keeps_certificate(manifest: &Manifest) -> bool {
    manifest
        .lates
        .iter()
        .any(|late| matches!(late.from, LateSource::ServingCertificate { .. }))
}

/// An object without warnings and differing keys.
fn bare(object: &ObjectRef, live: Option<Live>, dry_run: DryRun) -> ObservedObject {
    ObservedObject {
        object: object.clone(),
        live,
        dry_run,
        warnings: Vec::new(),
        keys: Vec::new(),
    }
}

/// What lives, as it may be shown.
fn noted(live: &Value, seen: Value) -> Live {
    let text = |pointer| text_at(live, pointer).unwrap_or_default().to_owned();
    Live {
        resource_version: text("/metadata/resourceVersion"),
        uid: text("/metadata/uid"),
        object: seen,
    }
}

fn version_of(object: &Value) -> Option<&Value> {
    object.pointer("/metadata/resourceVersion")
}
