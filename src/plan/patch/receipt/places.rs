//! Where an item may have moved to: lists are edited by hand, and their items keep their names.

use serde_json::Value;

use super::Entry;
use crate::object::Pointer;

/// How many places are looked at for one change; more are no sensible object.
const MOST_PLACES: usize = 1000;

/// Where it may stand.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) at: Pointer,
    /// True where what holds it is surely the same: by its name, or by its index where it has none.
    pub(super) is_same: bool,
}

/// Every place that the change may have moved to, the likeliest first.
pub(super) fn places(object: &Value, entry: &Entry) -> Vec<Place> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
