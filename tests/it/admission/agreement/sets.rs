//! Sets of rules: what every matcher, action and scope does, alone and in front of others.

use std::collections::BTreeMap;

use arc_setup::rules::{Action, Matcher, RuleSpec, Scope};

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
pub(super) fn sets() -> BTreeMap<&'static str, Vec<RuleSpec>> {
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
        ("scopes", scopes()),
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

fn scopes() -> Vec<RuleSpec> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
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
    ]
}
