//! Where a change of the receipt stands now: objects are edited by hand between a patch and its undo.

use std::collections::HashSet;

use serde_json::Value;

use super::occurrences::occurrences;
use super::places::places;
use super::{Entry, Receipt};
use crate::image_ref::ImageReference;
use crate::object::Pointer;
use crate::plan::patch::place::flag;

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
    let mut candidates: Vec<(Pointer, usize)> = Vec::new();
    if let Some((number, count)) = entry.among {
        // Of several that looked alike, some are not of the patch: once one is gone, which one it was is not known.
        let mut all = standing(object, entry);
        if all.len() == count && number < count {
            candidates.push(all.swap_remove(number));
        }
    } else {
        for place in places
            .iter()
            .filter(|place| is_called(object, entry, &place.at))
        {
            let value = place.at.get(object);
            let from = value.map(|value| stands(value, entry, &alike));
            let from = from.into_iter().flatten();
            candidates.extend(from.map(|from| (place.at.clone(), from)));
        }
    }
    let free = candidates
        .into_iter()
        .find(|place| !claimed.contains(place));
    if let Some((at, from)) = free {
        claimed.insert((at.clone(), from));
        return Found::Stands(at, from);
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

/// Every place where the same stands as was written, in the order of the object.
pub(super) fn standing(object: &Value, entry: &Entry) -> Vec<(Pointer, usize)> {
    let places = places(object, entry).into_iter().map(|place| place.at);
    let mut places: Vec<Pointer> = places.filter(|at| is_called(object, entry, at)).collect();
    places.sort_by_cached_key(|at| -> Vec<usize> {
        let segments = at.segments().into_iter();
        segments
            .filter_map(|segment| segment.parse().ok())
            .collect()
    });
    let mut found = Vec::new();
    for at in places {
        match (at.get(object), &entry.now, entry.from) {
            (Some(value), Some(now), None) if value == now => found.push((at, 0)),
            (Some(Value::String(text)), Some(Value::String(now)), Some(_)) => {
                let all = occurrences(text, now).into_iter();
                found.extend(all.map(|from| (at.clone(), from)));
            }
            _ => {}
        }
    }
    found
}

/// False where another flag or key stands before the item.
fn is_called(object: &Value, entry: &Entry, at: &Pointer) -> bool {
    entry.flag.is_none() || flag(object, at) == entry.flag
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
}
