//! Where a change of the receipt stands now: objects are edited by hand between a patch and its undo.

use std::collections::HashSet;

use serde_json::Value;

use super::{Entry, Receipt};
use crate::image_ref::ImageReference;
use crate::object::Pointer;

/// How many places are looked at for one change; more are no sensible object.
const MOST_PLACES: usize = 1000;

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Found {
    /// It stands as it was written: at this pointer, from this byte on.
    Stands(Pointer, usize),
    /// What stood before the change stands there again.
    AsBefore,
    /// Something else stands there.
    Changed(Pointer),
    /// What held it is gone.
    Gone,
}

/// Looks for a change of a receipt; `claimed` are the places of others, which are not taken twice.
pub(in super::super) fn find(
    object: &Value,
    entry: &Entry,
    receipt: &[Entry],
    claimed: &mut HashSet<(Pointer, usize)>,
) -> Found {
    let mut alike: Vec<Option<usize>> = receipt
        .iter()
        .filter(|other| other.at == entry.at && other.now == entry.now)
        .map(|other| other.from)
        .collect();
    alike.sort_unstable();
    let places = places(object, entry);
    for place in &places {
        let Some(value) = place.at.get(object) else {
            continue;
        };
        for from in stands(value, entry, &alike) {
            let claim = (place.at.clone(), from);
            if claimed.insert(claim) {
                return Found::Stands(place.at.clone(), from);
            }
        }
    }
    let first = places
        .iter()
        .find(|place| place.is_same && place.at.get(object).is_some());
    match (first, &entry.was) {
        (Some(place), Some(was)) if is_as_before(place.at.get(object), entry.from, was) => {
            Found::AsBefore
        }
        (Some(place), _) => Found::Changed(place.at.clone()),
        // What was appended was taken out again.
        (None, None) => Found::AsBefore,
        (None, Some(_)) => Found::Gone,
    }
}

/// What stood at `at` before `patch-images` first wrote there, whatever stands there now.
pub(in crate::plan) fn original_image(object: &Value, at: &Pointer) -> Option<String> {
    let receipt = Receipt::of(object).ok().flatten()?;
    let mut claimed = HashSet::new();
    receipt.changes.iter().find_map(|entry| {
        let found = match find(object, entry, &receipt.changes, &mut claimed) {
            Found::Stands(place, _) | Found::Changed(place) => place == *at,
            Found::AsBefore | Found::Gone => false,
        };
        let was = entry.was.clone();
        was.filter(|_| found && entry.from.is_none())
    })
}

/// Where it may stand.
#[derive(Debug)]
struct Place {
    at: Pointer,
    /// True where what holds it is surely the same: by its name, or by its index where it has none.
    is_same: bool,
}

/// Every place that the change may have moved to, the likeliest first.
fn places(object: &Value, entry: &Entry) -> Vec<Place> {
    let mut found = vec![Place {
        at: Pointer::root(),
        is_same: true,
    }];
    let mut names = entry.names.iter();
    for segment in entry.at.segments() {
        let index = segment.parse::<usize>().ok();
        let name = index.and_then(|_| names.next()).and_then(Option::as_deref);
        let mut next = Vec::new();
        for place in &found {
            match (place.at.get(object), index) {
                (Some(Value::Array(items)), Some(index)) => {
                    let moves = entry.now.is_some();
                    let room = MOST_PLACES.saturating_sub(next.len());
                    let indices = indices(items, index, name, moves).into_iter().take(room);
                    next.extend(indices.map(|(index, is_same)| Place {
                        at: place.at.index(index),
                        is_same: place.is_same && is_same,
                    }));
                }
                (Some(Value::Object(_)), _) => next.push(Place {
                    at: place.at.child(&segment),
                    is_same: place.is_same,
                }),
                _ => {}
            }
        }
        next.truncate(MOST_PLACES);
        found = next;
    }
    found
}

/// The items of a list that may be the one called `name` at `index`, and whether they surely are.
fn indices(items: &[Value], index: usize, name: Option<&str>, moves: bool) -> Vec<(usize, bool)> {
    let is_there = index < items.len();
    if !moves {
        return is_there.then_some((index, true)).into_iter().collect();
    }
    let order = nearest(items.len(), index).take(MOST_PLACES);
    let Some(name) = name else {
        return order.map(|at| (at, at == index)).collect();
    };
    let named = |at: &usize| items[*at].get("name").and_then(Value::as_str) == Some(name);
    let called: Vec<(usize, bool)> = order.filter(named).map(|at| (at, true)).collect();
    if called.is_empty() && is_there {
        // It was given another name.
        return vec![(index, false)];
    }
    called
}

/// The indices of a list of this length, those next to `index` first; of two as near, the lower one.
fn nearest(length: usize, index: usize) -> impl Iterator<Item = usize> {
    let index = index.min(length);
    let beside = move |distance: usize| {
        let above = (distance > 0).then_some(index + distance);
        [index.checked_sub(distance), above]
    };
    let found = (0..=length).flat_map(beside).flatten();
    found.filter(move |at| *at < length)
}

/// The bytes from which on the value holds what was written, the likeliest first. `alike` is where each change of this
/// text that wrote the same stood, in order.
fn stands(value: &Value, entry: &Entry, alike: &[Option<usize>]) -> Vec<usize> {
    let is_whole = match (&entry.now, &entry.was) {
        (Some(now), _) => entry.from.is_none() && value == now,
        (None, Some(was)) => value
            .as_str()
            .is_some_and(|text| looks_rewritten(was, text)),
        (None, None) => {
            value.as_str().is_some_and(is_known_item)
                || value.get("name").and_then(Value::as_str) == Some("ACTIONS_RUNNER_IMAGE")
        }
    };
    if is_whole {
        return vec![0];
    }
    let (Some(from), Some(now), Some(text)) = (
        entry.from,
        entry.now.as_ref().and_then(Value::as_str),
        value.as_str(),
    ) else {
        return Vec::new();
    };
    let all = occurrences(text, now);
    if all.len() == alike.len() {
        // Where they moved, they moved together: each is the one of its number, whatever stands where it stood.
        let number = alike.iter().position(|one| *one == Some(from));
        number.and_then(|number| all.get(number).copied())
    } else {
        // Else which one it was is not known any more, unless it is still there.
        all.contains(&from).then_some(from)
    }
    .into_iter()
    .collect()
}

fn is_as_before(value: Option<&Value>, from: Option<usize>, was: &str) -> bool {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    match from {
        None => text == was,
        Some(from) => occurrences(text, was).contains(&from),
    }
}

/// Where `part` stands in `text` as a reference of its own.
fn occurrences(text: &str, part: &str) -> Vec<usize> {
    let is_of_reference = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b':' | b'@')
    };
    text.match_indices(part)
        .map(|(at, _)| at)
        .filter(|at| {
            let before = at
                .checked_sub(1)
                .and_then(|before| text.as_bytes().get(before));
            let behind = text.as_bytes().get(at + part.len());
            // `image: x` has a colon before a blank, `x:` at the end of a key has none behind it.
            !before.is_some_and(|byte| is_of_reference(*byte))
                && !behind.is_some_and(|byte| is_of_reference(*byte))
        })
        .collect()
}

/// The flags that the first form appended.
fn is_known_item(text: &str) -> bool {
    ["--docker-image=", "--runner-image="]
        .iter()
        .any(|flag| text.starts_with(flag))
}

/// True where `now` is `was` under another host or path: the same flag, the same last components, the same tag and digest.
pub(in super::super) fn looks_rewritten(was: &str, now: &str) -> bool {
    if was == now {
        return false;
    }
    let parts = |text: &str| -> (String, Vec<String>) {
        let (flag, value) = match text.split_once('=').filter(|_| text.starts_with('-')) {
            Some((flag, value)) => (flag, value),
            None => ("", text),
        };
        let values = value.split(',').map(str::to_owned).collect();
        (flag.to_owned(), values)
    };
    let ((flag, were), (other_flag, are)) = (parts(was), parts(now));
    flag == other_flag
        && were.len() == are.len()
        && were
            .iter()
            .zip(&are)
            .all(|(was, now)| was == now || is_relocated(was, now))
}

fn is_relocated(was: &str, now: &str) -> bool {
    let (Ok(was), Ok(now)) = (ImageReference::parse(was), ImageReference::parse(now)) else {
        return false;
    };
    let path = was.path_without_library();
    was.suffix() == now.suffix()
        && (now.path() == path || now.path().ends_with(&format!("/{path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relocated_reference_keeps_its_end() {
        assert!(looks_rewritten("quay.io/a/b:1", "r.corp/quay/a/b:1"));
        assert!(looks_rewritten("docker:dind", "r.corp/docker:dind"));
        assert!(looks_rewritten(
            "--x=docker:dind,a/b",
            "--x=r.corp/library/docker:dind,r.corp/a/b"
        ));
        for (was, now) in [
            ("quay.io/a/b:1", "r.corp/a/b:2"),
            ("quay.io/a/b:1", "r.corp/xa/b:1"),
            ("quay.io/a/b:1", "quay.io/a/b:1"),
            ("--x=docker:dind", "--y=r.corp/docker:dind"),
        ] {
            assert!(!looks_rewritten(was, now), "{was} {now}");
        }
    }

    #[test]
    fn what_stands_nearest_is_looked_at_first() {
        for (length, index, expected) in [
            (5, 2, vec![2, 1, 3, 0, 4]),
            (4, 0, vec![0, 1, 2, 3]),
            (3, 3, vec![2, 1, 0]),
            (3, usize::MAX, vec![2, 1, 0]),
            (0, 7, vec![]),
        ] {
            let found: Vec<usize> = nearest(length, index).collect();
            assert_eq!(found, expected, "{length} {index}");
        }
        // Of a list without end, what is looked at is made and no more.
        let first: Vec<usize> = nearest(usize::MAX / 4, 7).take(2).collect();
        assert_eq!(first, [7, 6]);
    }

    #[test]
    fn a_part_is_a_whole_reference() {
        assert_eq!(occurrences("a,r/a,a:1,a", "a"), [0, 10]);
        assert_eq!(occurrences("image: \"r/a:1\"\n", "r/a:1"), [8]);
    }
}
