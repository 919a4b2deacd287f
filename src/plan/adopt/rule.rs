//! From edits to rules: the most general one that does what every edit of a registry did, tried out with the rules
//! that are there already.

use std::collections::BTreeMap;

use super::before::name;
use super::{Adoption, HandEdit, OfferedRule, Passed};
use crate::image_ref::ImageReference;
use crate::rules::{Action, Matcher, Outcome, RuleSet, RuleSpec};

/// What the rules of `registry.rules` are called; new ones stand behind the last of them.
const LISTED: &str = "registry.rules[";

/// Offers rules for what people wrote. `present` are the configuration's rules in their order, with its `registry.library`; `standing` are all
/// images of the objects that were looked at.
pub fn offer(
    edits: Vec<HandEdit>,
    present: &[RuleSpec],
    drop_library: bool,
    standing: &[String],
) -> Adoption {
    let mut adoption = Adoption::default();
    let mut by_host: BTreeMap<String, Vec<Move>> = BTreeMap::new();
    let rules = RuleSet::compile(present).unwrap_or_default();
    for edit in edits {
        match Move::of(edit, drop_library) {
            Ok(moved) if moved.is_done_by(&rules) => adoption.known += 1,
            Ok(moved) => by_host
                .entry(moved.before.host().to_owned())
                .or_default()
                .push(moved),
            Err(passed) => adoption.passed.push(*passed),
        }
    }
    for (host, moves) in by_host {
        let untouched = untouched(&host, &moves, standing);
        for (matcher, source, moves) in rules_of(&host, moves, untouched.is_empty(), &mut adoption)
        {
            let rule = OfferedRule {
                matcher,
                rewrite: moves[0].rewrite.clone(),
                untouched: if matcher == "host" {
                    Vec::new()
                } else {
                    untouched.clone()
                },
                source,
                edits: moves.iter().map(|moved| moved.edit.clone()).collect(),
            };
            match tried(&rule, &moves, &adoption.rules, present, drop_library) {
                Ok(()) => adoption.rules.push(rule),
                Err(why) => adoption.passed.push(Passed {
                    why,
                    is_conflict: false,
                    edits: rule.edits,
                }),
            }
        }
    }
    adoption
}

/// An edit that moved an image from one name to another.
struct Move {
    edit: HandEdit,
    before: ImageReference,
    after: ImageReference,
    /// What a rule writes: `HOST[:PORT][/KEY]`, or a template.
    rewrite: String,
}

impl Move {
    fn of(edit: HandEdit, drop_library: bool) -> Result<Self, Box<Passed>> {
        let passed = |edit: HandEdit, why: &str| {
            Box::new(Passed {
                why: why.to_owned(),
                is_conflict: false,
                edits: vec![edit],
            })
        };
        let Some(text) = edit.before.clone() else {
            return Err(passed(edit, "what stood there before is not known"));
        };
        let (Ok(before), Ok(after)) = (
            ImageReference::parse(&text),
            ImageReference::parse(&edit.after),
        ) else {
            return Err(passed(edit, "it is no image reference"));
        };
        if before.name() == after.name() {
            return Err(passed(
                edit,
                "only the tag or digest was changed: that is no rule of a registry",
            ));
        }
        let Some(rewrite) = rewrite(&before, &after, drop_library) else {
            return Err(passed(
                edit,
                "it is another image than before, not the same one elsewhere: name it in the configuration, or write a rule for it by hand",
            ));
        };
        Ok(Self {
            edit,
            before,
            after,
            rewrite,
        })
    }

    /// The reference of before with the tag and digest of now: upgrades by hand come on top of a move.
    fn source(&self) -> Option<ImageReference> {
        let source = format!("{}{}", self.before.name(), self.after.suffix());
        ImageReference::parse(&source).ok()
    }

    fn is_done_by(&self, rules: &RuleSet) -> bool {
        let rewritten = |image: &str| {
            ImageReference::parse(image)
                .is_ok_and(|image| image.canonical() == self.after.canonical())
        };
        self.source().is_some_and(|source| {
            matches!(rules.decide(&source).outcome, Outcome::Rewritten(image) if rewritten(&image))
        })
    }
}

/// Where a rule must send images of before so that this one comes to stand where it does. None where the last part of
/// its path is another.
fn rewrite(before: &ImageReference, after: &ImageReference, drop_library: bool) -> Option<String> {
    let host = after.host();
    let under = |path: &str| -> Option<String> {
        let key = after.path().strip_suffix(path)?;
        if key.is_empty() {
            return Some(host.to_owned());
        }
        key.strip_suffix('/').map(|key| format!("{host}/{key}"))
    };
    let (path, short) = (before.path(), before.path_without_library());
    let (plain, other, field) = if drop_library {
        (short, path, "path")
    } else {
        (path, short, "path_nolib")
    };
    if let Some(target) = under(plain) {
        return Some(target);
    }
    if let Some(target) = under(other) {
        return Some(format!("{target}/{{{field}}}"));
    }
    let last = before.path().rsplit('/').next()?;
    under(last).map(|target| format!("{target}/{{name}}"))
}

/// Images of the host that nobody moved: a rule for the whole host would move them.
fn untouched(host: &str, moves: &[Move], standing: &[String]) -> Vec<String> {
    let mut untouched: Vec<String> = Vec::new();
    for image in standing {
        let Ok(reference) = ImageReference::parse(image) else {
            continue;
        };
        let is_moved = moves
            .iter()
            .any(|moved| moved.before.name() == reference.name());
        if reference.host() == host && !is_moved && !untouched.contains(image) {
            untouched.push(image.clone());
        }
    }
    untouched
}

/// The rules for one host: one for all of it where every move goes the same way and nothing else stands there, else
/// one for each repository. Repositories that went two ways are conflicts.
fn rules_of(
    host: &str,
    moves: Vec<Move>,
    whole: bool,
    adoption: &mut Adoption,
) -> Vec<(&'static str, String, Vec<Move>)> {
    let Some(first) = moves.first() else {
        return Vec::new();
    };
    let same_way = moves.iter().all(|moved| moved.rewrite == first.rewrite);
    if whole && same_way {
        return vec![("host", host.to_owned(), moves)];
    }
    let mut by_repository: BTreeMap<String, Vec<Move>> = BTreeMap::new();
    for moved in moves {
        by_repository
            .entry(moved.before.name())
            .or_default()
            .push(moved);
    }
    let mut rules = Vec::new();
    for (repository, moves) in by_repository {
        let targets: Vec<Option<String>> =
            moves.iter().map(|moved| name(&moved.edit.after)).collect();
        if targets.iter().any(|target| *target != targets[0]) {
            adoption.passed.push(Passed {
                why: format!("{repository} was sent to several places: make them one, or write the rules by hand (with namespaces, where each has its own)"),
                is_conflict: true,
                edits: moves.into_iter().map(|moved| moved.edit).collect(),
            });
            continue;
        }
        rules.push(("repository", repository, moves));
    }
    rules
}

/// Compiles the rule behind those of the list and before all others; the error says why it does not do what it should.
fn tried(
    rule: &OfferedRule,
    moves: &[Move],
    offered: &[OfferedRule],
    present: &[RuleSpec],
    drop_library: bool,
) -> Result<(), String> {
    let end = present
        .iter()
        .rposition(|spec| spec.id.starts_with(LISTED))
        .map_or(0, |last| last + 1);
    let (listed, others) = present.split_at(end);
    let new = offered
        .iter()
        .chain([rule])
        .map(|rule| spec(rule, drop_library));
    let all: Vec<RuleSpec> = listed
        .iter()
        .cloned()
        .chain(new)
        .chain(others.iter().cloned())
        .collect();
    let rules = RuleSet::compile(&all).map_err(|problems| {
        let messages: Vec<&str> = problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        format!(
            "a rule for it does not go with the others: {}",
            messages.join("; ")
        )
    })?;
    for moved in moves {
        if moved.is_done_by(&rules) {
            continue;
        }
        let first = moved.source().and_then(|source| rules.decide(&source).rule);
        return Err(match first {
            Some(first) if first != rule.source => format!(
                "the rule {first} takes {} first: change that one",
                moved.before.name()
            ),
            _ => format!("no rule sends {} there", moved.before.name()),
        });
    }
    Ok(())
}

fn spec(rule: &OfferedRule, drop_library: bool) -> RuleSpec {
    let matcher = match rule.matcher {
        "host" => Matcher::Host(rule.source.clone()),
        _ => Matcher::Repository(rule.source.clone()),
    };
    let action = Action::Rewrite {
        target: rule.rewrite.clone(),
        drop_library,
    };
    RuleSpec::new(rule.source.clone(), matcher, action)
}

#[cfg(test)]
#[path = "adopt_tests.rs"]
mod tests;
