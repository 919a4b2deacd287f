//! arc-setup as the administrator of this company runs it: on the node, with what a person would export.

use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::parts::registry::{Account, PULLER};
use crate::parts::{github, registry, squid};
use crate::support::arc_setup::{ArcSetup, Outcome, Running};

/// The program with the company's secrets in its environment; none of them may come out of it.
pub(crate) fn program(lab: &Lab) -> Result<ArcSetup> {
    let mut program = ArcSetup::new()?;
    let account = format!("{}:{}", squid::USER, squid::PASSWORD);
    program
        .env("KUBECONFIG", &lab.cluster.kubeconfig)
        .env("ARC_SETUP_PULL_SECRET", logins(registry::HOST, PULLER))
        .canary("the registry's password", PULLER.password)
        .canary("the registry's login", &login(PULLER))
        .secret_env("ARC_SETUP_PROXY_CREDENTIALS", &account)
        .canary("the proxy's password", squid::PASSWORD)
        .secret_env("ARC_SETUP_GITHUB_TOKEN", github::TOKEN);
    Ok(program)
}

/// A docker config.json with one login.
pub(crate) fn logins(host: &str, account: Account) -> String {
    json!({ "auths": { host: { "auth": login(account) } } }).to_string()
}

fn login(account: Account) -> String {
    STANDARD.encode(format!("{}:{}", account.user, account.password))
}

/// The set-up of the story, as a value to change: behind the proxy, docker.io kept, quay.io and ghcr.io from the
/// internal registry, certificates from the anchors. It has no runner set yet.
pub(crate) fn behind_the_proxy(lab: &Lab) -> Value {
    json!({
        "github": {
            "url": format!("https://{}", github::OUTSIDE_HOST),
            "organization": github::ORGANIZATION,
        },
        "registry": {
            "map": [
                { "source": "docker.io", "target": "keep", "mirror": registry::HOST },
                { "source": "quay.io", "target": registry::HOST },
                { "source": "ghcr.io", "target": registry::HOST },
            ],
        },
        "proxy": {
            "url": format!("http://{}:{}", squid::HOST, squid::PORT),
            "noProxy": [".lab.internal", "10.0.0.0/8"],
            "runners": "same",
        },
        "caBundle": lab.pki.anchors(),
    })
}

/// Runs a command with this configuration, whose file is `arc-setup.yaml` in the program's home.
pub(crate) async fn run(program: &ArcSetup, config: &Value, arguments: &[&str]) -> Result<Outcome> {
    start(program, config, arguments)?.wait().await
}

/// Starts a command with this configuration.
pub(crate) fn start(program: &ArcSetup, config: &Value, arguments: &[&str]) -> Result<Running> {
    // YAML reads JSON.
    let config = program.file("arc-setup.yaml", config.to_string())?;
    let config = config.display().to_string();
    program.start(&[arguments, &["--config", &config]].concat())
}

/// What `render --with-secrets` writes, as a List.
pub(crate) async fn rendered(program: &mut ArcSetup, config: &Value) -> Result<Value> {
    let render = ["render", "--with-secrets", "--output", "json"];
    let outcome = run(program.without_canaries(), config, &render).await?;
    let outcome = outcome.expect_code(0);
    serde_json::from_str(&outcome.stdout).context("render wrote no JSON")
}

/// `caBundle` of a configuration.
pub(crate) fn set_authorities(config: &mut Value, authorities: Option<&Path>) {
    match authorities {
        Some(file) => config["caBundle"] = json!(file),
        None => {
            config.as_object_mut().map(|keys| keys.remove("caBundle"));
        }
    }
}
