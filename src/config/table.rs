//! Every field of arc-setup.yaml once: path, kind, meaning, default, variable, flag.
//!
//! Unknown keys, the JSON schema, the reference in the README, flags and questions all come from here.
//! No reading of values: `shape.rs` and `overlay.rs` do that.

mod rows;

use std::sync::LazyLock;

/// One field.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Path in the file, or within an item for a list's own table: `github.url`, `max`.
    pub path: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it means, in one line; also the flag's help.
    pub doc: &'static str,
    /// The default as the reference shows it.
    pub default: Option<&'static str>,
    /// The environment variable. For a secret it holds the value; with `_FILE` behind it, a path.
    pub env: Option<&'static str>,
    /// The flag, without dashes.
    pub flag: Option<&'static str>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// One line of text.
    Text,
    /// A whole number from 0 to 4294967295.
    Integer,
    /// A number written as text or as a number: `0.75`.
    Decimal,
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A file or directory; a relative one counts from the directory of the file that names it.
    Path,
    /// `{file: PATH}`, `{env: NAME}` or `{stdin: true}`; never the value.
    Secret,
    /// A list of texts.
    Texts,
    /// A mapping of texts to texts.
    TextMap,
    /// A Secret's name, or `{name, keys}`.
    ExistingSecret,
    /// Part of a pod template, as Kubernetes writes it.
    PodTemplate,
    /// A list of items with fields of their own.
    List(&'static [Field]),
}

impl Field {
    const fn new(path: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            path,
            kind,
            doc,
            default: None,
            env: None,
            flag: None,
        }
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn flag(mut self, flag: &'static str, env: &'static str) -> Self {
        self.flag = Some(flag);
        self.env = Some(env);
        self
    }

    const fn env(mut self, env: &'static str) -> Self {
        self.env = Some(env);
        self
    }
}

/// A flag of the commands that read a configuration.
#[derive(Debug, Clone)]
pub struct FlagSpec {
    /// Its name without dashes: `registry`.
    pub name: &'static str,
    /// The field that it sets: `registry.host`, `runnerSets[].max`.
    pub path: &'static str,
    /// What its value is.
    pub value: FlagValue,
    /// Placeholder of the value in help texts.
    pub value_name: &'static str,
    /// Help.
    pub help: &'static str,
    /// The heading that it stands under.
    pub heading: &'static str,
    /// True where it may repeat.
    pub repeatable: bool,
    /// The default as help texts show it.
    pub default: Option<&'static str>,
    /// The environment variable that does the same.
    pub env: &'static str,
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagValue {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// Nothing: the flag alone means `true`.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A path.
    Path,
    /// A path to a secret's file, or `-` for standard input.
    SecretFile,
}

/// The top-level fields, in the order in which the reference shows them.
pub fn fields() -> &'static [Field] {
    rows::ROOT
}

/// Every flag, in the order of the table.
pub fn flags() -> &'static [FlagSpec] {
    static FLAGS: LazyLock<Vec<FlagSpec>> = LazyLock::new(|| {
        every_field()
            .into_iter()
            .filter_map(|(path, field)| flag_spec(path, field))
            .collect()
    });
    &FLAGS
}

/// Every scalar-like field with its full path; items of lists as `runnerSets[].max`.
pub fn every_field() -> Vec<(&'static str, &'static Field)> {
    static NESTED: LazyLock<Vec<(String, &'static Field)>> = LazyLock::new(|| {
        let mut all = Vec::new();
        collect("", rows::ROOT, &mut all);
        all
    });
    NESTED
        .iter()
        .map(|(path, field)| (path.as_str(), *field))
        .collect()
}

/// The field at a path, whose list indices may be numbers: `runnerSets[2].max`.
pub fn field_at(path: &str) -> Option<&'static Field> {
    let mut general = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        match character {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        general.push(character);
    }
    every_field()
        .into_iter()
        .find(|(path, _)| *path == general)
        .map(|(_, field)| field)
}

fn collect(prefix: &str, fields: &'static [Field], all: &mut Vec<(String, &'static Field)>) {
    for field in fields {
        let path = format!("{prefix}{}", field.path);
        all.push((path.clone(), field));
        if let Kind::List(items) = field.kind {
            collect(&format!("{path}[]."), items, all);
        }
    }
}

fn flag_spec(path: &'static str, field: &'static Field) -> Option<FlagSpec> {
    let (value, value_name) = match field.kind {
        Kind::Integer => (FlagValue::Integer, "NUMBER"),
        Kind::Boolean => (FlagValue::Switch, ""),
        Kind::Choice(words) => (FlagValue::Choice(words), "WORD"),
        Kind::Path => (FlagValue::Path, "PATH"),
        Kind::Secret => (FlagValue::SecretFile, "FILE|-"),
        Kind::List(_) if path == "registry.keys" => (FlagValue::Text, "SOURCE=KEY"),
        Kind::List(_) => (FlagValue::Text, "SOURCE=TARGET|keep|deny"),
        Kind::ExistingSecret => (FlagValue::Text, "SECRET"),
        _ => (FlagValue::Text, "TEXT"),
    };
    Some(FlagSpec {
        name: field.flag?,
        path,
        value,
        value_name,
        help: field.doc,
        heading: heading(path),
        repeatable: matches!(field.kind, Kind::Texts | Kind::List(_)),
        default: field.default,
        env: field.env?,
    })
}

fn heading(path: &str) -> &'static str {
    match path.split(['.', '[']).next().unwrap_or_default() {
        "github" => "GitHub",
        "registry" => "Registry",
        "proxy" | "caBundle" | "pinSha256" => "Proxy and certificates",
        "runnerSets" => "Runner set",
        "controller" | "namespaces" | "listener" | "rbacProxy" | "webhookCertificate" | "crds" => {
            "Controller"
        }
        _ => "Install",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn paths_flags_and_variables_are_unique_and_consistent() {
        let mut paths = BTreeSet::new();
        let mut variables = BTreeSet::new();
        let mut flags = BTreeSet::new();
        for (path, field) in every_field() {
            assert!(paths.insert(path), "{path} stands twice");
            assert!(!field.doc.ends_with('.') && field.doc.len() > 10, "{path}");
            if let Some(env) = field.env {
                assert!(variables.insert(env), "{env} stands twice");
                assert!(env.starts_with("ARC_SETUP_"));
                assert!(
                    !env.ends_with("_FILE"),
                    "{env}: _FILE is for paths of secrets"
                );
            }
            if let (Some(flag), Some(env)) = (field.flag, field.env) {
                assert!(flags.insert(flag), "--{flag} stands twice");
                let spelled = format!("ARC_SETUP_{}", flag.replace('-', "_").to_uppercase());
                assert_eq!(spelled.strip_suffix("_FILE").unwrap_or(&spelled), env);
            }
            assert!(field.flag.is_none() || field.env.is_some());
            if matches!(field.kind, Kind::Secret) {
                assert!(
                    field.env.is_some(),
                    "{path} can be overridden by a variable"
                );
                assert!(field.flag.is_none_or(|flag| flag.ends_with("-file")));
            }
        }
    }

    #[test]
    fn fields_are_found_with_and_without_indices() {
        assert_eq!(field_at("runnerSets[12].max").unwrap().flag, Some("max"));
        assert_eq!(field_at("registry.host").unwrap().flag, Some("registry"));
        assert!(field_at("registry").is_none());
    }
}
