//! What preflight sees ends `init` before anything is written.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use arc_setup::checks::catalogue;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::administrator;
use crate::install::Install;
use crate::lab::Lab;
use crate::parts::registry::{self, PULLER};
use crate::parts::squid;
use crate::pods::Sandbox;

/// A namespace that another team has made, for two pods that nobody may start.
const FULL: &str = "before-full";

/// The code of the finding, and what is wrong.
type Case = (&'static str, fn(&Lab, &mut Install));

const CASES: &[Case] = &[
    ("image-absent", |_, install| {
        install.config["controller"]["image"] =
            json!("ghcr.io/actions/gha-runner-scale-set-controller:9.9.9");
    }),
    ("image-unauthorized", |_, install| {
        let logins =
            json!({ "auths": { registry::HOST: { "username": PULLER.user, "password": "old" } } });
        install
            .program
            .env("ARC_SETUP_PULL_SECRET", logins.to_string());
    }),
    ("tls-untrusted", |lab, install| {
        administrator::set_authorities(&mut install.config, Some(&lab.pki.root()));
    }),
    ("proxy-refused", |_, install| {
        let account = format!("{}:old", squid::USER);
        install.program.env("ARC_SETUP_PROXY_CREDENTIALS", account);
    }),
    ("github-credentials", |_, install| {
        let token = "ghp_revoked0000000000000000000000000000";
        install.program.env("ARC_SETUP_GITHUB_TOKEN", token);
    }),
    ("github-not-found", |_, install| {
        install.config["github"]["organization"] = json!("nobody");
    }),
    ("quota-exceeded", |_, install| {
        install.config["namespaces"]["runners"] = json!(FULL);
    }),
];

pub(super) async fn preflight_sees_it_first(lab: Arc<Lab>) -> Result<()> {
    let full = Sandbox::new(&lab, FULL).await?;
    full.apply(&json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "none" },
        "spec": { "hard": { "pods": "0" } },
    }))
    .await?;
    let ends = join_all(CASES.iter().map(|case| ends_before(&lab, case))).await;
    let namespaces = lab.cluster.kubectl(&["get", "namespaces", "-o", "name"]);
    let namespaces = namespaces.await?;
    full.delete().await?;
    let wrong: Vec<String> = ends
        .into_iter()
        .zip(CASES)
        .filter_map(|(end, (id, _))| Some(format!("{id}: {:#}", end.err()?)))
        .collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let made = namespaces
        .lines()
        .find(|name| name.contains("/before-") && !name.ends_with(FULL));
    ensure!(made.is_none(), "{made:?} was written");
    Ok(())
}

async fn ends_before(lab: &Arc<Lab>, (id, wrong): &Case) -> Result<()> {
    let mut config = administrator::behind_the_proxy(lab);
    config["name"] = json!(format!("before-{id}"));
    config["namespaces"] = json!({
        "controller": format!("before-{id}-systems"),
        "runners": format!("before-{id}-runners"),
    });
    config["runnerSets"] = json!([{ "name": "before", "max": 1 }]);
    let mut install = Install::new(lab, config)?;
    wrong(lab, &mut install);
    let init = ["init", "--context", "lab", "--yes", "--output", "json"];
    let outcome = administrator::run(&install.program, &install.config, &init).await?;
    let answer: Value = serde_json::from_str(&outcome.stdout)
        .with_context(|| format!("no failure: {outcome:?}"))?;
    ensure!(outcome.code == Some(3), "{outcome:?}");
    let findings = answer["findings"].as_array().into_iter().flatten();
    let mut failed = findings.filter(|one| one["verdict"] == json!("failed"));
    let found = failed.find(|one| one["id"] == json!(id));
    let found = found.with_context(|| format!("not found: {}", outcome.stderr))?;
    let remedy = found["remedy"][0].as_str();
    let remedy = remedy.or(catalogue::entry(id).map(|entry| entry.remedy));
    let remedy = remedy.context("no such code")?;
    ensure!(
        outcome.stderr.contains(remedy),
        "{remedy} is not said: {}",
        outcome.stderr
    );
    Ok(())
}
