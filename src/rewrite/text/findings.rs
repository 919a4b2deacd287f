//! What is told of a text: what changes, and what does not and why.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::object::ObjectRef;
use crate::object::pods::{Role, Suspicion};

/// Everything that is told, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Findings {
    /// How many references change.
    pub changed: usize,
    /// Those, where each is told.
    pub changes: Vec<Change>,
    /// References that a rule takes and that stay all the same, with the reason.
    pub skipped: Vec<Skipped>,
    /// What may be an image in a place that is not known: never touched. Only what a rule would take, and
    /// what none can be asked about.
    pub suspected: Vec<Suspected>,
    /// Images that are compiled in and used because nothing is written there.
    pub absent: Vec<Absent>,
    /// References that a rule refuses.
    pub refused: Vec<Refused>,
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Where {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// JSON pointer within the document.
    pub pointer: String,
    /// JSON pointer within the document that stands as text there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// The object: one, however much is told of it.
    #[serde(serialize_with = "as_itself")]
    pub object: Arc<ObjectRef>,
}

fn as_itself<S: Serializer>(object: &Arc<ObjectRef>, serializer: S) -> Result<S::Ok, S::Error> {
    ObjectRef::serialize(object, serializer)
}

/// A reference that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where it stands before anything changes.
    #[serde(flatten)]
    pub at: Where,
    /// As it was.
    pub before: String,
    /// As it is now.
    pub after: String,
    /// The rule that decided.
    pub rule: String,
    /// What the image is needed for.
    pub why: Role,
}

/// A reference that a rule takes and that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Where it stands.
    #[serde(flatten)]
    pub at: Where,
    /// As it is written.
    pub image: String,
    /// Why it stays.
    pub reason: String,
}

/// What may be an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suspected {
    /// Where it stands.
    #[serde(flatten)]
    pub at: Where,
    /// What looks like an image.
    pub text: String,
    /// What the rules would make of it.
    pub after: Option<String>,
    /// The rule that would take or refuse it; None where none can be asked.
    pub rule: Option<String>,
    /// Why it is suspected.
    pub why: Suspicion,
}

/// An image that is compiled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Absent {
    /// Where the flag or variable would stand: its list, or what holds it.
    #[serde(flatten)]
    pub at: Where,
    /// The flag or variable that sets it.
    pub name: String,
    /// The image that is used without it.
    pub default: String,
    /// What to write: the whole item of the list.
    pub item: String,
    /// The rule that decided.
    pub rule: String,
}

/// A reference that a rule refuses, or whose new name nothing could pull.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Where it stands.
    #[serde(flatten)]
    pub at: Where,
    /// As it is written.
    pub image: String,
    /// Why it is refused.
    pub reason: String,
    /// The stable code.
    pub code: String,
}

/// One thing that is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Finding {
    Change(Change),
    Skipped(Skipped),
    Suspected(Suspected),
    Absent(Absent),
    Refused(Refused),
}

impl Finding {
    pub(super) fn at(&mut self) -> &mut Where {
        match self {
            Self::Change(one) => &mut one.at,
            Self::Skipped(one) => &mut one.at,
            Self::Suspected(one) => &mut one.at,
            Self::Absent(one) => &mut one.at,
            Self::Refused(one) => &mut one.at,
        }
    }
}

impl Findings {
    pub(super) fn push(&mut self, finding: Finding) {
        match finding {
            Finding::Change(one) => self.changes.push(one),
            Finding::Skipped(one) => self.skipped.push(one),
            Finding::Suspected(one) => self.suspected.push(one),
            Finding::Absent(one) => self.absent.push(one),
            Finding::Refused(one) => self.refused.push(one),
        }
    }

    /// Appends what is told of what follows.
    pub(super) fn extend(&mut self, other: Self) {
        self.changed += other.changed;
        self.changes.extend(other.changes);
        self.skipped.extend(other.skipped);
        self.suspected.extend(other.suspected);
        self.absent.extend(other.absent);
        self.refused.extend(other.refused);
    }
}
