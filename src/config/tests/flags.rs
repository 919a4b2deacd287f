//! Flags: a whole configuration of them, and what they mean beside a file.

use super::{flag, lines, root, sources, without_file};
use crate::config::load::{Stdin, load, load_partial};
use crate::config::{Origin, Problem, arc_versions, problem};
use crate::object::Credential;
use crate::rules::{Action, Matcher};
use crate::secret::Secret;

#[test]
fn the_registry_alone_names_every_missing_flag() {
    let mut sources = without_file();
    sources.flags = vec![flag("registry.host", "registry", "registry.corp")];
    let problems = load(&sources).unwrap_err();
    assert!(problems.iter().all(Problem::is_missing));
    let failure = problem::failure(&problems);
    let text = failure.details().why.join("\n");
    for flag in [
        "--github-url",
        "--github-org",
        "--github-repo",
        "--github-token-file",
        "--github-app-id",
        "--github-existing-secret",
        "--max",
    ] {
        assert!(text.contains(flag), "{flag}: {text}");
    }
}

#[test]
fn flags_alone_make_a_configuration() {
    let mut sources = without_file();
    sources.flags = vec![
        flag("registry.host", "registry", "registry.corp"),
        flag(
            "registry.map",
            "registry-map",
            "quay.io=registry.corp/quay-remote",
        ),
        flag("registry.map", "registry-map", "docker.io=keep"),
        flag("github.url", "github-url", "https://github.com"),
        flag("github.repository", "github-repo", "acme/shop"),
        flag("github.token", "github-token-file", "-"),
        flag("runnerSets[].max", "max", "4"),
        flag("proxy.url", "proxy", "http://proxy.corp:3128"),
        flag("proxy.noProxy", "no-proxy", ".corp,10.0.0.0/8"),
        flag("proxy.noProxy", "no-proxy", "localhost"),
    ];
    sources.stdin = Stdin::Given(Secret::new(b"ghp_canary\n".to_vec()));
    let loaded = load(&sources).unwrap();
    let config = loaded.config;
    assert_eq!(config.runner_sets[0].name, "arc-runners");
    assert_eq!(config.runner_sets[0].max, 4);
    assert_eq!(config.version, arc_versions::DEFAULT_SCALE_SET);
    let ids: Vec<&str> = config
        .registry
        .rules
        .iter()
        .map(|rule| rule.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "--registry-map quay.io=registry.corp/quay-remote",
            "--registry-map docker.io=keep",
            "--registry"
        ]
    );
    assert_eq!(config.registry.rules[2].matcher, Matcher::Any);
    assert_eq!(config.registry.rules[1].action, Action::Keep);
    assert_eq!(
        config.proxy.unwrap().no_proxy,
        [".corp", "10.0.0.0/8", "localhost"]
    );
    assert_eq!(
        loaded
            .credentials
            .get(Credential::GithubToken)
            .unwrap()
            .expose(),
        b"ghp_canary\n"
    );
    assert_eq!(
        config.origins.of("runnerSets[0].max"),
        Origin::Flag("--max".into())
    );
}

#[test]
fn one_of_several_runner_sets_is_chosen_by_name() {
    let file = root().join("examples/existing-secrets/arc-setup.yaml");
    let mut sources = sources(&file);
    sources.flags = vec![flag("runnerSets[].max", "max", "9")];
    let problems = load(&sources).unwrap_err();
    assert!(lines(&problems)[0].contains("--runner-set"), "{problems:?}");
    sources
        .flags
        .push(flag("runnerSets[].name", "runner-set", "docker"));
    assert_eq!(load(&sources).unwrap().config.runner_sets[1].max, 9);
    sources.flags[1].value = "dcker".into();
    assert!(lines(&load(&sources).unwrap_err())[0].contains("did you mean 'docker'?"));
}

#[test]
fn a_partial_configuration_needs_no_answers() {
    let mut sources = without_file();
    sources.flags = vec![
        flag("registry.host", "registry", "registry.corp"),
        flag("registry.library", "registry-library", "drop"),
    ];
    let partial = load_partial(&sources).unwrap();
    assert_eq!(partial.registry.host.as_deref(), Some("registry.corp"));
    assert_eq!(
        partial.registry.rules[0].action,
        Action::Rewrite {
            target: "registry.corp".into(),
            drop_library: true
        }
    );
    sources.flags[0].value = "https://registry.corp".into();
    assert!(load_partial(&sources).is_err());
}

#[test]
fn what_is_reached_directly_is_in_no_proxy() {
    let of = |via: &str| {
        let mut sources = without_file();
        sources.flags = vec![
            flag("registry.host", "registry", "registry.corp:5000/docker"),
            flag("registry.map", "registry-map", "quay.io=quay.corp/x"),
            flag("proxy.url", "proxy", "http://proxy.corp:3128"),
            flag("proxy.noProxy", "no-proxy", ".corp.example"),
        ];
        let variable = ("ARC_SETUP_REGISTRY_VIA".to_owned(), via.to_owned());
        sources.environment = [variable].into_iter().collect();
        let proxy = load_partial(&sources).unwrap().proxy.unwrap();
        (proxy.no_proxy, proxy.open)
    };
    let own = [".corp.example"];
    let registries = ["quay.corp", "registry.corp:5000"];
    assert_eq!(of("proxy"), (own.map(str::to_owned).to_vec(), Vec::new()));
    let both = [own.as_slice(), &registries].concat();
    let both: Vec<String> = both.into_iter().map(str::to_owned).collect();
    assert_eq!(of("direct"), (both, Vec::new()));
    let open = registries.map(str::to_owned).to_vec();
    assert_eq!(of("auto"), (own.map(str::to_owned).to_vec(), open));
}
