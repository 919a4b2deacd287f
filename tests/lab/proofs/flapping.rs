//! A registry that is away for a while is waited for: its answers say nothing of the images.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::administrator;
use crate::harness::topic;
use crate::lab::Lab;
use crate::parts::registry::{FLAPPING_HOST, PULLER};

topic!(flapping in ScaleSet: init_outlasts_ten_seconds_of_503);

const OUTAGE: Duration = Duration::from_secs(10);

async fn init_outlasts_ten_seconds_of_503(lab: Arc<Lab>) -> Result<()> {
    let mut config = administrator::behind_the_proxy(&lab);
    config["name"] = json!("flapping");
    config["namespaces"] =
        json!({ "controller": "flapping-systems", "runners": "flapping-runners" });
    // Names that no other proof pulls: the node has none of them yet.
    let from = |source: &str| json!({ "source": source, "target": FLAPPING_HOST });
    config["registry"]["map"] = json!([from("docker.io"), from("quay.io"), from("ghcr.io")]);
    config["runnerSets"] = json!([{ "name": "flapping", "max": 1 }]);
    let mut program = administrator::program(&lab)?;
    program.env(
        "ARC_SETUP_PULL_SECRET",
        administrator::logins(FLAPPING_HOST, PULLER),
    );

    let init = ["init", "--context", "lab", "--yes"];
    let mut running = administrator::start(&program, &config, &init)?;
    // Its own look at the images is over when it begins to write; the node pulls some waves later.
    let namespace = ["get", "namespace", "flapping-systems"];
    while lab.cluster.kubectl(&namespace).await.is_err() {
        let ended = running.poll()?;
        ensure!(ended.is_none(), "init ended too early: {ended:#?}");
    }
    let outage = lab.flapping.fail_for(OUTAGE).await;
    let began = Instant::now();
    let outcome = running.wait().await?.expect_code(0);
    ensure!(outage.refused() > 0, "the node pulled before the outage");
    ensure!(began.elapsed() > OUTAGE, "init was done in the outage");
    let said = &outcome.stderr;
    ensure!(said.contains("503"), "nobody was told why it lasts: {said}");
    drop(outage);

    let uninstall = ["uninstall", "--context", "lab", "--yes"];
    let outcome = administrator::run(&program, &config, &uninstall).await?;
    outcome.expect_code(0);
    Ok(())
}
