use super::super::load::{FlagGiven, SecretReading, Sources, Variables, load, load_effective};
use super::super::model::{Config, Origin, Origins};
use super::super::tests::{examples, files, sources};
use super::super::{table, tests};
use super::*;

/// Everything but where it came from.
fn without_origins(sources: &Sources) -> Config {
    let mut config = load(sources).unwrap().config;
    config.origins = Origins::default();
    for rule in &mut config.registry.rules {
        rule.origin = Origin::Default;
    }
    config
}

/// The same sources with what was written in place of their file, and nothing else.
fn read_back(text: &str, environment: Variables) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("arc-setup.yaml");
    tests::write(file.clone(), text);
    without_origins(&Sources {
        file: Some(file),
        environment,
        ..Sources::default()
    })
}

fn flag(path: &str, value: &str) -> FlagGiven {
    FlagGiven {
        path: path.to_owned(),
        flag: "flag".to_owned(),
        value: value.to_owned(),
    }
}

#[test]
fn what_is_written_reads_back_to_the_same_configuration() {
    for file in examples()
        .into_iter()
        .chain(files("tests/fixtures/config/valid"))
    {
        let sources = sources(&file);
        let (effective, _) = load_effective(&sources).unwrap();
        let remark = |path: &str| effective.origins.0.get(path).map(Origin::to_string);
        for text in [
            crate::yaml::to_string(&effective.file),
            crate::yaml::to_string_with_comments(&effective.file, &remark),
        ] {
            assert_eq!(
                read_back(&text, sources.environment.clone()),
                without_origins(&sources),
                "{}:\n{text}",
                file.display()
            );
            assert!(!text.contains("canary"), "{}", file.display());
        }
    }
}

/// A default that the reference promises is written down, unless the release or the cluster decides it.
#[test]
fn every_default_is_written_down_or_decided_elsewhere() {
    const ELSEWHERE: &[&str] = &[
        "controller.image",
        "rbacProxy.image",
        "webhookCertificate.clusterIssuer",
        "runnerSets[].organization",
        "runnerSets[].repository",
        "runnerSets[].enterprise",
        "runnerSets[].image",
        "runnerSets[].dindImage",
        "runnerSets[].workVolume.claim.storageClass",
        "runnerSets[].githubSecret",
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("arc-setup.yaml");
    let text = "github: {url: https://github.com, organization: o, token: {env: T}}\n\
        runnerSets: [{max: 9, workVolume: {claim: {size: 1Gi, storageClass: s}}, \
        scaling: {queue: [a], busy: {}, workdays: {from: '07:00', to: '19:00', min: 3}}}]\n";
    tests::write(file.clone(), text);
    let mut sources = sources(&file);
    sources.environment = [("T", "ghp_canary"), ("ARC_SETUP_MODE", "legacy")]
        .into_iter()
        .collect();
    let (effective, _) = load_effective(&sources).unwrap();
    for (path, field) in table::every_field() {
        if field.default.is_none() {
            continue;
        }
        let origin = effective.origins.0.get(&path.replace("[]", "[0]"));
        let written = origin == Some(&Origin::Default) || path == "mode";
        assert_eq!(written, !ELSEWHERE.contains(&path), "{path}");
    }
    assert_eq!(effective.origins.of("namespaces.runners"), Origin::Default);
}

#[test]
fn entries_of_flags_stand_before_the_files_own_as_they_do_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("arc-setup.yaml");
    let text = "github: {url: https://github.com, organization: o, token: {env: T}}\n\
        registry: {map: [{source: quay.io, target: keep}]}\nrunnerSets: [{max: 1}]\n";
    tests::write(file.clone(), text);
    let mut sources = sources(&file);
    sources.secrets = SecretReading::Leave;
    sources.flags = vec![
        flag("registry.map", "ghcr.io=r.example.com/a,quay.io=deny"),
        flag("caBundle", "anchors"),
        flag("github.token", "ghp_canary"),
    ];
    let (effective, _) = load_effective(&sources).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(
        effective.file["registry"]["map"],
        json!([
            {"source": "ghcr.io", "target": "r.example.com/a"},
            {"source": "quay.io", "target": "deny"},
            {"source": "quay.io", "target": "keep"},
        ])
    );
    assert_eq!(
        effective.origins.of("registry.map[2].target").to_string(),
        format!("{}:2:44", file.display())
    );
    // A flag's path counts from the working directory, and what may be the secret itself is not repeated.
    assert_eq!(effective.file["caBundle"], "anchors");
    assert_eq!(effective.file["github"]["token"], json!({"file": "***"}));
}
