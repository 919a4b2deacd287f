//! Runner sets: schedules, and what is allowed but not wise.

use super::{lines, root, sources, write};
use crate::config::Problem;
use crate::config::load::load;

#[test]
fn working_days_become_five_weekly_overrides() {
    let loaded = load(&sources(
        &root().join("examples/legacy-scaling/arc-setup.yaml"),
    ))
    .unwrap();
    let schedules = &loaded.config.runner_sets[0].scaling.schedules;
    assert_eq!(schedules.len(), 5);
    assert_eq!(schedules[4].start, "2024-01-05T07:00:00+01:00");
    assert_eq!(schedules[4].end, "2024-01-05T19:00:00+01:00");
    assert_eq!(
        (schedules[0].min, schedules[0].frequency.as_deref()),
        (30, Some("Weekly"))
    );
    let friday: jiff::civil::Date = "2024-01-05".parse().unwrap();
    assert_eq!(friday.weekday(), jiff::civil::Weekday::Friday);
}

#[test]
fn legacy_sets_that_no_job_would_start_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("arc-setup.yaml");
    let warnings = |scope: &str, set: &str| {
        write(
            file.clone(),
            &format!(
                "mode: legacy\ngithub: {{url: https://github.com, {scope}: o/r, token: {{file: token}}}}\nrunnerSets: [{{name: a, {set}}}]\n"
            )
            .replace("organization: o/r", "organization: o"),
        );
        lines(&load(&sources(&file)).unwrap().warnings).join(" ")
    };
    write(directory.path().join("token"), "ghp_file");
    assert!(warnings("organization", "max: 2").contains("neither queue nor busy"));
    let busy = "max: 2, scaling: {busy: {upThreshold: 0.5}}";
    assert!(warnings("organization", busy).contains("none is started"));
    assert!(warnings("repository", busy).contains("none is started"));
    for silent in [
        "min: 2, max: 2",
        "max: 2, scaling: {queue: [shop]}",
        "min: 1, max: 2, scaling: {busy: {upThreshold: 0.5}}",
        "max: 2, scaling: {queue: [shop], busy: {upThreshold: 0.5}}",
        "max: 2, scaling: {workdays: {from: \"07:00\", to: \"19:00\", min: 1}}",
        "kind: Runner",
    ] {
        assert_eq!(warnings("organization", silent), "", "{silent}");
    }
    assert_eq!(warnings("repository", "max: 2"), "");
}

#[test]
fn library_stays_inside_dind_whatever_the_registry_drops() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    for (library, mode, told) in [
        ("drop", "dind", true),
        ("drop", "none", false),
        ("keep", "dind", false),
    ] {
        let text = format!(
            "github: {{url: https://github.com, organization: o, existingSecret: s}}\nregistry: {{host: r.example.com, library: {library}}}\nrunnerSets: [{{name: a, max: 2, containerMode: {mode}}}]\n"
        );
        write(file.clone(), &text);
        let warnings = lines(&load(&sources(&file)).unwrap().warnings).join(" ");
        assert_eq!(
            warnings.contains("library/alpine"),
            told,
            "{library} {mode}: {warnings}"
        );
    }
}

#[test]
fn an_image_whose_docker_group_cannot_be_read_from_its_name_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("arc-setup.yaml");
    write(directory.path().join("token"), "ghp_file");
    let warnings = |version: &str, set: &str| {
        write(
            file.clone(),
            &format!(
                "mode: legacy\nversion: {version}\ngithub: {{url: https://github.com, repository: o/r, token: {{file: token}}}}\nrunnerSets: [{{name: a, max: 2, {set}}}]\n"
            ),
        );
        lines(&load(&sources(&file)).unwrap().warnings).join(" ")
    };
    let unnamed = "containerMode: dind, image: 'registry.corp/runner:7'";
    assert!(warnings("0.27.6", unnamed).contains("DOCKER_GROUP_GID"));
    let given = "podTemplate: {spec: {containers: [{name: docker, env: [{name: DOCKER_GROUP_GID, value: '121'}]}]}}";
    for (version, silent) in [
        ("0.27.6", "containerMode: dind".to_owned()),
        (
            "0.27.6",
            "containerMode: dind, image: 'registry.corp/runner:7-22.04'".to_owned(),
        ),
        ("0.27.6", "image: 'registry.corp/runner:7'".to_owned()),
        ("0.27.2", unnamed.to_owned()),
        ("0.27.6", format!("{unnamed}, {given}")),
    ] {
        assert_eq!(warnings(version, &silent), "", "{version} {silent}");
    }
}

#[test]
fn a_rule_that_gives_dind_no_mirror_is_a_warning_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("arc-setup.yaml");
    let warned = |mode: &str, map: &str| {
        let text = format!(
            "github: {{url: https://github.com, organization: o, token: {{env: T}}}}\n\
             runnerSets: [{{max: 2, containerMode: {mode}}}]\nregistry:\n  rules:\n    \
             - {{regex: 'quay\\.io/.*', rewrite: reg.corp/quay}}\n  map: [{map}]\n"
        );
        write(file.clone(), &text);
        let warnings = load(&sources(&file)).unwrap().warnings;
        let unmirrored = |warning: &&Problem| warning.code == "config-registry-unmirrored";
        let told: Vec<Problem> = warnings.iter().filter(unmirrored).cloned().collect();
        lines(&told).join(" ")
    };
    let hub = "{source: docker.io, target: reg.corp/hub}";
    let told = warned("dind", hub);
    assert!(
        told.contains(":5:7: registry.rules[0]: a Docker daemon gets no mirror"),
        "{told}"
    );
    assert!(told.contains("target: keep, mirror: HOST/KEY"), "{told}");
    assert_eq!(warned("none", hub), "");
    let mirrored = "{source: quay.io, target: keep, mirror: reg.corp/quay}";
    assert_eq!(warned("dind", mirrored), "");
}
