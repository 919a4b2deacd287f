//! Installs that proofs share, one for each generation: made by the first that asks, in surroundings that are as narrow as
//! any proof wants them, and left standing until the lab ends.

use std::sync::Arc;

use anyhow::Result;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::install::{self, Install};
use crate::lab::Lab;

/// What the company enforces in the controller's namespace, which it has made itself.
const RESTRICTED: &str = "pod-security.kubernetes.io/enforce=restricted";

/// None before the first proof that asks.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    legacy: Mutex<Option<Arc<Install>>>,
    scale_set: Mutex<Option<Arc<Install>>>,
}

impl Standing {
    /// The first generation, as `install::story` configures it.
    pub(crate) async fn legacy(&self, lab: &Arc<Lab>) -> Result<Arc<Install>> {
        installed(&self.legacy, lab, install::story(lab)?).await
    }

    /// The second, as `install::scale_set` configures it.
    pub(crate) async fn scale_set(&self, lab: &Arc<Lab>) -> Result<Arc<Install>> {
        installed(&self.scale_set, lab, install::scale_set(lab)).await
    }

    /// Lets go of what they hold on this machine; the objects stay.
    pub(crate) async fn forget(&self) {
        self.legacy.lock().await.take();
        self.scale_set.lock().await.take();
    }
}

async fn installed(
    place: &Mutex<Option<Arc<Install>>>,
    lab: &Arc<Lab>,
    config: Value,
) -> Result<Arc<Install>> {
    let mut place = place.lock().await;
    if let Some(install) = &*place {
        return Ok(Arc::clone(install));
    }
    let install = Install::new(lab, config)?;
    make_restricted(lab, install.controller.name()).await?;
    install.init().await?;
    Ok(Arc::clone(place.insert(Arc::new(install))))
}

/// Makes the namespace, with a label that is not ours to change.
pub(crate) async fn make_restricted(lab: &Lab, namespace: &str) -> Result<()> {
    let create = ["create", "namespace", namespace];
    lab.cluster.kubectl(&create).await?;
    let label = ["label", "namespace", namespace, RESTRICTED];
    lab.cluster.kubectl(&label).await.map(drop)
}
