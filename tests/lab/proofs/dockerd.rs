//! Images inside of jobs: a Docker daemon on exactly the files that a dind container is given pulls through the
//! mirrors, and does not where a file is missing.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::administrator;
use crate::evidence::{Evidence, Since};
use crate::harness::topic;
use crate::lab::Lab;
use crate::parts::dind::Dind;
use crate::parts::dockerd::{self, Dockerd};
use crate::parts::registry::{self, MIRROR_READER, PULLER};
use crate::parts::squid::Entry;
use crate::pods::Sandbox;

topic!(dockerd:
    names_of_every_registry_come_from_the_mirror,
    repositories_of_the_mirror_may_have_a_path,
    official_images_have_two_spellings,
    both_generations_give_the_same_files,
    the_root_alone_is_not_enough,
    without_authorities_nothing_is_pulled,
    without_the_mirrors_account_nothing_is_pulled,
);

/// The configuration with one runner set whose jobs have Docker.
fn config(lab: &Lab) -> Value {
    let mut config = administrator::behind_the_proxy(lab);
    config["runnerSets"] = json!([{ "name": "build", "containerMode": "dind", "max": 1 }]);
    config
}

/// What a daemon of this configuration stands on, with the mirror's account where it is to have one.
async fn files(lab: &Lab, config: &Value, account: bool) -> Result<Dind> {
    let mut program = administrator::program(lab)?;
    if account {
        program.env("ARC_SETUP_MIRROR_CREDENTIALS", login());
    }
    let rendered = administrator::rendered(&mut program, config).await?;
    for object in rendered["items"].as_array().into_iter().flatten() {
        ensure!(
            object["kind"] == "Secret" || !object.to_string().contains(&STANDARD.encode(login())),
            "the mirror's account stands in {} {}",
            object["kind"],
            object["metadata"]["name"]
        );
    }
    Dind::of(&rendered)
}

fn login() -> String {
    format!("{}:{}", MIRROR_READER.user, MIRROR_READER.password)
}

/// Pulls, and shows where it came from: the mirror alone, for that registry, with the account of the file.
async fn comes_from_the_mirror(
    lab: &Lab,
    daemon: &Dockerd,
    image: &str,
    of: &str,
    repository: &str,
) -> Result<()> {
    let since = Since::now(lab)?;
    daemon.must_pull(image).await?;
    let evidence = since.of(lab, daemon.address)?;
    let requests = &evidence.requests;
    let manifests = format!("/v2/{repository}/manifests/");
    let is_asked = |path: &str| path.starts_with(&manifests);
    ensure!(
        requests
            .iter()
            .any(|one| one.status == 200 && is_asked(&one.path)),
        "{image}: the mirror gave nothing of {repository}: {requests:#?}"
    );
    for request in requests {
        ensure!(
            request.user.as_deref() == Some(MIRROR_READER.user)
                && request.for_registry.as_deref() == Some(of)
                && request.host == registry::HOST,
            "{image}: {request:#?}"
        );
    }
    let Evidence {
        proxied, strays, ..
    } = &evidence;
    ensure!(
        proxied.is_empty(),
        "{image}: the proxy was asked: {proxied:#?}"
    );
    ensure!(strays.is_empty(), "{image}: {strays:#?}");
    let other = evidence
        .queries
        .iter()
        .find(|query| query.name != registry::HOST);
    ensure!(other.is_none(), "{image}: {other:?} was looked up");
    Ok(())
}

async fn names_of_every_registry_come_from_the_mirror(lab: Arc<Lab>) -> Result<()> {
    let dind = files(&lab, &config(&lab), true).await?;
    let hosts = dind.file("/etc/docker/certs.d/quay.io/hosts.toml");
    let hosts = hosts.context("no hosts.toml for quay.io")?;
    ensure!(
        hosts.contains(&STANDARD.encode(login())),
        "no account in hosts.toml"
    );
    let daemon = dockerd::start(&lab, "every-registry", &dind).await?;
    for (image, of) in [
        ("quay.io/lab/busybox:1.35", "quay.io"),
        ("ghcr.io/lab/busybox:1.35", "ghcr.io"),
        ("docker.io/lab/busybox:1.35", "docker.io"),
        ("lab/busybox:latest", "docker.io"),
    ] {
        comes_from_the_mirror(&lab, &daemon, image, of, "lab/busybox").await?;
    }
    Ok(())
}

async fn repositories_of_the_mirror_may_have_a_path(lab: Arc<Lab>) -> Result<()> {
    let mut config = config(&lab);
    let at = |path: &str| format!("{}/{path}", registry::HOST);
    config["registry"]["map"] = json!([
        { "source": "docker.io", "target": "keep", "mirror": at("docker") },
        { "source": "quay.io", "target": at("quay") },
        { "source": "ghcr.io", "target": at("ghcr") },
    ]);
    let dind = files(&lab, &config, true).await?;
    let daemon = dockerd::start(&lab, "paths", &dind).await?;
    for (image, of, repository) in [
        ("quay.io/lab/busybox:1.35", "quay.io", "quay/lab/busybox"),
        ("ghcr.io/lab/busybox:1.35", "ghcr.io", "ghcr/lab/busybox"),
        ("busybox:1.35", "docker.io", "docker/library/busybox"),
    ] {
        comes_from_the_mirror(&lab, &daemon, image, of, repository).await?;
    }
    Ok(())
}

/// In jobs by any spelling; on the node by the one that `registry.library` makes of `docker:dind`.
async fn official_images_have_two_spellings(lab: Arc<Lab>) -> Result<()> {
    let sandbox = Sandbox::new(&lab, "dockerd-library").await?;
    sandbox.pull_secret("pull", PULLER).await?;
    for (library, repository) in [("keep", "library/docker"), ("drop", "docker")] {
        let mut config = config(&lab);
        config["registry"]["library"] = json!(library);
        config["registry"]["map"][0] = json!({ "source": "docker.io", "target": registry::HOST });
        let dind = files(&lab, &config, true).await?;
        let image = format!("{}/{repository}:29.7.2-dind", registry::HOST);
        ensure!(dind.image == image, "{library}: {}", dind.image);
        sandbox.apply(&sleeping(library, &image)).await?;
        sandbox.wait_until_ready(&format!("pod/{library}")).await?;
        let daemon = dockerd::start(&lab, &format!("library-{library}"), &dind).await?;
        for image in [
            "busybox:1.35",
            "library/busybox:latest",
            "docker.io/library/busybox:1.35",
        ] {
            comes_from_the_mirror(&lab, &daemon, image, "docker.io", "library/busybox").await?;
        }
    }
    sandbox.delete().await
}

fn sleeping(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name },
        "spec": {
            "imagePullSecrets": [{ "name": "pull" }],
            "terminationGracePeriodSeconds": 0,
            "containers": [{ "name": "main", "image": image, "command": ["sleep", "3600"] }],
        },
    })
}

async fn both_generations_give_the_same_files(lab: Arc<Lab>) -> Result<()> {
    let scale_set = files(&lab, &config(&lab), true).await?;
    for version in ["0.18.2", "0.27.6"] {
        let mut config = config(&lab);
        config["mode"] = json!("legacy");
        config["version"] = json!(version);
        let legacy = files(&lab, &config, true).await?;
        ensure!(
            legacy.mounts == scale_set.mounts,
            "{version}: {:?} are not {:?}",
            legacy.mounts.keys(),
            scale_set.mounts.keys()
        );
        let daemon = dockerd::start(&lab, &format!("legacy-{version}"), &legacy).await?;
        let image = "quay.io/lab/busybox:1.35";
        comes_from_the_mirror(&lab, &daemon, image, "quay.io", "lab/busybox").await?;
    }
    Ok(())
}

async fn the_root_alone_is_not_enough(lab: Arc<Lab>) -> Result<()> {
    let root = lab.pki.root();
    is_not_trusted(&lab, "root-alone", Some(&root)).await
}

async fn without_authorities_nothing_is_pulled(lab: Arc<Lab>) -> Result<()> {
    is_not_trusted(&lab, "no-authorities", None).await
}

async fn is_not_trusted(lab: &Arc<Lab>, name: &str, authorities: Option<&Path>) -> Result<()> {
    let mut config = config(lab);
    administrator::set_authorities(&mut config, authorities);
    let dind = files(lab, &config, true).await?;
    let daemon = dockerd::start(lab, name, &dind).await?;
    for (image, origin) in ORIGINS {
        let since = Since::now(lab)?;
        let pull = daemon.pull(image).await?;
        ensure!(!pull.succeeded, "{image} was pulled: {}", pull.said);
        ensure!(
            pull.said.contains(registry::HOST)
                && pull
                    .said
                    .contains("x509: certificate signed by unknown authority"),
            "{image}: {}",
            pull.said
        );
        let evidence = since.of(lab, daemon.address)?;
        ensure!(evidence.requests.is_empty(), "{image}: {evidence:#?}");
        only_the_origin_was_tried(&evidence, origin)?;
    }
    Ok(())
}

async fn without_the_mirrors_account_nothing_is_pulled(lab: Arc<Lab>) -> Result<()> {
    let dind = files(&lab, &config(&lab), false).await?;
    let daemon = dockerd::start(&lab, "no-account", &dind).await?;
    for (image, origin) in ORIGINS {
        let since = Since::now(&lab)?;
        let pull = daemon.pull(image).await?;
        ensure!(!pull.succeeded, "{image} was pulled: {}", pull.said);
        ensure!(
            pull.said.contains("no basic auth credentials"),
            "{image}: {}",
            pull.said
        );
        let evidence = since.of(&lab, daemon.address)?;
        let refused = evidence
            .requests
            .iter()
            .filter(|one| one.status == 401)
            .count();
        ensure!(
            refused > 0 && refused == evidence.requests.len(),
            "{image}: {evidence:#?}"
        );
        only_the_origin_was_tried(&evidence, origin)?;
    }
    Ok(())
}

/// Images, and the server that the daemon turns to where the mirror is of no use to it.
const ORIGINS: [(&str, &str); 3] = [
    ("quay.io/lab/busybox:1.35", "quay.io:443"),
    ("ghcr.io/lab/busybox:1.35", "ghcr.io:443"),
    ("busybox:1.35", "registry-1.docker.io:443"),
];

/// The way to the origin is closed; that the daemon asks for it is how Docker's mirrors are.
fn only_the_origin_was_tried(evidence: &Evidence, origin: &str) -> Result<()> {
    let is_refused = |entry: &Entry| entry.target == origin && entry.status == 403;
    ensure!(evidence.proxied.iter().all(is_refused), "{evidence:#?}");
    ensure!(evidence.strays.is_empty(), "{evidence:#?}");
    Ok(())
}
