//! What goes wrong when a manifest or a blob is read or written.

use super::Presence;
use crate::clients::cause::Cause;
use crate::oci::Problem;

/// Each says why; whoever asked knows of what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The registry said no, or nothing.
    #[error("the registry's answer is {0:?}")]
    Answer(Presence),
    /// What it handed out cannot be used.
    #[error("{0}")]
    Content(Problem),
    /// It does not do what the distribution specification says.
    #[error("{0}")]
    Protocol(String),
}

impl From<Presence> for Trouble {
    fn from(presence: Presence) -> Self {
        Self::Answer(presence)
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Content(problem)
    }
}

impl From<Cause> for Trouble {
    fn from(cause: Cause) -> Self {
        Self::Answer(Presence::Unreachable { cause })
    }
}
