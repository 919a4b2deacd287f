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
                    next.extend(indices(items, index, name, moves).into_iter().map(
                        |(index, is_same)| Place {
                            at: place.at.index(index),
                            is_same: place.is_same && is_same,
                        },
                    ));
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
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|at| at.abs_diff(index));
    let Some(name) = name else {
        return order.into_iter().map(|at| (at, at == index)).collect();
    };
    let named = |at: &usize| items[*at].get("name").and_then(Value::as_str) == Some(name);
    let called: Vec<(usize, bool)> = order
        .into_iter()
        .filter(named)
        .map(|at| (at, true))
        .collect();
    if called.is_empty() && is_there {
        // It was given another name.
        return vec![(index, false)];
    }
    called
}
