//! Waves one after the other, steps of a wave side by side; lock and receipt around them.

use std::collections::BTreeMap;
use std::ops::Range;

use futures::StreamExt;

use crate::clients::kube::Cluster;
use crate::event::Event;
use crate::failure::Failure;
use crate::object::ObjectRef;
use crate::observe::Receipt;
use crate::plan::{Plan, Rank, Step, Wave};

use super::execution::{Execution, Run};
use super::ledger::Ledger;
use super::lock::{self, Lock};
use super::recheck;
use super::steps::{Done, step};

/// Requests in flight inside one wave.
const CONCURRENCY: usize = 8;

/// How carrying a plan out, or trying pods of its runner sets, ended where it did not fail.
#[derive(Debug)]
pub enum Executed {
    /// Everything is done.
    Done(Receipt),
    /// Another run of this install was at work since the cluster was looked at: the plan would undo what that run
    /// did, or forget what it made. Nothing was written but namespaces; look again.
    Overtaken,
}

/// Carries the plan out. A plan that writes nothing takes no lock and writes no receipt, unless another run is at
/// work, or has died before its receipt was complete or its lock given back.
pub async fn execute(plan: &Plan, execution: &Execution<'_>) -> Result<Executed, Failure> {
    let mut ledger = Ledger::open(plan);
    let mut run = Run {
        execution: *execution,
        rechecked: BTreeMap::new(),
    };
    if !plan.writes() && is_settled(plan, execution.cluster).await {
        for one in plan.steps() {
            step(&run, plan, one).await?;
        }
        let stored = plan.receipt.clone();
        return Ok(Executed::Done(
            stored.unwrap_or_else(|| ledger.into_receipt()),
        ));
    }
    execution.interrupt.check()?;
    // Lock and receipt lie in a namespace: it is made before them, and removed after them.
    let makes_home = plan
        .waves
        .first()
        .is_some_and(|wave| makes_home(plan, wave));
    let count = plan.waves.len();
    let end = plan.waves.iter().position(removes_namespaces);
    let locked = usize::from(makes_home)..end.unwrap_or(count);
    if makes_home {
        wave(&run, plan, 0, &mut ledger).await?;
    }
    let lock = tokio::select! {
        biased;
        stopped = execution.interrupt.requested() => return Err(stopped),
        lock = take_lock(plan, execution) => lock?,
    };
    if !under_lock(&mut run, plan, locked.clone(), &mut ledger, lock).await? {
        return Ok(Executed::Overtaken);
    }
    for index in locked.end..count {
        wave(&run, plan, index, &mut ledger).await?;
    }
    Ok(Executed::Done(ledger.into_receipt()))
}

/// True where the receipt tells of everything that is there, and no run holds the lock; a removal needs neither.
async fn is_settled(plan: &Plan, cluster: &Cluster) -> bool {
    if plan.objects.is_empty() {
        return true;
    }
    let is_recorded = plan.receipt.as_ref().is_some_and(|known| known.complete);
    is_recorded && !lock::is_taken(cluster, &plan.install, &plan.namespace).await
}

/// The waves that only the holder of the lock may do; false where the plan is overtaken.
async fn under_lock(
    run: &mut Run<'_>,
    plan: &Plan,
    range: Range<usize>,
    ledger: &mut Ledger,
    lock: Option<Lock>,
) -> Result<bool, Failure> {
    let cluster = run.execution.cluster;
    let Some(lock) = lock else {
        // Without a namespace there is neither another run nor a receipt.
        return recorded(run, plan, range, ledger).await.map(|()| true);
    };
    let work = async {
        let known = plan.receipt.as_ref();
        if lock.is_overtaken(cluster, &plan.install, known).await? {
            return Ok(false);
        }
        recorded(run, plan, range, ledger).await.map(|()| true)
    };
    let result = tokio::select! {
        biased;
        result = work => result,
        // The receipt is the other run's now, and so is the Lease.
        lost = lock.keep(cluster) => return Err(lost),
    };
    lock.release(cluster).await;
    result
}

/// The waves, and the receipt of them: whatever happens, the inventory tells what is there.
async fn recorded(
    run: &mut Run<'_>,
    plan: &Plan,
    range: Range<usize>,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    let cluster = run.execution.cluster;
    let result = waves(run, plan, range, ledger).await;
    if result.is_ok() {
        ledger.complete();
    }
    let written = ledger.write(cluster).await;
    result.and(written)
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
