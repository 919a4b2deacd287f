//! What to set where nothing names an image and a public one is compiled in.

use serde_json::Value;

use super::{Decision, Outcome, Place, RuleSet};
use crate::image_ref::ImageReference;
use crate::object::pods::AbsentSlot;

impl RuleSet {
    /// What becomes of the image that is used where nothing is set in `slot` of `object`, and of which image that is:
    /// `Rewritten` says what to set. What is set in place of a default may be right as it is: it is set where the rules
    /// let the default not stay. None where neither is a reference.
    pub fn decide_absent(
        &self,
        object: &Value,
        slot: &AbsentSlot,
    ) -> Option<(ImageReference, Decision)> {
        let field = slot.field();
        let place = Place::of(object, &field);
        let decide = |image: &str| {
            let reference = ImageReference::parse(image).ok()?;
            let decision = self.decide_at(&reference, &place);
            Some((reference, decision))
        };
        let of_default = || decide(&slot.default);
        let Some((instead, decision)) = slot.instead.as_deref().and_then(decide) else {
            return of_default();
        };
        let set = |decision: Decision| Decision {
            outcome: Outcome::Rewritten(instead.original().to_owned()),
            ..decision
        };
        match decision.outcome {
            Outcome::AlreadyThere => Some((instead.clone(), set(decision))),
            Outcome::Kept | Outcome::NoRule => {
                let (default, of_default) = of_default()?;
                match of_default.outcome {
                    Outcome::AlreadyThere | Outcome::Kept | Outcome::NoRule => {
                        Some((default, of_default))
                    }
                    _ => Some((instead.clone(), set(of_default))),
                }
            }
            _ => Some((instead, decision)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::pods::absent_slots;
    use crate::rules::{Action, Matcher, RuleSpec};

    fn rule(host: &str, action: Action) -> RuleSpec {
        RuleSpec::new(host, Matcher::Host(host.to_owned()), action)
    }

    fn to(target: &str) -> Action {
        Action::Rewrite {
            target: target.to_owned(),
            drop_library: false,
        }
    }

    fn outcome(image: &str, rules: &[RuleSpec]) -> (Outcome, Option<String>) {
        let runner = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner",
            "spec": {"containerMode": "kubernetes", "image": image}});
        let rules = RuleSet::compile(rules).unwrap();
        let slot = absent_slots(&runner).remove(0);
        let (_, decision) = rules.decide_absent(&runner, &slot).unwrap();
        (decision.outcome, decision.rule)
    }

    /// The hook's default is another image than the runner's: it is pulled whatever becomes of that.
    #[test]
    fn the_hook_gets_the_runners_image_wherever_the_rules_take_its_default() {
        let ghcr = rule("ghcr.io", to("reg.corp"));
        let set = |image: &str, rule: Option<&str>| {
            let outcome = Outcome::Rewritten(image.to_owned());
            (outcome, rule.map(str::to_owned))
        };
        let keep = rule("kept.corp", Action::Keep);
        let quay = rule("quay.io", to("reg.corp"));
        let deny = rule("ghcr.io", Action::Deny);
        for (image, rules, expected) in [
            (
                "quay.io/r:1",
                vec![quay.clone(), ghcr.clone()],
                set("reg.corp/r:1", Some("quay.io")),
            ),
            (
                "kept.corp/r:1",
                vec![keep.clone(), ghcr.clone()],
                set("kept.corp/r:1", Some("ghcr.io")),
            ),
            (
                "own.corp/r:1",
                vec![ghcr],
                set("own.corp/r:1", Some("ghcr.io")),
            ),
            (
                "own.corp/r:1",
                vec![deny.clone()],
                set("own.corp/r:1", Some("ghcr.io")),
            ),
            (
                "ghcr.io/r:1",
                vec![deny],
                (Outcome::Denied, Some("ghcr.io".to_owned())),
            ),
            ("own.corp/r:1", vec![quay], (Outcome::NoRule, None)),
            ("kept.corp/r:1", vec![keep], (Outcome::NoRule, None)),
        ] {
            assert_eq!(outcome(image, &rules), expected, "{image}");
        }
        let there = outcome("reg.corp/r:1", &[rule("ghcr.io", to("reg.corp"))]);
        assert_eq!(there.0, Outcome::Rewritten("reg.corp/r:1".to_owned()));
    }
}
