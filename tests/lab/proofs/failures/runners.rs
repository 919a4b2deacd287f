//! A manager that works, and runners that do not come: GitHub or the proxy refuse it, nothing takes their pods, or the
//! webhook before them is not reached.

use std::sync::Arc;

use anyhow::Result;
use serde_json::json;

use crate::lab::Lab;
use crate::parts::github::TOKEN;
use crate::parts::squid;
use crate::pods::Sandbox;

use super::case::{Case, Generation, Trouble};

pub(super) async fn of_the_first_generation(lab: &Arc<Lab>) -> Result<Vec<Case>> {
    let mut cases = of(lab, Generation::First).await?;
    // It tries again at once, and the default release only after minutes.
    let mut oldest = refused_login(lab, Generation::First, "oldest").await?;
    oldest.install.config["version"] = json!("0.18.2");
    cases.push(oldest);
    let says = &["failed calling webhook"];
    let mut webhook = Case::new(lab, Generation::First, "webhook", "webhook-failed", says)?;
    webhook.trouble = Trouble::WebhookIsCutOff;
    cases.push(webhook);
    Ok(cases)
}

pub(super) async fn of_scale_sets(lab: &Arc<Lab>) -> Result<Vec<Case>> {
    of(lab, Generation::ScaleSets).await
}

/// What both generations meet.
async fn of(lab: &Arc<Lab>, generation: Generation) -> Result<Vec<Case>> {
    let case = |name, id, says| Case::new(lab, generation, name, id, says);

    let login = refused_login(lab, generation, "login").await?;

    let mut nobody = case("nobody", "github-not-found", &["404"])?;
    github_token(&mut nobody, TOKEN).await?;
    nobody.install.config["github"]["organization"] = json!("nobody");

    let mut proxy = case("proxy", "proxy-refused", &["Proxy Authentication Required"])?;
    let account = [("username", squid::USER), ("password", "old")];
    proxy
        .existing_secret("proxy", "Opaque", &account, "ARC_SETUP_PROXY_CREDENTIALS")
        .await?;
    proxy.install.config["proxy"]["credentials"] = json!({ "existingSecret": "proxy" });

    // Each of the two has room, both have not.
    let mut quota = case("quota", "quota-exceeded", &["exceeded quota: one-pod"])?;
    let runners = Sandbox::new(lab, quota.install.runners.name()).await?;
    let spec = json!({ "hard": { "pods": "1" } });
    runners
        .apply(&json!({
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "one-pod" }, "spec": spec,
        }))
        .await?;
    for key in ["min", "max"] {
        quota.install.config["runnerSets"][0][key] = json!(2);
    }

    let mut nowhere = case(
        "nowhere",
        "unschedulable",
        &["didn't match Pod's node affinity/selector"],
    )?;
    let selector = json!({ "pool": "runners" });
    nowhere.install.config["runnerSets"][0]["podTemplate"]["spec"]["nodeSelector"] = selector;

    Ok(vec![login, nobody, proxy, quota, nowhere])
}

/// A token that somebody has revoked.
async fn refused_login(lab: &Arc<Lab>, generation: Generation, name: &str) -> Result<Case> {
    let mut case = Case::new(lab, generation, name, "github-credentials", &["401"])?;
    github_token(&mut case, "ghp_revoked0000000000000000000000000000").await?;
    Ok(case)
}

async fn github_token(case: &mut Case, token: &str) -> Result<()> {
    let values = [("github_token", token)];
    case.existing_secret("github", "Opaque", &values, "ARC_SETUP_GITHUB_TOKEN")
        .await?;
    case.install.config["github"]["existingSecret"] = json!("github");
    Ok(())
}
