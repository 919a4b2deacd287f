//! What a wait says in the end: what is proven, or why it ended.

use tokio::time::Instant;

use super::run::Run;
use super::{Level, Proof, Report};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::verify::classify::Classified;
use crate::verify::readiness::Terminal;

impl Run<'_, '_> {
    pub(super) fn report(&self) -> Report {
        let beyond = match self.options.level {
            Level::None => "that anything written becomes ready (--wait none)",
            Level::Manager => "that runners register and start (--wait runners)",
            Level::Runners => "that a job of a workflow turns green",
        };
        let mut not_proven = vec![beyond.to_owned()];
        for (object, proof) in &self.proven {
            if proof.contains("no idle runners wanted") {
                not_proven.push(format!(
                    "that a runner of {object} starts: it wants none while idle"
                ));
            }
            if proof.contains("no guarded object was tried") {
                not_proven.push(format!("that {object} answers"));
            }
        }
        let proof = |(object, proof): (&ObjectRef, &String)| Proof {
            object: object.clone(),
            proof: proof.clone(),
        };
        Report {
            level: self.options.level,
            proven: self.proven.iter().map(proof).collect(),
            not_proven,
        }
    }

    /// What an object says of its own end, or the cause behind it where one is found.
    pub(super) async fn failed(
        &mut self,
        target: &ObjectRef,
        terminal: Terminal,
        now: Instant,
    ) -> Failure {
        let waiting = [(target.clone(), terminal.reason.clone())];
        if let Ok(causes) = self.causes(&waiting, now, false).await
            && let Some((_, classified)) = causes.first()
        {
            return classified
                .failure(target, Exit::ApplyFailed)
                .evidence(format!("{}: {}", terminal.reason, terminal.message));
        }
        Failure::new(
            "object-failed",
            Exit::ApplyFailed,
            format!("{target} cannot become ready: {}", terminal.reason),
        )
        .why(terminal.message)
        .remedy(format!("kubectl describe {} {}", target.kind, at(target)))
    }

    pub(super) fn timed_out(
        &self,
        waiting: &[(ObjectRef, String)],
        seen: &[(ObjectRef, Classified)],
    ) -> Failure {
        let seconds = self.options.timeout.as_secs();
        let told = |target: &ObjectRef, reason: &String| {
            let reason = self.told.get(target).unwrap_or(reason);
            format!("{target}: {reason}")
        };
        let Some((first, reason)) = waiting.first() else {
            return self.unreachable();
        };
        // A cause that may pass did not: it says more than the time does.
        let cause = seen
            .iter()
            .find(|(target, _)| target == first)
            .or(seen.first());
        let code = cause.map_or("wait-timeout", |(_, classified)| classified.cause.id);
        let mut failure = Failure::new(
            code,
            Exit::Timeout,
            format!(
                "nothing new for {seconds} s while waiting for {}",
                told(first, reason)
            ),
        );
        for (target, reason) in waiting.iter().skip(1) {
            failure = failure.why(format!("also not ready: {}", told(target, reason)));
        }
        if let Some((_, classified)) = cause {
            failure = failure.why(format!("{}: {}", classified.cause.title, classified.detail));
            for text in &classified.evidence {
                failure = failure.evidence(text);
            }
            failure = failure.remedy(classified.cause.remedy);
        }
        if let Some(error) = &self.lost {
            failure = failure.evidence(format!("the API server: {}", error.message()));
        }
        failure.remedy(format!(
            "kubectl describe {} {}; a longer --timeout if it only takes its time",
            first.kind,
            at(first)
        ))
    }

    pub(super) fn unreachable(&self) -> Failure {
        let what = "the API server stopped answering while waiting";
        match &self.lost {
            Some(error) => error.failure(what, Exit::Timeout),
            None => Failure::new("cluster-unreachable", Exit::Timeout, what),
        }
        .remedy("what was written stays; run the same command again to go on waiting")
    }

    pub(super) fn interrupted(&self) -> Failure {
        let mut failure = Failure::new(
            "interrupted",
            Exit::Interrupted,
            "interrupted while waiting",
        );
        for (target, reason) in &self.told {
            failure = failure.why(format!("not ready: {target}: {reason}"));
        }
        failure.remedy("what was written stays; run the same command again to go on waiting")
    }
}

/// `NAME -n NAMESPACE`, as kubectl takes it.
fn at(object: &ObjectRef) -> String {
    match &object.namespace {
        Some(namespace) => format!("{} -n {namespace}", object.name),
        None => object.name.clone(),
    }
}
