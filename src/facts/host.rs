//! Local files: the CA bundle and the user's own CRDs. Sizes are bounded; what is no certificate is passed over.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Facts;
use crate::config::Config;
use crate::failure::{Exit, Failure, file_error};
use crate::pki::chain::{self, Bundle, Note, NoteKind};
use crate::yaml;

/// Greatest file that is read, in bytes; a whole system's bundle has 220 kB, ARC's CRDs 1.5 MB.
const LARGEST_FILE: u64 = 8 * 1024 * 1024;
/// Most files of a directory.
const MOST_FILES: usize = 2000;

/// The authorities of a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorities {
    /// PEM of each, in the order of the file names, without repetition.
    pub pems: Vec<String>,
    /// The same, DER.
    pub ders: Vec<Vec<u8>>,
    /// What was left out or will make trouble.
    pub notes: Vec<Note>,
}

/// Reads the files that the configuration names into `facts`, at the time `facts.now`.
pub fn read_into(config: &Config, facts: &mut Facts) -> Result<(), Failure> {
    if let Some(path) = &config.ca_bundle {
        let authorities = read_authorities(path, facts.now)?;
        facts.ca = authorities.pems;
        facts.ca_notes = authorities.notes;
    }
    if let Some(path) = &config.crds {
        facts.crds = read_crds(path)?;
    }
    Ok(())
}

/// Files that should hold certificates. No Debug: a private key may lie among them.
#[derive(Default)]
#[expect(
    missing_debug_implementations,
    reason = "what a file holds may be a secret"
)]
pub struct CertificateFiles {
    /// Name and content of each.
    pub contents: Vec<(String, Vec<u8>)>,
    /// They are those of a directory, in which others may lie.
    pub is_directory: bool,
    /// What could not be read of a directory.
    pub passed_over: Vec<Note>,
}

/// Reads a file, or every file of a directory: PEM, DER or PKCS#7, at the time `now` (seconds since 1970).
pub fn read_authorities(path: &Path, now: i64) -> Result<Authorities, Failure> {
    let wrong = |why| unusable_bundle(path, why);
    let files = read_certificate_files(path)?;
    let borrowed = files.contents.iter();
    let borrowed = borrowed.map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let bundle: Bundle = chain::bundle(borrowed, now);
    if !files.is_directory
        && let Some((_, why)) = bundle.unreadable.first()
    {
        return Err(wrong(why.clone()));
    }
    let mut notes = files.passed_over;
    let unreadable = bundle.unreadable.iter();
    notes.extend(unreadable.map(|(name, why)| passed_over(name, why)));
    notes.extend(bundle.notes.iter().cloned());
    if bundle.authorities.is_empty() {
        let failure = wrong(format!(
            "there is no authority's certificate in it, in {} files",
            files.contents.len()
        ));
        let texts = notes.into_iter().take(5).map(|note| note.text);
        return Err(texts.fold(failure, Failure::evidence));
    }
    let ders = bundle.ders();
    Ok(Authorities {
        pems: bundle
            .authorities
            .into_iter()
            .map(|authority| authority.pem)
            .collect(),
        ders,
        notes,
    })
}

/// Reads a file, or every file of a directory, of which those that cannot be read are passed over.
pub fn read_certificate_files(path: &Path) -> Result<CertificateFiles, Failure> {
    let wrong = |why| unusable_bundle(path, why);
    let (paths, is_directory) = files(path, |_| true).map_err(wrong)?;
    let mut found = CertificateFiles {
        is_directory,
        ..CertificateFiles::default()
    };
    if is_directory {
        let below = directories(path).into_iter();
        found.passed_over = below
            .map(|name| passed_over(&name, "it is a directory, and those are not looked into"))
            .collect();
    }
    for file in &paths {
        let name = file.display().to_string();
        match read(file) {
            Ok(bytes) => found.contents.push((name, bytes)),
            Err(why) if is_directory => found.passed_over.push(passed_over(&name, &why)),
            Err(why) => return Err(wrong(why)),
        }
    }
    Ok(found)
}

fn passed_over(name: &str, why: &str) -> Note {
    Note {
        kind: NoteKind::LeftOut,
        text: format!("{name} was passed over: {why}"),
    }
}

fn unusable_bundle(path: &Path, why: String) -> Failure {
    Failure::new(
        "ca-bundle",
        Exit::Usage,
        format!("the CA bundle {} cannot be used", path.display()),
    )
    .why(why)
    .remedy("caBundle names a PEM file, or a directory such as /etc/pki/ca-trust/source/anchors")
}

/// Where distributions keep what administrators added: RHEL and Fedora, Debian and Ubuntu, SUSE.
const ANCHORS: [&str; 5] = [
    "/etc/pki/ca-trust/source/anchors",
    "/usr/share/pki/ca-trust-source/anchors",
    "/usr/local/share/ca-certificates",
    "/etc/pki/trust/anchors",
    "/usr/share/pki/trust/anchors",
];
/// Directories within directories of anchors that are read; Debian's program reads all of them.
const DEEPEST: usize = 4;

/// The directories of this machine in which administrators put authorities, and those below them, by name.
pub fn anchors() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let there = ANCHORS.iter().map(PathBuf::from);
    let mut open: Vec<(PathBuf, usize)> = there.rev().map(|path| (path, 0)).collect();
    while let Some((path, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(&path) else {
            continue;
        };
        if depth < DEEPEST {
            let below = entries.filter_map(|entry| Some(entry.ok()?.path()));
            let mut below: Vec<PathBuf> = below.filter(|path| path.is_dir()).collect();
            below.sort();
            open.extend(below.into_iter().rev().map(|path| (path, depth + 1)));
        }
        if found.len() < MOST_FILES {
            found.push(path);
        }
    }
    found
}

/// DER of the authorities in them: a company's, and no public ones.
pub fn anchored(now: i64) -> Vec<Vec<u8>> {
    let read = anchors()
        .into_iter()
        .filter_map(|path| read_certificate_files(&path).ok());
    let contents: Vec<(String, Vec<u8>)> = read.flat_map(|files| files.contents).collect();
    let borrowed = contents.iter();
    chain::bundle(
        borrowed.map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
        now,
    )
    .ders()
}

/// Reads the CustomResourceDefinitions of a file or directory (YAML or JSON), without what a cluster added.
pub fn read_crds(path: &Path) -> Result<Vec<Value>, Failure> {
    let wrong = |why: String| {
        Failure::new(
            "crds",
            Exit::Usage,
            format!("the CRDs in {} cannot be used", path.display()),
        )
        .why(why)
        .remedy("--crds names a directory with upstream's CRDs, one or more in each .yaml file")
    };
    let manifest = |file: &Path| {
        let extension = file
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        matches!(extension.as_deref(), Some("yaml" | "yml" | "json"))
    };
    let (files, _) = files(path, manifest).map_err(wrong)?;
    let mut definitions = Vec::new();
    for file in &files {
        let name = file.display().to_string();
        let text = String::from_utf8(read(file).map_err(wrong)?)
            .map_err(|_| wrong(format!("{name} is not UTF-8")))?;
        for document in yaml::parse_documents(&text, &name)? {
            collect(document, &mut definitions);
        }
    }
    if definitions.is_empty() {
        return Err(wrong(format!(
            "there is no CustomResourceDefinition among the files right in it ({} read); directories below are not read",
            files.len()
        )));
    }
    Ok(definitions)
}

/// Takes a definition, or those of a List, as `kubectl get crds -o yaml` writes one.
fn collect(mut document: Value, into: &mut Vec<Value>) {
    match document.get("kind").and_then(Value::as_str) {
        Some("CustomResourceDefinition") => {
            if let Some(object) = document.as_object_mut() {
                object.shift_remove("status");
            }
            if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
                for field in [
                    "creationTimestamp",
                    "generation",
                    "managedFields",
                    "resourceVersion",
                    "selfLink",
                    "uid",
                ] {
                    metadata.shift_remove(field);
                }
            }
            into.push(document);
        }
        Some("List") => {
            if let Some(Value::Array(items)) = document.get_mut("items").map(Value::take) {
                for item in items {
                    collect(item, into);
                }
            }
        }
        _ => {}
    }
}

/// The file itself, or the wanted files of a directory by name; whether it is a directory.
fn files(path: &Path, wanted: impl Fn(&Path) -> bool) -> Result<(Vec<PathBuf>, bool), String> {
    let metadata = fs::metadata(path).map_err(|error| file_error(&error))?;
    if !metadata.is_dir() {
        return Ok((vec![path.to_owned()], false));
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| file_error(&error))? {
        let file = entry.map_err(|error| file_error(&error))?.path();
        // Mounted ConfigMaps keep their versions in ..data beside the links.
        let hidden = file
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && wanted(&file) && fs::metadata(&file).is_ok_and(|metadata| metadata.is_file())
        {
            files.push(file);
        }
        if files.len() > MOST_FILES {
            return Err(format!("it holds more than {MOST_FILES} files"));
        }
    }
    files.sort();
    Ok((files, true))
}

/// The directories in a directory, by name.
fn directories(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().take(MOST_FILES);
    let below = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_shown = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        path.is_dir() && name.is_some_and(|name| !name.starts_with('.'))
    };
    let mut names: Vec<String> = below
        .filter(is_shown)
        .map(|path| path.display().to_string())
        .collect();
    names.sort();
    names
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(file).map_err(|error| file_error(&error))?;
    if !metadata.is_file() {
        return Err("it is not a file".to_owned());
    }
    if metadata.len() > LARGEST_FILE {
        return Err(format!(
            "it has {} bytes, where at most {LARGEST_FILE} are read",
            metadata.len()
        ));
    }
    fs::read(file).map_err(|error| file_error(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn write(directory: &Path, name: &str, bytes: &[u8]) {
        fs::File::create(directory.join(name))
            .unwrap()
            .write_all(bytes)
            .unwrap();
    }

    fn authority(name: &str) -> rcgen::Certificate {
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        params
            .self_signed(&rcgen::KeyPair::generate().unwrap())
            .unwrap()
    }

    #[test]
    fn a_directory_of_anchors_is_read_in_order_and_strangers_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (authority("One"), authority("Two"));
        write(directory.path(), "b.der", two.der());
        write(directory.path(), "a.crt", one.pem().as_bytes());
        write(directory.path(), "README", b"put certificates here");
        write(directory.path(), ".hidden", b"x");
        fs::create_dir(directory.path().join("sub")).unwrap();
        let read = read_authorities(directory.path(), 1_800_000_000).unwrap();
        assert_eq!(read.ders, [one.der().to_vec(), two.der().to_vec()]);
        let notes: Vec<&str> = read.notes.iter().map(|note| note.text.as_str()).collect();
        let said = |part: &str| notes.iter().any(|note| note.contains(part));
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(said("README was passed over") && said("sub was passed over: it is a directory"));
    }

    #[test]
    fn a_file_without_an_authority_is_a_failure() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "empty", b"");
        for path in ["empty", "missing", ""] {
            let failure = read_authorities(&directory.path().join(path), 0).unwrap_err();
            assert_eq!(
                (failure.code(), failure.exit()),
                ("ca-bundle", Exit::Usage),
                "{path}"
            );
        }
    }

    #[test]
    fn crds_are_read_from_documents_and_lists_without_what_a_cluster_added() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "a.yaml", b"kind: CustomResourceDefinition\nmetadata: {name: a, uid: x}\nstatus: {}\n---\nkind: Role\n");
        write(directory.path(), "b.json", br#"{"kind": "List", "items": [{"kind": "CustomResourceDefinition", "metadata": {"name": "b"}}]}"#);
        write(directory.path(), "c.txt", b"{");
        let crds = read_crds(directory.path()).unwrap();
        assert_eq!(crds.len(), 2);
        assert_eq!(
            crds[0],
            serde_json::json!({"kind": "CustomResourceDefinition", "metadata": {"name": "a"}})
        );
        write(directory.path(), "d.yaml", b"{");
        assert!(read_crds(directory.path()).is_err());
    }
}
