//! A pod that is never made: what the API server makes of it in a dry run shows that the policies are in force.

use serde::Serialize;
use serde_json::{Value, json};

use super::expression;
use crate::image_ref::{ImageReference, NAME_LIMIT};
use crate::object::text_at;
use crate::rules::{Outcome, Outline, Place, RuleSet, Takes};

/// What stands where a rule leaves something open.
const OPEN: &str = "arc-setup-probe";
/// More examples than these show nothing new.
const MOST: usize = 20;

/// A pod, and what its images must become.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The pod, for a dry run of `create`.
    pub pod: Value,
    /// One for each container, in order.
    pub expected: Vec<Proof>,
    /// Another pod, with an image that a rule takes and cannot rewrite: the validating policy must tell it. None where no
    /// example is known.
    pub caught: Option<Value>,
}

/// An image, what it becomes, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// As it was written.
    pub image: String,
    /// As it was made.
    pub to: String,
    /// The rule.
    pub rule: String,
}

/// A pod for `namespace` with an example of every rewriting rule that has one; None where no rule has.
pub fn probe(rules: &RuleSet, namespace: &str) -> Option<Probe> {
    let mut expected: Vec<Proof> = Vec::new();
    let mut caught = None;
    for rule in rules.outline() {
        // An earlier rule may take the example: then that one has shown itself already.
        let decided = |image: Option<String>, index: usize| {
            let image = ImageReference::parse(&image?).ok()?;
            let field = format!("/spec/containers/{index}/image");
            let place = Place {
                kind: "Pod",
                namespace: Some(namespace),
                field: &field,
            };
            let decision = rules.decide_at(&image, &place);
            let by = decision.rule.filter(|by| *by == rule.name.id)?;
            Some((image.original().to_owned(), decision.outcome, by))
        };
        if expected.len() < MOST
            && let Some((image, Outcome::Rewritten(to), rule)) =
                decided(example(&rule), expected.len())
        {
            expected.push(Proof { image, to, rule });
        }
        for image in [example(&rule), overlong(&rule)] {
            if caught.is_none()
                && let Some((image, Outcome::Denied | Outcome::TooLong(_), _)) = decided(image, 0)
            {
                caught = Some(pod(namespace, &[&image]));
            }
        }
    }
    let images: Vec<&str> = expected.iter().map(|proof| proof.image.as_str()).collect();
    if images.is_empty() {
        return None;
    }
    let pod = pod(namespace, &images);
    Some(Probe {
        pod,
        expected,
        caught,
    })
}

fn pod(namespace: &str, images: &[&str]) -> Value {
    let containers: Vec<Value> = images.iter().enumerate().map(container).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "arc-setup-probe-", "namespace": namespace},
        "spec": {
            "automountServiceAccountToken": false,
            "restartPolicy": "Never",
            "containers": containers,
        },
    })
}

impl Probe {
    /// What came out otherwise than it should, with the image that the server has instead.
    pub fn missed<'a>(&'a self, answer: &'a Value) -> Vec<(&'a Proof, &'a str)> {
        let image = |index: usize| {
            text_at(answer, &format!("/spec/containers/{index}/image")).unwrap_or_default()
        };
        self.expected
            .iter()
            .enumerate()
            .map(|(index, proof)| (proof, image(index)))
            .filter(|(proof, image)| proof.to != *image)
            .collect()
    }
}

/// An image that the rule takes.
fn example(rule: &Outline<'_>) -> Option<String> {
    match &rule.takes {
        Takes::Reference(canonical) => Some((*canonical).to_owned()),
        Takes::Name(name) => Some(format!("{name}:1")),
        Takes::Below(place) => Some(format!("{place}/{OPEN}:1")),
        Takes::Components(glob) => {
            let parts: Vec<String> = glob
                .iter()
                .enumerate()
                .map(|(index, part)| match (part.as_str(), index) {
                    ("**", 0) => format!("{OPEN}.example.com/{OPEN}"),
                    ("**", _) => OPEN.to_owned(),
                    ("*", 0) => format!("{OPEN}.example.com"),
                    (part, _) => part.replace('*', "x"),
                })
                .collect();
            Some(format!("{}:1", parts.join("/")))
        }
        Takes::Expression(text) => expression::example(text),
        Takes::Everything => Some(format!("{OPEN}.example.com/{OPEN}:1")),
    }
}

/// An image that the rule takes, with a path as long as paths may be: with a target before it, it is too long.
fn overlong(rule: &Outline<'_>) -> Option<String> {
    let rest = |length: usize| "a".repeat(NAME_LIMIT.saturating_sub(length));
    match &rule.takes {
        Takes::Below(place) if place.path.is_empty() => Some(format!("{place}/{}", rest(0))),
        Takes::Below(place) => Some(format!("{place}/{}", rest(place.path.len() + 1))),
        Takes::Everything => Some(format!("{OPEN}.example.com/{}", rest(0))),
        _ => None,
    }
}

/// As strict as any namespace may want it.
fn container((index, image): (usize, &&str)) -> Value {
    let resources = json!({"cpu": "10m", "memory": "16Mi"});
    json!({
        "name": format!("probe-{index}"),
        "image": image,
        "resources": {"requests": resources, "limits": resources},
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": true,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    })
}
