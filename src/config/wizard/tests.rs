use std::collections::VecDeque;

use super::*;
use crate::config::load::{FlagGiven, Loaded, SecretReading, Sources, load, named};
use crate::config::model::{ContainerMode, ProxyRunners, PullSecret, Scope};
use crate::failure::Failure;

fn empty() -> Sources {
    Sources {
        directory: "/nonexistent".into(),
        secrets: SecretReading::Leave,
        ..Sources::default()
    }
}

fn with_flags(flags: &[(&str, &str)]) -> Sources {
    let mut sources = empty();
    for (name, value) in flags {
        let spec = table::flags()
            .iter()
            .find(|spec| spec.name == *name)
            .unwrap();
        sources.flags.push(FlagGiven {
            path: spec.path.to_owned(),
            flag: spec.name.to_owned(),
            value: (*value).to_owned(),
        });
    }
    sources
}

/// Answers as a person would: each question by its path; a choice by its word. Every answer is used once.
struct Person {
    answers: VecDeque<(&'static str, &'static str)>,
    asked: Vec<String>,
    told: Vec<String>,
}

impl Person {
    fn new(answers: &[(&'static str, &'static str)]) -> Self {
        Self {
            answers: answers.iter().copied().collect(),
            asked: Vec::new(),
            told: Vec::new(),
        }
    }

    fn answer(&mut self, question: &Question) -> Vec<Entry> {
        self.asked.push(question.path.clone());
        let at = self
            .answers
            .iter()
            .position(|(path, _)| *path == question.path);
        let text = at
            .and_then(|at| self.answers.remove(at))
            .map_or("", |(_, text)| text);
        if let QuestionKind::Choice(choices) = &question.kind {
            let chosen = choices
                .iter()
                .find(|choice| choice.word == text)
                .unwrap_or(&choices[0]);
            let own = chosen
                .is_value
                .then(|| (question.path.clone(), chosen.word.to_owned()));
            let then = chosen.then.iter().flat_map(|next| self.answer(next));
            return own.into_iter().chain(then.collect::<Vec<_>>()).collect();
        }
        question.answer(text).unwrap().into_iter().collect()
    }

    fn talk(&mut self, sources: &mut Sources) -> Result<Loaded, Failure> {
        let person = std::cell::RefCell::new(self);
        converse(
            sources,
            &mut |question| Ok(person.borrow_mut().answer(question)),
            &mut |line| person.borrow_mut().told.push(line.to_owned()),
        )
    }
}

const NEEDED: [(&str, &str); 4] = [
    ("github.url", ""),
    ("github.organization", "acme/shop"),
    ("github.token", "token"),
    ("runnerSets[].max", "5"),
];

#[test]
fn a_registry_alone_leads_to_every_question_in_order() {
    let mut answers = NEEDED.to_vec();
    answers.extend([
        ("github.token", "token.txt"),
        ("proxy.url", "http://proxy.example.com:3128"),
    ]);
    let mut person = Person::new(&answers);
    let loaded = person
        .talk(&mut with_flags(&[("registry", "registry.example.com")]))
        .unwrap();
    assert_eq!(
        person.asked,
        [
            "github.url",
            "github.organization",
            "github.token",
            "github.token",
            "runnerSets[].max",
            "runnerSets[].containerMode",
            "proxy.url",
            "caBundle",
            "registry.preset",
            "registry.pullSecret.dockerConfig",
        ]
    );
    assert_eq!(loaded.config.registry.rules.len(), 1);
    let config = loaded.config;
    assert_eq!(config.github.url, "https://github.com");
    assert_eq!(
        config.github.scope,
        Some(Scope::Repository("acme/shop".into()))
    );
    assert_eq!(config.runner_sets[0].max, 5);
    assert_eq!(config.runner_sets[0].container_mode, ContainerMode::None);
    assert_eq!(
        config.proxy.unwrap().https.as_deref(),
        Some("http://proxy.example.com:3128")
    );
    assert_eq!(
        (config.ca_bundle, config.registry.pull_secret),
        (None, None)
    );
    assert_eq!(
        config.origins.of("runnerSets[0].max"),
        crate::config::Origin::Answer
    );
}

#[test]
fn what_is_named_is_not_offered() {
    let mut answers = NEEDED.to_vec();
    answers.push(("github.token", "token.txt"));
    let mut person = Person::new(&answers);
    let mut sources = with_flags(&[
        ("registry-map", "quay.io=registry.example.com"),
        ("container-mode", "dind"),
        ("ca-bundle", "anchors"),
        ("pull-secret-existing", "pull"),
    ]);
    sources.environment = [("ARC_SETUP_PROXY", "http://proxy.example.com:3128")]
        .into_iter()
        .collect();
    let loaded = person.talk(&mut sources).unwrap();
    assert!(
        !person
            .asked
            .iter()
            .any(|path| path.starts_with("proxy") || path.contains("pull"))
    );
    assert!(
        !person
            .asked
            .iter()
            .any(|path| path.contains("containerMode") || path == "caBundle")
    );
    assert!(matches!(
        loaded.config.registry.pull_secret,
        Some(PullSecret::ExistingSecret(_))
    ));
}

#[test]
fn a_layout_asks_for_its_keys_and_a_wrong_one_for_both_again() {
    let mut answers = NEEDED.to_vec();
    answers.extend([
        ("github.token", "token.txt"),
        ("registry.preset", "harbor"),
        ("registry.keys", "docker.io=hub,quay.io=quay"),
    ]);
    let mut person = Person::new(&answers);
    let mut sources = with_flags(&[("registry", "registry.example.com")]);
    let loaded = person.talk(&mut sources).unwrap();
    let rules = &loaded.config.registry.rules;
    let to = |target: &str| crate::rules::Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    };
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[1].action, to("registry.example.com/quay"));
    let (flags, others) = spelled(&sources.answers);
    assert!(
        flags.contains("--registry-preset harbor --registry-key docker.io=hub,quay.io=quay"),
        "{flags}"
    );
    assert!(others.is_empty(), "{others:?}");

    for wrong in ["quay.io", "quay.io=no-port"] {
        let mut answers = NEEDED.to_vec();
        answers.extend([
            ("github.token", "token.txt"),
            ("registry.preset", "nexus-port"),
            ("registry.keys", wrong),
            ("registry.preset", "nexus-port"),
            ("registry.keys", "quay.io=5001"),
        ]);
        let mut person = Person::new(&answers);
        let mut sources = with_flags(&[("registry", "registry.example.com")]);
        let loaded = person.talk(&mut sources).unwrap();
        assert!(!person.told.is_empty(), "{wrong}");
        let rules = &loaded.config.registry.rules;
        assert_eq!(rules[0].action, to("registry.example.com:5001"), "{wrong}");
    }
}

#[test]
fn a_layout_is_offered_beside_a_host_alone_and_has_every_preset() {
    let offered = |flags: &[(&str, &str)]| {
        let offers = offers(&named(&with_flags(flags)));
        offers
            .into_iter()
            .find(|offer| offer.path == "registry.preset")
    };
    let host = ("registry", "registry.example.com");
    assert!(offered(&[]).is_none());
    for other in [
        ("registry-map", "quay.io=registry.example.com"),
        ("registry-preset", "harbor"),
        ("registry-key", "quay.io=quay"),
    ] {
        assert!(offered(&[host, other]).is_none(), "{other:?}");
    }
    let QuestionKind::Choice(choices) = offered(&[host]).unwrap().kind else {
        panic!("no choice")
    };
    let Kind::Choice(presets) = table::field_at("registry.preset").unwrap().kind else {
        panic!("no choice")
    };
    let words: Vec<&str> = choices.iter().map(|choice| choice.word).collect();
    assert_eq!(words[0], NONE);
    assert_eq!(words[1..], *presets);
}

#[test]
fn without_a_registry_no_pull_secret_is_offered_and_with_a_map_it_is() {
    let offered = |flags: &[(&str, &str)]| {
        let offers = offers(&named(&with_flags(flags)));
        offers
            .iter()
            .any(|offer| offer.path.starts_with("registry.pullSecret"))
    };
    assert!(!offered(&[]));
    assert!(offered(&[("registry-map", "quay.io=registry.example.com")]));
}

#[test]
fn nothing_is_asked_where_nothing_is_missing() {
    let mut person = Person::new(&[]);
    let mut sources = with_flags(&[
        ("github-url", "https://github.com"),
        ("github-org", "acme"),
        ("github-existing-secret", "login"),
        ("max", "3"),
    ]);
    person.talk(&mut sources).unwrap();
    assert!(person.asked.is_empty());
}

#[test]
fn a_wrong_answer_is_told_and_asked_for_again() {
    let mut answers = NEEDED.to_vec();
    answers.extend([
        ("github.token", "token.txt"),
        ("proxy.url", "proxy without a scheme"),
    ]);
    answers[1] = ("github.organization", "not a name");
    answers.push(("github.organization", "acme"));
    answers.push(("proxy.url", "http://proxy.example.com:3128"));
    let mut person = Person::new(&answers);
    let loaded = person.talk(&mut empty()).unwrap();
    assert_eq!(person.told.len(), 2, "{:?}", person.told);
    assert!(
        person
            .told
            .iter()
            .all(|line| line.starts_with("your answer: ")),
        "{:?}",
        person.told
    );
    assert_eq!(
        loaded.config.github.scope,
        Some(Scope::Organization("acme".into()))
    );
    assert!(loaded.config.proxy.is_some());
    let times = |path: &str| person.asked.iter().filter(|asked| *asked == path).count();
    assert_eq!(
        (times("proxy.url"), times("caBundle"), times("github.url")),
        (2, 1, 1)
    );
}

#[test]
fn container_mode_kubernetes_asks_for_its_claim() {
    let mut answers = NEEDED.to_vec();
    answers.extend([
        ("github.token", "token.txt"),
        ("runnerSets[].containerMode", "kubernetes"),
        ("runnerSets[].workVolume.claim.size", "5Gi"),
    ]);
    let loaded = Person::new(&answers).talk(&mut empty()).unwrap();
    let set = &loaded.config.runner_sets[0];
    assert_eq!(set.container_mode, ContainerMode::Kubernetes);
    assert!(format!("{:?}", set.work_volume).contains("5Gi"));
}

#[test]
fn no_questions_where_something_is_wrong() {
    let wrong = Problem::new("config-type", "name", "x", crate::config::Origin::Default);
    assert!(questions(&[wrong]).is_empty());
    let mut person = Person::new(&NEEDED);
    let failure = person
        .talk(&mut with_flags(&[("mode", "modern")]))
        .unwrap_err();
    assert!(person.asked.is_empty(), "{failure}");
}

#[test]
fn every_question_that_a_problem_makes_names_its_flag() {
    let questions = questions(&load(&empty()).unwrap_err());
    assert_eq!(questions.len(), 4);
    assert!(questions.iter().all(|question| question.flag.is_some()));
}

#[test]
fn who_gets_the_proxys_account_is_asked() {
    let account = [
        ("proxy", "http://proxy.example.com:3128"),
        ("proxy-existing-secret", "vault"),
    ];
    let talk = |answers: &[(&'static str, &'static str)]| {
        let mut all = NEEDED.to_vec();
        all.push(("github.token", "token.txt"));
        all.extend(answers);
        let mut person = Person::new(&all);
        let loaded = person.talk(&mut with_flags(&account)).unwrap();
        assert!(person.asked.contains(&"proxy.runners".to_owned()));
        loaded.config.proxy.unwrap().runners
    };
    assert_eq!(talk(&[("proxy.runners", "none")]), ProxyRunners::None);
    assert_eq!(talk(&[("proxy.runners", "same")]), ProxyRunners::Same);
    let own = [
        ("proxy.runners", "existing-secret"),
        ("proxy.runnersExistingSecret", "own"),
    ];
    assert!(matches!(talk(&own), ProxyRunners::ExistingSecret(own) if own.name == "own"));
}
