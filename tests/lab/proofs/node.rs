//! The lab itself: without these nothing else that it shows means anything.

use std::sync::Arc;

use anyhow::{Result, ensure};

use crate::harness::topic;
use crate::lab::Lab;

topic!(node: a_pod_runs);

async fn a_pod_runs(lab: Arc<Lab>) -> Result<()> {
    let nodes = lab.cluster.kubectl(&["get", "nodes"]).await?;
    ensure!(nodes.contains(" Ready "), "{nodes}");
    Ok(())
}
