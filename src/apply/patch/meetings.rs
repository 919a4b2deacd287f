//! Different images that would be one: over all objects of a run, and of the count before it.
//!
//! A map from each image under a rule's target to what it is a copy of. It grows with the different images, not with
//! the objects, and has a bound: after [`NAMED`] images only hashes are kept, after [`MOST`] nothing more.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::object::ObjectRef;
use crate::plan::patch::Arrival;

/// Images that are kept with their sources, rules and first objects: about half a kibibyte each, 2 MiB in all.
const NAMED: usize = 4096;
/// Images of which two hashes are kept: 16 bytes each in a table of twice as many, 8 MiB.
const MOST: usize = 262_144;

/// Which image under a rule's target is a copy of which; may be asked from many places at the same time.
#[derive(Debug, Default)]
pub struct Meetings {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    named: HashMap<String, Sources>,
    hashed: HashMap<u64, u64>,
    /// Of those, the ones that another source would share: few.
    shared: HashSet<u64>,
    hasher: RandomState,
    has_met: bool,
}

/// Where an image comes from, and where else it would come from.
#[derive(Debug)]
struct Sources {
    first: Source,
    /// Nearly no image has one.
    other: Option<Box<Source>>,
}

#[derive(Debug)]
struct Source {
    arrival: Arrival,
    object: ObjectRef,
}

/// Another source of the same image, as far as it is known.
enum Met<'a> {
    Named(&'a Source),
    Nameless,
}

impl Meetings {
    /// True once two images were seen that would be one: what was decided of the first before is no longer so.
    pub(super) fn has_met(&self) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.has_met
    }

    /// Takes note of what an object has under the rules' targets, or would have where it `changes`. The error is a reason
    /// for each image that another source would share; false says that there were too many images to compare them all.
    /// What stands there already was the first, and stays.
    pub(super) fn meet(
        &self,
        arrivals: &[Arrival],
        object: &Value,
        changes: bool,
    ) -> Result<bool, Vec<String>> {
        if arrivals.is_empty() {
            return Ok(true);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reasons = Vec::new();
        let mut is_compared = true;
        for arrival in arrivals {
            match known.meet(arrival, object, changes) {
                Ok(compared) => is_compared &= compared,
                Err(reason) if reasons.contains(&reason) => {}
                Err(reason) => reasons.push(reason),
            }
        }
        if reasons.is_empty() {
            Ok(is_compared)
        } else {
            Err(reasons)
        }
    }
}

impl Known {
    fn meet(&mut self, arrival: &Arrival, object: &Value, changes: bool) -> Result<bool, String> {
        let source = || Source {
            arrival: arrival.clone(),
            object: ObjectRef::from_value(object),
        };
        if let Some(known) = self.named.get_mut(&arrival.target) {
            let is_first = known.first.arrival.repository == arrival.repository;
            if !is_first && known.other.is_none() {
                known.other = Some(Box::new(source()));
                self.has_met = true;
            }
            let met = if is_first {
                known.other.as_deref().filter(|_| changes)
            } else {
                Some(&known.first)
            };
            return met.map_or(Ok(true), |met| {
                Err(reason(arrival, object, &Met::Named(met)))
            });
        }
        if self.named.len() < NAMED {
            let first = source();
            let sources = Sources { first, other: None };
            self.named.insert(arrival.target.clone(), sources);
            return Ok(true);
        }
        let target = self.hasher.hash_one(&arrival.target);
        let repository = self.hasher.hash_one(&arrival.repository);
        match self.hashed.get(&target) {
            Some(known) if *known == repository => {
                if changes && self.shared.contains(&target) {
                    return Err(reason(arrival, object, &Met::Nameless));
                }
                Ok(true)
            }
            Some(_) => {
                self.shared.insert(target);
                self.has_met = true;
                Err(reason(arrival, object, &Met::Nameless))
            }
            None if self.hashed.len() < MOST => {
                self.hashed.insert(target, repository);
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

fn reason(arrival: &Arrival, object: &Value, met: &Met<'_>) -> String {
    let said = |arrival: &Arrival| format!("{} by {}", arrival.source, arrival.by);
    let met = match met {
        Met::Named(Source { arrival, object }) => format!("{} in {object}", said(arrival)),
        Met::Nameless => "another image of another object".to_owned(),
    };
    format!(
        "different images would become {}: {met}, and {} ({}): give one of them a target of its own",
        arrival.target,
        said(arrival),
        arrival.place(object)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Pointer;

    fn arrival(target: &str, source: &str) -> Arrival {
        Arrival {
            target: target.to_owned(),
            source: source.to_owned(),
            repository: source.to_owned(),
            by: "a rule".to_owned(),
            pointer: Pointer::root(),
        }
    }

    #[test]
    fn what_is_kept_has_a_bound_and_says_when_it_is_reached() {
        let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}});
        let meetings = Meetings::default();
        let meet = |number: usize, source: &str| {
            let target = format!("reg.corp/{number}");
            meetings.meet(&[arrival(&target, source)], &object, true)
        };
        for number in 0..NAMED + MOST {
            assert_eq!(meet(number, "a/a"), Ok(true), "{number}");
        }
        assert_eq!(meet(0, "a/a"), Ok(true));
        assert!(meet(0, "b/b").unwrap_err()[0].contains("a/a by a rule in Pod p"));
        assert_eq!(meet(NAMED, "a/a"), Ok(true));
        assert!(meet(NAMED, "b/b").unwrap_err()[0].contains("another image"));
        assert!(meet(NAMED, "a/a").is_err(), "neither of the two is written");
        assert_eq!(meet(NAMED + MOST, "a/a"), Ok(false));
        assert_eq!(meet(NAMED + MOST, "b/b"), Ok(false));
        let known = meetings.known.lock().unwrap();
        assert_eq!((known.named.len(), known.hashed.len()), (NAMED, MOST));
    }
}
