//! Which image each new name came from, over all objects of a run: the first that comes has the name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

/// Most names that are remembered: memory does not grow with the cluster.
const MOST_NAMES: usize = 16_384;

/// Where each new name came from.
#[derive(Debug, Default)]
pub(super) struct NewNames {
    known: Mutex<HashMap<String, Source>>,
}

/// An image as every spelling of it is read, and who gave it the new name.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) image: String,
    pub(super) by: String,
}

impl NewNames {
    /// Keeps the sources of new names, unless one of them has another source already: the error names both.
    pub(super) fn note(&self, made: Vec<(String, Source)>) -> Result<(), Vec<String>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let reasons: Vec<String> = made
            .iter()
            .filter_map(|(name, source)| {
                let other = known
                    .get(name)
                    .filter(|other| other.image != source.image)?;
                Some(format!(
                    "different images would become {name}: {} by {}, and {} by {}",
                    other.image, other.by, source.image, source.by
                ))
            })
            .collect();
        if !reasons.is_empty() {
            return Err(reasons);
        }
        for (name, source) in made {
            let room = known.len() < MOST_NAMES;
            if let (Entry::Vacant(place), true) = (known.entry(name), room) {
                place.insert(source);
            }
        }
        Ok(())
    }
}
