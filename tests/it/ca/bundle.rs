//! `ca bundle`: files, directories, the cluster and servers as one bundle.

use anyhow::{Context as _, Result};
use arc_setup::clients::kube::{Cluster, Identity};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{address, server};
use crate::support::arc_setup::ArcSetup;
use crate::support::authority::{Authority, Sends};
use crate::support::control_plane::ControlPlane;

#[tokio::test(flavor = "multi_thread")]
async fn authorities_of_a_server_are_taken_once_somebody_said_that_they_are_right() -> Result<()> {
    let authority = Authority::new()?;
    let server = server(&authority, Sends::Chain).await?;
    let address = address(&server);
    let program = ArcSetup::new()?;
    let refused = program
        .run(&["ca", "bundle", "--host", &address, "--pem", "out.pem"])
        .await?;
    let said = refused.expect_code(2).stderr;
    assert!(
        said.contains("code: ca-fingerprint") && said.contains("CN=Example Issuing CA 1 SHA-256 "),
        "{said}"
    );
    assert!(!program.home().join("out.pem").exists());
    let digits = said.split("SHA-256 ").nth(1).context("no SHA-256")?;
    let digits = digits.get(..64).context("a short SHA-256")?;
    let other = "0".repeat(64);
    let arguments = ["ca", "bundle", "--host", &address, "--sha256", &other];
    program.run(&arguments).await?.expect_code(2);
    let taken = ["ca", "bundle", "--host", &address, "--sha256", digits];
    let both = [&taken[..], &["--sha256", &other, "-o", "json"]].concat();
    let both = program.run(&both).await?.expect_code(0);
    assert!(
        both.stderr
            .contains(&format!("--sha256 {other}: no server sends that one")),
        "{}",
        both.stderr
    );
    let answer: serde_json::Value = serde_json::from_str(&both.stdout)?;
    assert_eq!(answer["authorities"][0]["sha256"], digits);
    let taken = program.run(&taken).await?.expect_code(0);
    assert_eq!(taken.stdout, authority.issuing_pem().replace("\r\n", "\n"));
    assert!(
        taken
            .stderr
            .contains("is there without its issuer 'CN=Example Root CA'"),
        "{}",
        taken.stderr
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_each_authority_once_without_leaves_and_keys() -> Result<()> {
    let authority = Authority::new()?;
    let leaf = authority.leaf(&["registry.corp"])?;
    let program = ArcSetup::new()?;
    let mixed = [authority.root_pem(), leaf.certificate_pem(), leaf.key_pem()].concat();
    program.file("mixed.pem", &mixed)?;
    program.file("anchors/issuing.der", authority.issuing_der())?;
    program.file("anchors/root.pem", authority.root_pem())?;
    program.file("anchors/README", "put certificates here")?;
    let arguments = ["ca", "bundle", "mixed.pem", "anchors", "--pem", "all.pem"];
    let outcome = program.run(&arguments).await?.expect_code(0);
    assert_eq!(outcome.stdout, "");
    let written = std::fs::read_to_string(program.home().join("all.pem"))?;
    let wanted = [authority.root_pem(), authority.issuing_pem()].concat();
    assert_eq!(written, wanted.replace("\r\n", "\n"));
    for part in [
        "a private key was left out",
        "'CN=registry.corp' was left out: it is a server's certificate",
        "README was passed over: it holds no certificate",
        "2 authorities written: all.pem",
    ] {
        assert!(
            outcome.stderr.contains(part),
            "{part}\n---\n{}",
            outcome.stderr
        );
    }
    // Nothing else is overwritten, and no form by another.
    let key = leaf.key_pem();
    program.file("key.pem", &key)?;
    for (arguments, why) in [
        (
            ["--pem", "key.pem", "--directory", "h1"],
            "something else than a bundle",
        ),
        (
            ["--pkcs12", "key.pem", "--directory", "h2"],
            "something else than a trust store",
        ),
        (["--pem", "same", "--pkcs12", "same"], "is named twice"),
    ] {
        let arguments = [&["ca", "bundle", "anchors"][..], &arguments].concat();
        let refused = program.run(&arguments).await?.expect_code(2);
        assert!(
            refused.stderr.contains(why),
            "{arguments:?}: {}",
            refused.stderr
        );
    }
    assert_eq!(
        std::fs::read_to_string(program.home().join("key.pem"))?,
        key
    );
    // A second run writes over its own.
    let again = [
        "ca",
        "bundle",
        "anchors",
        "--pem",
        "all.pem",
        "--pkcs12",
        "trust.p12",
    ];
    program.run(&again).await?.expect_code(0);
    program.run(&again).await?.expect_code(0);
    let one_line = authority.root_pem().trim_end().to_owned() + &authority.issuing_pem();
    program.file("one-line.pem", one_line)?;
    let refused = program.run(&["ca", "bundle", "one-line.pem"]).await?;
    let said = refused.expect_code(2).stderr;
    assert!(
        said.contains("an END and a BEGIN of its PEM stand on one line"),
        "{said}"
    );
    // A file that was named is no stranger in a directory.
    let refused = program
        .run(&["ca", "bundle", "anchors/README"])
        .await?
        .expect_code(2);
    assert!(
        refused.stderr.contains("anchors/README cannot be used"),
        "{}",
        refused.stderr
    );
    program.run(&["ca", "bundle"]).await?.expect_code(2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_of_a_config_map_and_a_secret_are_read_and_no_key_is_shown() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let (authority, namespace) = (Authority::new()?, "ca-bundle");
    let leaf = authority.leaf(&["registry.corp"])?;
    let cluster = Cluster::new(plane.client()?, Identity::default());
    plane.create_namespace(namespace).await?;
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "anchors", "namespace": namespace},
        "data": {"root.crt": authority.root_pem(), "README": "put certificates here"},
        "binaryData": {"issuing.der": STANDARD.encode(authority.issuing_der())}});
    let encoded = |text: String| STANDARD.encode(text);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "serving", "namespace": namespace},
        "data": {"ca.crt": encoded(authority.root_pem()), "tls.crt": encoded(leaf.certificate_pem()), "tls.key": encoded(leaf.key_pem())}});
    cluster.create(&config_map, false).await?;
    cluster.create(&secret, false).await?;
    let mut program = ArcSetup::new()?;
    program.env("KUBECONFIG", plane.kubeconfig("ca")?);
    let named = |name: &str| format!("{namespace}/{name}");
    let both = [
        "ca",
        "bundle",
        "--config-map",
        &named("anchors"),
        "--secret",
        &named("serving"),
    ];
    let outcome = program.run(&both).await?.expect_code(0);
    let wanted = [authority.root_pem(), authority.issuing_pem()].concat();
    // binaryData comes after data.
    assert_eq!(outcome.stdout, wanted.replace("\r\n", "\n"));
    let said = &outcome.stderr;
    for part in [
        "README was passed over",
        "tls.key was passed over: it holds a private key",
        "'CN=registry.corp' was left out",
    ] {
        assert!(said.contains(part), "{part}\n---\n{said}");
    }
    let key = leaf.key_pem();
    let secret_line = key.lines().nth(1).context("a key of one line")?;
    assert!(!said.contains(secret_line) && !outcome.stdout.contains(secret_line));
    let one = ["ca", "bundle", "--config-map", &named("anchors/root.crt")];
    let outcome = program.run(&one).await?.expect_code(0);
    assert_eq!(outcome.stdout, authority.root_pem().replace("\r\n", "\n"));
    for (what, said) in [
        (named("nowhere"), "is not there"),
        (named("anchors/nothing"), "does not have nothing"),
        (named("anchors/README"), "cannot be used"),
        ("anchors".to_owned(), "NAMESPACE/NAME"),
    ] {
        let refused = program
            .run(&["ca", "bundle", "--config-map", &what])
            .await?;
        let refused = refused.expect_code(2).stderr;
        assert!(refused.contains(said), "{what}\n---\n{refused}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_for_openssl_holds_one_bundle() -> Result<()> {
    let (old, new) = (Authority::new()?, Authority::of("New")?);
    let program = ArcSetup::new()?;
    program.file("old.pem", old.bundle_pem())?;
    program.file("new.pem", new.bundle_pem())?;
    let hashed = program.home().join("hashed");
    let names = || -> Result<Vec<String>> {
        let entries = std::fs::read_dir(&hashed)?;
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let names: Result<Vec<String>> = names.collect();
        Ok(names?
            .into_iter()
            .filter(|name| !name.starts_with('.'))
            .collect())
    };
    let write = async |bundle: &str| {
        program
            .run(&["ca", "bundle", bundle, "--directory", "hashed"])
            .await
    };
    write("old.pem").await?.expect_code(0);
    let first = names()?;
    assert_eq!(first.len(), 2, "{first:?}");
    write("new.pem").await?.expect_code(0);
    let second = names()?;
    assert_eq!(second.len(), 2, "{second:?}");
    assert!(
        second.iter().all(|name| !first.contains(name)),
        "{first:?} {second:?}"
    );
    program.file("others/file", "x")?;
    let refused = program
        .run(&["ca", "bundle", "new.pem", "--directory", "others"])
        .await?;
    let said = refused.expect_code(2).stderr;
    assert!(
        said.contains("others holds files of somebody else"),
        "{said}"
    );
    Ok(())
}
