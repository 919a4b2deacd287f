//! The inputs of a run that cannot be read, told all at once.

use crate::failure::{Exit, Failure};
use crate::plan::counted;

/// More than this are counted and not named: with a wrong directory there may be thousands.
const NAMED: usize = 20;

/// Inputs that cannot be read.
#[derive(Default)]
pub(super) struct Failed {
    first: Vec<Failure>,
    more: usize,
}

impl Failed {
    pub(super) fn is_none(&self) -> bool {
        self.first.is_empty()
    }

    pub(super) fn note(&mut self, failure: Failure) {
        if self.first.len() < NAMED {
            self.first.push(failure);
        } else {
            self.more += 1;
        }
    }

    /// One failure stays as it is. Of several each is a line with its place and cause, and each remedy is said once.
    pub(super) fn check(mut self) -> Result<(), Failure> {
        if self.first.len() < 2 {
            return self.first.pop().map_or(Ok(()), Err);
        }
        let inputs = counted(self.first.len() + self.more, "input");
        let what = format!("{inputs} cannot be read");
        let mut all =
            Failure::new(self.first[0].code(), Exit::Usage, what).why("nothing was written");
        for failure in &self.first {
            all = all.evidence(failure.to_string());
        }
        if self.more > 0 {
            all = all.evidence(format!("and {} more", self.more));
        }
        let mut said: Vec<&String> = Vec::new();
        for remedy in self.first.iter().flat_map(|one| &one.details().remedy) {
            if !said.contains(&remedy) {
                said.push(remedy);
                all = all.remedy(remedy);
            }
        }
        Err(all)
    }
}
