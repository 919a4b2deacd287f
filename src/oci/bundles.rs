//! An image's own bundles, with a company's authorities added: for programs that read one file and no directory.

use std::collections::BTreeSet;

use super::Problem;
use super::certificate_places::{ANCHORS, BUNDLES};
use super::layer::{CaFiles, HASHED, Places};
use super::tree::{Found, Tree};
use crate::pki::chain::certificates_of;

/// The files for one image, with what was done to its bundles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The files.
    pub files: CaFiles,
    /// Paths of the bundles that are written again.
    pub rewritten: Vec<String>,
    /// Paths of the bundles that have every authority already.
    pub complete: Vec<String>,
}

/// The files that are added, and every bundle of the image with the authorities that it lacks. What the image trusts
/// already stays: a bundle is never replaced by the company's alone.
///
/// # Errors
/// The image has no bundle, or none that can be added to.
pub fn merged(tree: &Tree, pems: &[String], hosts: &[String]) -> Result<Merged, Problem> {
    let places = places(tree);
    let mut files = CaFiles::at(pems, hosts, &places)?;
    let (mut rewritten, mut complete) = (Vec::new(), Vec::new());
    for (path, content) in bundles(tree)? {
        // One that cannot be read to its end is added to all the same: most programs pass over what is broken in it.
        let known: BTreeSet<Vec<u8>> = certificates_of(content)
            .unwrap_or_default()
            .into_iter()
            .collect();
        if known.is_empty() && !holds_a_certificate(content) {
            continue;
        }
        let is_new = |pem: &&String| {
            let ders = certificates_of(pem.as_bytes()).unwrap_or_default();
            ders.iter().any(|der| !known.contains(der))
        };
        let new: String = pems.iter().filter(is_new).map(String::as_str).collect();
        if new.is_empty() {
            complete.push(path);
            continue;
        }
        let mut whole = content.to_vec();
        if !whole.ends_with(b"\n") {
            whole.push(b'\n');
        }
        whole.extend(new.as_bytes());
        files.files.insert(path.clone(), whole);
        rewritten.push(path);
    }
    if rewritten.is_empty() && complete.is_empty() {
        return Err(Problem::NoStore(
            "it has no bundle of authorities that could be added to (no package ca-certificates)"
                .to_owned(),
        ));
    }
    Ok(Merged {
        files,
        rewritten,
        complete,
    })
}

fn holds_a_certificate(bytes: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    bytes.windows(BEGIN.len()).any(|part| part == BEGIN)
}

/// Each bundle once, by its own path.
fn bundles(tree: &Tree) -> Result<Vec<(String, &[u8])>, Problem> {
    let mut found: Vec<(String, &[u8])> = Vec::new();
    for bundle in BUNDLES {
        match tree.find(bundle) {
            Found::File(path, Some(content)) => {
                if !found.iter().any(|(known, _)| *known == path) {
                    found.push((path, content));
                }
            }
            Found::File(path, None) => {
                return Err(Problem::NoStore(format!(
                    "its bundle /{path} is too large, or has a name that this program does not know"
                )));
            }
            Found::Elsewhere(path) => {
                return Err(Problem::NoStore(format!(
                    "its bundle /{bundle} is a link to /{path}, where this program does not look"
                )));
            }
            Found::Directory(_) | Found::Nothing(_) => {}
        }
    }
    Ok(found)
}

/// Where links lead in this image: a file whose directory is a link would take the link's place in some runtimes.
fn places(tree: &Tree) -> Places {
    let usual = Places::default();
    let real = |path: &str| match tree.find(path) {
        Found::Directory(real) | Found::Nothing(real) | Found::Elsewhere(real) => real,
        Found::File(..) => path.to_owned(),
    };
    let hashed = real(HASHED);
    let mut added: Vec<String> = Vec::new();
    for anchors in ANCHORS {
        if let Found::Directory(path) = tree.find(anchors)
            && !added.contains(&path)
        {
            added.push(path);
        }
    }
    Places {
        certs_d: real(&usual.certs_d),
        taken: tree.names(&hashed),
        hashed,
        added: if added.is_empty() { usual.added } else { added },
    }
}
