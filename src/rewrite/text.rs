//! The images of a user's own YAML and JSON: only the bytes of the references change.
//!
//! Pure: from a text to the edits of its bytes and what is to be told of them. A stream is read document by document;
//! one that holds no word of the slots' catalogue is never parsed.

mod document;
mod edits;
mod elsewhere;
mod findings;
mod spelled;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::failure::Failure;
use crate::object::Pointer;
use crate::object::pods::{self, CustomKinds};
use crate::rules::{Meeting, RuleSet};
use crate::yaml::{self, Contents, Document, Lines, Part};

pub use edits::Edit;
pub use findings::{Absent, Change, Findings, Refused, Skipped, Suspected, Where};

/// What a text becomes, and why.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rewritten {
    /// In order; they do not overlap.
    pub edits: Vec<Edit>,
    /// What is told of the text.
    pub findings: Findings,
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Documents that may hold an image by their words, and of a known kind the fields that may.
    ByWords,
    /// All: to prove that words and fields decide rightly.
    Whole,
}

/// Whether each change is told, or only how many there are: a stream may have tens of thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// Each, with its place.
    Each,
    /// Their number. What does not change all the same is told in full.
    Number,
}

/// By what texts are rewritten.
#[derive(Debug, Clone, Copy)]
pub struct Rewriter<'a> {
    /// What becomes of an image.
    pub rules: &'a RuleSet,
    /// Custom kinds whose pods are known: see [`read_definitions`].
    pub kinds: &'a CustomKinds,
    /// What is read.
    pub reading: Reading,
    /// What is told.
    pub telling: Telling,
}

/// Adds the custom kinds that the CustomResourceDefinitions of a text define. What cannot be read is passed by: whoever
/// rewrites the text says so.
pub fn read_definitions(text: &str, kinds: &mut CustomKinds) {
    let word = memchr::memmem::Finder::new("CustomResourceDefinition");
    if word.find(text.as_bytes()).is_none() {
        return;
    }
    for part in yaml::parts(text) {
        if word.find(part.text.as_bytes()).is_none() {
            continue;
        }
        let mut of_items = kinds.clone();
        let contents = Document::read_by_item(part, "", &mut |item| {
            of_items.read_object(item.value());
        });
        match contents {
            Ok(Contents::Items) => *kinds = of_items,
            Ok(Contents::Whole(document)) => read_definition(document.value(), kinds),
            Ok(Contents::Empty) | Err(_) => {}
        }
    }
}

/// Follows lists.
fn read_definition(object: &Value, kinds: &mut CustomKinds) {
    match object.get("items").and_then(Value::as_array) {
        Some(items) => items.iter().for_each(|item| kinds.read_object(item)),
        None => kinds.read_object(object),
    }
}

/// Bytes that take longer to read than a thread to start.
const WORTH_A_THREAD: usize = 512 * 1024;
const MOST_THREADS: usize = 4;
/// As the main thread's.
const STACK: usize = 8 * 1024 * 1024;

/// Cuts into shares of at least `size` bytes; documents stay whole.
fn shared<'a, 'b>(parts: &'b [Part<'a>], size: usize) -> Vec<&'b [Part<'a>]> {
    let mut shares = Vec::new();
    let mut rest = parts;
    while let Some(first) = rest.first() {
        let ends = |part: &Part<'_>| part.start + part.text.len() >= first.start + size;
        let cut = rest.iter().position(ends).map_or(rest.len(), |at| at + 1);
        let (share, behind) = rest.split_at(cut);
        shares.push(share);
        rest = behind;
    }
    shares
}

impl Rewriter<'_> {
    /// Rewrites one text. `origin` is what errors call it. Which images meet in one target is known after the last text:
    /// `meeting` takes note.
    ///
    /// # Errors
    /// A document that may hold an image and cannot be read, with line and column.
    pub fn rewrite(
        &self,
        text: &str,
        origin: &str,
        meeting: &mut Meeting,
    ) -> Result<Rewritten, Failure> {
        let parts: Vec<Part<'_>> = yaml::parts(text).collect();
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let shares = (text.len() / WORTH_A_THREAD + 1)
            .min(workers)
            .min(MOST_THREADS);
        if shares == 1 {
            return self.rewrite_parts(&parts, origin, meeting);
        }
        let mut rewritten = Rewritten::default();
        let shares = shared(&parts, text.len().div_ceil(shares));
        for (share, met) in self.rewrite_shares(&shares, origin) {
            rewritten.extend(share?);
            meeting.extend(met);
        }
        Ok(rewritten)
    }

    /// Each share in a thread of its own, in their order.
    fn rewrite_shares(
        &self,
        shares: &[&[Part<'_>]],
        origin: &str,
    ) -> Vec<(Result<Rewritten, Failure>, Meeting)> {
        let rewrite = |parts: &[Part<'_>]| {
            let mut meeting = Meeting::default();
            (self.rewrite_parts(parts, origin, &mut meeting), meeting)
        };
        std::thread::scope(|scope| {
            let started: Vec<_> = shares
                .iter()
                .map(|parts| {
                    let worker = std::thread::Builder::new().stack_size(STACK);
                    let worker = worker.spawn_scoped(scope, move || rewrite(parts));
                    (*parts, worker)
                })
                .collect();
            let ended = started.into_iter().map(|(parts, worker)| match worker {
                Ok(worker) => worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // No thread is to be had.
                Err(_) => rewrite(parts),
            });
            ended.collect()
        })
    }

    fn rewrite_parts(
        &self,
        parts: &[Part<'_>],
        origin: &str,
        meeting: &mut Meeting,
    ) -> Result<Rewritten, Failure> {
        let mut rewritten = Rewritten::default();
        for &part in parts {
            if self.reading == Reading::ByWords && !pods::may_name_images(part.text) {
                continue;
            }
            let mut pass = document::Pass {
                by: self,
                meeting,
                lines: Lines::of(part),
                may_lack: self.reading == Reading::Whole || pods::may_lack_images(part.text),
            };
            let mut of_items = Rewritten::default();
            let mut number = 0;
            let contents = Document::read_by_item(part, origin, &mut |item| {
                let at = Pointer::root().child("items").index(number);
                number += 1;
                pass.rewrite(&item, &at, &mut of_items);
            })?;
            match contents {
                Contents::Empty => {}
                Contents::Items => rewritten.extend(of_items),
                Contents::Whole(document) => {
                    pass.rewrite(&document, &Pointer::root(), &mut rewritten);
                }
            }
        }
        Ok(rewritten)
    }
}

impl Rewritten {
    fn extend(&mut self, other: Self) {
        self.edits.extend(other.edits);
        self.findings.extend(other.findings);
    }

    /// Adds an edit that overlaps no other.
    pub fn add(&mut self, edit: Edit) {
        let is_before = |one: &Edit| one.bytes.start < edit.bytes.start;
        let at = self.edits.partition_point(is_before);
        self.edits.insert(at, edit);
    }

    /// The text with its edits.
    pub fn written(&self, text: &str) -> String {
        let grown: usize = self.edits.iter().map(|edit| edit.text.len()).sum();
        let mut written = String::with_capacity(text.len() + grown);
        for piece in self.pieces(text) {
            written.push_str(piece);
        }
        written
    }

    /// The written text piece by piece, so that it need not stand in memory a second time.
    pub fn pieces<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let ends = self.edits.iter().map(|edit| edit.bytes.end);
        let starts = self
            .edits
            .iter()
            .map(|edit| edit.bytes.start)
            .chain([text.len()]);
        let new = self.edits.iter().map(|edit| edit.text.as_str());
        [0].into_iter()
            .chain(ends)
            .zip(starts)
            .map(|(from, to)| text.get(from..to).unwrap_or_default())
            .zip(new.map(Some).chain([None]))
            .flat_map(|(kept, new)| [Some(kept), new])
            .flatten()
    }
}
