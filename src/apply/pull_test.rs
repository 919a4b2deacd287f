//! Pull tests: one pod of a runner set after the other is started, waited for and removed. Under the lock, and the
//! receipt remembers what was shown, so that nothing is started twice for the same proof.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::execute::Executed;
use super::ledger::store;
use super::lock::Lock;
use super::tried::{self, Pod, identity};
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::{Cluster, ClusterError};
use crate::event::{Event, Sink};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{PullTested, Receipt};
use crate::plan::{PULL_TEST_LABEL, PullTest};

/// How long a quota may count a pod that is removed.
const SETTLING: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(250);

/// Waits until a pod of a runner set has started every container, and says what that proves; the caller knows how.
pub type Started<'a> =
    &'a (dyn Fn(ObjectRef, ObjectRef) -> BoxFuture<'a, Result<String, Failure>> + Send + Sync);

/// What trying pods needs.
#[derive(Clone, Copy)]
pub struct PullTests<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The receipt of the install, as this run knows it.
    pub receipt: &'a Receipt,
    /// The pods, in this order.
    pub tests: &'a [PullTest],
    /// Where a run that was killed may have left one.
    pub namespaces: &'a [&'a str],
    /// Waits for (runner set, pod).
    pub started: Started<'a>,
    /// Told as it happens.
    pub events: Sink<'a>,
    /// Asked between requests.
    pub interrupt: &'a Interrupt,
}

impl fmt::Debug for PullTests<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PullTests")
            .field("tests", &self.tests)
            .finish_non_exhaustive()
    }
}

/// Ends with a failure when the lock is lost.
type Lost<'a> = Pin<&'a mut (dyn Future<Output = Failure> + Send)>;

/// Removes what earlier runs left behind, then tries the pods. Returns the receipt, with what was shown; nothing is
/// tried where another run may have changed the runner sets since they were looked at. No pod stays, whatever happens;
/// where none is to be tried and none was left, nothing is written.
pub async fn pull_tests(run: &PullTests<'_>) -> Result<Executed, Failure> {
    let unchanged = || Ok(Executed::Done(Box::new(run.receipt.clone())));
    let proves_nothing = run.tests.is_empty();
    if proves_nothing && left_behind(run).await.is_empty() {
        return unchanged();
    }
    run.interrupt.check()?;
    let lock = tokio::select! {
        biased;
        stopped = run.interrupt.requested() => return Err(stopped),
        lock = Lock::acquire(run.cluster, &run.receipt.install, &run.receipt.namespace, &run.receipt.common, run.events) => lock,
    };
    let lock = match lock {
        // Nothing is urgent; what was taken for left behind is the pod of a run that is alive.
        Err(failure) if run.tests.is_empty() && failure.code() == "lock-held" => {
            return unchanged();
        }
        lock => lock?,
    };
    let result = async {
        if !proves_nothing && is_overtaken(run, &lock).await? {
            return Ok(Executed::Overtaken);
        }
        let receipt = under_lock(run, &lock).await?;
        Ok(Executed::Done(Box::new(receipt)))
    };
    let result = result.await;
    lock.release(run.cluster).await;
    result
}

async fn is_overtaken(run: &PullTests<'_>, lock: &Lock) -> Result<bool, Failure> {
    let known = Some(run.receipt);
    lock.is_overtaken(run.cluster, &run.receipt.install, known)
        .await
}

/// Removes, tries and notes: what was shown stays noted where a later pod fails.
async fn under_lock(run: &PullTests<'_>, lock: &Lock) -> Result<Receipt, Failure> {
    // Whoever held the lock before may have been in the middle of a test.
    let left = left_behind(run).await;
    for pod in &left {
        remove(run, pod).await;
    }
    let mut shown = Vec::new();
    let mut lost = Box::pin(lock.keep(run.cluster));
    let result = try_all(run, !left.is_empty(), lost.as_mut(), &mut shown).await;
    drop(lost);
    if let Err(failure) = &result
        && failure.code() == "lock-lost"
    {
        // The receipt is the other run's now.
        return Err(failure.clone());
    }
    let noted = note(run, shown).await;
    result?;
    noted
}

/// One pod at a time: a namespace needs room for one runner more, never for all sets at once. `removed` tells that a
/// pod was removed a moment ago.
async fn try_all(
    run: &PullTests<'_>,
    mut removed: bool,
    mut lost: Lost<'_>,
    shown: &mut Vec<PullTested>,
) -> Result<(), Failure> {
    for test in run.tests {
        run.interrupt.check()?;
        let title = format!(
            "pull test: starting a pod from the template of {}",
            test.set
        );
        (run.events)(Event::Stage { title });
        let pod = match create(run, test, removed, lost.as_mut()).await {
            Ok(pod) => pod,
            Err(failure) if failure.code() == "lock-lost" => return Err(failure),
            Err(failure) => {
                // An answer that was lost may hide a pod that was made.
                for pod in left_behind(run).await {
                    remove(run, &pod).await;
                }
                return Err(failure);
            }
        };
        let result = tokio::select! {
            biased;
            lost = &mut lost => Err(lost),
            result = (run.started)(test.set.clone(), pod.0.clone()) => result,
        };
        remove(run, &pod).await;
        removed = true;
        let proof = result?;
        (run.events)(Event::Proven {
            object: test.set.clone(),
            proof: proof.clone(),
        });
        shown.push(shown_by(test, &proof));
    }
    Ok(())
}

/// What is true now.
fn shown_by(test: &PullTest, proof: &str) -> PullTested {
    PullTested {
        set: test.set.clone(),
        pod: test.hash.clone(),
        at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        proof: proof.to_owned(),
    }
}

/// Makes the pod. A quota may count one that was `removed` for a while after it is gone.
async fn create(
    run: &PullTests<'_>,
    test: &PullTest,
    removed: bool,
    mut lost: Lost<'_>,
) -> Result<Pod, Failure> {
    let start = Instant::now();
    loop {
        let error = match run.cluster.create(&test.pod, false).await {
            Ok(made) => return Ok(identity(&made.object)),
            Err(error) => error,
        };
        let is_full = matches!(&error, ClusterError::Forbidden { message } if message.contains("exceeded quota"));
        if !is_full || !removed || start.elapsed() >= SETTLING {
            return Err(refused(&test.set, error));
        }
        tokio::select! {
            biased;
            lost = &mut lost => return Err(lost),
            stopped = run.interrupt.requested() => return Err(stopped),
            () = sleep(PAUSE) => {}
        }
    }
}

fn refused(set: &ObjectRef, error: ClusterError) -> Failure {
    let what = format!("a pod of {set} cannot be made");
    match tried::refused(what, error, Exit::ApplyFailed) {
        Ok(failure) => failure.remedy("--no-pull-test goes on without this proof"),
        Err(failure) => failure,
    }
}

/// Pods of this install's pull tests that are there.
async fn left_behind(run: &PullTests<'_>) -> Vec<Pod> {
    let install = &run.receipt.install;
    tried::left_behind(run.cluster, PULL_TEST_LABEL, install, run.namespaces).await
}

async fn remove(run: &PullTests<'_>, pod: &Pod) {
    tried::remove(run.cluster, run.events, pod).await;
}

/// Writes what was shown into the receipt.
async fn note(run: &PullTests<'_>, shown: Vec<PullTested>) -> Result<Receipt, Failure> {
    let mut receipt = run.receipt.clone();
    if shown.is_empty() {
        return Ok(receipt);
    }
    for tested in shown {
        receipt.note_pull_test(tested);
    }
    store(run.cluster, &receipt).await.map(|()| receipt)
}
