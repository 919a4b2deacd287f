//! The course of a conversation: load, ask for what is missing, offer what nobody named, load again; an answer
//! that turns out wrong is asked for once more.

use super::{Entry, Question, offers, questions};
use crate::config::load::{Loaded, Sources, load, named};
use crate::config::model::Origin;
use crate::config::overlay::GIVEN_KEYS;
use crate::config::problem::{self, Problem};
use crate::failure::Failure;

/// Loads; `ask` makes entries of a question, `tell` shows a line. Asks nothing where nothing is missing, or where
/// something else than an answer is wrong.
///
/// # Errors
/// The problems that no question can settle, and what `ask` says.
pub fn converse(
    sources: &mut Sources,
    ask: &mut dyn FnMut(&Question) -> Result<Vec<Entry>, Failure>,
    tell: &mut dyn FnMut(&str),
) -> Result<Loaded, Failure> {
    let mut offered: Vec<String> = Vec::new();
    loop {
        let loaded = load(sources);
        let problems = loaded.as_ref().err().map_or(&[][..], Vec::as_slice);
        if withdraw(problems, sources, &mut offered, tell) {
            continue;
        }
        let mut next = questions(problems);
        // Offers come with the first question, and again where an answer to one was withdrawn.
        if !next.is_empty() || (loaded.is_ok() && !offered.is_empty()) {
            let mut open = offers(&named(sources));
            open.retain(|offer| !offered.contains(&offer.path));
            offered.extend(open.iter().map(|offer| offer.path.clone()));
            next.extend(open);
        }
        match loaded {
            Ok(loaded) if next.is_empty() => return Ok(loaded),
            Err(problems) if next.is_empty() => return Err(problem::failure(&problems)),
            _ => {}
        }
        for question in &next {
            let entries = ask(question)?;
            sources.answers.extend(entries);
        }
    }
}

/// Takes back the answers that problems are about; true where there were any.
fn withdraw(
    problems: &[Problem],
    sources: &mut Sources,
    offered: &mut Vec<String>,
    tell: &mut dyn FnMut(&str),
) -> bool {
    let before = sources.answers.len();
    for problem in problems.iter().filter(|one| one.origin == Origin::Answer) {
        let paths = answered_by(&problem.path);
        let known = sources.answers.len();
        sources
            .answers
            .retain(|(answered, _)| !paths.contains(answered));
        if sources.answers.len() < known {
            tell(&problem.line());
            offered.retain(|offer| !paths.contains(offer));
        }
    }
    sources.answers.len() < before
}

/// The answers that a problem at `path` is about. A layout and its keys are one answer.
fn answered_by(path: &str) -> Vec<String> {
    let layout = ["registry.preset", "registry.keys"];
    if layout.contains(&path) || path.starts_with(GIVEN_KEYS) {
        return layout.map(str::to_owned).to_vec();
    }
    vec![path.replace("runnerSets[0].", "runnerSets[].")]
}
