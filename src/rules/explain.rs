//! Which rule decides and why: every rule that was asked, in order.

use crate::image_ref::ImageReference;

use super::rule::Rule;
use super::{Decision, Outcome, Place, RuleName, RuleSet};

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What is decided.
    pub decision: Decision,
    /// Where the deciding rule was given, and what it says.
    pub by: Option<Asked>,
    /// The rules that were asked before it, each with the reason why it does not decide.
    pub before: Vec<Asked>,
}

/// One rule that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Which one.
    pub rule: RuleName,
    /// Why it decides, or why not.
    pub why: String,
}

impl RuleSet {
    /// Decides as [`RuleSet::decide`] and [`RuleSet::decide_at`] do, and says why.
    pub fn explain(&self, reference: &ImageReference, place: Option<&Place<'_>>) -> Explanation {
        let decision = self.decided(reference, place);
        let asked = |rule: &Rule, why: String| Asked {
            rule: RuleName::of(&rule.spec),
            why,
        };
        if let Some(holder) = self.holder(reference) {
            let targets = holder.targets.as_ref().map(ToString::to_string);
            let why = format!("it stands under {}", targets.unwrap_or_default());
            return Explanation {
                by: Some(asked(holder, why)),
                before: Vec::new(),
                decision,
            };
        }
        let mut before = Vec::new();
        for rule in &self.rules {
            if let Some(why) = why_not(rule, reference, place) {
                before.push(asked(rule, why));
                continue;
            }
            let why = match &decision.outcome {
                Outcome::AlreadyThere => "it has this rule's digest".to_owned(),
                _ => format!("it is taken by {}", rule.spec.matcher),
            };
            return Explanation {
                by: Some(asked(rule, why)),
                before,
                decision,
            };
        }
        Explanation {
            decision,
            by: None,
            before,
        }
    }
}

fn why_not(rule: &Rule, reference: &ImageReference, place: Option<&Place<'_>>) -> Option<String> {
    if !rule.pattern_takes(reference) {
        return Some(format!("not taken by {}", rule.spec.matcher));
    }
    let scope = &rule.spec.scope;
    if scope.holds(place) {
        return None;
    }
    Some(match place {
        None => format!("taken, but the rule is for {scope} only"),
        Some(place) => format!("taken, but {}", scope.misses(place).join(", and ")),
    })
}
