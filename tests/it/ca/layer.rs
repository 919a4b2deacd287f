//! `ca layer`: an image of a real registry, with the authorities as its top layer.

mod dialects;

use anyhow::{Context as _, Result};
use arc_setup::oci::Descriptor;
use serde_json::Value;

use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::authority::Authority;
use crate::support::distribution::{ACCOUNT, Distribution, Door, Request};
use crate::support::images::{Entry, Family, Put, Shelf, tar};

const BASE: &str = "library/docker";

/// A company with a registry in which docker:dind is, for two platforms.
struct Site {
    authority: Authority,
    registry: Distribution,
    program: ArcSetup,
    shelf: Shelf,
    images: [Put; 2],
    index: arc_setup::oci::Blob,
}

/// Alpine's trust store, below Docker's files: the bundle in a layer of its own, links to it.
fn dind(of: &str) -> [Vec<u8>; 2] {
    let system = tar(&[
        Entry::Directory("etc/"),
        Entry::Directory("etc/ssl/"),
        Entry::Directory("etc/ssl/certs/"),
        Entry::File("etc/ssl/certs/ca-certificates.crt", PUBLIC),
        Entry::Link("etc/ssl/cert.pem", "certs/ca-certificates.crt"),
    ]);
    let docker = tar(&[Entry::Directory("usr/"), Entry::File("usr/dockerd", of)]);
    [system, docker]
}

/// What stands for the public authorities.
const PUBLIC: &str = include_str!("layer/public.pem");

async fn site(family: Family) -> Result<Site> {
    let authority = Authority::new()?;
    let registry = Distribution::start(&authority, Door::Open).await?;
    let program = ArcSetup::new()?;
    program.file("ca.pem", authority.bundle_pem())?;
    let shelf = Shelf::new(&authority, &registry, family);
    let images = [
        shelf.image(BASE, None, "amd64", &dind("amd64")).await?,
        shelf.image(BASE, None, "arm64", &dind("arm64")).await?,
    ];
    let [amd64, arm64] = &images;
    let platforms = [("amd64", amd64), ("arm64", arm64)];
    let index = shelf.index(BASE, "29-dind", &platforms).await?;
    Ok(Site {
        authority,
        registry,
        program,
        shelf,
        images,
        index,
    })
}

impl Site {
    fn base(&self) -> String {
        format!("{}/{BASE}:29-dind", self.registry.host())
    }

    async fn layer(&self, more: &[&str]) -> Result<Outcome> {
        let base = self.base();
        let arguments = ["ca", "layer", &base, "--ca-bundle", "ca.pem"];
        self.program.run(&[&arguments, more].concat()).await
    }

    async fn json(&self, more: &[&str]) -> Result<Value> {
        let more = [more, &["-o", "json"]].concat();
        let outcome = self.layer(&more).await?.expect_code(0);
        Ok(serde_json::from_str(&outcome.stdout)?)
    }

    /// What was asked since there were so many requests, up to the PUT of this tag.
    async fn asked(&self, before: usize, tag: &str) -> Result<Vec<Request>> {
        let end = format!("/manifests/{tag}");
        let is_last = |one: &Request| one.method == "PUT" && one.target.ends_with(&end);
        Ok(self.registry.requests(is_last).await?.split_off(before))
    }

    async fn count(&self) -> Result<usize> {
        Ok(self.registry.requests(|_| true).await?.len())
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.with_context(|| format!("no {pointer} in {value}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_platform_gets_the_layer_and_nothing_of_the_base_is_read() -> Result<()> {
    let site = site(Family::Oci).await?;
    let (host, before) = (site.registry.host(), site.count().await?);
    let place = format!("{host}/{BASE}");
    let made = site.json(&["--push", &place]).await?;
    assert_eq!(text(&made, "/outcome")?, "pushed");
    let sha256 = text(&made, "/bundle/sha256")?;
    let tag = format!("29-dind-ca-{}", &sha256[..8]);
    assert_eq!(text(&made, "/reference")?, format!("{place}:{tag}"));
    let printed = site
        .program
        .run(&["ca", "bundle", "ca.pem"])
        .await?
        .expect_code(0);
    assert_eq!(sha256, arc_setup::object::sha256(printed.stdout.as_bytes()));

    // Two platforms: four requests each beside those for manifests, and none for a layer of the base.
    let asked = site.asked(before, &tag).await?;
    let beside: Vec<&Request> = asked
        .iter()
        .filter(|one| !one.target.contains("/manifests/"))
        .collect();
    assert!(beside.len() <= 2 * 4, "{beside:#?}");
    let layers = site.images.iter().flat_map(|image| &image.layers);
    for layer in layers {
        let named = asked.iter().find(|one| one.target.contains(&layer.digest));
        assert_eq!(named, None, "a layer of the base was asked for");
    }

    // What is there now is the base's with one layer more, unknown fields and their order kept.
    let repository = site.shelf.repository(BASE)?;
    let index = repository.manifest(&tag).await?;
    assert_eq!(text(&made, "/digest")?, index.digest);
    let index: Value = serde_json::from_slice(&index.bytes)?;
    let children = index["manifests"].as_array().context("no manifests")?;
    assert_eq!(children.len(), 2, "attestations are left out");
    assert_eq!(made["leftOut"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        index["annotations"]["org.opencontainers.image.base.digest"],
        site.index.digest
    );
    for (child, base) in children.iter().zip(&site.images) {
        let manifest = repository.manifest(text(child, "/digest")?).await?;
        let manifest: Value = serde_json::from_slice(&manifest.bytes)?;
        let layers = manifest["layers"].as_array().context("no layers")?;
        assert_eq!(layers.len(), base.layers.len() + 1);
        assert_eq!(manifest["annotations"]["kept"], "as it is");
        let top = layers.last().context("no layer")?;
        assert_eq!(top["mediaType"], "application/vnd.oci.image.layer.v1.tar");
        let config = Descriptor {
            media_type: String::new(),
            digest: text(&manifest, "/config/digest")?.to_owned(),
            size: 0,
        };
        let config = repository.small_blob(&config).await?;
        let config = String::from_utf8(config)?;
        assert!(
            config.starts_with("{\"x-first\":{\"z\":1,\"a\":[1.5,null]}")
                && config.ends_with("\"a-last\":\"stays last\"}"),
            "{config}"
        );
        let config: Value = serde_json::from_str(&config)?;
        assert_eq!(config["rootfs"]["diff_ids"][2], top["digest"]);
        assert_eq!(
            config["history"][3]["created_by"],
            format!("arc-setup ca-layer {sha256}")
        );
        assert_eq!(config["history"][3]["created"], "1970-01-01T00:00:00Z");
    }

    // Again: nothing is done.
    let before = site.count().await?;
    let again = site.json(&["--push", &place]).await?;
    assert_eq!(
        (text(&again, "/outcome")?, &again["digest"]),
        ("there", &made["digest"])
    );
    let requests = site.registry.requests(|_| true).await?;
    let written = requests[before..]
        .iter()
        .find(|one| !matches!(one.method.as_str(), "GET" | "HEAD"));
    assert_eq!(written, None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_verifies_computes_the_digest_again_and_is_told_what_differs() -> Result<()> {
    let site = site(Family::Oci).await?;
    let place = format!("{}/{BASE}:fixed", site.registry.host());
    let outcome = site.layer(&["--push", &place]).await?.expect_code(0);
    let pushed = outcome
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("use"));
    let by_digest = pushed.context("no digest")?.trim().to_owned();
    for reference in [&place, &by_digest] {
        let outcome = site.layer(&["--verify", reference]).await?.expect_code(0);
        assert!(
            outcome
                .stdout
                .contains("is what comes of this base and this bundle"),
            "{}",
            outcome.stdout
        );
    }
    let differs = |outcome: Outcome, words: &[&str]| {
        let said = outcome.expect_code(3).stderr;
        assert!(said.contains("code: layer-differs"), "{said}");
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
    };
    // Another host for Docker, another mode, another bundle.
    let others = ["--certs-for", "other.corp"];
    let outcome = site
        .layer(&[&["--verify", place.as_str()][..], &others].concat())
        .await?;
    differs(outcome, &["linux/arm64: its layer is sha256:"]);
    let outcome = site.layer(&["--verify", &place, "--merged"]).await?;
    differs(outcome, &["linux/amd64: its layer is sha256:"]);
    site.program
        .file("ca.pem", site.authority.bundle_pem() + PUBLIC)?;
    differs(
        site.layer(&["--verify", &place]).await?,
        &["the bundle in it has SHA-256"],
    );
    // The base has moved on.
    site.program.file("ca.pem", site.authority.bundle_pem())?;
    let newer = site
        .shelf
        .image(BASE, None, "amd64", &dind("newer"))
        .await?;
    site.shelf
        .index(BASE, "29-dind", &[("amd64", &newer)])
        .await?;
    let made_from = format!("it was made from {}", site.index.digest);
    differs(
        site.layer(&["--verify", &place]).await?,
        &[
            &made_from,
            "linux/amd64: it does not stand on the layers of this base",
            "linux/arm64: the base does not have it",
        ],
    );
    // By its digest it is the same as ever.
    let base = format!("{}/{BASE}@{}", site.registry.host(), site.index.digest);
    let arguments = [
        "ca",
        "layer",
        &base,
        "--ca-bundle",
        "ca.pem",
        "--verify",
        &place,
    ];
    site.program.run(&arguments).await?.expect_code(0);
    let gone = format!("{}/{BASE}:gone", site.registry.host());
    let said = site
        .layer(&["--verify", &gone])
        .await?
        .expect_code(3)
        .stderr;
    assert!(said.contains("code: image-absent"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_of_the_base_are_mounted_or_streamed_and_the_layer_is_the_same() -> Result<()> {
    let site = site(Family::Docker).await?;
    let host = site.registry.host();
    let certs = ["--certs-for", "registry.corp"];
    let place = format!("{host}/platform/dind:1");
    let dry = site
        .json(&[&["--push", place.as_str(), "--dry-run"][..], &certs].concat())
        .await?;
    assert_eq!(text(&dry, "/outcome")?, "would");
    let before = site.count().await?;
    let beside = site
        .json(&[&["--push", place.as_str()][..], &certs].concat())
        .await?;
    assert_eq!(beside["digest"], dry["digest"]);
    // One layer is in both images.
    assert_eq!(beside["blobs"]["mounted"], 3);
    assert_eq!(beside["blobs"]["copied"], 0);
    let asked = site.asked(before, "1").await?;
    let beside_manifests = asked
        .iter()
        .filter(|one| !one.target.contains("/manifests/"));
    let others = beside_manifests.filter(|one| !one.target.contains("mount="));
    assert!(others.count() <= 2 * 4, "{asked:#?}");

    // Another registry, with accounts.
    let other = Distribution::start(&site.authority, Door::Account).await?;
    let elsewhere = format!("{}/platform/dind:1", other.host());
    let refused = site
        .layer(&[&["--push", elsewhere.as_str()][..], &certs].concat())
        .await?;
    let said = refused.expect_code(20).stderr;
    assert!(
        said.contains("code: layer-push-refused") && said.contains("no tag was written"),
        "{said}"
    );
    let (user, password) = ACCOUNT;
    let login =
        serde_json::json!({"auths": {other.host(): {"username": user, "password": password}}});
    site.program.file("docker.json", login.to_string())?;
    let more = [
        "--push",
        elsewhere.as_str(),
        "--pull-secret-file",
        "docker.json",
    ];
    let more = [&more[..], &certs].concat();
    let copied = site.json(&more).await?;
    assert_eq!(copied["digest"], beside["digest"]);
    assert_eq!(copied["blobs"]["copied"], 3);
    // Layers that came once do not come again.
    let elsewhere = format!("{}/platform/dind:2", other.host());
    let more = [
        "--push",
        elsewhere.as_str(),
        "--pull-secret-file",
        "docker.json",
    ];
    let again = site.json(&[&more[..], &certs].concat()).await?;
    assert_eq!(again["blobs"]["there"], 3);

    // Docker's types stay Docker's.
    let shelf = Shelf::new(&site.authority, &other, Family::Docker);
    let repository = shelf.repository("platform/dind")?;
    let index = repository.manifest("1").await?;
    assert_eq!(index.media_type, Family::Docker.index());
    assert!(!String::from_utf8_lossy(&index.bytes).contains("oci"));
    let index: Value = serde_json::from_slice(&index.bytes)?;
    let child = text(&index, "/manifests/1/digest")?;
    let manifest = repository.manifest(child).await?;
    assert!(!String::from_utf8_lossy(&manifest.bytes).contains("oci"));
    let manifest: Value = serde_json::from_slice(&manifest.bytes)?;
    assert_eq!(
        manifest["layers"][2]["mediaType"],
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_images_own_bundle_gets_the_authorities_where_that_is_wanted() -> Result<()> {
    let site = site(Family::Oci).await?;
    let place = format!("{}/{BASE}:merged", site.registry.host());
    // The rules say where docker:29-dind is.
    let map = format!("docker.io={}", site.registry.host());
    let arguments = [
        "ca",
        "layer",
        "docker:29-dind",
        "--registry-map",
        &map,
        "--ca-bundle",
        "ca.pem",
    ];
    let more = ["--push", &place, "--merged", "-o", "json"];
    let outcome = site
        .program
        .run(&[&arguments[..], &more].concat())
        .await?
        .expect_code(0);
    let made: Value = serde_json::from_str(&outcome.stdout)?;
    assert_eq!(text(&made, "/base/name")?, site.base());
    assert_eq!(
        text(&made, "/images/0/bundlesRewritten/0")?,
        "etc/ssl/certs/ca-certificates.crt"
    );
    let layer = Descriptor {
        media_type: String::new(),
        digest: text(&made, "/images/0/layer/digest")?.to_owned(),
        size: 0,
    };
    let repository = site.shelf.repository(BASE)?;
    let layer = repository.small_blob(&layer).await?;
    let whole = [PUBLIC, &site.authority.bundle_pem().replace('\r', "")].concat();
    let layer = String::from_utf8_lossy(&layer);
    assert!(
        layer.contains(&whole),
        "the bundle is not the image's own with the company's"
    );
    // The same by its digest.
    site.layer(&["--verify", text(&made, "/use")?, "--merged"])
        .await?
        .expect_code(0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_get_the_layer_is_refused_and_nothing_is_pushed() -> Result<()> {
    let site = site(Family::Oci).await?;
    let host = site.registry.host();
    let nothing = [tar(&[Entry::File("bin/sh", "x")])];
    site.shelf
        .image("bare", Some("1"), "amd64", &nothing)
        .await?;
    let broken = [b"neither tar nor anything else".to_vec()];
    site.shelf
        .image("broken", Some("1"), "amd64", &broken)
        .await?;
    let place = format!("{host}/platform/x:1");
    for (image, more, exit, code, words) in [
        (
            "bare:1",
            Some("--merged"),
            3,
            "layer-no-bundle",
            "it has no bundle of authorities",
        ),
        (
            "broken:1",
            Some("--merged"),
            3,
            "layer-base-unusable",
            "ends in the middle of a file",
        ),
        (
            "gone:1",
            None,
            3,
            "image-absent",
            "the registry does not have it",
        ),
        (
            "bare:1@sha256:x",
            None,
            2,
            "image-invalid",
            "invalid digest",
        ),
    ] {
        let image = format!("{host}/{image}");
        let arguments = [
            "ca",
            "layer",
            &image,
            "--ca-bundle",
            "ca.pem",
            "--push",
            &place,
        ];
        let refused = site
            .program
            .run(&[&arguments[..], more.as_slice()].concat())
            .await?;
        let said = refused.expect_code(exit).stderr;
        assert!(
            said.contains(&format!("code: {code}")) && said.contains(words),
            "{image}: {said}"
        );
    }
    // Each would do without --merged.
    let image = format!("{host}/broken:1");
    let arguments = [
        "ca",
        "layer",
        &image,
        "--ca-bundle",
        "ca.pem",
        "--push",
        &place,
    ];
    site.program.run(&arguments).await?.expect_code(0);

    let base = site.base();
    for (arguments, words) in [
        (&[][..], "--push"),
        (&["--push", &base], "is the image itself"),
        (&["--push", "platform/docker"], "it names no registry"),
        (
            &["--push", &format!("{host}/x@sha256:{}", "a".repeat(64))],
            "cannot be chosen",
        ),
        (&["--verify", &place, "--dry-run"], "--dry-run"),
        (&["--push", &place, "--certs-for", "no host"], "is no host"),
    ] {
        let said = site.layer(arguments).await?.expect_code(2).stderr;
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let without = ["ca", "layer", &base, "--push", &place];
    let said = site.program.run(&without).await?.expect_code(2).stderr;
    assert!(said.contains("code: ca-bundle"), "{said}");
    Ok(())
}

/// Who takes a result for the base would have two authorities' layers, the old one for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_layer_over_a_layer_is_warned_of() -> Result<()> {
    let site = site(Family::Docker).await?;
    let place = format!("{}/{BASE}:first", site.registry.host());
    site.layer(&["--push", &place]).await?.expect_code(0);
    let again = format!("{}/{BASE}:second", site.registry.host());
    let arguments = [
        "ca",
        "layer",
        &place,
        "--ca-bundle",
        "ca.pem",
        "--push",
        &again,
    ];
    let said = site.program.run(&arguments).await?.expect_code(0).stderr;
    assert!(
        said.contains("warning: the image has a layer of arc-setup ca layer already"),
        "{said}"
    );
    Ok(())
}
