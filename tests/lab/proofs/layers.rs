//! Images with the company's authorities in them, made by `ca layer` in a registry that sends its own certificate alone:
//! pulled by containerd, dockerd and skopeo, and trusted by what runs in them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, ensure};
use arc_setup::oci::{Blob, Manifest};
use serde_json::{Value, json};

use crate::administrator;
use crate::harness::topic;
use crate::install::until;
use crate::lab::Lab;
use crate::parts::registry::{self, PULLER};
use crate::parts::shelf::{self, Shelf};
use crate::pods::Sandbox;
use crate::support::authority::Authority;

topic!(layers: docker_and_curl_in_the_image_trust_the_company, alpines_store_keeps_its_own_and_gets_the_companys);

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Makes an index of an image under the tag `amd64` and of the same for another platform.
async fn two_platforms(shelf: &Shelf, name: &str, tag: &str) -> Result<Blob> {
    let repository = shelf.repository(name)?;
    let found = repository.manifest("amd64").await?;
    let manifest = Manifest::read(&found.media_type, &found.bytes)?;
    let config = repository.small_blob(&manifest.config).await?;
    let mut config: Value = serde_json::from_slice(&config)?;
    config["architecture"] = json!("riscv64");
    let config = Blob::new(&manifest.config.media_type, serde_json::to_vec(&config)?);
    repository.put_blob(&config).await?;
    let mut other: Value = serde_json::from_slice(&found.bytes)?;
    other["config"]["digest"] = json!(config.digest);
    other["config"]["size"] = json!(config.bytes.len());
    let other = Blob::new(&found.media_type, serde_json::to_vec(&other)?);
    repository.put_manifest(&other.digest, &other).await?;
    let item = |digest: &str, size: usize, architecture: &str| {
        json!({"mediaType": found.media_type, "digest": digest, "size": size,
            "platform": {"os": "linux", "architecture": architecture}})
    };
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        item(&other.digest, other.bytes.len(), "riscv64"),
        item(&found.digest, found.bytes.len(), architecture()?),
    ]});
    let index = Blob::new(INDEX, serde_json::to_vec(&index)?);
    repository.put_manifest(tag, &index).await?;
    Ok(index)
}

fn architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => Err(anyhow!("no images for {other}")),
    }
}

/// Runs `ca layer` with the company's anchors; its answer.
async fn layer(lab: &Lab, shelf: &Shelf, arguments: &[&str]) -> Result<Value> {
    let mut program = administrator::program(lab)?;
    program.secret_env("ARC_SETUP_PULL_SECRET", &shelf.logins()?);
    let config = json!({
        "caBundle": lab.pki.anchors(),
        "registry": {"map": [{"source": "quay.io", "target": registry::HOST}]},
    });
    let arguments = [&["ca", "layer", "-o", "json"], arguments].concat();
    let outcome = administrator::run(&program, &config, &arguments).await?;
    ensure!(outcome.code == Some(0), "{}", outcome.stderr);
    Ok(serde_json::from_str(&outcome.stdout)?)
}

/// A Docker daemon's container, as a runner's dind.
fn dind(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name },
        "spec": {
            "imagePullSecrets": [{ "name": "pull" }],
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "main",
                "image": image,
                "securityContext": { "privileged": true },
                "env": [{ "name": "DOCKER_TLS_CERTDIR", "value": "" }],
                "volumeMounts": [{ "name": "data", "mountPath": "/var/lib/docker" }],
            }],
            "volumes": [{ "name": "data", "emptyDir": {} }],
        },
    })
}

async fn docker_and_curl_in_the_image_trust_the_company(lab: Arc<Lab>) -> Result<()> {
    let shelf = shelf::start(&lab, "docker", 5443).await?;
    let image = "library/docker";
    let from = format!("docker://{}/{image}:29-dind", registry::HOST);
    let to = format!("docker://{}", shelf.at(&format!("{image}:amd64")));
    shelf.copy(&[], &from, &to).await?;
    let base = two_platforms(&shelf, image, "29-dind").await?;
    let base_tag = shelf.at(&format!("{image}:29-dind"));
    let place = shelf.at("platform/docker");
    let made = layer(&lab, &shelf, &[&base_tag, "--push", &place, "--merged"]).await?;
    let used = made["use"].as_str().context("no digest to use")?.to_owned();
    layer(&lab, &shelf, &[&base_tag, "--verify", &used, "--merged"]).await?;

    // skopeo reads every platform, and holds each blob against its digest and each layer against its diff id.
    let copied = lab.processes.directory().make("layers-skopeo")?;
    let to = format!("dir:{}", copied.display());
    shelf
        .copy(&["--all"], &format!("docker://{used}"), &to)
        .await?;

    let sandbox = Sandbox::new(&lab, "layers").await?;
    sandbox.pull_secret_for(&shelf.host, "pull", PULLER).await?;
    let without = shelf.at(&format!("{image}@{}", base.digest));
    for (name, image) in [("layered", &used), ("plain", &without)] {
        // containerd, for the kubelet.
        sandbox.apply(&dind(name, image)).await?;
        sandbox.wait_until_ready(&format!("pod/{name}")).await?;
        until("the daemon", async || {
            Ok(sandbox.exec(name, "main", &["docker", "info"]).await.ok())
        })
        .await?;
    }
    let says = async |pod: &str, command: &str| {
        let script = format!("{{ {command}; }} 2>&1 || true");
        sandbox.exec(pod, "main", &["sh", "-c", &script]).await
    };
    let curl = format!(
        "curl -sS -o /dev/null -w '%{{http_code}}' https://{}/v2/",
        registry::HOST
    );
    let login = |host: &str| {
        format!(
            "echo {} | docker login --username {} --password-stdin {host}",
            PULLER.password, PULLER.user
        )
    };
    let said = says("plain", &curl).await?;
    ensure!(
        said.contains("unable to get local issuer certificate"),
        "{said}"
    );
    let said = says("plain", &login(registry::HOST)).await?;
    ensure!(
        said.contains("certificate signed by unknown authority"),
        "{said}"
    );

    let said = says("layered", &curl).await?;
    ensure!(said == "401", "{said}");
    for host in [registry::HOST, &shelf.host] {
        let said = says("layered", &login(host)).await?;
        ensure!(said.contains("Login Succeeded"), "{host}: {said}");
    }
    // What jobs do, and dockerd with the image itself.
    let of_jobs = format!("{}/lab/busybox:1.35", registry::HOST);
    for image in [of_jobs, used] {
        let said = says("layered", &format!("docker pull --quiet {image}")).await?;
        ensure!(said.trim().ends_with(&image), "{image}: {said}");
    }
    sandbox.delete().await
}

/// The bundle lies where Alpine has it, with its other name, in a layer below others.
async fn alpines_store_keeps_its_own_and_gets_the_companys(lab: Arc<Lab>) -> Result<()> {
    let shelf = shelf::start(&lab, "alpine", 5444).await?;
    let image = "library/alpine";
    let from = format!("docker://{}/library/busybox:1.35", registry::HOST);
    let to = format!("docker://{}", shelf.at(&format!("{image}:busybox")));
    shelf.copy(&[], &from, &to).await?;
    let public = Authority::of("Public")?;
    add_store(&lab, &shelf, image, &public.bundle_pem()).await?;
    two_platforms(&shelf, image, "3").await?;
    let base = shelf.at(&format!("{image}:3"));
    let sandbox = Sandbox::new(&lab, "layers-alpine").await?;
    sandbox.pull_secret_for(&shelf.host, "pull", PULLER).await?;
    for (mode, more) in [("additive", None), ("merged", Some("--merged"))] {
        let place = shelf.at(&format!("platform/alpine:{mode}"));
        let arguments = [base.as_str(), "--push", &place];
        let made = layer(&lab, &shelf, &[&arguments[..], more.as_slice()].concat()).await?;
        let used = made["use"].as_str().context("no digest to use")?;
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": mode },
            "spec": {
                "imagePullSecrets": [{ "name": "pull" }], "terminationGracePeriodSeconds": 0,
                "containers": [{ "name": "main", "image": used, "command": ["sleep", "3600"] }],
            },
        });
        sandbox.apply(&pod).await?;
        sandbox.wait_until_ready(&format!("pod/{mode}")).await?;
        // By the name that is a link.
        let bundle = sandbox
            .exec(mode, "main", &["cat", "/etc/ssl/cert.pem"])
            .await?;
        let public = public.bundle_pem().replace('\r', "");
        ensure!(
            bundle.starts_with(&public),
            "{mode}: what the image trusted is gone"
        );
        let name = format!("layers-{mode}.pem");
        let file = lab.processes.directory().write(&name, &bundle)?;
        let said = curl(&file).await?;
        let is_trusted = said == "401";
        ensure!(is_trusted == (mode == "merged"), "{mode}: {said}");
        // For Docker in it, and for what looks by hash, both modes have it.
        let path = format!("/etc/docker/certs.d/{}/ca.crt", shelf.host);
        let of_docker = sandbox.exec(mode, "main", &["cat", &path]).await?;
        let name = format!("layers-{mode}-docker.pem");
        let file = lab.processes.directory().write(&name, &of_docker)?;
        ensure!(curl(&file).await? == "401", "{mode}: {of_docker}");
    }
    sandbox.delete().await
}

/// What curl on the node says of the registry with this bundle alone.
async fn curl(bundle: &Path) -> Result<String> {
    let mut command = Command::new("curl");
    command.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert"]);
    command
        .arg(bundle)
        .arg(format!("https://{}/v2/", registry::HOST));
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Puts a layer with Alpine's store over busybox, and an empty one over that, and calls it `amd64`.
async fn add_store(lab: &Lab, shelf: &Shelf, name: &str, bundle: &str) -> Result<()> {
    let root = lab.processes.directory().make("layers-store")?;
    let certificates = root.join("etc/ssl/certs");
    crate::directory::write(
        &certificates.join("ca-certificates.crt"),
        bundle.replace('\r', ""),
    )?;
    std::os::unix::fs::symlink("certs/ca-certificates.crt", root.join("etc/ssl/cert.pem"))?;
    let tar = |arguments: &[&str]| -> Result<Vec<u8>> {
        let mut command = Command::new("tar");
        command
            .args(["--create", "--owner=0", "--group=0", "--directory"])
            .arg(&root)
            .args(arguments);
        let output = command.output()?;
        ensure!(
            output.status.success(),
            "tar: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(output.stdout)
    };
    let repository = shelf.repository(name)?;
    let found = repository.manifest("busybox").await?;
    let manifest = Manifest::read(&found.media_type, &found.bytes)?;
    let config = repository.small_blob(&manifest.config).await?;
    let mut config: Value = serde_json::from_slice(&config)?;
    let mut manifest: Value = serde_json::from_slice(&found.bytes)?;
    for layer in [
        tar(&["--gzip", "etc"])?,
        tar(&["--gzip", "--files-from=/dev/null"])?,
    ] {
        let blob = Blob::new("application/vnd.oci.image.layer.v1.tar+gzip", layer);
        repository.put_blob(&blob).await?;
        let layers = manifest["layers"].as_array_mut().context("no layers")?;
        layers.push(
            json!({"mediaType": blob.media_type, "digest": blob.digest, "size": blob.bytes.len()}),
        );
        let diff_ids = config["rootfs"]["diff_ids"].as_array_mut();
        diff_ids
            .context("no diff ids")?
            .push(json!(unpacked(&blob)?));
    }
    let config = Blob::new(
        manifest["config"]["mediaType"].as_str().unwrap_or_default(),
        serde_json::to_vec(&config)?,
    );
    repository.put_blob(&config).await?;
    manifest["config"]["digest"] = json!(config.digest);
    manifest["config"]["size"] = json!(config.bytes.len());
    let manifest = Blob::new(&found.media_type, serde_json::to_vec(&manifest)?);
    repository.put_manifest("amd64", &manifest).await?;
    Ok(())
}

/// The digest of what a gzipped layer is unpacked to.
fn unpacked(blob: &Blob) -> Result<String> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::read::GzDecoder::new(blob.bytes.as_slice()),
        &mut bytes,
    )?;
    Ok(Blob::new("", bytes).digest)
}
