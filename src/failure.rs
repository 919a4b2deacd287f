//! What a person reads when something went wrong, and the exit code that it owns.
//!
//! The order on the screen is fixed: what (object) → why → evidence → what to do → code.

use std::fmt;
use std::io::{self, ErrorKind};

use serde::{Deserialize, Serialize};

/// The process's exit codes; equal for every output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// A defect of this program or of its surroundings that nobody foresaw.
    Unexpected = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// A preflight check failed; nothing was written.
    Preflight = 3,
    /// Only warnings or unknowns, and `--strict` was given.
    Warnings = 4,
    /// Changes are pending (`init --dry-run --exit-code`).
    ChangesPending = 10,
    /// Writing to the cluster failed, or what was written cannot become ready.
    ApplyFailed = 20,
    /// Writing failed and was rolled back.
    RolledBack = 21,
    /// Another owner holds a field, an object or the lock.
    Conflict = 22,
    /// The wait ended without an answer.
    Timeout = 124,
    /// Interrupted by a signal.
    Interrupted = 130,
}

/// One failure, ready to be shown. Holds no secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure(Box<Details>);

/// The parts of a [`Failure`], in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// What failed, naming the object: a lowercase fragment.
    pub what: String,
    /// The cause, translated for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// Raw text that shows it: a server's answer, a line of a file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What to do: commands or configuration lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedy: Vec<String>,
    /// Stable identifier, for `explain`.
    pub code: String,
    /// The exit code of the process.
    pub exit: Exit,
}

impl Failure {
    /// Starts a failure with its stable `code` (kebab-case) and what failed.
    pub fn new(code: &str, exit: Exit, what: impl Into<String>) -> Self {
        Self(Box::new(Details {
            what: what.into(),
            why: Vec::new(),
            evidence: Vec::new(),
            remedy: Vec::new(),
            code: code.to_owned(),
            exit,
        }))
    }

    /// A failure that nobody foresaw: `what` failed, and every cause that adds something is evidence.
    pub fn unforeseen(what: &str, error: &anyhow::Error) -> Self {
        let mut failure = Self::new("internal", Exit::Unexpected, what);
        let mut said = String::new();
        for cause in error.chain().map(ToString::to_string) {
            // Many errors repeat their source in their own text.
            if !said.contains(&cause) {
                failure = failure.evidence(cause.clone());
                said.push_str(&cause);
            }
        }
        failure.remedy("report it with the command that you ran and this text")
    }

    /// Adds a cause.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.0.why.push(why.into());
        self
    }

    /// Adds raw evidence.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.0.evidence.push(evidence.into());
        self
    }

    /// Adds a step to take.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy.push(remedy.into());
        self
    }

    /// The parts, for the reporter.
    pub fn details(&self) -> &Details {
        &self.0
    }

    /// The exit code that this failure ends the process with.
    pub fn exit(&self) -> Exit {
        self.0.exit
    }

    /// The stable identifier.
    pub fn code(&self) -> &str {
        &self.0.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.what)?;
        match self.0.why.first() {
            Some(why) => write!(formatter, ": {why}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for Failure {}

/// Why a file or directory cannot be read or written, as a fragment: without the number and the words of the operating
/// system, and without the name of a temporary file.
pub fn file_error(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "you may not: permission is denied".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        ErrorKind::NotADirectory => "a part of its path is no directory".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "its file system is read-only".to_owned(),
        _ => {
            let text = error.to_string();
            let end = text.find(" (os error").unwrap_or(text.len());
            text[..end].to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_error_has_neither_a_number_nor_a_temporary_name() {
        let told = |number| file_error(&io::Error::from_raw_os_error(number));
        for number in 1..=40 {
            let told = told(number);
            assert!(!told.is_empty() && !told.contains("os error"), "{told}");
        }
        assert_eq!(told(2), "there is no such file or directory");
        let nowhere = tempfile::NamedTempFile::new_in("/nonexistent").unwrap_err();
        assert_eq!(file_error(&nowhere), told(2));
        assert_eq!(
            file_error(&io::Error::other("it is a pipe")),
            "it is a pipe"
        );
    }

    #[test]
    fn a_cause_that_the_one_above_repeats_is_told_once() {
        let inner = anyhow::anyhow!("no space left");
        let failure = Failure::unforeseen("cannot start", &inner.context("writing: no space left"));
        assert_eq!(failure.details().evidence, ["writing: no space left"]);
        assert_eq!(failure.exit(), Exit::Unexpected);
    }
}
