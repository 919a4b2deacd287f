//! The API server decides about every reference as `RuleSet::decide_at` does: thousands of spellings against several
//! sets of rules, in dry runs of pods with many containers.

mod sets;
mod spellings;

use std::time::Duration;

use arc_setup::apply::admission::in_force;
use arc_setup::clients::interrupt::Interrupt;
use arc_setup::clients::kube::{ApplyOptions, Cluster};
use arc_setup::image_ref::ImageReference;
use arc_setup::object::Common;
use arc_setup::plan::admission::{Admission, Api, Failing, LONGEST_TEXT, policies};
use arc_setup::rules::{Outcome, Place, RuleSet};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};

use super::site::Site;
use sets::sets;
use spellings::Spellings;

/// Spellings for each set of rules.
const COUNT: usize = 3000;
/// Slots of one pod.
const SLOTS: usize = 60;

#[tokio::test]
async fn the_server_decides_as_the_program_does() {
    let site = Site::new().await;
    let mut told = Vec::new();
    let never = Interrupt::never();
    let sets = sets();
    let mut compiled = Vec::new();
    for (namespace, specs) in &sets {
        site.plane.create_namespace(namespace).await.unwrap();
        let rules = RuleSet::compile(specs).unwrap();
        install(&site.cluster, namespace, &rules).await;
        compiled.push((*namespace, rules));
    }
    for (seed, (namespace, rules)) in compiled.iter().enumerate() {
        let name = format!("{namespace}-agreement-images");
        let limit = Duration::from_secs(30);
        let namespaces = [(*namespace).to_owned()];
        let shown = in_force(&site.cluster, rules, &name, &namespaces, limit, &never);
        assert_eq!(shown.await.unwrap()[0].unproven, None, "{namespace}");
        let mut spellings = Spellings::new(seed as u64);
        let pods: Vec<Value> = (0..COUNT.div_ceil(SLOTS))
            .map(|_| pod(namespace, &mut spellings))
            .collect();
        let tallies: Vec<Tally> = futures::stream::iter(pods)
            .map(|pod| async {
                let pod = pod;
                let answer = asked(&site.cluster, &pod).await?;
                Ok::<_, String>(agreed(rules, namespace, &pod, &answer))
            })
            .buffer_unordered(4)
            .try_collect()
            .await
            .unwrap();
        let tally = tallies.into_iter().fold(Tally::default(), Tally::and);
        told.push((*namespace, tally));
    }
    // Every kind of decision was met often enough to mean something.
    let sum = told
        .iter()
        .fold(Tally::default(), |sum, (_, tally)| sum.and(*tally));
    for (what, count) in [
        ("rewritten", sum.rewritten),
        ("left", sum.left),
        ("denied", sum.denied),
        ("unread", sum.unread),
        ("overlong", sum.overlong),
        ("unusable", sum.unusable),
    ] {
        assert!(count > 50, "{what}: {told:?}");
    }
}

async fn install(cluster: &Cluster, namespace: &str, rules: &RuleSet) {
    let namespaces = [namespace.to_owned()];
    let common = Common::default();
    let admission = Admission {
        install: namespace,
        home: "agreement",
        common: &common,
        namespaces: &namespaces,
        rules,
        failing: Failing::Open,
        api: Api::V1,
    };
    let options = ApplyOptions {
        manager: "arc-setup",
        force: false,
        dry_run: false,
    };
    for manifest in policies(&admission).unwrap() {
        cluster.apply(&manifest.object, &options).await.unwrap();
    }
}

/// A pod whose images stand in every kind of slot.
fn pod(namespace: &str, spellings: &mut Spellings) -> Value {
    let mut of = |count: usize| -> Vec<String> { (0..count).map(|_| spellings.next()).collect() };
    let containers = |images: Vec<String>, name: &str| -> Vec<Value> {
        let container = |(index, image)| json!({"name": format!("{name}-{index}"), "image": image});
        images.into_iter().enumerate().map(container).collect()
    };
    let volumes: Vec<Value> = of(10)
        .into_iter()
        .enumerate()
        .map(|(index, image)| json!({"name": format!("v-{index}"), "image": {"reference": image}}))
        .collect();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "agreement", "namespace": namespace}, "spec": {
        "containers": containers(of(SLOTS - 25), "c"),
        "initContainers": containers(of(15), "i"),
        "volumes": volumes,
    }})
}

struct Answer {
    pod: Value,
    warnings: String,
}

async fn asked(cluster: &Cluster, pod: &Value) -> Result<Answer, String> {
    match cluster.create(pod, true).await {
        Ok(applied) => Ok(Answer {
            pod: applied.object,
            warnings: applied.warnings.join("\n"),
        }),
        Err(error) => Err(format!("{error}: {pod:#}")),
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    rewritten: usize,
    left: usize,
    denied: usize,
    overlong: usize,
    unusable: usize,
    unread: usize,
}

impl Tally {
    fn and(self, other: Self) -> Self {
        Self {
            rewritten: self.rewritten + other.rewritten,
            left: self.left + other.left,
            denied: self.denied + other.denied,
            overlong: self.overlong + other.overlong,
            unusable: self.unusable + other.unusable,
            unread: self.unread + other.unread,
        }
    }
}

/// Fails where the server's pod is not the one that the program would make.
fn agreed(rules: &RuleSet, namespace: &str, pod: &Value, answer: &Answer) -> Tally {
    let mut tally = Tally::default();
    let mut originals = serde_json::Map::new();
    for (list, rest) in [
        ("containers", "image"),
        ("initContainers", "image"),
        ("volumes", "image/reference"),
    ] {
        for index in 0..pod["spec"][list].as_array().unwrap().len() {
            let field = format!("/spec/{list}/{index}/{rest}");
            let before = pod.pointer(&field).and_then(Value::as_str).unwrap();
            let after = answer.pod.pointer(&field).and_then(Value::as_str).unwrap();
            let place = Place {
                kind: "Pod",
                namespace: Some(namespace),
                field: &field,
            };
            let outcome = ImageReference::parse(before)
                .ok()
                .filter(|_| before.len() <= LONGEST_TEXT)
                .map(|reference| rules.decide_at(&reference, &place).outcome);
            let wanted = match &outcome {
                Some(Outcome::Rewritten(to)) => to,
                _ => before,
            };
            assert_eq!(
                after, wanted,
                "{namespace} {field}: {before:?} ({outcome:?})"
            );
            match outcome {
                Some(Outcome::Rewritten(_)) => {
                    tally.rewritten += 1;
                    originals.insert(field, json!(before));
                }
                Some(Outcome::Denied) => tally.denied += 1,
                Some(Outcome::TooLong(_)) => tally.overlong += 1,
                Some(Outcome::Unusable { .. }) => tally.unusable += 1,
                Some(_) => tally.left += 1,
                None => tally.unread += 1,
            }
        }
    }
    let warned = |what: &str| answer.warnings.contains(what);
    assert_eq!(
        warned("that a rule denies"),
        tally.denied > 0,
        "{}",
        answer.warnings
    );
    assert_eq!(
        warned("longer than 255"),
        tally.overlong > 0,
        "{}",
        answer.warnings
    );
    assert_eq!(
        warned("makes nothing"),
        tally.unusable > 0,
        "{}",
        answer.warnings
    );
    assert!(!warned("were not rewritten"), "{}", answer.warnings);
    let noted = answer
        .pod
        .pointer("/metadata/annotations/arc-setup.dev~1images-before-admission");
    let noted: Value = noted.map_or(json!({}), |text| {
        serde_json::from_str(text.as_str().unwrap()).unwrap()
    });
    assert_eq!(noted, Value::Object(originals), "{namespace}");
    tally
}
