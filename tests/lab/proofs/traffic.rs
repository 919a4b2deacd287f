//! Who talks to whom: GitHub through the proxy with its account, everything of the company's own directly, and nothing
//! anywhere else.

use std::sync::Arc;

use anyhow::{Result, ensure};

use crate::evidence::{Evidence, Since};
use crate::harness::topic;
use crate::install::{self, Install, Pod};
use crate::lab::Lab;
use crate::parts::github::OUTSIDE_HOST;
use crate::parts::registry::MIRROR_READER;
use crate::parts::squid;

topic!(LEGACY = traffic on Legacy: of_the_first_generation);
topic!(SCALE_SET = traffic on ScaleSet: of_scale_sets);

async fn of_the_first_generation(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.legacy(&lab).await?;
    everything_takes_its_way(&lab, &install, &["manager", "runner"]).await
}

async fn of_scale_sets(lab: Arc<Lab>) -> Result<()> {
    let install = lab.standing.scale_set(&lab).await?;
    everything_takes_its_way(&lab, &install, &["manager", "listener", "runner"]).await
}

async fn everything_takes_its_way(lab: &Lab, install: &Install, containers: &[&str]) -> Result<()> {
    let since = Since::start();
    install.runner_at_github().await?;
    let mut pods = Vec::new();
    for container in containers {
        pods.push((*container, install.pod_with(container).await?));
    }
    for (container, pod) in &pods {
        went_through_the_proxy(container, pod, &since.of(lab, pod.address)?)?;
    }
    if let Some((_, runner)) = pods.iter().find(|(container, _)| *container == "runner") {
        a_job_pulls_directly(lab, install, runner).await?;
    }
    for (container, pod) in &pods {
        let evidence = since.of(lab, pod.address)?;
        only_to_github(container, pod, &evidence)?;
    }
    Ok(())
}

/// With the account; and GitHub was asked for at all.
fn went_through_the_proxy(container: &str, pod: &Pod, evidence: &Evidence) -> Result<()> {
    let target = format!("{OUTSIDE_HOST}:443");
    let tunnels = evidence.proxied.iter();
    let mut tunnels = tunnels.filter(|one| one.status == 200 && one.target == target);
    ensure!(
        tunnels.any(|one| one.user.as_deref() == Some(squid::USER)),
        "{container} of {} never came through the proxy: {evidence:#?}",
        pod.name
    );
    Ok(())
}

/// Whatever the proxy was asked for by it is GitHub, and it tried no address to which there is no way. A client may first
/// come without the account, as the protocol has it.
fn only_to_github(container: &str, pod: &Pod, evidence: &Evidence) -> Result<()> {
    let other = evidence
        .proxied
        .iter()
        .find(|one| !one.target.starts_with(&format!("{OUTSIDE_HOST}:")));
    ensure!(
        other.is_none(),
        "{container} of {} asked the proxy for {other:?}",
        pod.name
    );
    ensure!(
        evidence.strays.is_empty(),
        "{container} of {} tried {:?}",
        pod.name,
        evidence.strays
    );
    Ok(())
}

/// The Docker daemon beside the runner: straight to the registry, with the mirror's account.
async fn a_job_pulls_directly(lab: &Lab, install: &Install, runner: &Pod) -> Result<()> {
    let since = Since::now(lab)?;
    install::until("the Docker daemon", async || {
        let version = ["docker", "version"];
        let answer = install.runners.exec(&runner.name, "runner", &version);
        Ok(answer.await.ok())
    })
    .await?;
    let pull = ["docker", "pull", "busybox:1.35"];
    install.runners.exec(&runner.name, "runner", &pull).await?;
    let pulled = since.of(lab, runner.address)?.pulled_by(MIRROR_READER);
    ensure!(pulled.contains("library/busybox:1.35"), "{pulled:?}");
    Ok(())
}
