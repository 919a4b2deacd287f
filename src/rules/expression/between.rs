//! What an expression takes of all hosts that a template can make.

use std::collections::HashSet;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::{Anchored, Input};

use super::Expression;

/// The letters of a slug.
const SLUG: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-";
/// How many states of the automaton are looked at.
const MOST_STATES: usize = 2000;

impl Expression {
    /// True where it takes some text that begins with `before`, goes on with a slug of any length, and then with
    /// `after`. None where that cannot be told.
    pub(in crate::rules) fn reaches_between(&self, before: &str, after: &str) -> Option<bool> {
        let dfa = self.automaton.as_ref()?;
        let mut walk = Walk {
            dfa,
            cache: dfa.create_cache(),
        };
        let anchored = Input::new("").anchored(Anchored::Yes);
        let start = dfa.start_state_forward(&mut walk.cache, &anchored).ok()?;
        let begun = walk.through(start, before)?;
        for state in walk.slugs(begun)? {
            if !is_over(walk.through(state, after)?) {
                return Some(true);
            }
        }
        Some(false)
    }
}

struct Walk<'a> {
    dfa: &'a DFA,
    cache: Cache,
}

impl Walk<'_> {
    /// The state behind one more letter.
    fn step(&mut self, state: LazyStateID, letter: u8) -> Option<LazyStateID> {
        let next = self.dfa.next_state(&mut self.cache, state, letter).ok()?;
        // States are numbers of the cache: once it was emptied, those at hand mean something else.
        (self.cache.clear_count() == 0).then_some(next)
    }

    /// The state behind a text, or the one where it is over.
    fn through(&mut self, mut state: LazyStateID, text: &str) -> Option<LazyStateID> {
        for letter in text.bytes() {
            if is_over(state) {
                break;
            }
            state = self.step(state, letter)?;
        }
        Some(state)
    }

    /// Every state behind a slug of at least one letter.
    fn slugs(&mut self, begun: LazyStateID) -> Option<HashSet<LazyStateID>> {
        let mut reached = HashSet::new();
        let mut next = vec![begun];
        next.retain(|state| !is_over(*state));
        while let Some(state) = next.pop() {
            for letter in SLUG {
                let behind = self.step(state, *letter)?;
                if !is_over(behind) && reached.insert(behind) {
                    next.push(behind);
                }
            }
            if reached.len() > MOST_STATES {
                return None;
            }
        }
        Some(reached)
    }
}

/// True where nothing is taken that goes on so.
fn is_over(state: LazyStateID) -> bool {
    state.is_dead() || state.is_quit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_slug_will_do() {
        let reaches = |text: &str| {
            let expression = Expression::compile(text).unwrap();
            expression.reaches_between("m-", ".mirror.corp/")
        };
        for text in [
            r"m-(gcr|k8s)-io\.mirror\.corp/.*",
            r"m-[a-z]{40}\.mirror\.corp/a/b",
            r"(?:m|n)-.*\.corp/.+",
            r".*",
        ] {
            assert_eq!(reaches(text), Some(true), "{text}");
        }
        for text in [
            r"(gcr|k8s)-io\.mirror\.corp/.*",
            r"m-\.mirror\.corp/.*",
            r"m-gcr_io\.mirror\.corp/.*",
            r"m-gcr-io\.mirror\.corp",
            r"quay\.io/.*",
        ] {
            assert_eq!(reaches(text), Some(false), "{text}");
        }
    }
}
