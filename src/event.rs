//! What happens, as it happens: stages tell, `ui` shows (progress, heartbeat lines, JSON).
//!
//! A leaf. No stage formats for a terminal.

use serde::Serialize;

use crate::object::ObjectRef;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "event")]
pub enum Event {
    /// A stage began: `facts`, `observe`, `apply` …
    Stage {
        /// What it does, for a person: `reading the cluster`.
        title: String,
    },
    /// A wave of the plan began.
    Wave {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Its title.
        title: String,
    },
    /// An object was written, or found as wanted.
    Object {
        /// Which.
        object: ObjectRef,
        /// What was done.
        outcome: Outcome,
    },
    /// A wait goes on.
    Waiting {
        /// For which object.
        object: ObjectRef,
        /// Why it is not ready.
        reason: String,
    },
    /// A wait ended well.
    Ready {
        /// Which object.
        object: ObjectRef,
    },
    /// Something was tried, and what it has shown.
    Proven {
        /// Of which object.
        object: ObjectRef,
        /// What, as a fragment.
        proof: String,
    },
    /// Something to know that is no failure, such as a server's warning.
    Note {
        /// The text.
        text: String,
    },
}

/// What was done with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Made.
    Created,
    /// Changed.
    Changed,
    /// As wanted already; not written.
    Unchanged,
    /// Someone else's; not written.
    Kept,
    /// Removed.
    Deleted,
}

/// Where events go.
pub type Sink<'a> = &'a (dyn Fn(Event) + Send + Sync);
