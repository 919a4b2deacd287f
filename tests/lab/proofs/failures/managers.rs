//! A manager that does not start: the node cannot pull it, or it ends again and again.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};

use crate::administrator;
use crate::lab::Lab;
use crate::parts::registry::{self, FLAPPING_HOST, PULLER, UNTRUSTED_HOST};

use super::case::{Case, Generation, Trouble};

/// What this node's containerd says of an absent image too.
const X509: &str = "x509: certificate signed by unknown authority";

/// Two images of two registries: its own of Docker Hub, which the node mirrors, and kube-rbac-proxy of quay.io.
pub(super) async fn of_the_first_generation(lab: &Arc<Lab>) -> Result<Vec<Case>> {
    let case = |name, id, says| Case::new(lab, Generation::First, name, id, says);

    let mut absent = case("absent", "image-absent", &[X509, "v9.9.9", "404"])?;
    absent.install.config["controller"]["image"] =
        json!("summerwind/actions-runner-controller:v9.9.9");

    let mut unauthorized = case("unauthorized", "image-unauthorized", &["401 Unauthorized"])?;
    wrong_pull_secret(&mut unauthorized, 1).await?;

    let mut untrusted = case(
        "untrusted",
        "image-untrusted",
        &[X509, "node does not trust"],
    )?;
    from_the_untrusted(&mut untrusted, 1, 1);

    let mut looping = case(
        "looping",
        "crash-loop",
        &["restarted 2 times", "exit code 1", "AppID"],
    )?;
    looping.manager("env", json!([{ "name": "GITHUB_APP_ID", "value": "none" }]));

    // Somebody has taken an old image for a new release.
    let says = &["flag provided but not defined"];
    let mut outdated = case("outdated", "crash-unknown-flag", says)?;
    outdated.install.config["controller"]["image"] =
        json!("summerwind/actions-runner-controller:v0.18.2");

    Ok(vec![absent, unauthorized, untrusted, looping, outdated])
}

/// One image, of ghcr.io.
pub(super) async fn of_scale_sets(lab: &Arc<Lab>) -> Result<Vec<Case>> {
    let case = |name, id, says| Case::new(lab, Generation::ScaleSets, name, id, says);

    let says = &[X509, "the registry does not have the image"];
    let mut absent = case("absent", "image-absent", says)?;
    from(&mut absent, 2, FLAPPING_HOST);
    absent.manager("imagePullPolicy", json!("Always"));
    absent.trouble = Trouble::ImagesAreLost;

    let mut unauthorized = case("unauthorized", "image-unauthorized", &["401 Unauthorized"])?;
    wrong_pull_secret(&mut unauthorized, 0).await?;

    let mut untrusted = case(
        "untrusted",
        "image-untrusted",
        &[X509, "node does not trust"],
    )?;
    from_the_untrusted(&mut untrusted, 2, 0);

    let mut looping = case(
        "looping",
        "crash-loop",
        &["restarted 2 times", "unknown log level"],
    )?;
    arguments(&mut looping, "--log-level=none");

    let says = &["flag provided but not defined: -no-such-flag"];
    let mut outdated = case("outdated", "crash-unknown-flag", says)?;
    arguments(&mut outdated, "--no-such-flag");

    Ok(vec![absent, unauthorized, untrusted, looping, outdated])
}

/// The rule of this number sends its images there, for which there is a login.
fn from(case: &mut Case, rule: usize, host: &str) {
    case.install.config["registry"]["map"][rule]["target"] = json!(host);
    let login = administrator::logins(host, PULLER);
    case.install.program.env("ARC_SETUP_PULL_SECRET", login);
}

fn from_the_untrusted(case: &mut Case, rule: usize, container: usize) {
    from(case, rule, UNTRUSTED_HOST);
    always_pull(case, container);
}

/// The account's password was changed, and the Secret was not.
async fn wrong_pull_secret(case: &mut Case, container: usize) -> Result<()> {
    let logins =
        json!({ "auths": { registry::HOST: { "username": PULLER.user, "password": "old" } } });
    let values = [(".dockerconfigjson", &*logins.to_string())];
    let kind = "kubernetes.io/dockerconfigjson";
    case.existing_secret("registry", kind, &values, "ARC_SETUP_PULL_SECRET")
        .await?;
    case.install.config["registry"]["pullSecret"] = json!({ "existingSecret": "registry" });
    always_pull(case, container);
    Ok(())
}

/// Other installs may have brought the image onto the node.
fn always_pull(case: &mut Case, container: usize) {
    let template = &mut case.install.config["controller"]["podTemplate"];
    template["spec"]["containers"][container]["imagePullPolicy"] = json!("Always");
}

fn arguments(case: &mut Case, more: &str) {
    let arguments: Value = json!(["--auto-scaling-runner-set-only", more]);
    case.manager("args", arguments);
}
