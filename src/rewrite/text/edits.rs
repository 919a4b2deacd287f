//! From what is wanted of each scalar to the edits of its bytes.

use std::collections::BTreeMap;
use std::ops::Range;

use super::spelled::{self, Spelled};
use crate::yaml::{Document, Scalar};

/// Bytes of a text that become others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub bytes: Range<usize>,
    /// What stands there then.
    pub text: String,
}

/// What is wanted of one document's scalars. An anchored scalar is one, however often it is used.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    scalars: BTreeMap<crate::yaml::Place, OfScalar>,
}

/// What is wanted of one scalar.
#[derive(Debug)]
struct OfScalar {
    scalar: Scalar,
    text: String,
    /// Part of the text, what it becomes (None: it stays), and who wants it.
    parts: Vec<(Range<usize>, Option<String>, usize)>,
}

/// What became of the wishes of one who wanted something, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Granted {
    /// The first of its edits begins here.
    At(usize),
    /// Nothing is changed, for this reason.
    Not(&'static str),
}

const DIFFERENT: &str = "other places use the same anchor, and the rules decide differently there: write the image out in each of them";
const TOGETHER: &str = "another part of the same image cannot be written";
const UNPLACED: &str = "it cannot be told which bytes of the text are the image";
const UNSPELLED: &str = "the new name cannot be written in this kind of scalar";

impl Wanted {
    /// Takes note that `number` wants `part` of a scalar's text to become `new`, or to stay as it is.
    pub(super) fn note(
        &mut self,
        scalar: Scalar,
        text: &str,
        (part, new): (Range<usize>, Option<String>),
        number: usize,
    ) {
        let of = self
            .scalars
            .entry(scalar.place)
            .or_insert_with(|| OfScalar {
                scalar,
                text: text.to_owned(),
                parts: Vec::new(),
            });
        of.parts.push((part, new, number));
    }

    /// The edits in the order of the text, and what became of each number's wish.
    pub(super) fn edits(self, document: &Document<'_>) -> (Vec<Edit>, BTreeMap<usize, Granted>) {
        let mut made: Vec<Made> = Vec::new();
        let mut granted: BTreeMap<usize, Granted> = BTreeMap::new();
        for of in self.scalars.into_values() {
            match of.made(document) {
                Ok(one) => made.push(one),
                Err(reason) => refuse(&of.numbers(), reason, &mut granted),
            }
        }
        // What belongs to a refused image is not written, and what shares a scalar with that is not either.
        loop {
            let is_refused = |one: &Made| one.numbers().any(|number| granted.contains_key(&number));
            let (left, kept) = made.into_iter().partition(is_refused);
            made = kept;
            let left: Vec<Made> = left;
            if left.is_empty() {
                break;
            }
            for one in left {
                let numbers: Vec<usize> = one.numbers().collect();
                refuse(&numbers, TOGETHER, &mut granted);
            }
        }
        for (number, at) in made.iter().flat_map(|one| &one.begins) {
            let first = granted.entry(*number).or_insert(Granted::At(*at));
            if let Granted::At(known) = first {
                *known = (*known).min(*at);
            }
        }
        let mut edits: Vec<Edit> = made.into_iter().flat_map(|one| one.edits).collect();
        edits.sort_by_key(|edit| edit.bytes.start);
        (edits, granted)
    }
}

fn refuse(numbers: &[usize], reason: &'static str, granted: &mut BTreeMap<usize, Granted>) {
    for number in numbers {
        granted.entry(*number).or_insert(Granted::Not(reason));
    }
}

/// The edits of one scalar, and where each wish begins.
struct Made {
    edits: Vec<Edit>,
    begins: Vec<(usize, usize)>,
}

impl Made {
    fn numbers(&self) -> impl Iterator<Item = usize> {
        self.begins.iter().map(|(number, _)| *number)
    }
}

impl OfScalar {
    fn numbers(&self) -> Vec<usize> {
        let changing = self.parts.iter().filter(|(_, new, _)| new.is_some());
        changing.map(|(_, _, number)| *number).collect()
    }

    fn made(&self, document: &Document<'_>) -> Result<Made, &'static str> {
        let parts = self.agreed()?;
        let ranges: Vec<Range<usize>> = parts.iter().map(|(range, _)| range.clone()).collect();
        let bytes = document
            .bytes_of(&self.scalar, &self.text, &ranges)
            .ok_or(UNPLACED)?;
        let begin = |range: &Range<usize>| {
            let at = ranges.iter().position(|one| one == range)?;
            bytes.get(at).map(|bytes| bytes.start)
        };
        let changing = self.parts.iter().filter(|(_, new, _)| new.is_some());
        let begins = changing
            .filter_map(|(range, _, number)| Some((*number, begin(range)?)))
            .collect();
        let mut whole = self.text.clone();
        for (range, new) in parts.iter().rev() {
            whole.replace_range(range.clone(), new);
        }
        let mut edits = Vec::new();
        for ((_, new), bytes) in parts.iter().zip(&bytes) {
            match spelled::spell(self.scalar.style, new, &whole).ok_or(UNSPELLED)? {
                Spelled::Part(text) => edits.push(Edit {
                    bytes: bytes.clone(),
                    text,
                }),
                Spelled::Quoted(text) => {
                    let bytes = self.scalar.bytes.clone();
                    // Else it is folded over lines, which quotes fold in another way.
                    if bytes.len() != self.text.len() {
                        return Err(UNSPELLED);
                    }
                    edits = vec![Edit { bytes, text }];
                    break;
                }
            }
        }
        Ok(Made { edits, begins })
    }

    /// The parts that change, in order, each once; an error where the uses of one anchor differ.
    fn agreed(&self) -> Result<Vec<(Range<usize>, &str)>, &'static str> {
        let mut parts: Vec<(Range<usize>, Option<&str>)> = self
            .parts
            .iter()
            .map(|(range, new, _)| (range.clone(), new.as_deref()))
            .collect();
        parts.sort_by_key(|(range, _)| (range.start, range.end));
        parts.dedup();
        let overlap = parts
            .windows(2)
            .any(|pair| pair[1].0.start < pair[0].0.end || pair[1].0 == pair[0].0);
        if overlap {
            return Err(DIFFERENT);
        }
        Ok(parts
            .into_iter()
            .filter_map(|(range, new)| Some((range, new?)))
            .collect())
    }
}
