//! `init` is killed at three of its writes, as by a cut cable; a plain re-run ends where an undisturbed run ends. Every
//! write is tried against an API server alone (tests/it/init/interrupted); here a real manager comes in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::administrator;
use crate::harness::topic;
use crate::install::{Install, until};
use crate::lab::Lab;
use crate::support::recording_proxy::{Hold, RecordingProxy};
use crate::support::world::{World, differing, essence, inventory_faults, read};

topic!(interrupted in Legacy: a_run_that_was_killed_is_gone_on_with);

const NAME: &str = "killed";
const INIT: &[&str] = &["init", "--no-pull-test"];

async fn a_run_that_was_killed_is_gone_on_with(lab: Arc<Lab>) -> Result<()> {
    let mut config = administrator::behind_the_proxy(&lab);
    config["mode"] = json!("legacy");
    config["name"] = json!(NAME);
    config["namespaces"] = json!({ "controller": "killed-systems", "runners": "killed-runners" });
    let at_once = json!({ "terminationGracePeriodSeconds": 0 });
    config["controller"]["podTemplate"] = json!({ "spec": at_once });
    config["runnerSets"] = json!([{ "name": NAME, "max": 1 }]);
    let mut install = Install::new(&lab, config)?;
    let recorder = RecordingProxy::start(lab.cluster.client()?).await?;
    let kubeconfig = install
        .program
        .file("recorded", recorder.kubeconfig("lab"))?;
    install.program.env("KUBECONFIG", kubeconfig);

    init(&install).await?;
    let writes = recorder.take().iter().filter(|one| one.writes()).count();
    ensure!(writes > 25, "{writes} writes");
    let wanted = written(&lab).await?;
    install.remove().await?;
    let places = [
        Hold::Before(writes / 4),
        Hold::After(writes / 2),
        Hold::After(writes * 3 / 4),
    ];
    for (place, waits) in places.into_iter().zip([false, false, true]) {
        kill(&install, &recorder, place).await?;
        if !waits {
            expire_lock(&lab).await;
        }
        init(&install).await?;
        let differing = differing(&wanted, &written(&lab).await?);
        ensure!(differing.is_empty(), "killed {place:?}: {differing:#?}");
        install.remove().await?;
    }
    install.clear().await
}

async fn init(install: &Install) -> Result<()> {
    let outcome = install.run(INIT).await?;
    install.expect_code(outcome, 0).await.map(drop)
}

async fn kill(install: &Install, recorder: &RecordingProxy, place: Hold) -> Result<()> {
    recorder.hold(place);
    let init = [INIT, &["--context", "lab", "--yes"]].concat();
    let mut running = administrator::start(&install.program, &install.config, &init)?;
    until(&format!("{place:?}"), async || {
        let ended = running.poll()?;
        ensure!(ended.is_none(), "it ended before {place:?}: {ended:?}");
        Ok(recorder.is_held().then_some(()))
    })
    .await?;
    // Dropped is killed.
    drop(running);
    recorder.cut();
    Ok(())
}

/// As if most of the time had passed for which the dead run's lock holds.
async fn expire_lock(lab: &Lab) {
    let lease = format!("lease/arc-setup-{NAME}");
    let shorter = r#"{"spec":{"leaseDurationSeconds":1}}"#;
    let namespace = ["--namespace", "killed-systems"];
    let patch = ["patch", &lease, "--type=merge", "--patch", shorter];
    // It may have been killed before it had one.
    lab.cluster
        .kubectl(&[&namespace[..], &patch].concat())
        .await
        .ok();
}

/// What arc-setup has written, without what differs by nature. Controllers give their own objects its labels, and random
/// names.
async fn written(lab: &Lab) -> Result<BTreeMap<String, Value>> {
    let mut world: World = read(&lab.cluster.client()?).await;
    world.retain(|_, object| {
        let metadata = &object["metadata"];
        let mut owners = metadata["ownerReferences"].as_array().into_iter().flatten();
        let is_definition = object["spec"]["group"] == json!("actions.summerwind.dev");
        (is_definition || metadata["labels"]["arc-setup.dev/install"] == json!(NAME))
            && !owners.any(|owner| owner["controller"] == json!(true))
    });
    let faults = inventory_faults(&world);
    ensure!(faults.is_empty(), "{faults:#?}");
    Ok(essence(&world))
}
