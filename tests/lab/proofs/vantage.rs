//! What each place of the cluster reaches: all of it in the lab as it is, and exactly the cell that is blocked where one is.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::topic;
use crate::install::Install;
use crate::lab::Lab;
use crate::pods::Sandbox;

topic!(LEGACY = vantage on Legacy: of_the_first_generation);
topic!(SCALE_SET = vantage on ScaleSet: of_scale_sets, a_wrong_proxy_login, a_mirror_that_refuses, a_proxy_out_of_reach);

/// State and brief of each cell, by place and target; of those that are asked.
type Cells = BTreeMap<(String, String), String>;

async fn of_the_first_generation(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.legacy(&lab).await?;
    all_is_green(&install).await
}

async fn of_scale_sets(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.scale_set(&lab).await?;
    all_is_green(&install).await
}

async fn all_is_green(install: &Install) -> Result<()> {
    let (cells, said) = look(install, 0).await?;
    let places: Vec<&str> = cells.keys().map(|(place, _)| place.as_str()).collect();
    for place in ["this host", "node", "controller", "runner", "dind"] {
        ensure!(places.contains(&place), "{place} is missing: {cells:#?}");
    }
    let red: Vec<_> = cells.iter().filter(|(_, state)| *state != "ok").collect();
    ensure!(red.is_empty(), "{red:#?}\n{said}");
    no_probe_is_left(install).await
}

async fn no_probe_is_left(install: &Install) -> Result<()> {
    for sandbox in [&install.controller, &install.runners] {
        let left = ["get", "pods", "-l", "arc-setup.dev/probe", "-o", "json"];
        let left: Value = serde_json::from_str(&sandbox.kubectl(&left).await?)?;
        let going = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
        let left = left["items"].as_array().context("no list")?.iter();
        ensure!(left.filter(going).count() == 0, "a probe is left");
    }
    Ok(())
}

/// `check --from-cluster`, which must end with `code`.
async fn look(install: &Install, code: i32) -> Result<(Cells, String)> {
    let outcome = install
        .run(&["check", "--from-cluster", "--timeout", "60s", "-o", "json"])
        .await?;
    let outcome = install.expect_code(outcome, code).await?;
    let answer: Value = serde_json::from_str(&outcome.stdout)?;
    let cells = answer["grid"]["cells"].as_array().context("no grid")?;
    let text = |cell: &Value, key: &str| cell[key].as_str().unwrap_or_default().to_owned();
    let cells = cells
        .iter()
        .filter(|cell| cell["state"] != "never")
        .map(|cell| {
            let state = match text(cell, "state").as_str() {
                "blocked" => text(cell, "brief"),
                state => state.to_owned(),
            };
            ((text(cell, "place"), text(cell, "target")), state)
        })
        .collect();
    Ok((cells, outcome.stderr))
}

/// What is not green, without what is only behind it.
fn red(cells: &Cells) -> Vec<(&str, &str, &str)> {
    let not_green = cells
        .iter()
        .filter(|(_, state)| *state != "ok" && *state != "behind");
    not_green
        .map(|((place, target), state)| (place.as_str(), target.as_str(), state.as_str()))
        .collect()
}

/// Changes an object of the install, looks, and puts it back as it was.
async fn with_change(
    install: &Install,
    sandbox: &Sandbox,
    object: &str,
    patch: &Value,
) -> Result<(Cells, String)> {
    let (kind, name) = object.split_once('/').context("no kind")?;
    let before = sandbox.kubectl(&["get", kind, name, "-o", "json"]).await?;
    let before: Value = serde_json::from_str(&before)?;
    let patched = patch.to_string();
    let patching = ["patch", kind, name, "--type=merge", "-p", &patched];
    sandbox.kubectl(&patching).await?;
    let looked = look(install, 3).await;
    let back = json!({ "data": before["data"] }).to_string();
    sandbox
        .kubectl(&["patch", kind, name, "--type=merge", "-p", &back])
        .await?;
    looked
}

/// The Secret of one namespace has an old password: there the proxy asks for another, and nowhere else.
async fn a_wrong_proxy_login(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.scale_set(&lab).await?;
    let old = "http://jane:old@proxy.lab.internal:3128";
    let patch = json!({ "data": { "https": STANDARD.encode(old), "http": STANDARD.encode(old) } });
    let (cells, said) =
        with_change(&install, &install.controller, "secret/arc-proxy", &patch).await?;
    let expected = [("controller", "proxy proxy.lab.internal:3128", "proxy: 407")];
    ensure!(red(&cells) == expected, "{cells:#?}\n{said}");
    ensure!(said.contains("vantage-proxy-login"), "{said}");
    no_probe_is_left(&install).await
}

/// The registry refuses the account of the daemon's mirrors: the nodes pull as before, a job does not.
async fn a_mirror_that_refuses(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.scale_set(&lab).await?;
    let secret = "secret/arc-dind-registries";
    let live = install
        .runners
        .kubectl(&["get", "secret", "arc-dind-registries", "-o", "json"])
        .await?;
    let live: Value = serde_json::from_str(&live)?;
    let mut data = live["data"].clone();
    for (_, value) in data.as_object_mut().context("no data")? {
        let text = STANDARD.decode(value.as_str().unwrap_or_default())?;
        let text = String::from_utf8(text)?;
        let wrong = format!("Basic {}", STANDARD.encode("mirror-reader:wrong"));
        let lines: Vec<String> = text
            .lines()
            .map(|line| match line.find("Basic ") {
                Some(at) => format!("{}{wrong}\"]", &line[..at]).replace("\"]]", "\"]"),
                None => line.to_owned(),
            })
            .collect();
        *value = json!(STANDARD.encode(lines.join("\n")));
    }
    let patch = json!({ "data": data });
    let (cells, said) = with_change(&install, &install.runners, secret, &patch).await?;
    let red = red(&cells);
    ensure!(
        red.len() == 1 && red[0].0 == "dind" && red[0].2 == "http 401",
        "{cells:#?}\n{said}"
    );
    no_probe_is_left(&install).await
}

/// From the runners' namespace alone the proxy's address leads to nobody; what goes around the proxy is as before.
async fn a_proxy_out_of_reach(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.scale_set(&lab).await?;
    let nobody = STANDARD.encode("http://jane:old@10.244.0.1:9");
    let patch = json!({ "data": { "https": nobody, "http": nobody } });
    let (cells, said) = with_change(&install, &install.runners, "secret/arc-proxy", &patch).await?;
    let expected = [(
        "runner",
        "proxy proxy.lab.internal:3128",
        "proxy: tcp refused",
    )];
    ensure!(red(&cells) == expected, "{cells:#?}\n{said}");
    ensure!(said.contains("vantage-proxy-unreachable"), "{said}");
    no_probe_is_left(&install).await
}
