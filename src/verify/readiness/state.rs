//! What a readiness function answers.

use serde::Serialize;

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Not yet; why, as a fragment: `1 of 2 replicas available`.
    Waiting(String),
    /// It is; what that proves, as a fragment: `2 of 2 replicas available`.
    Ready(String),
    /// It cannot become ready by waiting.
    Failed(Terminal),
}

impl State {
    /// Not yet.
    pub fn waiting(reason: impl Into<String>) -> Self {
        Self::Waiting(reason.into())
    }

    /// Ready.
    pub fn ready(proof: impl Into<String>) -> Self {
        Self::Ready(proof.into())
    }

    /// Not by waiting.
    pub fn failed(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failed(Terminal {
            reason: reason.into(),
            message: message.into(),
        })
    }

    /// True for [`State::Ready`].
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready(_))
    }
}

/// Why an object cannot become ready, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Terminal {
    /// The reason as its status names it: `ProgressDeadlineExceeded`.
    pub reason: String,
    /// The message of its status.
    pub message: String,
}
