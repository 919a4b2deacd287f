//! One writer per install: a Lease beside the receipt, held for 15 s at a time.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::clients::kube::{Cluster, ClusterError};
use crate::event::{Event, Sink};
use crate::failure::{Exit, Failure};
use crate::object::labels::{INSTALL_LABEL, MANAGED_BY};
use crate::object::{Common, ObjectRef};
use crate::observe::{MANAGER, Receipt, read_receipt};

/// How long the lock holds without renewal.
const DURATION: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(5);
/// How often a waiting run looks.
const LOOK: Duration = Duration::from_millis(500);

/// The lock, held.
#[derive(Debug)]
pub(super) struct Lock {
    lease: ObjectRef,
    uid: String,
    holder: String,
    /// True where another run held it when it was first asked for.
    waited: bool,
}

impl Lock {
    /// Takes the lock, which carries what is `common` to the install. Where another run holds it, waits for one expiry;
    /// fails with exit code 22 when that run turns out to be alive.
    pub(super) async fn acquire(
        cluster: &Cluster,
        install: &str,
        namespace: &str,
        common: &Common,
        events: Sink<'_>,
    ) -> Result<Self, Failure> {
        let lease = lease(install, namespace);
        let now = Timestamp::now();
        let holder = format!("{MANAGER}-{}-{}", std::process::id(), now.as_nanosecond());
        let manifest = json!({
            "apiVersion": lease.api_version,
            "kind": lease.kind,
            "metadata": common.metadata(
                &lease.name,
                namespace,
                &[(MANAGED_BY, "arc-setup"), (INSTALL_LABEL, install)],
            ),
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": DURATION.as_secs(),
                "acquireTime": micro(now),
                "renewTime": micro(now),
            },
        });
        let taken = |object: &Value, waited| Self {
            lease: lease.clone(),
            uid: text(object, "/metadata/uid"),
            holder: holder.clone(),
            waited,
        };
        let mut waited = false;
        loop {
            match cluster.create(&manifest, false).await {
                Ok(made) => return Ok(taken(&made.object, waited)),
                Err(ClusterError::AlreadyExists { .. }) => waited = true,
                Err(error) => {
                    return Err(
                        error.failure(format!("cannot take the lock {lease}"), Exit::ApplyFailed)
                    );
                }
            }
            if let Some(object) = take_over(cluster, &lease, &holder, events).await? {
                return Ok(taken(&object, waited));
            }
        }
    }

    /// True where another run may have written since the receipt was `known`: it held the lock when this one asked
    /// for it, or has come and gone, and left another receipt.
    pub(super) async fn is_overtaken(
        &self,
        cluster: &Cluster,
        install: &str,
        known: Option<&Receipt>,
    ) -> Result<bool, Failure> {
        if self.waited {
            return Ok(true);
        }
        let namespace = self.lease.namespace.as_deref().unwrap_or_default();
        let now = read_receipt(cluster, install, namespace, Exit::ApplyFailed).await?;
        Ok(now.as_ref() != known)
    }

    /// Renews until the lock is lost; then says so. Run beside the work.
    pub(super) async fn keep(&self, cluster: &Cluster) -> Failure {
        let mut pause = RENEWAL;
        loop {
            sleep(pause).await;
            // A server that is away for a moment may have let another run in: asked at once when it is back.
            pause = match timeout(RENEWAL, self.renew(cluster)).await {
                Ok(Ok(())) => RENEWAL,
                Ok(Err(ClusterError::Invalid { .. } | ClusterError::NotFound { .. })) => {
                    return self.lost();
                }
                // Whatever else is wrong, the work itself will meet it.
                _ => LOOK,
            };
        }
    }

    /// Holds the lock for another 15 s; [`ClusterError::Invalid`] where somebody else holds it.
    async fn renew(&self, cluster: &Cluster) -> Result<(), ClusterError> {
        let operations = [
            json!({"op": "test", "path": "/spec/holderIdentity", "value": self.holder}),
            json!({"op": "replace", "path": "/spec/renewTime", "value": micro(Timestamp::now())}),
        ];
        cluster
            .json_patch(&self.lease, &operations, MANAGER, false)
            .await
            .map(|_| ())
    }

    fn lost(&self) -> Failure {
        Failure::new(
            "lock-lost",
            Exit::Conflict,
            format!("the lock {} was taken over", self.lease),
        )
        .why("another run of arc-setup for this install took it, or someone removed it")
        .remedy("wait for the other run to end, then run this command again")
    }

    /// Gives the lock back. A failure does not matter: the Lease expires.
    pub(super) async fn release(self, cluster: &Cluster) {
        // A Lease that was taken over keeps its uid: only a holder may delete it.
        let released = match self.renew(cluster).await {
            Ok(()) => cluster.delete(&self.lease, Some(&self.uid)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = released {
            tracing::debug!(%error, "the lock was not released");
        }
    }
}

fn lease(install: &str, namespace: &str) -> ObjectRef {
    let name = Receipt::name_of(install);
    ObjectRef::new("coordination.k8s.io/v1", "Lease", Some(namespace), &name)
}

/// True where a run holds the lock, or one has died that did. Who may not read it cannot tell, and need not.
pub(super) async fn is_taken(cluster: &Cluster, install: &str, namespace: &str) -> bool {
    matches!(cluster.get(&lease(install, namespace)).await, Ok(Some(_)))
}

/// Waits for one expiry of someone's lock. `None`: it is free again.
async fn take_over(
    cluster: &Cluster,
    lease: &ObjectRef,
    holder: &str,
    events: Sink<'_>,
) -> Result<Option<Value>, Failure> {
    let look = async || {
        let seen = cluster.get(lease).await;
        seen.map_err(|error| {
            error.failure(format!("cannot read the lock {lease}"), Exit::ApplyFailed)
        })
    };
    let Some(first) = look().await? else {
        return Ok(None);
    };
    let version = text(&first, "/metadata/resourceVersion");
    let other = text(&first, "/spec/holderIdentity");
    let seconds = first
        .pointer("/spec/leaseDurationSeconds")
        .and_then(Value::as_u64);
    let expiry = Duration::from_secs(seconds.unwrap_or(DURATION.as_secs()).min(60));
    let start = Instant::now();
    events(Event::Waiting {
        object: lease.clone(),
        reason: format!(
            "{other} holds the lock; waiting {} s in case it has died",
            expiry.as_secs()
        ),
    });
    while !other.is_empty() && start.elapsed() < expiry {
        sleep(LOOK).await;
        let Some(seen) = look().await? else {
            return Ok(None);
        };
        if text(&seen, "/metadata/resourceVersion") != version {
            return Err(held_by(lease, &other));
        }
    }
    let now = micro(Timestamp::now());
    let operations = [
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}),
        json!({"op": "add", "path": "/spec/holderIdentity", "value": holder}),
        json!({"op": "add", "path": "/spec/leaseDurationSeconds", "value": DURATION.as_secs()}),
        json!({"op": "add", "path": "/spec/acquireTime", "value": now}),
        json!({"op": "add", "path": "/spec/renewTime", "value": now}),
    ];
    match cluster.json_patch(lease, &operations, MANAGER, false).await {
        Ok(taken) => Ok(Some(taken.object)),
        Err(ClusterError::NotFound { .. }) => Ok(None),
        Err(ClusterError::Invalid { .. } | ClusterError::Conflict { .. }) => {
            Err(held_by(lease, &other))
        }
        Err(error) => {
            Err(error.failure(format!("cannot take the lock {lease}"), Exit::ApplyFailed))
        }
    }
}

fn held_by(lease: &ObjectRef, holder: &str) -> Failure {
    Failure::new(
        "lock-held",
        Exit::Conflict,
        "another run of arc-setup is changing this install",
    )
    .evidence(format!(
        "{lease} is held by {holder}, which has just renewed it"
    ))
    .remedy("wait for it to end, then run this command again")
}

/// What a run ends with that other runs overtook again and again.
pub fn contended(install: &str) -> Failure {
    Failure::new(
        "lock-held",
        Exit::Conflict,
        format!("other runs of arc-setup keep changing the install {install}"),
    )
    .why("each time that this one had looked at the cluster, another one had changed it since")
    .remedy("let one run at a time change it (a concurrency group of the pipeline), then run this command again")
}

fn text(object: &Value, pointer: &str) -> String {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// `MicroTime` of the Kubernetes API: exactly six digits.
fn micro(time: Timestamp) -> String {
    format!("{time:.6}")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::{Method, Request, Response};
    use kube::client::Body;

    use super::*;
    use crate::clients::kube::{Identity, Scope};

    type Sent = Arc<Mutex<Vec<Method>>>;

    /// A server that answers every patch with `status`, and what it was asked.
    fn cluster(status: u16) -> (Cluster, Sent) {
        let sent = Sent::default();
        let log = Arc::clone(&sent);
        let service = tower::service_fn(move |request: Request<Body>| {
            let method = request.method().clone();
            let lease = json!({"kind": "Lease", "metadata": {"name": "arc-setup-arc"}});
            let answer = if method == Method::PATCH {
                log.lock().unwrap().push(method);
                Response::builder().status(status)
            } else {
                if method == Method::DELETE {
                    log.lock().unwrap().push(method);
                }
                Response::builder()
            };
            let body = Body::from(lease.to_string().into_bytes());
            async move { Ok::<_, tower::BoxError>(answer.body(body).unwrap()) }
        });
        let cluster = Cluster::new(kube::Client::new(service, "default"), Identity::default());
        cluster.seed(
            "coordination.k8s.io/v1",
            "Lease",
            "leases",
            Scope::Namespaced,
        );
        (cluster, sent)
    }

    fn lock() -> Lock {
        Lock {
            lease: ObjectRef::new(
                "coordination.k8s.io/v1",
                "Lease",
                Some("arc"),
                "arc-setup-arc",
            ),
            uid: "u".to_owned(),
            holder: "me".to_owned(),
            waited: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_that_another_run_took_is_lost_and_not_deleted() {
        let (taken, sent) = cluster(422);
        assert_eq!(lock().keep(&taken).await.code(), "lock-lost");
        lock().release(&taken).await;
        assert_eq!(*sent.lock().unwrap(), [Method::PATCH, Method::PATCH]);
    }

    #[tokio::test]
    async fn a_lock_that_is_held_is_given_back() {
        let (held, sent) = cluster(200);
        lock().release(&held).await;
        assert_eq!(*sent.lock().unwrap(), [Method::PATCH, Method::DELETE]);
    }

    #[test]
    fn times_have_six_digits() {
        let time = Timestamp::new(1_800_000_000, 5_000).unwrap();
        assert_eq!(micro(time), "2027-01-15T08:00:00.000005Z");
    }
}
