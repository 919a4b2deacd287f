//! From what is wanted of each scalar to the edits of its bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::spelled::{self, Spelled};
use crate::yaml::{Document, Place, Scalar};

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
    scalars: BTreeMap<Place, Noted>,
}

/// What was noted of one scalar. There may be as many as a text has words: most are wanted once, and take little.
#[derive(Debug)]
struct Noted {
    scalar: Scalar,
    text: String,
    /// Each with the node at which its pointer ends.
    parts: Vec<(Place, Part)>,
    held: BTreeSet<Place>,
}

impl Noted {
    fn by_use(self) -> OfScalar {
        let mut uses: BTreeMap<Place, Vec<Part>> = BTreeMap::new();
        for (at, part) in self.parts {
            uses.entry(at).or_default().push(part);
        }
        OfScalar {
            scalar: self.scalar,
            text: self.text,
            uses,
            held: self.held,
        }
    }
}

/// What is wanted of one scalar.
#[derive(Debug)]
struct OfScalar {
    scalar: Scalar,
    text: String,
    /// By the node at which a pointer ends: the scalar itself, or an alias of it.
    uses: BTreeMap<Place, Vec<Part>>,
    /// Those that another place says too, where it is no image.
    held: BTreeSet<Place>,
}

/// Part of a text, what it becomes (None: it stays), and who wants it.
type Part = (Range<usize>, Option<String>, usize);

/// The parts that change, in order.
type Changes<'a> = Vec<(Range<usize>, &'a str)>;

/// What became of the wishes of one who wanted something, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Granted {
    /// The first of its edits begins here.
    At(usize),
    /// Nothing is changed, for this reason.
    Not(&'static str),
}

const DIFFERENT: &str = "other places use the same anchor, and the rules decide differently there: write the image out in each of them";
const HELD: &str =
    "other places use the same anchor and stay as they are: write the image out in each of them";
const SHARED: &str = "the anchor that holds it is also used where it is no image, which stays as it is: write the image out in each of them";
const TOGETHER: &str = "another part of the same image cannot be written";
const UNPLACED: &str = "it cannot be told which bytes of the text are the image";
const UNSPELLED: &str = "the new name cannot be written in this kind of scalar";

impl Wanted {
    /// Takes note that `number` wants `part` of a text to become `new`, or to stay as it is. The text is that of
    /// `scalar`; `at` is the node that says it, an alias or the scalar itself.
    pub(super) fn note(
        &mut self,
        (at, scalar): (Place, Scalar),
        text: &str,
        (part, new): (Range<usize>, Option<String>),
        number: usize,
    ) {
        let of = self.scalars.entry(scalar.place).or_insert_with(|| Noted {
            scalar,
            text: text.to_owned(),
            parts: Vec::with_capacity(1),
            held: BTreeSet::new(),
        });
        of.parts.push((at, (part, new, number)));
    }

    /// Takes note that another place says what the node `at` says, and must go on to say it.
    pub(super) fn hold(&mut self, at: Place, scalar: Place) {
        if let Some(of) = self.scalars.get_mut(&scalar) {
            of.held.insert(at);
        }
    }

    /// The edits in the order of the text, and what became of each number's wish.
    pub(super) fn edits(self, document: &Document<'_>) -> (Vec<Edit>, BTreeMap<usize, Granted>) {
        let mut made: Vec<Made> = Vec::new();
        let mut granted: BTreeMap<usize, Granted> = BTreeMap::new();
        let aliases = document.aliases();
        for of in self.scalars.into_values().map(Noted::by_use) {
            let to_it = aliases.get(&of.scalar.place);
            for one in of.made(document, to_it.map_or(&[], Vec::as_slice)) {
                match one {
                    Ok(one) => made.push(one),
                    Err((numbers, reason)) => refuse(&numbers, reason, &mut granted),
                }
            }
        }
        // What belongs to a refused image is not written, and what shares a scalar with that is not either.
        while !granted.is_empty() {
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

/// Who wanted what cannot be, and why it cannot.
type Unmade = (Vec<usize>, &'static str);

impl OfScalar {
    /// What is to be written at the scalar and at the `aliases` that lead to it. Only references in slots change: where
    /// another place would change with the anchor, an alias is replaced by what it becomes, and the anchor stays.
    fn made(&self, document: &Document<'_>, aliases: &[Place]) -> Vec<Result<Made, Unmade>> {
        let mut all = Vec::new();
        let mut changes: BTreeMap<Place, Changes<'_>> = BTreeMap::new();
        for (at, parts) in &self.uses {
            let wishes = if self.held.contains(at) {
                Err(SHARED)
            } else {
                agreed(parts)
            };
            match wishes {
                Ok(agreed) if agreed.is_empty() => {}
                Ok(agreed) => {
                    changes.insert(*at, agreed);
                }
                Err(reason) => all.push(Err((numbers(parts), reason))),
            }
        }
        let anchor = self.scalar.place;
        let of_anchor = changes.remove(&anchor);
        let is_held = aliases.iter().any(|alias| !changes.contains_key(alias));
        let mut with_anchor = vec![anchor];
        for (alias, of_alias) in &changes {
            if !is_held && of_anchor.as_ref() == Some(of_alias) {
                with_anchor.push(*alias);
            } else {
                let numbers = self.numbers(&[*alias]);
                let made = self.replaced(document, *alias, of_alias);
                all.push(made.map_err(|reason| (numbers, reason)));
            }
        }
        if let Some(of_anchor) = of_anchor {
            let made = if is_held {
                Err(HELD)
            } else {
                self.within(document, &of_anchor, &with_anchor)
            };
            all.push(made.map_err(|reason| (self.numbers(&with_anchor), reason)));
        }
        all
    }

    fn numbers(&self, places: &[Place]) -> Vec<usize> {
        let parts = places.iter().filter_map(|place| self.uses.get(place));
        parts.flat_map(|parts| numbers(parts)).collect()
    }

    /// The text with its changes.
    fn whole(&self, changes: &Changes<'_>) -> String {
        let mut whole = String::new();
        let mut from = 0;
        for (range, new) in changes {
            whole.push_str(&self.text[from..range.start]);
            whole.push_str(new);
            from = range.end;
        }
        whole + &self.text[from..]
    }

    /// An alias replaced by the text that it becomes.
    fn replaced(
        &self,
        document: &Document<'_>,
        alias: Place,
        changes: &Changes<'_>,
    ) -> Result<Made, &'static str> {
        let text = spelled::alone(&self.whole(changes)).ok_or(UNSPELLED)?;
        let bytes = document.bytes(alias);
        let numbers = self.numbers(&[alias]).into_iter();
        Ok(Made {
            begins: numbers.map(|number| (number, bytes.start)).collect(),
            edits: vec![Edit { bytes, text }],
        })
    }

    /// The changes within the scalar, as these places want them.
    fn within(
        &self,
        document: &Document<'_>,
        parts: &Changes<'_>,
        places: &[Place],
    ) -> Result<Made, &'static str> {
        let ranges: Vec<Range<usize>> = parts.iter().map(|(range, _)| range.clone()).collect();
        let bytes = document
            .bytes_of(&self.scalar, &self.text, &ranges)
            .ok_or(UNPLACED)?;
        let begin = |range: &Range<usize>| {
            let at = ranges
                .binary_search_by_key(&range.start, |one| one.start)
                .ok()?;
            bytes.get(at).map(|bytes| bytes.start)
        };
        let wanted = places.iter().filter_map(|place| self.uses.get(place));
        let changing = wanted.flatten().filter(|(_, new, _)| new.is_some());
        let begins = changing
            .filter_map(|(range, _, number)| Some((*number, begin(range)?)))
            .collect();
        let whole = self.whole(parts);
        let mut edits = Vec::with_capacity(parts.len());
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
}

fn numbers(parts: &[Part]) -> Vec<usize> {
    let changing = parts.iter().filter(|(_, new, _)| new.is_some());
    changing.map(|(_, _, number)| *number).collect()
}

/// The parts that change, in order, each once; an error where several pointers lead here and want different things.
fn agreed(parts: &[Part]) -> Result<Changes<'_>, &'static str> {
    let mut parts: Vec<(Range<usize>, Option<&str>)> = parts
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
