//! What a new change means for a receipt that is there already: the first original stays.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::found::standing;
use super::{ANNOTATIONS_LIMIT, Entry, Found, Receipt, find, names};
use crate::object::Pointer;
use crate::object::pods::Replacement;
use crate::plan::patch::place::flag;

/// What was appended to a list, or put under a key that was not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Added {
    pub(in super::super) at: Pointer,
    /// How many lists and maps around it were made for it.
    pub(in super::super) made: usize,
}

impl Receipt {
    /// Adds what turned `before` into what `after` gives: it is asked only where the object before does not say the same,
    /// since to make it costs a copy.
    pub(in super::super) fn record<'v>(
        &mut self,
        before: &'v Value,
        after: &dyn Fn() -> &'v Value,
        replaced: &[Replacement],
        added: &[Added],
    ) {
        let renames = replaced
            .iter()
            .any(|change| change.pointer.as_str().ends_with("/name"));
        let named = if renames { after() } else { before };
        let moves = Moves::of(replaced);
        let mut claimed = HashSet::new();
        let mut known: Vec<(Entry, Option<(Pointer, usize)>)> = self
            .changes
            .iter()
            .map(|entry| {
                let place = match find(before, entry, &self.changes, &mut claimed) {
                    Found::Stands(at, from) => Some((at, from)),
                    _ => None,
                };
                (entry.clone(), place)
            })
            .collect();
        self.changes.clear();
        let mut new: Vec<Entry> = Vec::new();
        for change in replaced {
            if !chained(&mut known, (before, named), after, &moves, change) {
                let stale = |entry: &Entry| {
                    entry.at == change.pointer && (entry.from.is_none() || is_whole(before, change))
                };
                known.retain(|(entry, place)| place.is_some() || !stale(entry));
                new.extend(text_entry(before, named, &moves, change));
            }
        }
        for (entry, place) in &mut known {
            if let (Some((at, from)), Some(_)) = (place, entry.from) {
                entry.from = Some(moves.moved(*from, at));
                entry.names = names(named, at);
                entry.at = at.clone();
            }
        }
        for change in added {
            known.retain(|(entry, place)| place.is_some() || entry.at != change.at);
            new.extend(change.at.get(after()).map(|now| Entry {
                at: change.at.clone(),
                names: names(after(), &change.at),
                from: None,
                flag: None,
                among: None,
                was: None,
                now: Some(now.clone()),
                made: change.made,
            }));
        }
        self.changes
            .extend(known.into_iter().map(|(entry, _)| entry));
        self.changes.extend(new);
        // What is written as it was at first is no change.
        self.changes.retain(|entry| {
            let now = entry.now.as_ref().and_then(Value::as_str);
            entry.was.is_none() || entry.was.as_deref() != now
        });
        // Else no annotation takes it, and whoever writes it says so.
        if self.least_size() <= ANNOTATIONS_LIMIT {
            self.count(after);
        }
    }

    /// How many bytes the record takes at the least.
    fn least_size(&self) -> usize {
        let size = |entry: &Entry| {
            let was = entry.was.as_ref().map_or(0, String::len);
            r#"{"at":"","now":""},"#.len() + entry.at.as_str().len() + was
        };
        self.changes.iter().map(size).sum()
    }

    /// Notes which entries stand among others that look alike.
    fn count<'v>(&mut self, after: &dyn Fn() -> &'v Value) {
        let place = |entry: &Entry| (entry.at.clone(), entry.from.unwrap_or(0));
        let own: HashMap<(Pointer, usize), &Entry> = self
            .changes
            .iter()
            .map(|entry| (place(entry), entry))
            .collect();
        let counted = self.changes.iter().map(|entry| {
            if is_named(entry) {
                return None;
            }
            let all = standing(after(), entry);
            // Of several of its own that go back to the same, each is as good as the other.
            let is_own = |at: &(Pointer, usize)| {
                own.get(at)
                    .is_some_and(|other| other.now == entry.now && other.was == entry.was)
            };
            match all.iter().position(|at| *at == place(entry)) {
                // A person changed it, or moved it.
                None => entry.among,
                Some(_) if all.iter().all(is_own) => None,
                Some(number) => Some((number, all.len())),
            }
        });
        let counted: Vec<Option<(usize, usize)>> = counted.collect();
        for (entry, among) in self.changes.iter_mut().zip(counted) {
            entry.among = among;
        }
    }
}

/// True for a whole value whose way has a name at every item of a list: it is the only one.
fn is_named(entry: &Entry) -> bool {
    let segments = entry.at.segments().into_iter();
    let indices = segments.filter(|segment| segment.parse::<usize>().is_ok());
    entry.from.is_none() && entry.names.iter().flatten().count() == indices.count()
}

/// Goes on with the entry whose text is replaced again. False where there is none.
fn chained<'v>(
    known: &mut [(Entry, Option<(Pointer, usize)>)],
    (before, named): (&Value, &Value),
    after: &dyn Fn() -> &'v Value,
    moves: &Moves<'_>,
    change: &Replacement,
) -> bool {
    for (entry, place) in known {
        let Some((at, from)) = place else { continue };
        let holds = change.pointer == *at
            || change
                .pointer
                .as_str()
                .strip_prefix(at.as_str())
                .is_some_and(|rest| rest.starts_with('/'));
        let length = entry.now.as_ref().and_then(Value::as_str).map(str::len);
        let is_same = match entry.from {
            None => holds,
            Some(_) => change.pointer == *at && change.span == (*from..*from + length.unwrap_or(0)),
        };
        if !is_same {
            continue;
        }
        entry.names = names(named, at);
        entry.at = at.clone();
        let is_all_of_it = change.pointer == *at && is_whole(before, change);
        entry.now = match entry.from {
            None if !is_all_of_it => at.get(after()).cloned(),
            _ => Some(Value::String(change.text.clone())),
        };
        if entry.from.is_some() {
            entry.from = Some(moves.moved(change.span.start, at));
            // It is where it will be.
            *place = None;
        }
        return true;
    }
    false
}

fn text_entry(
    before: &Value,
    named: &Value,
    moves: &Moves<'_>,
    change: &Replacement,
) -> Option<Entry> {
    let text = change.pointer.get(before).and_then(Value::as_str)?;
    let was = text.get(change.span.clone())?.to_owned();
    let whole = is_whole(before, change);
    Some(Entry {
        at: change.pointer.clone(),
        names: names(named, &change.pointer),
        from: (!whole).then(|| moves.moved(change.span.start, &change.pointer)),
        flag: flag(before, &change.pointer),
        among: None,
        was: Some(was),
        now: Some(Value::String(change.text.clone())),
        made: 0,
    })
}

fn is_whole(before: &Value, change: &Replacement) -> bool {
    let text = change.pointer.get(before).and_then(Value::as_str);
    text.is_some_and(|text| change.span == (0..text.len()))
}

/// How far what stands behind each change of a text has moved.
struct Moves<'a> {
    /// By text: where each change began, in order, and by how many bytes it and those before it made the text longer.
    of_texts: HashMap<&'a Pointer, Vec<(usize, i64)>>,
}

impl<'a> Moves<'a> {
    fn of(replaced: &'a [Replacement]) -> Self {
        let mut of_texts: HashMap<&Pointer, Vec<(usize, i64)>> = HashMap::new();
        let length = |length: usize| i64::try_from(length).unwrap_or_default();
        for change in replaced {
            let longer = length(change.text.len()) - length(change.span.len());
            let of_text = of_texts.entry(&change.pointer).or_default();
            of_text.push((change.span.start, longer));
        }
        for of_text in of_texts.values_mut() {
            of_text.sort_unstable_by_key(|(start, _)| *start);
            let mut all = 0;
            for (_, longer) in of_text {
                all += *longer;
                *longer = all;
            }
        }
        Self { of_texts }
    }

    /// Where byte `from` of the text before stands in the text after.
    fn moved(&self, from: usize, at: &Pointer) -> usize {
        let of_text = self.of_texts.get(at).map_or(&[][..], Vec::as_slice);
        let before = of_text.partition_point(|(start, _)| *start < from);
        let last = before.checked_sub(1).and_then(|last| of_text.get(last));
        let by = last.and_then(|(_, by)| isize::try_from(*by).ok());
        from.saturating_add_signed(by.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_moves_with_the_changes_before_it() {
        let (at, other) = (Pointer::new("/a"), Pointer::new("/b"));
        let change = |pointer: &Pointer, span, text: &str| Replacement {
            pointer: pointer.clone(),
            span,
            text: text.to_owned(),
        };
        let replaced = [
            change(&at, 10..14, "x"),
            change(&other, 0..1, "longer"),
            change(&at, 2..4, "four"),
        ];
        let moves = Moves::of(&replaced);
        let found = [0, 2, 5, 10, 15].map(|from| moves.moved(from, &at));
        assert_eq!(found, [0, 2, 7, 12, 14]);
        assert_eq!(moves.moved(3, &Pointer::new("/c")), 3);
    }
}
