//! What a run lacks, told all at once: whoever has to come back does so once.

use crate::cli::{Session, pass};
use crate::config::problem::{self, Problem};
use crate::config::{Origin, Partial};
use crate::failure::{Exit, Failure};
use crate::rules::RuleSet;

/// What is missing, or cannot be.
pub(super) struct Needs {
    /// The agreement and the cluster, where there is no terminal to ask on.
    target: Vec<Problem>,
    /// Where to look, and what to put there.
    flags: Vec<Problem>,
}

impl Needs {
    pub(super) fn new(target: Vec<Problem>, place: Option<Problem>) -> Self {
        let flags = place.into_iter().collect();
        Self { target, flags }
    }

    /// With more that is lacking.
    pub(super) fn and(mut self, more: Vec<Problem>) -> Self {
        self.flags.extend(more);
        self
    }

    /// A configuration that cannot be used, and what is lacking besides.
    pub(super) fn with(&self, problems: &[Problem]) -> Failure {
        let all: Vec<Problem> = problems.iter().chain(self.all()).cloned().collect();
        problem::failure(&all)
    }

    /// The rules, where nothing is lacking. There may be none where `others` give the run something to do.
    ///
    /// # Errors
    /// All that is lacking; one thing alone has its own code.
    pub(super) fn rules(&self, partial: &Partial, others: bool) -> Result<RuleSet, Failure> {
        let rules = pass::compiled(&partial.registry.rules).map_err(|failure| {
            self.all()
                .fold(failure, |failure, need| failure.why(need.line()))
        })?;
        let none = (rules.is_empty() && !others).then(|| {
            let what = "there is no rule to rewrite images by";
            Problem::new("rules-missing", "", what, Origin::Default)
                .remedy("give --registry HOST, or --registry-map quay.io=HOST")
        });
        let flags: Vec<&Problem> = self.flags.iter().chain(&none).collect();
        match flags.as_slice() {
            [] => Session::require_target(&self.target)?,
            [only] if self.target.is_empty() => {
                let failure = Failure::new(only.code, Exit::Usage, &only.what);
                return Err(only.remedy.iter().fold(failure, Failure::remedy));
            }
            [first, ..] => {
                let code = match self.target.as_slice() {
                    [] => first.code,
                    _ => "no-terminal",
                };
                let what = format!("{} things are missing", self.target.len() + flags.len());
                let failure = Failure::new(code, Exit::Usage, what);
                let all = self.target.iter().chain(flags);
                return Err(all.fold(failure, |failure, need| failure.why(need.line())));
            }
        }
        Ok(rules)
    }

    fn all(&self) -> impl Iterator<Item = &Problem> {
        self.target.iter().chain(&self.flags)
    }
}
