//! What `patch-images` did, as data: each object as it comes, and counts of all of them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::requests::{ImageRequest, TargetImage, request};
use crate::clients::kube::ClusterError;
use crate::failure::Exit;
use crate::object::{ObjectRef, Pointer};
use crate::plan::patch::{Advice, InjectedInto, Maker, Removal, Skipped, SlotChange};
use crate::rewrite::injection::names_injected;

/// What was done with an object that the rules concern.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "treatment")]
pub enum Treatment {
    /// Patched; or it would be, in a dry run.
    Patched,
    /// A controller makes it from a source, which is patched instead.
    Made {
        /// The source.
        from: Maker,
    },
    /// A deployment tool would write it back.
    Owned {
        /// What to commit there.
        advice: Box<Advice>,
    },
    /// It is as the rules want it; its notes are of what may be an image.
    Unchanged,
    /// It has what an earlier run with other rules wrote, and these rules take nothing of it; its notes say what.
    ByOtherRules,
    /// Nothing of it can be changed although a rule would, or it names what is no image; its notes say why.
    Stays,
    /// It cannot be changed while it exists.
    Skipped {
        /// Why, and what to do instead.
        why: Skipped,
    },
    /// A rule forbids an image of it.
    Refused {
        /// Which, and which rule.
        reasons: Vec<String>,
    },
    /// An image that it would have is not in its registry.
    Absent {
        /// Which.
        images: Vec<TargetImage>,
    },
    /// Nobody can tell whether an image that it would have is in its registry, and that was required.
    Unverified {
        /// Which.
        images: Vec<TargetImage>,
    },
    /// The pull secret that it would name is not in its namespace.
    NoPullSecret {
        /// The namespace.
        namespace: String,
        /// The name of the Secret.
        name: String,
    },
    /// The server did not take the patch.
    Failed {
        /// Its words.
        why: String,
    },
    /// Nothing stands any more of what an earlier run wrote: what is there stays, and the record of it goes.
    Kept,
    /// It went away in between.
    Gone,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReport {
    /// Which.
    pub object: ObjectRef,
    /// What was done.
    #[serde(flatten)]
    pub treatment: Treatment,
    /// Every image, before and after; of an object that is skipped, as the rules want it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<SlotChange>,
    /// Where the pull secret was appended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pull_secrets: Vec<Pointer>,
    /// What of the authorities and the proxy was appended, by container.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub injected: Vec<InjectedInto>,
    /// What an undo takes out again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Removal>,
    /// What an undo does not put back, since somebody changed it in between; the notes name each.
    #[serde(skip_serializing_if = "is_zero")]
    pub changed_since: usize,
    /// Images of which nobody can tell whether they are in their registry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unverified: Vec<TargetImage>,
    /// What was seen and left alone, and what the server warned of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl ObjectReport {
    pub(super) fn new(object: ObjectRef, treatment: Treatment, notes: Vec<String>) -> Self {
        Self {
            object,
            treatment,
            slots: Vec::new(),
            pull_secrets: Vec::new(),
            injected: Vec::new(),
            removed: Vec::new(),
            changed_since: 0,
            unverified: Vec::new(),
            notes,
        }
    }

    /// True where the patch takes away the record of an earlier one, and nothing else.
    pub(super) fn changes_nothing(&self) -> bool {
        self.slots.is_empty()
            && self.removed.is_empty()
            && self.pull_secrets.is_empty()
            && self.injected.is_empty()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A patch that the server did not take, and what it would have written.
#[derive(Debug)]
pub(super) struct Rejected {
    pub(super) error: ClusterError,
    pub(super) slots: Vec<SlotChange>,
}

impl Rejected {
    pub(super) fn of(report: ObjectReport, error: ClusterError) -> Self {
        Self {
            error,
            slots: report.slots,
        }
    }
}

impl From<ClusterError> for Rejected {
    /// An error before anything was decided.
    fn from(error: ClusterError) -> Self {
        Self {
            error,
            slots: Vec::new(),
        }
    }
}

/// What became of an object; `live` is what it is then, where somebody wants to know.
#[derive(Debug)]
pub(super) enum Written {
    /// As wanted already; `told` is what is to be said of it all the same.
    Unchanged {
        live: Option<Value>,
        told: Option<ObjectReport>,
    },
    /// Patched, or counted, or accepted in a dry run.
    Changed {
        report: ObjectReport,
        live: Option<Value>,
    },
    /// Not patched, and why.
    Left(ObjectReport),
    /// The run was interrupted before anything was sent.
    Stopped,
}

impl Written {
    /// The object as it is now; None where it was left, or nobody wants to know.
    pub(super) fn live(&self) -> Option<&Value> {
        match self {
            Self::Unchanged { live, .. } | Self::Changed { live, .. } => live.as_ref(),
            Self::Left(_) | Self::Stopped => None,
        }
    }
}

/// Objects that controllers make from sources of one kind, and which are as these are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// Their kind.
    pub kind: String,
    /// The kind of their sources.
    pub from: String,
    /// How many.
    pub count: usize,
}

/// A kind that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unlisted {
    /// Which.
    pub kind: String,
    /// Where; None is the whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The server's words.
    pub why: String,
    /// True where its objects hold pods or it was named; else they may name images in other fields, and nothing is left
    /// undone for certain.
    pub is_required: bool,
    /// True where the user may not list it, and that is all.
    #[serde(skip)]
    pub is_forbidden: bool,
}

/// The whole run, in counts. The objects themselves were handed on one by one.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PatchReport {
    /// True when nothing was written.
    #[serde(skip)]
    pub dry_run: bool,
    /// How many were looked at and are as wanted.
    pub unchanged: usize,
    /// How many became what, by the word of their treatment.
    pub treated: BTreeMap<&'static str, usize>,
    /// How many of each kind were patched, or would be.
    pub patched_kinds: BTreeMap<String, usize>,
    /// How many of each namespace were patched, or would be.
    #[serde(skip)]
    pub patched_namespaces: BTreeMap<String, usize>,
    /// How many of each namespace lost what was injected into them.
    #[serde(skip)]
    pub no_longer_injected: BTreeMap<String, usize>,
    /// How many of each namespace would name the pull secret, which is not there.
    #[serde(skip)]
    pub namespaces_without_pull_secret: BTreeMap<String, usize>,
    /// How many of the patched an undo put back in part only: somebody changed the rest since.
    #[serde(skip_serializing_if = "is_zero")]
    pub put_back_in_part: usize,
    /// What follows its source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<Made>,
    /// Images that are not in their registry: the request to its owner.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent_images: Vec<ImageRequest>,
    /// Images of which nobody can tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unverified_images: Vec<ImageRequest>,
    /// How many images no rule takes, by registry: they stay.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub untaken: BTreeMap<String, usize>,
    /// What could not be looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unlisted: Vec<Unlisted>,
    /// Listeners that were deleted so that the controller makes them with its new image.
    pub listeners_remade: Vec<ObjectRef>,
    /// Programs whose rollout was waited for.
    pub rolled_out: Vec<ObjectRef>,
    /// How many rollouts are under way that nobody waits for.
    pub rolling: usize,
}

impl PatchReport {
    /// How many objects were patched, or would be.
    pub fn patched(&self) -> usize {
        self.count("patched")
    }

    /// How many a deployment tool owns.
    pub fn owned(&self) -> usize {
        self.count("owned")
    }

    /// How many a rule refuses.
    pub fn refused(&self) -> usize {
        self.count("refused")
    }

    /// How many would have an image that is not there, or of which nobody can tell where that was required.
    pub fn not_verified(&self) -> usize {
        self.count("absent") + self.count("unverified")
    }

    /// How many would name a pull secret that is not there.
    pub fn without_pull_secret(&self) -> usize {
        self.count("no-pull-secret")
    }

    /// How many the server did not take.
    pub fn failed(&self) -> usize {
        self.count("failed")
    }

    /// How many cannot be changed while they exist.
    pub fn skipped(&self) -> usize {
        self.count("skipped")
    }

    /// How many have nothing but images that stay although a rule would rewrite them, or that are none.
    pub fn stays(&self) -> usize {
        self.count("stays")
    }

    /// How many have what an earlier run with other rules wrote.
    pub fn by_other_rules(&self) -> usize {
        self.count("by-other-rules")
    }

    /// How many only lose the record of an earlier patch.
    pub fn kept(&self) -> usize {
        self.count("kept")
    }

    /// How many were handed on: everything that is not as the rules want it.
    pub fn told(&self) -> usize {
        self.treated.values().sum()
    }

    /// The exit code: what a tool owns is a conflict; what a rule, a registry or the server refuses is a failure, and a
    /// kind that the user may not list is refused too.
    pub fn exit(&self) -> Exit {
        let refused = self.refused() + self.failed() + self.not_verified();
        if refused + self.without_pull_secret() + self.unlisted_and_required() > 0 {
            Exit::ApplyFailed
        } else if self.owned() > 0 {
            Exit::Conflict
        } else {
            Exit::Done
        }
    }

    /// How many kinds were not looked at that had to be.
    pub fn unlisted_and_required(&self) -> usize {
        self.unlisted.iter().filter(|kind| kind.is_required).count()
    }

    fn count(&self, word: &str) -> usize {
        self.treated.get(word).copied().unwrap_or_default()
    }

    /// Counts an object that is not as the rules want it; what is unchanged is counted elsewhere.
    pub(super) fn note(&mut self, report: &ObjectReport) {
        let word = match report.treatment {
            Treatment::Patched => "patched",
            Treatment::Made { .. } => "made",
            Treatment::Owned { .. } => "owned",
            Treatment::Unchanged => return,
            Treatment::ByOtherRules => "by-other-rules",
            Treatment::Stays => "stays",
            Treatment::Skipped { .. } => "skipped",
            Treatment::Refused { .. } => "refused",
            Treatment::Absent { .. } => "absent",
            Treatment::Unverified { .. } => "unverified",
            Treatment::NoPullSecret { .. } => "no-pull-secret",
            Treatment::Failed { .. } => "failed",
            Treatment::Kept => "kept",
            Treatment::Gone => "gone",
        };
        if let Treatment::NoPullSecret { namespace, .. } = &report.treatment {
            add_one(&mut self.namespaces_without_pull_secret, namespace);
        }
        self.note_images(report);
        *self.treated.entry(word).or_default() += 1;
        if report.treatment == Treatment::Patched {
            let mut removed = report.removed.iter();
            if removed.any(|removal| names_injected(&removal.item))
                && let Some(namespace) = &report.object.namespace
            {
                add_one(&mut self.no_longer_injected, namespace);
            }
            self.put_back_in_part += usize::from(report.changed_since > 0);
            let kind = &report.object.kind;
            let namespace = report.object.namespace.as_deref().unwrap_or_default();
            add_one(&mut self.patched_kinds, kind);
            add_one(&mut self.patched_namespaces, namespace);
        }
    }

    fn note_images(&mut self, report: &ObjectReport) {
        let (absent, unknown) = match &report.treatment {
            Treatment::Absent { images } => (images.as_slice(), report.unverified.as_slice()),
            Treatment::Unverified { images } => ([].as_slice(), images.as_slice()),
            _ => ([].as_slice(), report.unverified.as_slice()),
        };
        if absent.is_empty() && unknown.is_empty() {
            return;
        }
        let object = report.object.to_string();
        for image in absent {
            request(&mut self.absent_images, image, &object);
        }
        for image in unknown {
            request(&mut self.unverified_images, image, &object);
        }
    }

    /// Counts an object that follows its source.
    pub(super) fn note_made(&mut self, kind: &str, from: &str) {
        let known = self
            .made
            .iter_mut()
            .find(|made| made.kind == kind && made.from == from);
        match known {
            Some(made) => made.count += 1,
            None => self.made.push(Made {
                kind: kind.to_owned(),
                from: from.to_owned(),
                count: 1,
            }),
        }
    }
}

/// Most names that are counted apart; the rest are counted together.
const MOST_NAMES: usize = 10_000;

pub(super) fn add_one(counts: &mut BTreeMap<String, usize>, name: &str) {
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
    } else if counts.len() < MOST_NAMES {
        counts.insert(name.to_owned(), 1);
    } else {
        *counts.entry("…".to_owned()).or_default() += 1;
    }
}
