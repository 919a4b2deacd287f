//! The API server decides about every reference as `RuleSet::decide_at` does: thousands of spellings against several
//! sets of rules, in dry runs of pods with many containers.

mod spellings;

use std::collections::BTreeMap;
use std::time::Duration;

use arc_setup::apply::admission::in_force;
use arc_setup::clients::interrupt::Interrupt;
use arc_setup::clients::kube::{ApplyOptions, Cluster};
use arc_setup::image_ref::ImageReference;
use arc_setup::object::Common;
use arc_setup::plan::admission::{Admission, Api, Failing, LONGEST_TEXT, policies};
use arc_setup::rules::{Action, Matcher, Outcome, Place, RuleSet, RuleSpec, Scope};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};

use super::site::Site;
use spellings::Spellings;

/// Spellings for each set of rules.
const COUNT: usize = 3000;
/// Slots of one pod.
const SLOTS: usize = 60;

fn to(target: &str) -> Action {
    Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    }
}

fn without_library(target: &str) -> Action {
    Action::Rewrite {
        target: target.to_owned(),
        drop_library: true,
    }
}

fn rule(id: &str, matcher: Matcher, action: Action) -> RuleSpec {
    RuleSpec::new(id, matcher, action)
}

fn host(host: &str, action: Action) -> RuleSpec {
    rule(host, Matcher::Host(host.to_owned()), action)
}

fn scoped(id: &str, action: Action, scope: Scope) -> RuleSpec {
    RuleSpec {
        scope,
        ..rule(id, Matcher::Any, action)
    }
}

/// Sets of rules by namespace: what every matcher, action and scope does, alone and in front of others.
fn sets() -> BTreeMap<&'static str, Vec<RuleSpec>> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let glob = |glob: &str, action| rule(glob, Matcher::Glob(glob.to_owned()), action);
    let long = format!("mirror.corp/{}", vec!["a-long-name"; 18].join("/"));
    BTreeMap::from([
        (
            "story",
            vec![
                host("quay.io", to("registry.artifactory.mydomain.com")),
                host("docker.io", Action::Keep),
            ],
        ),
        (
            "order",
            vec![
                rule("exact", Matcher::Exact("nginx:1.25".into()), Action::Keep),
                rule(
                    "repository",
                    Matcher::Repository("docker".into()),
                    Action::Deny,
                ),
                rule(
                    "it's \"one\"\\n",
                    Matcher::Prefix("ghcr.io/actions".into()),
                    to("mirror:5000/gh"),
                ),
                // Its target stands under its own source.
                host("quay.io", to("quay.io/corp-mirror")),
                host("docker.io", without_library("[fc00::1]:5000/hub")),
                host("localhost:5000", to("localhost/inner")),
                rule(
                    "rest",
                    Matcher::Any,
                    to("registry.artifactory.mydomain.com/rest"),
                ),
            ],
        ),
        (
            "globs",
            vec![
                glob("*.gcr.io/**", to("mirror.corp/gcr")),
                glob("quay.io/*/kube-*", to("mirror.corp/kube")),
                glob("[fc00::1]:*/**", to("mirror.corp/v6")),
                glob("docker.io/**/x", Action::Deny),
                host("ghcr.io", Action::Deny),
                glob("reg*:5000", to("mirror.corp/reg")),
                glob(
                    "docker.io/library/*",
                    without_library("mirror.corp/official"),
                ),
            ],
        ),
        ("templates", templates()),
        ("pins", pins()),
        ("expressions", expressions()),
        (
            "everything",
            vec![rule("all", Matcher::Any, without_library("mirror.corp"))],
        ),
        ("long", vec![rule("all", Matcher::Any, to(&long))]),
        (
            "scopes",
            vec![
                scoped(
                    "deployments",
                    Action::Deny,
                    Scope {
                        kinds: texts(&["Deployment"]),
                        ..Scope::default()
                    },
                ),
                scoped(
                    "elsewhere",
                    Action::Deny,
                    Scope {
                        namespaces: texts(&["prod*"]),
                        ..Scope::default()
                    },
                ),
                scoped(
                    "init",
                    to("mirror.corp/init"),
                    Scope {
                        kinds: texts(&["P*"]),
                        namespaces: texts(&["sco*"]),
                        fields: texts(&["/spec/initContainers/**", "/spec/*/1*/image"]),
                    },
                ),
                scoped(
                    "volumes",
                    Action::Keep,
                    Scope {
                        fields: texts(&["/spec/volumes/*/image/reference"]),
                        ..Scope::default()
                    },
                ),
                rule("rest", Matcher::Any, to("mirror.corp/rest")),
            ],
        ),
    ])
}

fn templates() -> Vec<RuleSpec> {
    let glob = |glob: &str, action| rule(glob, Matcher::Glob(glob.to_owned()), action);
    let long = format!("reg.corp/{}/{{name}}", vec!["a-long-name"; 16].join("/"));
    vec![
        host("quay.io", to("{host_slug}.mirror.corp/k/{path}")),
        host("ghcr.io", to("reg.corp:5000/gh/{path}:{tag}-corp")),
        glob("*.gcr.io/**", to("reg.corp/gcr/{path}/{tag}:stable")),
        host("gcr.io", to("reg.corp/digests/{path}@{digest}")),
        glob(
            "docker.io/library/*",
            to("reg.corp/official/x-{host_slug}-{name}"),
        ),
        host("docker.io", to(&long)),
        glob(
            "[fc00::1]:*/**",
            to("{host_slug}.mirror.corp/v6/{path_nolib}"),
        ),
        host("localhost:5000", to("{host}.mirror.corp/{path}")),
        rule(
            "rest",
            Matcher::Any,
            to("reg.corp/rest/{host}/{path_nolib}"),
        ),
    ]
}

fn pins() -> Vec<RuleSpec> {
    let pin = |id: &str, matcher, digest: &str, action| RuleSpec {
        pin: Some(digest.to_owned()),
        ..rule(id, matcher, action)
    };
    let (one, other) = (
        format!("sha256:{}", "0a".repeat(32)),
        format!("sha512:{}", "0a".repeat(64)),
    );
    let regex = |text: &str| Matcher::Regex(text.to_owned());
    vec![
        rule(
            "never",
            Matcher::Exact(format!("quay.io/x@{one}")),
            Action::Deny,
        ),
        rule(
            "for good",
            Matcher::Exact(format!("quay.io/a@{one}")),
            Action::Keep,
        ),
        pin("exact", Matcher::Exact("nginx:1".into()), &one, Action::Pin),
        pin(
            "expression",
            regex(r"docker\.io/library/[a-m].*:1"),
            &other,
            Action::Pin,
        ),
        pin("host", Matcher::Host("quay.io".into()), &one, Action::Pin),
        pin(
            "both",
            Matcher::Host("ghcr.io".into()),
            &one,
            to("reg.corp/gh"),
        ),
        pin(
            "template",
            Matcher::Host("gcr.io".into()),
            &one,
            to("reg.corp/gcr/{host}/{path}"),
        ),
        pin("rest", Matcher::Any, &other, Action::Pin),
    ]
}

fn expressions() -> Vec<RuleSpec> {
    let regex = |text: &str, action| rule(text, Matcher::Regex(text.to_owned()), action);
    vec![
        regex(r".*@sha256:[0-9a-f]{64}", Action::Deny),
        regex(r"(quay|ghcr)\.io/[a-z&&[^x]]+/.*", to("reg.corp/both")),
        regex(r"(?i)QUAY\.IO/[^:]*", to("reg.corp/quay")),
        regex(
            r"docker\.io/library/(nginx|docker)(:[\d.]+|:dind)?",
            to("reg.corp/official"),
        ),
        regex(r"docker\.io/(?:[^/:@]+/){2,3}[^/]*", Action::Keep),
        regex(r"[\w.\pL-]+\bcorp\b.*", to("mirror:5000/corp")),
        regex(r"(?m:^)[^@]*(?-u:\b)latest(?m:$)", Action::Keep),
        regex(
            r"^localhost.*|\[fc00::1\](:\d{1,5})?/.*$",
            to("mirror:5000/local"),
        ),
    ]
}

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
