//! What an image's layers make of the places where certificates lie: entries over entries, links followed, what upper
//! layers take away gone (OCI image-spec, layer.md: whiteouts). All other places are passed over.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::certificate_places::{BUNDLE_NAMES, PLACES};
use super::tar::{Entry, Kind, Visit};

/// The largest bundle that is kept, in bytes; a whole system's has 220 kB.
const LARGEST_BUNDLE: u64 = 8 << 20;
/// Most of them kept, in bytes.
const MOST_KEPT: usize = 64 << 20;
/// Most entries in those places; a system has some 500.
const MOST_ENTRIES: usize = 100_000;
/// Links that lead to links.
const MOST_LINKS: usize = 40;

/// The places of one image, up to the layer that was read last.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// By path, without slashes at its ends.
    nodes: BTreeMap<String, Node>,
    layer: usize,
    kept: usize,
}

#[derive(Debug, Clone)]
struct Node {
    what: What,
    /// The layer that it came with.
    layer: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// With its content where that may be a bundle.
    File(Option<Vec<u8>>),
    Symlink(String),
    Directory,
    Other,
}

/// What stands at a path once links are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A file, with its content where that was kept.
    File(String, Option<&'a [u8]>),
    Directory(String),
    Nothing(String),
    /// A link leads to this path, where nobody looked.
    Elsewhere(String),
}

impl Tree {
    /// The same, ready for the layer above.
    pub(super) fn with_layer(mut self) -> Self {
        self.layer += 1;
        self
    }

    /// What stands at a path.
    pub(super) fn find(&self, path: &str) -> Found<'_> {
        let Some(real) = self.real(path) else {
            return Found::Nothing(path.to_owned());
        };
        match self.nodes.get(&real).map(|node| &node.what) {
            Some(What::File(content)) => Found::File(real, content.as_deref()),
            Some(What::Directory) => Found::Directory(real),
            None if !is_watched(&real) => Found::Elsewhere(real),
            // A directory that no layer names, but what is in it.
            None if self.below(&real).next().is_some() => Found::Directory(real),
            Some(What::Other | What::Symlink(_)) | None => Found::Nothing(real),
        }
    }

    /// Names in a directory.
    pub(super) fn names(&self, directory: &str) -> Vec<String> {
        let names = self.below(directory);
        let names = names.filter_map(|path| path.strip_prefix(directory)?.strip_prefix('/'));
        let names = names.filter(|name| !name.contains('/'));
        names.map(str::to_owned).collect()
    }

    fn below(&self, directory: &str) -> impl Iterator<Item = &str> {
        let first = match directory {
            "" => String::new(),
            directory => format!("{directory}/"),
        };
        let from = (Bound::Included(first.clone()), Bound::Unbounded);
        let paths = self.nodes.range(from).map(|(path, _)| path.as_str());
        paths.take_while(move |path| path.starts_with(&first))
    }

    /// The path without links: what would be opened. None where links go round.
    fn real(&self, path: &str) -> Option<String> {
        let mut left: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
        let (mut real, mut links) = (Vec::<String>::new(), 0);
        while let Some(part) = left.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    real.pop();
                    continue;
                }
                _ => real.push(part),
            }
            let Some(What::Symlink(target)) =
                self.nodes.get(&real.join("/")).map(|node| &node.what)
            else {
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return None;
            }
            if target.starts_with('/') {
                real.clear();
            } else {
                real.pop();
            }
            left.extend(target.rsplit('/').map(str::to_owned));
        }
        Some(real.join("/"))
    }

    /// Where an entry comes to stand: links among its directories are followed, it itself is none yet.
    fn place(&self, path: &str) -> Option<String> {
        let path = path.trim_start_matches("./").trim_matches('/');
        if path.split('/').any(|part| part == "..") {
            return None;
        }
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let directory = self.real(directory)?;
        Some(if directory.is_empty() {
            name.to_owned()
        } else {
            format!("{directory}/{name}")
        })
    }

    /// Takes away a path with what is below it, as far as lower layers brought it.
    fn take_away(&mut self, path: &str, itself: bool) {
        let layer = self.layer;
        let mut gone: Vec<String> = self.below(path).map(str::to_owned).collect();
        gone.extend(itself.then(|| path.to_owned()));
        for path in gone {
            if self.nodes.get(&path).is_some_and(|node| node.layer < layer) {
                self.remove(&path);
            }
        }
    }

    fn remove(&mut self, path: &str) {
        if let Some(Node {
            what: What::File(Some(content)),
            ..
        }) = self.nodes.remove(path)
        {
            self.kept -= content.len();
        }
    }

    fn put(&mut self, path: String, what: What) -> Result<(), String> {
        let is_directory = what == What::Directory;
        let stays = |node: &Node| is_directory && node.what == What::Directory;
        if !self.nodes.get(&path).is_some_and(stays) {
            let below: Vec<String> = self.below(&path).map(str::to_owned).collect();
            // What no layer names as a directory may be one.
            if !is_directory || self.nodes.contains_key(&path) {
                for path in &below {
                    self.remove(path);
                }
            }
            self.remove(&path);
        }
        if let What::File(Some(content)) = &what {
            self.kept += content.len();
        }
        let layer = self.layer;
        self.nodes.insert(path, Node { what, layer });
        if self.nodes.len() > MOST_ENTRIES || self.kept > MOST_KEPT {
            return Err("holds more certificates than this program reads".to_owned());
        }
        Ok(())
    }

    /// What a hard link names.
    fn linked(&self, target: &str) -> What {
        let node = self.place(target).and_then(|path| self.nodes.get(&path));
        node.map_or(What::Other, |node| node.what.clone())
    }
}

impl Visit for Tree {
    fn wants(&self, entry: &Entry) -> bool {
        let name = entry.path.rsplit('/').next().unwrap_or_default();
        entry.kind == Kind::File
            && entry.size <= LARGEST_BUNDLE
            && BUNDLE_NAMES.contains(&name)
            && is_watched(entry.path.trim_start_matches("./").trim_matches('/'))
    }

    fn entry(&mut self, entry: Entry, content: Option<Vec<u8>>) -> Result<(), String> {
        let Some(path) = self.place(&entry.path) else {
            return Ok(());
        };
        if !is_watched(&path) {
            return Ok(());
        }
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if name == ".wh..wh..opq" {
            self.take_away(directory, false);
            return Ok(());
        }
        if let Some(gone) = name.strip_prefix(".wh.") {
            let gone = if directory.is_empty() {
                gone.to_owned()
            } else {
                format!("{directory}/{gone}")
            };
            self.take_away(&gone, true);
            return Ok(());
        }
        let what = match entry.kind {
            Kind::File => What::File(content),
            Kind::Link(target) => self.linked(&target),
            Kind::Symlink(target) => What::Symlink(target),
            Kind::Directory => What::Directory,
            Kind::Other => What::Other,
        };
        self.put(path, what)
    }
}

/// True in the places where certificates lie, on the way to them, and for what takes such a place or way away.
fn is_watched(path: &str) -> bool {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let whole = match name.strip_prefix(".wh.") {
        Some(".wh..opq") => directory.to_owned(),
        Some(gone) if directory.is_empty() => gone.to_owned(),
        Some(gone) => format!("{directory}/{gone}"),
        None => path.to_owned(),
    };
    let is_within = |path: &str, place: &str| {
        let rest = path.strip_prefix(place);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    PLACES
        .iter()
        .any(|place| is_within(&whole, place) || is_within(place, &whole))
        || whole.is_empty()
}
