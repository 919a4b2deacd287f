//! One step of a plan.

use std::time::Duration;

use tokio::time::Instant;

use crate::clients::kube::{Applied, ClusterError};
use crate::event::{Event, Outcome};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::DryRun;
use crate::plan::{Plan, Step};

use super::established::established;
use super::execution::Run;
use super::gone::gone;
use super::namespace::{kept, others_of};

/// A backend that is available within this time was so all the time.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What a step did to the inventory.
#[derive(Debug)]
pub(super) enum Done {
    Nothing,
    Wrote(ObjectRef, Option<String>),
    Removed(ObjectRef),
}

/// Carries one step out.
pub(super) async fn step(run: &Run<'_>, plan: &Plan, step: &Step) -> Result<Done, Failure> {
    match step {
        Step::Create { object, .. } => write(run, plan, object, Outcome::Created).await,
        Step::Update { object, .. } => write(run, plan, object, Outcome::Changed).await,
        Step::Unchanged { object } => {
            run.tell(object, Outcome::Unchanged);
            let live = run
                .execution
                .observed
                .of(object)
                .and_then(|entry| entry.live.as_ref());
            Ok(Done::Wrote(
                object.clone(),
                live.map(|live| live.uid.clone()),
            ))
        }
        Step::Keep { object, .. } => {
            run.tell(object, Outcome::Kept);
            Ok(Done::Nothing)
        }
        Step::TrustBoth { object } => {
            let applied = apply(run, plan, object, true).await?;
            run.tell(object, Outcome::Changed);
            Ok(Done::Wrote(object.clone(), uid_of(&applied)))
        }
        Step::WaitEstablished { definitions } => {
            let limit = run.execution.timeout;
            established(run.execution.cluster, definitions, limit).await?;
            Ok(Done::Nothing)
        }
        Step::WaitAvailable { object, .. } => {
            (run.execution.gate)(object.clone()).await?;
            Ok(Done::Nothing)
        }
        Step::Delete { object, uid, .. } => delete(run, plan, object, uid.as_deref()).await,
        Step::WaitGone { objects, why } => {
            let execution = &run.execution;
            gone(
                execution.cluster,
                objects,
                why,
                execution.timeout,
                execution.events,
            )
            .await?;
            Ok(Done::Nothing)
        }
    }
}

async fn write(
    run: &Run<'_>,
    plan: &Plan,
    object: &ObjectRef,
    outcome: Outcome,
) -> Result<Done, Failure> {
    // Asked again by now: it may be as wanted after all.
    if let Some(seen) = run.rechecked.get(object)
        && matches!(seen.dry_run, DryRun::Accepted { changed: false, .. })
    {
        run.tell(object, Outcome::Unchanged);
        return Ok(Done::Wrote(
            object.clone(),
            seen.live.as_ref().map(|live| live.uid.clone()),
        ));
    }
    let applied = match apply(run, plan, object, false).await {
        Err(refused) if refused.code() == "webhook-failed" => {
            ask_backend(run, plan, refused).await?;
            apply(run, plan, object, false).await?
        }
        applied => applied?,
    };
    for text in &applied.warnings {
        let text = format!("{object}: {text}");
        (run.execution.events)(Event::Note { text });
    }
    run.tell(object, outcome);
    Ok(Done::Wrote(object.clone(), uid_of(&applied)))
}

/// A webhook is not reached, though its backend was available once: what stops that now is the cause. Fails with
/// `refused` where nothing does.
async fn ask_backend(run: &Run<'_>, plan: &Plan, refused: Failure) -> Result<(), Failure> {
    let backend = plan.steps().find_map(|step| match step {
        Step::WaitAvailable { object, .. } => Some(object.clone()),
        _ => None,
    });
    let Some(backend) = backend else {
        return Err(refused);
    };
    let asked = Instant::now();
    (run.execution.gate)(backend).await?;
    if asked.elapsed() < AT_ONCE {
        return Err(refused);
    }
    Ok(())
}

async fn apply(
    run: &Run<'_>,
    plan: &Plan,
    object: &ObjectRef,
    both: bool,
) -> Result<Applied, Failure> {
    let manifest = plan.manifest(object).ok_or_else(|| {
        Failure::new(
            "plan",
            Exit::Unexpected,
            format!("the plan has no manifest for {object}"),
        )
    })?;
    run.writer().apply(manifest, both).await
}

fn uid_of(applied: &Applied) -> Option<String> {
    let uid = applied.object.pointer("/metadata/uid")?;
    uid.as_str().map(str::to_owned)
}

async fn delete(
    run: &Run<'_>,
    plan: &Plan,
    object: &ObjectRef,
    uid: Option<&str>,
) -> Result<Done, Failure> {
    let cluster = run.execution.cluster;
    let failed =
        |error: ClusterError| error.failure(format!("cannot remove {object}"), Exit::ApplyFailed);
    if let Some(why) = still_used(run, plan, object).await.map_err(failed)? {
        let text = format!("{object} is kept: {why}");
        (run.execution.events)(Event::Note { text });
        run.tell(object, Outcome::Kept);
        return Ok(Done::Nothing);
    }
    match cluster.delete(object, uid).await {
        Ok(()) => run.tell(object, Outcome::Deleted),
        Err(ClusterError::NotFound { .. }) => {}
        // Another uid: someone made it anew, and it is theirs.
        Err(ClusterError::Conflict { .. }) if uid.is_some() => run.tell(object, Outcome::Kept),
        Err(error) => return Err(failed(error)),
    }
    Ok(Done::Removed(object.clone()))
}

/// Looks once more before everything inside a namespace, or of a kind, would go with it.
async fn still_used(
    run: &Run<'_>,
    plan: &Plan,
    object: &ObjectRef,
) -> Result<Option<String>, ClusterError> {
    let cluster = run.execution.cluster;
    let going: Vec<ObjectRef> = plan
        .steps()
        .filter(|step| matches!(step, Step::Delete { .. }))
        .filter_map(|step| step.object().cloned())
        .collect();
    Ok(match object.kind.as_str() {
        "Namespace" => kept(cluster, &object.name, &going).await?,
        "CustomResourceDefinition" => match cluster.get(object).await? {
            Some(definition) => match others_of(cluster, &definition, &going).await? {
                0 => None,
                count => Some(format!("{count} objects of its kind are left")),
            },
            None => None,
        },
        _ => None,
    })
}
