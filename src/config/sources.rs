//! What a configuration is read from: flags, environment, file, answers and standard input. `Debug` shows no value.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::secret::Secret;

/// Where values come from. `Debug` shows no value.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--config`; without it `arc-setup.yaml` in `directory`, if it exists.
    pub file: Option<PathBuf>,
    /// The file's content where it stands in no file: a functionConfig. Its relative paths count from `directory`.
    pub text: Option<GivenText>,
    /// The working directory; empty is the process's own.
    pub directory: PathBuf,
    /// Flags in the order of the command line.
    pub flags: Vec<FlagGiven>,
    /// The environment, as [`super::load::variables`] took it.
    pub environment: Variables,
    /// Answers to questions: path and value; for a secret the value is a path.
    pub answers: Vec<(String, String)>,
    /// Where `-` and `stdin: true` read from.
    pub stdin: Stdin,
    /// Whether secret values are read at all.
    pub secrets: SecretReading,
}

/// A configuration that is no file. `Debug` shows its name only.
#[derive(Clone)]
pub struct GivenText {
    /// What errors call it.
    pub name: String,
    /// The YAML.
    pub text: String,
}

impl fmt::Debug for GivenText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// One flag as it was given.
#[derive(Clone)]
pub struct FlagGiven {
    /// The field, from [`super::table::FlagSpec::path`].
    pub path: String,
    /// The flag's name, without dashes.
    pub flag: String,
    /// Its value; `true` for a switch.
    pub value: String,
}

impl fmt::Debug for FlagGiven {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "--{}", self.flag)
    }
}

/// Environment variables by name. `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Variables(pub(super) BTreeMap<String, String>);

impl Variables {
    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

impl Variables {
    /// A variable that is set, empty or not: to some programs that is a difference.
    pub fn get_even_empty(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Standard input for one secret.
#[derive(Debug, Clone, Default)]
pub enum Stdin {
    /// The process's own.
    #[default]
    Process,
    /// These bytes, for tests and embedders.
    Given(Secret<Vec<u8>>),
}

/// Whether secret values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretReading {
    /// Files, variables and standard input are read, and their contents checked.
    #[default]
    Read,
    /// Only their sources are checked (`render` without secrets, `images`).
    Leave,
}
