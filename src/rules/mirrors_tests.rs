use crate::rules::samples::{TARGET, host, rule, template, to};
use crate::rules::{Action, Matcher, RuleSet, RuleSpec};

#[test]
fn mirrors_are_whole_hosts() {
    let mut specs = vec![
        rule(
            "part",
            Matcher::Prefix("gcr.io/kubebuilder".into()),
            to(TARGET),
        ),
        host("quay", "quay.io", to(&format!("{TARGET}/quay-remote"))),
        host("hub", "docker.io", Action::Keep),
        host("deny", "bad.io", Action::Deny),
    ];
    specs[2].mirror = Some(format!("{TARGET}/hub"));
    let listed = |specs: &[RuleSpec]| -> Vec<String> {
        let rules = RuleSet::compile(specs).unwrap();
        let mirrors = rules.mirrors().into_iter();
        mirrors
            .map(|(host, mirror)| format!("{host} {}", mirror.place))
            .collect()
    };
    assert_eq!(
        listed(&specs),
        [
            format!("docker.io {TARGET}/hub"),
            format!("quay.io {TARGET}/quay-remote")
        ]
    );
    specs.push(rule("all", Matcher::Any, to(TARGET)));
    assert_eq!(
        listed(&specs)[2..],
        [format!("ghcr.io {TARGET}"), format!("gcr.io {TARGET}")]
    );
}

#[test]
fn a_rule_that_gives_a_daemon_no_mirror_is_told_with_the_reason() {
    let told = |specs: &[RuleSpec]| -> Vec<String> {
        let rules = RuleSet::compile(specs).unwrap();
        rules
            .without_mirror()
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let expression = rule("regex", Matcher::Regex(r"quay\.io/.*".into()), to(TARGET));
    let glob = rule("glob", Matcher::Glob("*.gcr.io/**".into()), to(TARGET));
    let mut scoped = host("scoped", "ghcr.io", to(TARGET));
    scoped.scope.namespaces = vec!["ci-*".to_owned()];
    let part = rule("part", Matcher::Prefix("gcr.io/a".into()), to(TARGET));
    let name = template(
        "name",
        Matcher::Host("mcr.microsoft.com".into()),
        "reg.corp/{name}",
    );
    let mut idle = rule("idle", Matcher::Prefix("k8s.io/a".into()), Action::Keep);
    idle.mirror = Some(TARGET.to_owned());
    let specs = [expression, glob, scoped, part, name, idle];
    assert_eq!(
        told(&specs),
        [
            r"regex: a Docker daemon gets no mirror from it, since regex quay\.io/.* is not one whole registry",
            "glob: a Docker daemon gets no mirror from it, since glob *.gcr.io/** is not one whole registry",
            "scoped: a Docker daemon gets no mirror from it, since it is for namespace ci-* only, and what a job \
             pulls stands in no object",
            "part: a Docker daemon gets no mirror from it, since prefix gcr.io/a is not one whole registry",
            "name: a Docker daemon gets no mirror from it, since its template does more than to put something before \
             the path",
            "idle: a Docker daemon gets no mirror from it, since prefix k8s.io/a is not one whole registry",
        ]
    );
    // Another rule that names the whole registry gives the mirror; the rule of an expression needs one for each.
    let mut mirrored = specs.to_vec();
    let mut keep = host("mirror", "quay.io", Action::Keep);
    keep.mirror = Some(format!("{TARGET}/quay"));
    mirrored.push(keep);
    mirrored.push(host("ghcr", "ghcr.io", to(TARGET)));
    assert_eq!(told(&mirrored).len(), specs.len() - 2);
    // Whole registries, everything, what is only kept or pinned.
    assert!(
        told(&[
            host("quay", "quay.io", to(TARGET)),
            rule("all", Matcher::Any, to(TARGET))
        ])
        .is_empty()
    );
    assert!(told(&[rule("keep", Matcher::Regex(".*".into()), Action::Keep)]).is_empty());
}
