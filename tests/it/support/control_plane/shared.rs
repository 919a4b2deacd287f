//! Control planes that tests share: one full one per process, and further API servers on one etcd.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tokio::sync::{OnceCell, Semaphore};

use super::cluster::{Component, ControlPlane, Etcd, Options};

static ETCD: OnceCell<Arc<Etcd>> = OnceCell::const_new();

/// An API server takes 280 MB.
static ISOLATED: Semaphore = Semaphore::const_new(3);

impl ControlPlane {
    /// The control plane of this test process, with every component; each test makes its own
    /// namespaces in it and leaves cluster-scoped objects alone.
    pub(crate) async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        SHARED
            .get_or_try_init(|| async {
                Self::start_on(etcd().await?, "/shared", Options::full()).await
            })
            .await
    }

    /// A bare API server with a controller-manager, on which nothing of ARC is ever installed: for tests whose runs
    /// write nothing. Each makes its own namespaces in it.
    pub(crate) async fn untouched() -> Result<&'static Self> {
        static UNTOUCHED: OnceCell<ControlPlane> = OnceCell::const_new();
        UNTOUCHED
            .get_or_try_init(|| async {
                let options = Options {
                    components: vec![Component::ControllerManager],
                    ..Options::default()
                };
                Self::start_on(etcd().await?, "/untouched", options).await
            })
            .await
    }

    /// An API server of one's own, empty, on the etcd of this test process: for tests that write
    /// cluster-scoped objects. Waits while three are alive.
    pub(crate) async fn isolated(options: Options) -> Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let permit = ISOLATED.acquire().await?;
        let prefix = format!("/isolated-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut plane = Self::start_on(etcd().await?, &prefix, options).await?;
        plane.permit = Some(permit);
        Ok(plane)
    }
}

async fn etcd() -> Result<Arc<Etcd>> {
    ETCD.get_or_try_init(|| async { Etcd::start().await.map(Arc::new) })
        .await
        .cloned()
}
