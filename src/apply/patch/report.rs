//! What `patch-images` did, as data.

use serde::Serialize;
use serde_json::Value;

use crate::failure::Exit;
use crate::object::{ObjectRef, Pointer};
use crate::plan::patch::{Advice, Maker, Skipped, SlotChange};

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
    /// Every image, before and after.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<SlotChange>,
    /// Where the pull secret was appended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pull_secrets: Vec<Pointer>,
    /// What was seen and left alone, and what the server warned of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What became of an object.
#[derive(Debug)]
pub(super) enum Written {
    /// As wanted already.
    Unchanged(Value),
    /// Patched, or counted, or accepted in a dry run; `live` is what it is then.
    Changed { report: ObjectReport, live: Value },
    /// Not patched, and why.
    Left(ObjectReport),
}

impl Written {
    /// The object as it is now; None where it was left.
    pub(super) fn live(&self) -> Option<&Value> {
        match self {
            Self::Unchanged(object) | Self::Changed { live: object, .. } => Some(object),
            Self::Left(_) => None,
        }
    }
}

/// The whole run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PatchReport {
    /// True when nothing was written.
    pub dry_run: bool,
    /// Every object that is not as the rules want it.
    pub objects: Vec<ObjectReport>,
    /// How many were looked at and are as wanted.
    pub unchanged: usize,
    /// Listeners that were deleted so that the controller makes them with its new image.
    pub listeners_remade: Vec<ObjectRef>,
    /// Programs whose rollout was waited for.
    pub rolled_out: Vec<ObjectRef>,
}

impl PatchReport {
    /// How many objects were patched, or would be.
    pub fn patched(&self) -> usize {
        self.count(|treatment| matches!(treatment, Treatment::Patched))
    }

    /// How many a deployment tool owns.
    pub fn owned(&self) -> usize {
        self.count(|treatment| matches!(treatment, Treatment::Owned { .. }))
    }

    /// How many a rule refuses.
    pub fn refused(&self) -> usize {
        self.count(|treatment| matches!(treatment, Treatment::Refused { .. }))
    }

    /// The exit code: what a tool owns is a conflict, what a rule refuses is a failure.
    pub fn exit(&self) -> Exit {
        if self.refused() > 0 {
            Exit::ApplyFailed
        } else if self.owned() > 0 {
            Exit::Conflict
        } else {
            Exit::Done
        }
    }

    fn count(&self, is: impl Fn(&Treatment) -> bool) -> usize {
        self.objects
            .iter()
            .filter(|object| is(&object.treatment))
            .count()
    }
}
