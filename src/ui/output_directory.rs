//! A directory of rendered files, and the list in it of those that are ours: what we do not write again goes, and
//! what somebody else put there stays.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files;
use crate::failure::{Exit, Failure};

/// The list's name. Without an extension: whoever applies the directory (kubectl, Flux, Argo CD) reads `*.yaml`,
/// `*.yml` and `*.json` only.
pub const LIST: &str = ".arc-setup-rendered";

/// Which files of the directory are ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    api_version: String,
    kind: String,
    /// The install whose objects they hold.
    install: String,
    /// Their names.
    files: BTreeSet<String>,
}

/// What became of the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Names of the files that hold the objects.
    pub files: Vec<String>,
    /// Files of an earlier run that nothing is rendered to any more.
    pub removed: Vec<String>,
    /// Manifests of somebody else, which are applied together with ours.
    pub foreign: Vec<String>,
}

/// Writes `files` (name → content) into `directory`, which it makes, and takes away what an earlier run of the same
/// install left there.
///
/// # Errors
/// Exit 2 where a file of ours would take the place of somebody else's, or the directory is another install's.
pub fn write(
    directory: &Path,
    install: &str,
    files: &BTreeMap<String, String>,
) -> Result<Written, Failure> {
    files::make_directory(directory)?;
    let before = read_list(directory, install)?;
    refuse_foreign(directory, files, &before)?;
    let names: BTreeSet<String> = files.keys().cloned().collect();
    // Whatever breaks this run off, the next one knows every file that may be here.
    write_list(directory, install, before.union(&names).cloned().collect())?;
    for (name, content) in files {
        files::write_atomically(&directory.join(name), content.as_bytes())?;
    }
    let mut removed = Vec::new();
    for name in before.difference(&names) {
        if files::remove(&directory.join(name))? {
            removed.push(name.clone());
        }
    }
    write_list(directory, install, names.clone())?;
    Ok(Written {
        files: names.iter().cloned().collect(),
        removed,
        foreign: foreign(directory, &names)?,
    })
}

/// The files that the list names; none where there is no list.
fn read_list(directory: &Path, install: &str) -> Result<BTreeSet<String>, Failure> {
    let path = directory.join(LIST);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        other => other.map_err(|error| unusable(&path, &error.to_string()))?,
    };
    let list: List = serde_json::from_str(&text)
        .ok()
        .filter(|list: &List| list.api_version == "arc-setup/v1" && list.kind == "RenderedFiles")
        .ok_or_else(|| unusable(&path, "it is not the list that this release writes"))?;
    if list.install != install {
        return Err(Failure::new(
            "output-directory",
            Exit::Usage,
            format!(
                "{} holds the rendered install '{}', not '{install}'",
                directory.display(),
                list.install
            ),
        )
        .why("the files of the one would be removed when the other is rendered")
        .remedy(format!(
            "give each install a directory of its own; where '{}' was renamed, remove the directory first",
            list.install
        )));
    }
    // A list that somebody else could have written names no file outside of its directory.
    Ok(list
        .files
        .into_iter()
        .filter(|name| is_plain(name))
        .collect())
}

fn is_plain(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "yaml")
        && !name.contains(['/', '\\'])
        && !name.starts_with('.')
}

fn write_list(directory: &Path, install: &str, files: BTreeSet<String>) -> Result<(), Failure> {
    let list = List {
        api_version: "arc-setup/v1".to_owned(),
        kind: "RenderedFiles".to_owned(),
        install: install.to_owned(),
        files,
    };
    let mut text = serde_json::to_string_pretty(&list)
        .map_err(|error| Failure::unforeseen("cannot write the list of files", &error.into()))?;
    text.push('\n');
    files::write_atomically(&directory.join(LIST), text.as_bytes())
}

/// A file that is not on our list and would be overwritten, unless it holds the same already.
fn refuse_foreign(
    directory: &Path,
    files: &BTreeMap<String, String>,
    ours: &BTreeSet<String>,
) -> Result<(), Failure> {
    let taken = |name: &&String| {
        let path = directory.join(name.as_str());
        !ours.contains(*name)
            && path.symlink_metadata().is_ok()
            && std::fs::read_to_string(&path).ok().as_ref() != files.get(*name)
    };
    let taken: Vec<&String> = files.keys().filter(taken).collect();
    let Some(first) = taken.first() else {
        return Ok(());
    };
    let more = match taken.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    Err(Failure::new(
        "output-directory",
        Exit::Usage,
        format!(
            "{} holds {first}{more}, which would be overwritten",
            directory.display()
        ),
    )
    .why(format!(
        "{LIST} in that directory lists the files of arc-setup, and does not name it"
    ))
    .remedy("name an empty directory, or move these files away; if an earlier run wrote them, remove them"))
}

/// Manifests that are not ours, by name.
fn foreign(directory: &Path, ours: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
    let entries =
        std::fs::read_dir(directory).map_err(|error| unusable(directory, &error.to_string()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !ours.contains(name))
        .filter(|name| {
            let end = Path::new(name).extension();
            end.is_some_and(|end| end == "yaml" || end == "yml" || end == "json")
        })
        .collect();
    names.sort();
    Ok(names)
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(
        "output-directory",
        Exit::Usage,
        format!("{} cannot be used", path.display()),
    )
    .why(why)
    .remedy("name another directory, or remove this one and render again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> BTreeMap<String, String> {
        let content = |name: &&str| ((*name).to_owned(), format!("kind: {name}\n"));
        names.iter().map(content).collect()
    }

    fn put(directory: &Path, name: &str, text: &str) {
        files::write_atomically(&directory.join(name), text.as_bytes()).unwrap();
    }

    #[test]
    fn what_is_not_written_again_goes_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        put(at, "kustomization.yaml", "resources: []\n");
        put(at, "README.md", "of the user\n");
        write(at, "arc", &files(&["a.yaml", "b.yaml"])).unwrap();
        let written = write(at, "arc", &files(&["b.yaml", "c.yaml"])).unwrap();
        assert_eq!(written.files, ["b.yaml", "c.yaml"]);
        assert_eq!(written.removed, ["a.yaml"]);
        assert_eq!(written.foreign, ["kustomization.yaml"]);
        assert!(!at.join("a.yaml").exists() && at.join("README.md").exists());
        // Removed by hand in between: nothing to remove, nothing to say.
        std::fs::remove_file(at.join("c.yaml")).unwrap();
        assert!(
            write(at, "arc", &files(&["b.yaml"]))
                .unwrap()
                .removed
                .is_empty()
        );
    }

    #[test]
    fn a_file_of_somebody_else_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        put(at, "a.yaml", "of the user\n");
        put(at, "b.yaml", "kind: b.yaml\n");
        let failure = write(at, "arc", &files(&["a.yaml", "b.yaml"])).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(
            failure.details().what.contains("holds a.yaml, which"),
            "{failure}"
        );
        assert!(!at.join(LIST).exists(), "nothing was written");
        // The same content is ours, whoever lost the list.
        std::fs::remove_file(at.join("a.yaml")).unwrap();
        write(at, "arc", &files(&["a.yaml", "b.yaml"])).unwrap();
    }

    #[test]
    fn a_list_reaches_nothing_outside_its_directory_and_no_other_install() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("out");
        write(&at, "arc", &files(&["a.yaml"])).unwrap();
        put(folder.path(), "outside.yaml", "x\n");
        let list = r#"{"apiVersion":"arc-setup/v1","kind":"RenderedFiles","install":"arc",
            "files":["../outside.yaml","a.yaml",".hidden.yaml","kept"]}"#;
        put(&at, LIST, list);
        put(&at, "kept", "x\n");
        let written = write(&at, "arc", &files(&["b.yaml"])).unwrap();
        assert_eq!(written.removed, ["a.yaml"]);
        assert!(folder.path().join("outside.yaml").exists() && at.join("kept").exists());
        let failure = write(&at, "second", &files(&["c.yaml"])).unwrap_err();
        assert!(
            failure.details().what.contains("'arc', not 'second'"),
            "{failure}"
        );
        put(&at, LIST, "[]");
        assert_eq!(
            write(&at, "arc", &files(&[])).unwrap_err().exit(),
            Exit::Usage
        );
    }
}
