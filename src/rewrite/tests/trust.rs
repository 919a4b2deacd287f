use serde_json::json;

use super::*;
use crate::config::{ExistingSecret, RunnerKind};
use crate::object::pods::{Role, sites};
use crate::object::{LateForm, LateSource};

const CERTS: &str = "/etc/docker/certs.d";

fn texts(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn authorities_stand_as_one_file_and_under_their_hashes() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::Dind);
    let data = done.object("ConfigMap", "arc-ca")["data"]
        .as_object()
        .unwrap();
    let keys: Vec<&str> = data.keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(keys[0], "ca.crt");
    assert!(keys.contains(&"5229d903.0"), "{keys:?}");
    assert_eq!(
        texts(&data["ca.crt"]).matches("BEGIN CERTIFICATE").count(),
        2
    );
}

#[test]
fn authorities_of_one_name_are_counted() {
    let mut facts = facts();
    facts.ca = vec![authority("Corp Root CA"), authority("Corp Root CA")];
    let done = passes(
        &fixtures::config(Mode::ScaleSet, "0.14.2", ContainerMode::None),
        &facts,
    );
    let data = done.object("ConfigMap", "arc-ca")["data"]
        .as_object()
        .unwrap();
    let keys: Vec<&str> = data.keys().map(String::as_str).collect();
    assert_eq!(keys, ["ca.crt", "5229d903.0", "5229d903.1"]);
}

#[test]
fn the_runner_keeps_every_public_root() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::Dind);
    let pod = &done.object("AutoscalingRunnerSet", "build")["spec"]["template"]["spec"];
    let env = &item(&pod["containers"], "name", "runner").unwrap()["env"];
    assert_eq!(
        variable(env, "NODE_EXTRA_CA_CERTS"),
        Some("/etc/arc-setup/ca/ca.crt")
    );
    // Seen with git 2.39 and GnuTLS: the file and every root of the folder are loaded.
    assert_eq!(
        variable(env, "GIT_SSL_CAINFO"),
        variable(env, "NODE_EXTRA_CA_CERTS")
    );
    assert_eq!(variable(env, "GIT_SSL_CAPATH"), Some("/etc/ssl/certs"));
    assert_eq!(variable(env, "RUNNER_UPDATE_CA_CERTS"), Some("1"));
    assert_eq!(variable(env, "SSL_CERT_FILE"), None);
    let local = item(&pod["volumes"], "name", "arc-setup-ca-local").unwrap();
    let items = local["configMap"]["items"].as_array().unwrap();
    assert!(
        items
            .iter()
            .all(|item| texts(&item["path"]).ends_with("-0.crt"))
    );
}

/// Before .NET 8 two folders in SSL_CERT_DIR are one that does not exist, and no root remains.
#[test]
fn a_runner_of_before_dotnet_8_is_given_the_file() {
    let of = |kind: RunnerKind, image: &str| {
        let mut config = fixtures::config(Mode::Legacy, "0.27.6", ContainerMode::Dind);
        config.runner_sets[0].kind = kind;
        config.runner_sets[0].image = Some(image.to_owned());
        let done = passes(&config, &facts());
        let of_runners = done.manifests.iter().filter(|manifest| {
            let kind = manifest.reference().kind;
            kind.starts_with("Runner")
        });
        let env = of_runners
            .flat_map(|manifest| {
                sites(&manifest.object)
                    .into_iter()
                    .map(move |site| (manifest, site))
            })
            .find(|(_, site)| site.role == Role::Runner)
            .and_then(|(manifest, site)| site.env.get(&manifest.object).cloned())
            .unwrap();
        let value = |name: &str| variable(&env, name).map(str::to_owned);
        (value("SSL_CERT_FILE"), value("SSL_CERT_DIR"))
    };
    let file = (Some("/etc/arc-setup/ca/ca.crt".to_owned()), None);
    let folders = (None, Some("/etc/ssl/certs:/etc/arc-setup/ca".to_owned()));
    for kind in [
        RunnerKind::Runner,
        RunnerKind::RunnerDeployment,
        RunnerKind::RunnerSet,
    ] {
        for old in [
            "summerwind/actions-runner:v0.18.2",
            "r.corp/runner:v2.320.1-ubuntu-22.04",
        ] {
            assert_eq!(of(kind, old), file, "{kind:?} {old}");
        }
        for new in [
            "r.corp/runner:2.321.0",
            "r.corp/runner:latest",
            "r.corp/runner:2.0",
        ] {
            assert_eq!(of(kind, new), folders, "{kind:?} {new}");
        }
    }
}

#[test]
fn without_sudo_nothing_asks_for_it() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::None,
    ));
    config.runner_sets[0].pod_template = Some(json!({"spec": {"containers": [
        {"name": "runner", "securityContext": {"allowPrivilegeEscalation": false}}]}}));
    let done = passes(&config, &facts());
    let pod = &done.object("AutoscalingRunnerSet", "build")["spec"]["template"]["spec"];
    assert_eq!(
        variable(&pod["containers"][0]["env"], "RUNNER_UPDATE_CA_CERTS"),
        None
    );
    assert!(item(&pod["volumes"], "name", "arc-setup-ca-local").is_none());
}

#[test]
fn an_enterprise_server_is_trusted_by_the_controllers_own_client() {
    let done = install(Mode::ScaleSet, "0.14.2", ContainerMode::None);
    let set = done.object("AutoscalingRunnerSet", "build");
    assert_eq!(
        set["spec"]["githubServerTLS"],
        json!({"certificateFrom": {"configMapKeyRef": {"name": "arc-ca", "key": "ca.crt"}}})
    );
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::None,
    ));
    config.github.url = "https://github.com".to_owned();
    let done = passes(&config, &facts());
    assert!(
        done.object("AutoscalingRunnerSet", "build")["spec"]
            .get("githubServerTLS")
            .is_none()
    );
}

#[test]
fn dind_finds_authorities_and_mirrors_by_host() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::Dind,
    ));
    config.registry.mirror_credentials = None;
    config.registry.rules = vec![
        rule(
            "quay",
            Matcher::Host("quay.io".into()),
            to("reg.corp:5000/quay-remote"),
        ),
        rule("hub", Matcher::Host("docker.io".into()), Action::Keep),
        rule("ghcr", Matcher::Host("ghcr.io".into()), to("ghcr.corp")),
    ];
    config.registry.rules[1].mirror = Some("hub.corp".to_owned());
    let done = passes(&config, &facts());
    let pod = &done.object("AutoscalingRunnerSet", "build")["spec"]["template"]["spec"];
    let sources =
        &item(&pod["volumes"], "name", "arc-setup-docker").unwrap()["projected"]["sources"];
    let paths = |index: usize, kind: &str| -> Vec<&str> {
        let items = sources[index][kind]["items"].as_array().unwrap();
        items.iter().map(|item| texts(&item["path"])).collect()
    };
    assert_eq!(
        paths(0, "configMap"),
        [
            "reg.corp:5000/ca.crt",
            "ghcr.corp/ca.crt",
            "hub.corp/ca.crt"
        ]
    );
    assert_eq!(
        paths(1, "configMap"),
        [
            "docker.io/hosts.toml",
            "quay.io/hosts.toml",
            "ghcr.io/hosts.toml"
        ]
    );
    let files = &done.object("ConfigMap", "arc-dind-registries")["data"];
    assert_eq!(
        texts(&files["quay.io.toml"]),
        "[host.\"https://reg.corp:5000/v2/quay-remote\"]\n  capabilities = [\"pull\", \"resolve\"]\n  \
         override_path = true\n  ca = \"/etc/arc-setup/ca/ca.crt\"\n"
    );
    assert_eq!(
        texts(&files["docker.io.toml"]),
        "[host.\"https://hub.corp\"]\n  capabilities = [\"pull\", \"resolve\"]\n  ca = \"/etc/arc-setup/ca/ca.crt\"\n"
    );
}

#[test]
fn mirror_accounts_stand_in_a_secret_and_come_at_apply() {
    let done = install(Mode::Legacy, "0.27.6", ContainerMode::Dind);
    let secret = done
        .manifests
        .iter()
        .find(|manifest| manifest.reference().name == "arc-dind-registries");
    let secret = secret.unwrap();
    assert_eq!(secret.kind(), "Secret");
    let LateSource::Credential(LateForm::BasicAuthorization { text, .. }) = &secret.lates[0].from
    else {
        panic!("{:?}", secret.lates);
    };
    assert!(
        text.contains(".header]\n    Authorization = [\"Basic {basic}\"]"),
        "{text}"
    );
    let spec = &done.object("RunnerDeployment", "build")["spec"]["template"]["spec"];
    assert!(item(&spec["dockerVolumeMounts"], "mountPath", CERTS).is_some());
    assert!(item(&spec["volumes"], "name", "arc-setup-docker").is_some());
}

#[test]
fn an_existing_mirror_account_is_put_in_by_an_init_container() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::Dind,
    ));
    config.registry.mirror_credentials = Some(MirrorCredentials::ExistingSecret(ExistingSecret {
        name: "mirror".to_owned(),
        keys: [("password".to_owned(), "token".to_owned())].into(),
    }));
    let done = passes(&config, &facts());
    let pod = &done.object("AutoscalingRunnerSet", "build")["spec"]["template"]["spec"];
    let init = &pod["initContainers"][0];
    assert_eq!(init["name"], "arc-setup-docker");
    assert!(texts(&init["image"]).starts_with(TARGET));
    let reference =
        &item(&init["env"], "name", "MIRROR_PASSWORD").unwrap()["valueFrom"]["secretKeyRef"];
    assert_eq!(reference, &json!({"name": "mirror", "key": "token"}));
    let dind = item(&pod["initContainers"], "name", "dind").unwrap();
    assert!(item(&dind["volumeMounts"], "mountPath", CERTS).is_some());
    assert_eq!(
        done.object("ConfigMap", "arc-dind-registries")["kind"],
        "ConfigMap"
    );
}

#[test]
fn the_first_release_has_its_written_out_daemon_changed() {
    let done = install(Mode::Legacy, "0.18.2", ContainerMode::Dind);
    let spec = &done.object("RunnerDeployment", "build")["spec"]["template"]["spec"];
    let docker = item(&spec["containers"], "name", "docker").unwrap();
    assert!(item(&docker["volumeMounts"], "mountPath", CERTS).is_some());
    assert!(variable(&docker["env"], "SSL_CERT_DIR").is_some());
    assert!(spec.get("dockerVolumeMounts").is_none() && spec.get("dockerEnv").is_none());
}

#[test]
fn the_users_own_certificates_are_not_mounted_over() {
    let mut config = locked_down(fixtures::config(
        Mode::ScaleSet,
        "0.14.2",
        ContainerMode::Dind,
    ));
    config.runner_sets[0].pod_template = Some(json!({"spec": {
        "containers": [{"name": "dind", "volumeMounts": [{"name": "own", "mountPath": format!("{CERTS}/reg.corp")}]}],
        "volumes": [{"name": "own", "configMap": {"name": "own"}}]}}));
    let done = passes(&config, &facts());
    let pod = &done.object("AutoscalingRunnerSet", "build")["spec"]["template"]["spec"];
    let dind = item(&pod["initContainers"], "name", "dind").unwrap();
    assert!(item(&dind["volumeMounts"], "mountPath", CERTS).is_none());
    assert!(
        done.changes
            .iter()
            .any(|change| change.rule.starts_with("trust: dind certs.d: kept"))
    );
}

#[test]
fn a_broken_authority_ends_in_a_failure() {
    let mut facts = facts();
    facts.ca.push("not a certificate".to_owned());
    let config = fixtures::config(Mode::ScaleSet, "0.14.2", ContainerMode::None);
    assert_eq!(
        try_passes(&config, &facts).unwrap_err().code(),
        "ca-unreadable"
    );
}
