//! From a node to those below it: by index, by key, by alias and merge key.

use super::{Document, Place, Shape};

/// Items of a list, and keys of a mapping, that are sooner walked past than remembered.
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
        self.use_of_key(mapping, key, 0)
    }

    /// The value at the `nth` use of a key, from 0. To walk past all keys before it, each time, would take minutes for a
    /// hundred thousand.
    fn use_of_key(&self, mapping: Place, key: &str, nth: usize) -> Option<Place> {
        let mut children = self.children(mapping);
        let mut used = 0;
        for _ in 0..WALKED {
            let (name, value) = (children.next()?, children.next()?);
            if self.key(name) == Some(key) {
                if used == nth {
                    return Some(value);
                }
                used += 1;
            }
        }
        children.next()?;
        let mut known = self.entries.borrow_mut();
        let entries = known.entry(mapping).or_insert_with(|| self.by_key(mapping));
        let first = entries.partition_point(|(name, _)| self.key(*name) < Some(key));
        let (name, value) = *entries.get(first + nth)?;
        (self.key(name) == Some(key)).then_some(value)
    }

    /// Keys and values of a mapping by the text of the key; of one text in the order in which they are written.
    fn by_key(&self, mapping: Place) -> Vec<(Place, Place)> {
        let mut children = self.children(mapping);
        let pairs = std::iter::from_fn(|| Some((children.next()?, children.next()?)));
        let mut entries: Vec<(Place, Place)> = pairs.collect();
        entries.sort_by_key(|(name, _)| self.key(*name));
        entries
    }

    /// The value of a key that comes by `<<`: the first mapping that has it.
    pub(super) fn merged(&self, mapping: Place, key: &str, depth: usize) -> Option<Place> {
        if depth == ALIAS_DEPTH || !self.aliases {
            return None;
        }
        let merges = (0..).map_while(|nth| self.use_of_key(mapping, "<<", nth));
        merges
            .filter_map(|value| self.resolved(value))
            .find_map(|from| match self.nodes[from.0 as usize].shape {
                Shape::List => self
                    .children(from)
                    .find_map(|one| self.child(one, key, depth + 1)),
                _ => self.child(from, key, depth + 1),
            })
    }

    /// The text of a key.
    fn key(&self, place: Place) -> Option<&str> {
        self.said(self.resolved(place)?)
    }
}
