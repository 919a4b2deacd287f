//! arc-setup as the administrator of this company runs it: on the node, with what a person would export.

use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::parts::{github, registry, squid};
use crate::support::arc_setup::{ArcSetup, Outcome};

/// The program with the company's secrets in its environment; none of them may come out of it.
pub(crate) fn program(lab: &Lab) -> Result<ArcSetup> {
    let mut program = ArcSetup::new()?;
    let account = format!("{}:{}", squid::USER, squid::PASSWORD);
    let puller = registry::PULLER;
    let login = STANDARD.encode(format!("{}:{}", puller.user, puller.password));
    let logins = json!({ "auths": { registry::HOST: { "auth": login } } });
    program
        .env("KUBECONFIG", &lab.cluster.kubeconfig)
        .env("ARC_SETUP_PULL_SECRET", logins.to_string())
        .canary("the registry's password", puller.password)
        .canary("the registry's login", &login)
        .secret_env("ARC_SETUP_PROXY_CREDENTIALS", &account)
        .canary("the proxy's password", squid::PASSWORD)
        .secret_env("ARC_SETUP_GITHUB_TOKEN", github::TOKEN);
    Ok(program)
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
        },
        "caBundle": lab.pki.anchors(),
    })
}

/// Runs a command with this configuration, whose file is `arc-setup.yaml` in the program's home.
pub(crate) async fn run(program: &ArcSetup, config: &Value, arguments: &[&str]) -> Result<Outcome> {
    // YAML reads JSON.
    let config = program.file("arc-setup.yaml", config.to_string())?;
    let config = config.display().to_string();
    program
        .run(&[arguments, &["--config", &config]].concat())
        .await
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
