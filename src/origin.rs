//! Where a value came from: a flag, the environment, a file, an answer. A leaf: pure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where one value came from. Flag beats environment beats file beats default.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A flag, by its name: `--registry`.
    Flag(String),
    /// An environment variable, by its name.
    Environment(String),
    /// A file, line and column (both from 1).
    File {
        /// The file as the user named it.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// An answer to a question.
    Answer,
    /// The table of defaults.
    #[default]
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => formatter.write_str(flag),
            Self::Environment(name) => write!(formatter, "${name}"),
            Self::File { path, line, column } => write!(formatter, "{path}:{line}:{column}"),
            Self::Answer => formatter.write_str("your answer"),
            Self::Default => formatter.write_str("default"),
        }
    }
}
