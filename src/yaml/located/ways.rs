//! From a node to those below it: by index, by key, by alias and merge key.

use super::{Document, Place, Shape};

/// Items of a list that are sooner walked past than remembered.
const WALKED: usize = 32;

/// Aliases within aliases; the reader of values bounds them too.
const ALIAS_DEPTH: usize = 64;

impl Document<'_> {
    pub(super) fn children(&self, place: Place) -> impl Iterator<Item = Place> {
        let end = self.nodes[place.0 as usize].next;
        let mut at = place.0 + 1;
        std::iter::from_fn(move || {
            let child = at;
            if child >= end {
                return None;
            }
            at = self.nodes[child as usize].next;
            Some(Place(child))
        })
    }

    /// Follows aliases.
    pub(super) fn resolved(&self, place: Place) -> Option<Place> {
        let mut place = place;
        for _ in 0..ALIAS_DEPTH {
            match self.nodes.get(place.0 as usize)?.shape {
                Shape::Alias(target) => place = Place(target),
                _ => return Some(place),
            }
        }
        None
    }

    pub(super) fn child(&self, of: Place, segment: &str, depth: usize) -> Option<Place> {
        let of = self.resolved(of)?;
        match self.nodes[of.0 as usize].shape {
            Shape::List => self.item(of, segment.parse().ok()?),
            Shape::Mapping => self
                .entry(of, segment)
                .or_else(|| self.merged(of, segment, depth)),
            _ => None,
        }
    }

    /// One item of a list. To walk past those before it, each time, would take hours for a hundred thousand.
    fn item(&self, list: Place, index: usize) -> Option<Place> {
        if index < WALKED {
            return self.children(list).nth(index);
        }
        let mut known = self.items.borrow_mut();
        let items = known
            .entry(list)
            .or_insert_with(|| self.children(list).collect());
        items.get(index).copied()
    }

    /// The value of a key that is written in the mapping itself.
    pub(super) fn entry(&self, mapping: Place, key: &str) -> Option<Place> {
        let mut children = self.children(mapping);
        while let (Some(name), Some(value)) = (children.next(), children.next()) {
            if self.key(name) == Some(key) {
                return Some(value);
            }
        }
        None
    }

    /// The value of a key that comes by `<<`: the first mapping that has it.
    pub(super) fn merged(&self, mapping: Place, key: &str, depth: usize) -> Option<Place> {
        if depth == ALIAS_DEPTH || !self.aliases {
            return None;
        }
        let mut children = self.children(mapping);
        while let (Some(name), Some(value)) = (children.next(), children.next()) {
            if self.key(name) != Some("<<") {
                continue;
            }
            let Some(from) = self.resolved(value) else {
                continue;
            };
            let found = match self.nodes[from.0 as usize].shape {
                Shape::List => self
                    .children(from)
                    .find_map(|one| self.child(one, key, depth + 1)),
                _ => self.child(from, key, depth + 1),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The text of a key.
    fn key(&self, place: Place) -> Option<&str> {
        self.said(self.resolved(place)?)
    }
}
