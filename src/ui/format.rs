//! Output formats. The format never changes the exit code.

use std::str::FromStr;

/// How data is written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For a person.
    #[default]
    Text,
    /// One JSON document with `apiVersion: arc-setup/v1`.
    Json,
    /// The same document as YAML.
    Yaml,
    /// Text, and GitHub workflow commands (`::error …`) for findings.
    Github,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            "github" => Ok(Self::Github),
            _ => Err(format!(
                "'{text}' is no output format; text, json, yaml and github are"
            )),
        }
    }
}
