//! The images of a user's own YAML and JSON: only the bytes of the references change.
//!
//! Pure: from a text to the edits of its bytes and what is to be told of them. A stream is read document by document;
//! one that holds no word of the slots' catalogue is never parsed.

mod document;
mod edits;
mod findings;
mod spelled;
#[cfg(test)]
mod tests;

use crate::failure::Failure;
use crate::object::{Pointer, pods};
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

/// Which documents are parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Those that may hold an image by their words.
    ByWords,
    /// Every one: to prove that words decide rightly.
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

/// Rewrites one text. `origin` is what errors call it. Which images meet in one target is known after the last text:
/// `meeting` takes note.
///
/// # Errors
/// A document that may hold an image and cannot be read, with line and column.
pub fn rewrite(
    text: &str,
    origin: &str,
    rules: &RuleSet,
    meeting: &mut Meeting,
    (reading, telling): (Reading, Telling),
) -> Result<Rewritten, Failure> {
    let wish = Wish {
        origin,
        rules,
        reading,
        telling,
    };
    let parts: Vec<Part<'_>> = yaml::parts(text).collect();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let shares = (text.len() / WORTH_A_THREAD + 1)
        .min(workers)
        .min(MOST_THREADS);
    if shares == 1 {
        return wish.rewrite(&parts, meeting);
    }
    let mut rewritten = Rewritten::default();
    for (share, met) in wish.rewrite_shares(&shared(&parts, text.len().div_ceil(shares))) {
        rewritten.extend(share?);
        meeting.extend(met);
    }
    Ok(rewritten)
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

/// What is wanted of every document.
#[derive(Clone, Copy)]
struct Wish<'a> {
    origin: &'a str,
    rules: &'a RuleSet,
    reading: Reading,
    telling: Telling,
}

impl Wish<'_> {
    /// Each share in a thread of its own, in their order.
    fn rewrite_shares(&self, shares: &[&[Part<'_>]]) -> Vec<(Result<Rewritten, Failure>, Meeting)> {
        let rewrite = |parts: &[Part<'_>]| {
            let mut meeting = Meeting::default();
            (self.rewrite(parts, &mut meeting), meeting)
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

    fn rewrite(&self, parts: &[Part<'_>], meeting: &mut Meeting) -> Result<Rewritten, Failure> {
        let mut rewritten = Rewritten::default();
        for &part in parts {
            if self.reading == Reading::ByWords && !pods::may_name_images(part.text) {
                continue;
            }
            let mut pass = document::Pass {
                rules: self.rules,
                meeting,
                telling: self.telling,
                lines: Lines::of(part),
                may_lack: self.reading == Reading::Whole || pods::may_lack_images(part.text),
            };
            let mut of_items = Rewritten::default();
            let mut number = 0;
            let contents = Document::read_by_item(part, self.origin, &mut |item| {
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
