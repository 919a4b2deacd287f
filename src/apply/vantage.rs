//! Probes: pods that look from places of the cluster. Started side by side, waited for, read and removed; under the lock, so
//! that two runs do not take each other's pods for left behind. The receipt is not touched: nothing of an install changes.

use std::fmt;

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use serde_json::Value;

use super::lock::Lock;
use super::tried::{self, identity};
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::{Cluster, ClusterError};
use crate::event::{Event, Sink};
use crate::failure::{Exit, Failure};
use crate::object::{Common, ObjectRef, items_at, text_at};
use crate::plan::vantage::{PROBE_LABEL, Probe, Spot};

/// Pods at the same time: namespaces have quotas.
const AT_ONCE: usize = 4;

/// Waits until a probe has ended well; the caller knows how.
pub type Ran<'a> = &'a (dyn Fn(ObjectRef) -> BoxFuture<'a, Result<String, Failure>> + Send + Sync);

/// What looking from the cluster needs.
#[derive(Clone, Copy)]
pub struct Probing<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The install's name.
    pub install: &'a str,
    /// Where its lock lies.
    pub home: &'a str,
    /// What everything of the install carries.
    pub common: &'a Common,
    /// The pods.
    pub probes: &'a [Probe],
    /// Where a run that was killed may have left one.
    pub namespaces: &'a [&'a str],
    /// Waits for one.
    pub ran: Ran<'a>,
    /// Told as it happens.
    pub events: Sink<'a>,
    /// Asked between requests.
    pub interrupt: &'a Interrupt,
}

impl fmt::Debug for Probing<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Probing")
            .field("probes", &self.probes)
            .finish_non_exhaustive()
    }
}

/// Runs every probe; for each, in their order, the message that it left, or why it did not run. No pod stays, whatever
/// happens. Fails where the lock is not to be had, is lost, or somebody stops the run.
pub async fn probe(run: &Probing<'_>) -> Result<Vec<Result<String, Failure>>, Failure> {
    run.interrupt.check()?;
    let lock = tokio::select! {
        biased;
        stopped = run.interrupt.requested() => return Err(stopped),
        lock = Lock::acquire(run.cluster, run.install, run.home, run.common, run.events) => lock?,
    };
    clear(run).await;
    let result = {
        let work = stream::iter(run.probes)
            .map(|probe| one(run, probe))
            .buffered(AT_ONCE)
            .collect::<Vec<_>>();
        tokio::select! {
            biased;
            lost = lock.keep(run.cluster) => Err(lost),
            ended = work => Ok(ended),
        }
    };
    // An answer that was lost may hide a pod that was made.
    // After a lost lock those that are there may be another run's, which removes what it finds.
    if result.is_ok() {
        clear(run).await;
    }
    lock.release(run.cluster).await;
    let ended = result?;
    run.interrupt.check()?;
    Ok(ended)
}

/// Removes every probe of this install that is there.
async fn clear(run: &Probing<'_>) {
    let left = tried::left_behind(run.cluster, PROBE_LABEL, run.install, run.namespaces).await;
    for pod in &left {
        tried::remove(run.cluster, run.events, pod).await;
    }
}

/// One probe, from its making to its end.
async fn one(run: &Probing<'_>, probe: &Probe) -> Result<String, Failure> {
    run.interrupt.check()?;
    let title = format!("looking from {}", probe.place);
    (run.events)(Event::Stage { title });
    let made = run.cluster.create(&probe.pod, false).await;
    let pod = made.map_err(|error| refused(probe, error))?;
    let pod = identity(&pod.object);
    let ended = async {
        let ran = (run.ran)(pod.0.clone()).await;
        let live = run.cluster.get(&pod.0).await;
        let what = || format!("cannot read {}", pod.0);
        let live = live.map_err(|error| error.failure(what(), Exit::Preflight))?;
        match ran {
            // Nothing of it was to run.
            Err(_) if probe.place.spot == Spot::Node && is_pulled(live.as_ref()) => {
                Ok(String::new())
            }
            ran => ran.map(|_| message(live.as_ref())),
        }
    };
    let ended = ended.await;
    tried::remove(run.cluster, run.events, &pod).await;
    ended
}

/// What the probe's container has left.
fn message(live: Option<&Value>) -> String {
    let runner = statuses(live)
        .iter()
        .find(|status| text_at(status, "/name") == Some("runner"));
    let message = runner.and_then(|status| text_at(status, "/state/terminated/message"));
    message.unwrap_or_default().to_owned()
}

/// The node has the image, whatever became of the container.
fn is_pulled(live: Option<&Value>) -> bool {
    let has_image =
        |status: &Value| text_at(status, "/imageID").is_some_and(|image| !image.is_empty());
    statuses(live).iter().any(has_image)
}

fn statuses(live: Option<&Value>) -> &[Value] {
    live.map_or(&[], |live| items_at(live, "/status/containerStatuses"))
}

fn refused(probe: &Probe, error: ClusterError) -> Failure {
    let what = format!(
        "the probe for {} cannot be made in namespace {}",
        probe.place,
        probe.namespace()
    );
    if is_missing(&error) {
        return Failure::new("object-missing", Exit::Preflight, what)
            .why("nothing is installed there yet: the namespace, or the ServiceAccount of the place, is not there")
            .evidence(error.message())
            .remedy("run arc-setup init first: the probes stand in the namespaces and with the accounts that it makes");
    }
    match tried::refused(what, error, Exit::Preflight) {
        Ok(failure) | Err(failure) => failure,
    }
}

/// No namespace, or no account (`error looking up service account …`).
fn is_missing(error: &ClusterError) -> bool {
    match error {
        ClusterError::NotFound { .. } => true,
        ClusterError::Forbidden { message } => message.contains("looking up service account"),
        _ => false,
    }
}
