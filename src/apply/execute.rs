//! Waves one after the other, steps of a wave side by side; lock and receipt around them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;

use crate::clients::kube::Cluster;
use crate::event::{Event, Outcome, Sink};
use crate::facts::Facts;
use crate::failure::Failure;
use crate::object::ObjectRef;
use crate::observe::{Observed, ObservedObject, Receipt, Resolver};
use crate::plan::{Plan, Rank, Step, Wave};

use super::ledger::Ledger;
use super::lock::Lock;
use super::recheck;
use super::ssa::Writer;
use super::steps::{Done, step};
use crate::clients::interrupt::Interrupt;

/// Requests in flight inside one wave.
const CONCURRENCY: usize = 8;

/// Waits until a workload is rolled out and available; the caller knows how.
pub type Gate<'a> = &'a (dyn Fn(ObjectRef) -> BoxFuture<'a, Result<(), Failure>> + Send + Sync);

/// What carrying a plan out needs.
#[derive(Clone, Copy)]
pub struct Execution<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The resolver that observation used: it knows which certificate was kept or made.
    pub resolver: &'a Resolver<'a>,
    /// What observation saw.
    pub observed: &'a Observed,
    /// What was read before rendering.
    pub facts: &'a Facts,
    /// Takes other managers' fields, but never a CRD's.
    pub force_conflicts: bool,
    /// Limit of each wait, from its last progress.
    pub timeout: Duration,
    /// Waits for `WaitAvailable`.
    pub gate: Gate<'a>,
    /// Told as it happens.
    pub events: Sink<'a>,
    /// Asked between requests.
    pub interrupt: &'a Interrupt,
}

impl fmt::Debug for Execution<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Execution")
            .field("cluster", &self.cluster)
            .field("force_conflicts", &self.force_conflicts)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The state that steps share.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) execution: Execution<'a>,
    /// What could be asked only after the first waves.
    pub(super) rechecked: BTreeMap<ObjectRef, ObservedObject>,
}

impl Run<'_> {
    pub(super) fn tell(&self, object: &ObjectRef, outcome: Outcome) {
        (self.execution.events)(Event::Object {
            object: object.clone(),
            outcome,
        });
    }

    pub(super) fn writer(&self) -> Writer<'_> {
        Writer {
            cluster: self.execution.cluster,
            resolver: self.execution.resolver,
            force_conflicts: self.execution.force_conflicts,
            interrupt: self.execution.interrupt,
        }
    }
}

/// Carries the plan out and returns the receipt. A plan that writes nothing takes no lock and writes no receipt.
pub async fn execute(plan: &Plan, execution: &Execution<'_>) -> Result<Receipt, Failure> {
    let mut ledger = Ledger::open(plan);
    let mut run = Run {
        execution: *execution,
        rechecked: BTreeMap::new(),
    };
    if !plan.writes() {
        for wave in &plan.waves {
            for one in &wave.steps {
                step(&run, plan, one).await?;
            }
        }
        return Ok(ledger.into_receipt());
    }
    execution.interrupt.check()?;
    let count = plan.waves.len();
    // Lock and receipt lie in a namespace: it is made before them, and removed after them.
    let begin = usize::from(
        plan.waves
            .first()
            .is_some_and(|wave| makes_home(plan, wave)),
    );
    let end = plan
        .waves
        .iter()
        .position(removes_namespaces)
        .unwrap_or(count);
    if begin == 1 {
        wave(&run, plan, 0, &mut ledger).await?;
    }
    let lock = tokio::select! {
        biased;
        stopped = execution.interrupt.requested() => return Err(stopped),
        lock = take_lock(plan, execution) => lock?,
    };
    let lost = async {
        match &lock {
            Some(lock) => lock.keep(execution.cluster).await,
            None => std::future::pending().await,
        }
    };
    let result = tokio::select! {
        biased;
        result = waves(&mut run, plan, begin..end, &mut ledger) => result,
        // The receipt is the other run's now, and so is the Lease.
        lost = lost => return Err(lost),
    };
    if result.is_ok() {
        ledger.complete();
    }
    // Whatever happened, the inventory tells what is there.
    let written = ledger.write(execution.cluster).await;
    if let Some(lock) = lock {
        lock.release(execution.cluster).await;
    }
    result?;
    written?;
    for index in end..count {
        wave(&run, plan, index, &mut ledger).await?;
    }
    Ok(ledger.into_receipt())
}

/// The lock; None where a removal finds no namespace that it could lie in.
async fn take_lock(plan: &Plan, execution: &Execution<'_>) -> Result<Option<Lock>, Failure> {
    let removes = plan.objects.is_empty();
    if removes {
        let home = ObjectRef::new("v1", "Namespace", None, &plan.namespace);
        if plan.namespace.is_empty() || matches!(execution.cluster.get(&home).await, Ok(None)) {
            return Ok(None);
        }
    }
    Lock::acquire(
        execution.cluster,
        &plan.install,
        &plan.namespace,
        execution.events,
    )
    .await
    .map(Some)
}

fn makes_home(plan: &Plan, wave: &Wave) -> bool {
    wave.steps.iter().any(|step| {
        matches!(step, Step::Create { object, .. } if object.kind == "Namespace" && object.name == plan.namespace)
    })
}

fn removes_namespaces(wave: &Wave) -> bool {
    wave.steps
        .iter()
        .any(|step| matches!(step, Step::Delete { object, .. } if object.kind == "Namespace"))
}

fn removes_receipt(wave: &Wave, ledger: &Ledger) -> bool {
    wave.steps
        .iter()
        .any(|step| matches!(step, Step::Delete { object, .. } if *object == ledger.reference()))
}

async fn waves(
    run: &mut Run<'_>,
    plan: &Plan,
    range: Range<usize>,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    let execution = run.execution;
    let mut asked_objects = plan.objects.is_empty();
    let mut asked_pods = asked_objects;
    ledger.write(execution.cluster).await?;
    for index in range {
        execution.interrupt.check()?;
        let rank = rank(&plan.waves[index]);
        if !asked_objects && rank >= Some(Rank::Rights) {
            asked_objects = true;
            run.rechecked = recheck::objects(
                execution.cluster,
                plan,
                execution.resolver,
                execution.force_conflicts,
            )
            .await?;
        }
        if !asked_pods && rank >= Some(Rank::Controller) {
            asked_pods = true;
            recheck::pods(execution.cluster, plan, execution.observed, execution.facts).await?;
        }
        if removes_receipt(&plan.waves[index], ledger) {
            // A copy written beside its removal would bring it back.
            ledger.end();
        }
        // The copy of the receipt that tells of the last wave is written beside this one.
        let written = ledger.write(execution.cluster);
        let (done, written) = futures::join!(wave(run, plan, index, ledger), written);
        done?;
        written?;
    }
    Ok(())
}

/// The rank of a wave that writes objects; None for waits and removals.
fn rank(wave: &Wave) -> Option<Rank> {
    wave.steps
        .iter()
        .filter(|step| {
            !matches!(
                step,
                Step::Delete { .. } | Step::WaitAvailable { .. } | Step::TrustBoth { .. }
            )
        })
        .find_map(Step::object)
        .map(Rank::of)
}

/// One wave. After a failure no further step begins; those in flight are finished, so that the receipt is right.
async fn wave(
    run: &Run<'_>,
    plan: &Plan,
    index: usize,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    let one = &plan.waves[index];
    (run.execution.events)(Event::Wave {
        number: index + 1,
        of: plan.waves.len(),
        title: one.title.clone(),
    });
    let mut failed: Option<Failure> = None;
    let mut waiting = one.steps.iter();
    let mut running = futures::stream::FuturesUnordered::new();
    loop {
        while failed.is_none() && running.len() < CONCURRENCY {
            let Some(next) = waiting.next() else { break };
            if let Err(stopped) = run.execution.interrupt.check() {
                failed = Some(stopped);
                break;
            }
            running.push(interruptible(run, plan, next));
        }
        let Some(result) = running.next().await else {
            break;
        };
        match result {
            Ok(Done::Nothing) => {}
            Ok(Done::Wrote(object, uid)) => ledger.wrote(&object, uid.as_deref()),
            Ok(Done::Removed(object)) => ledger.removed(&object),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// A wait ends when a stop is asked for; a write is finished.
async fn interruptible(run: &Run<'_>, plan: &Plan, one: &Step) -> Result<Done, Failure> {
    match one {
        Step::WaitEstablished { .. } | Step::WaitAvailable { .. } | Step::WaitGone { .. } => {
            tokio::select! {
                biased;
                stopped = run.execution.interrupt.requested() => Err(stopped),
                done = step(run, plan, one) => done,
            }
        }
        _ => step(run, plan, one).await,
    }
}
