//! What an expression can begin with: asked for many texts, its automaton is built up once.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::{Anchored, Input};

use super::Expression;

/// The letters of a slug.
const SLUG: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-";
/// How many states of the automaton are looked at.
const MOST_STATES: usize = 2000;

/// An expression that is asked. What was found out for one text is known for the next.
pub(in crate::rules) struct Walker<'a> {
    dfa: &'a DFA,
    cache: Cache,
    is_used: bool,
    /// The states behind a slug, by the state before it.
    slugs: HashMap<LazyStateID, Rc<HashSet<LazyStateID>>>,
}

impl Expression {
    /// None for an expression beyond the automaton.
    pub(in crate::rules) fn walker(&self) -> Option<Walker<'_>> {
        let dfa = self.automaton.as_ref()?;
        Some(Walker {
            dfa,
            cache: dfa.create_cache(),
            is_used: false,
            slugs: HashMap::new(),
        })
    }
}

impl Walker<'_> {
    /// True where the expression takes some text that begins with `start`. False where that cannot be told.
    pub(in crate::rules) fn reaches(&mut self, start: &str) -> bool {
        self.is_used = true;
        self.walk(start).unwrap_or(false)
    }

    fn walk(&mut self, start: &str) -> Option<bool> {
        let mut state = self.start()?;
        for byte in start.bytes() {
            state = self.dfa.next_state(&mut self.cache, state, byte).ok()?;
            if is_over(state) {
                return Some(false);
            }
        }
        Some(true)
    }

    /// True where it takes some text that begins with `before`, goes on with a slug of any length, and then with
    /// `after`. None where that cannot be told.
    pub(in crate::rules) fn reaches_between(&mut self, before: &str, after: &str) -> Option<bool> {
        if self.cache.clear_count() > 0 {
            self.forget();
        }
        let was_used = std::mem::replace(&mut self.is_used, true);
        let told = self.walk_between(before, after);
        if told.is_some() || !was_used {
            return told;
        }
        // What was asked before must not make the difference.
        self.forget();
        self.walk_between(before, after)
    }

    fn walk_between(&mut self, before: &str, after: &str) -> Option<bool> {
        let start = self.start()?;
        let begun = self.through(start, before)?;
        for state in self.slugs(begun)?.iter() {
            if !is_over(self.through(*state, after)?) {
                return Some(true);
            }
        }
        Some(false)
    }

    fn start(&mut self) -> Option<LazyStateID> {
        let anchored = Input::new("").anchored(Anchored::Yes);
        self.dfa
            .start_state_forward(&mut self.cache, &anchored)
            .ok()
    }

    fn forget(&mut self) {
        self.cache.reset(self.dfa);
        self.slugs.clear();
    }

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
    fn slugs(&mut self, begun: LazyStateID) -> Option<Rc<HashSet<LazyStateID>>> {
        if let Some(known) = self.slugs.get(&begun) {
            return Some(Rc::clone(known));
        }
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
        let reached = Rc::new(reached);
        self.slugs.insert(begun, Rc::clone(&reached));
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
            let mut walker = expression.walker().unwrap();
            // Whatever was asked before.
            walker.reaches("m-9.mirror.corp/9/");
            let first = walker.reaches_between("m-", ".mirror.corp/");
            assert_eq!(walker.reaches_between("m-", ".mirror.corp/"), first);
            first
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
