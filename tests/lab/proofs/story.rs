//! The story that this project comes from: a cluster that pulls from one registry, behind a proxy, with certificates of
//! the company's own. One command, and runners wait for jobs.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::harness::topic;
use crate::install::{self, Install};
use crate::lab::Lab;
use crate::parts::namespaces::NODE;
use crate::parts::registry::{self, NODE_MIRROR, PULLER, Request};

topic!(LEGACY = story in Legacy: the_first_generation_reaches_running_runners);
topic!(SCALE_SET = story in ScaleSet: scale_sets_reach_running_runners);

async fn the_first_generation_reaches_running_runners(lab: Arc<Lab>) -> Result<()> {
    let config = install::story(&lab)?;
    reaches_running_runners(&lab, config, &["manager", "runner"]).await
}

async fn scale_sets_reach_running_runners(lab: Arc<Lab>) -> Result<()> {
    let config = install::scale_set(&lab);
    reaches_running_runners(&lab, config, &["manager", "listener", "runner"]).await
}

async fn reaches_running_runners(lab: &Arc<Lab>, config: Value, containers: &[&str]) -> Result<()> {
    let install = Install::new(lab, config)?;
    install.init().await?;
    let mut images = BTreeSet::new();
    for container in containers {
        images.extend(install.pod_with(container).await?.images());
    }
    let runner = install.runner_at_github().await?.name;
    for image in images {
        was_pulled(lab, &image)?;
    }
    install.uninstall().await?;
    let left = lab.github.outside.runners();
    ensure!(
        left.iter().all(|one| one.name != runner),
        "still at GitHub: {left:?}"
    );
    Ok(())
}

/// By the node, from the internal registry: with the pull secret's account where the image is named there, with the
/// node's own where it kept its name. Since the lab started: an image that is there already is not pulled again.
fn was_pulled(lab: &Lab, image: &str) -> Result<()> {
    let (account, path, for_registry) = match image.strip_prefix(registry::HOST) {
        Some(path) => (PULLER, path.trim_start_matches('/').to_owned(), None),
        None => (NODE_MIRROR, of_docker_hub(image)?, Some("docker.io")),
    };
    let (path, tag) = path.rsplit_once(':').context("an image without a tag")?;
    let is_it = |request: &Request| {
        request.client == NODE
            && request.host == registry::HOST
            && request.pulled() == Some((path, tag))
    };
    let requests = lab.registry.requests()?;
    let pulls: Vec<&Request> = requests.iter().filter(|one| is_it(one)).collect();
    ensure!(!pulls.is_empty(), "{image} came from somewhere else");
    for pull in pulls {
        // Other proofs pull by other names.
        if pull.for_registry.as_deref() == for_registry {
            ensure!(
                pull.user.as_deref() == Some(account.user),
                "{image} by another account: {pull:?}"
            );
            return Ok(());
        }
    }
    anyhow::bail!("{image} was not pulled under its name")
}

/// `docker:dind` is `library/docker:dind` there. Any other registry is none that was kept.
fn of_docker_hub(image: &str) -> Result<String> {
    let first = image.split(['/', ':']).next().unwrap_or_default();
    ensure!(!first.contains('.'), "{image} was to be relabelled");
    Ok(if image.contains('/') {
        image.to_owned()
    } else {
        format!("library/{image}")
    })
}
