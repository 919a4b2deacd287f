mod aliases;
mod cases;
mod generated;
mod properties;
mod spelling;

use serde_json::Value;

use super::*;
use crate::image_ref::ImageReference;
use crate::object::pods::{ImageSlot, Suspicion, image_slots, write_slots};
use crate::rules::{Action, Matcher, Outcome, Place, RuleSpec};

fn rewrite(
    text: &str,
    origin: &str,
    rules: &RuleSet,
    meeting: &mut Meeting,
    (reading, telling): (Reading, Telling),
) -> Result<Rewritten, Failure> {
    let mut kinds = CustomKinds::default();
    read_definitions(text, &mut kinds);
    let rewriter = Rewriter {
        rules,
        kinds: &kinds,
        reading,
        telling,
    };
    rewriter.rewrite(text, origin, meeting)
}

/// The line that a failure names.
fn line_of(failure: &Failure) -> usize {
    let line = failure.details().what.split(':').nth(1);
    line.unwrap().parse().unwrap()
}

/// One rule that sends quay.io to `target`.
fn quay_to(target: &str) -> RuleSpec {
    let action = Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    };
    RuleSpec::new("quay", Matcher::Host("quay.io".to_owned()), action)
}

const BY_WORDS: (Reading, Telling) = (Reading::ByWords, Telling::Each);

/// quay.io and ghcr.io go to Artifactory, Docker Hub stays; `evil.example.com` is denied.
fn rules() -> RuleSet {
    let rule = |host: &str, action: Action| {
        RuleSpec::new(
            format!("map {host}"),
            Matcher::Host(host.to_owned()),
            action,
        )
    };
    let to = |target: &str| Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    };
    RuleSet::compile(&[
        rule("quay.io", to("reg.corp")),
        rule("ghcr.io", to("reg.corp/ghcr")),
        rule("docker.io", Action::Keep),
        rule("evil.example.com", Action::Deny),
    ])
    .unwrap()
}

fn rewritten(text: &str) -> Rewritten {
    rewrite(text, "x.yaml", &rules(), &mut Meeting::default(), BY_WORDS).unwrap()
}

/// The text after rewriting.
fn after(text: &str) -> String {
    rewritten(text).written(text)
}

/// Every document's value with its slots replaced: what a rewritten text must say.
fn expected(text: &str) -> Vec<Value> {
    let mut documents = yaml::parse_documents(text, "x").unwrap();
    for document in &mut documents {
        let images = targets(document, &rules());
        write_slots(document, &images);
    }
    documents
}

/// What the rules make of the slots of an object that they rewrite.
fn targets(object: &Value, rules: &RuleSet) -> Vec<(ImageSlot, String)> {
    let mut images = Vec::new();
    for slot in image_slots(object) {
        let Ok(reference) = ImageReference::parse(&slot.text) else {
            continue;
        };
        let place = Place::of(object, &slot.pointer);
        if let Outcome::Rewritten(target) = rules.decide_at(&reference, &place).outcome {
            images.push((slot, target));
        }
    }
    images
}
