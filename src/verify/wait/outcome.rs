//! What a wait says in the end: what is proven, or why it ended.

use tokio::time::Instant;

use super::run::Run;
use super::{Level, Proof, Report, SeenSet};
use crate::checks::catalogue;
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::plan::is_runner_object;
use crate::verify::classify::{Classified, without_secrets};
use crate::verify::readiness::Terminal;

/// Lines of a container that ended, as evidence.
const LINES: usize = 8;

impl Report {
    /// Notes what a pod from the template of an idle runner set has shown; only GitHub is then left unasked.
    pub fn tried(&mut self, set: &ObjectRef, proof: String) {
        let before = untried(set);
        let after = format!("that a runner of {set} registers at GitHub: it wants none while idle");
        for gap in &mut self.not_proven {
            if *gap == before {
                gap.clone_from(&after);
            }
        }
        let object = set.clone();
        self.proven.push(Proof { object, proof });
    }

    /// Notes why no pod of an idle runner set was tried.
    pub fn not_tried(&mut self, set: &ObjectRef, why: &str) {
        let before = untried(set);
        for gap in &mut self.not_proven {
            if *gap == before {
                *gap = format!("{before}, {why}");
            }
        }
    }
}

fn untried(set: &ObjectRef) -> String {
    format!("that a runner of {set} starts: it wants none while idle")
}

impl Run<'_, '_> {
    pub(super) fn report(&self) -> Report {
        let beyond = match self.options.level {
            Level::None => "that anything written becomes ready (--wait none)",
            Level::Manager => "that runners register and start (--wait runners)",
            Level::Runners => "that a job of a workflow turns green",
        };
        let mut not_proven = vec![beyond.to_owned()];
        let mut runner_sets = Vec::new();
        for (object, proof) in &self.proven {
            let is_idle = proof.contains("no idle runners wanted");
            if is_idle {
                not_proven.push(untried(object));
            }
            if is_runner_object(object) {
                runner_sets.extend(self.world.get(object).map(|live| SeenSet {
                    object: live.clone(),
                    is_idle,
                }));
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
            has_tried: false,
            runner_sets,
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
        ended(target, terminal)
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
            "{}; a longer --timeout if it only takes its time",
            look(first)
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

/// What an object says of its own end, where no cause behind it is known.
fn ended(object: &ObjectRef, terminal: Terminal) -> Failure {
    let code = if object.kind == "Pod" {
        "pull-test-failed"
    } else {
        "object-failed"
    };
    let failure = Failure::new(
        code,
        Exit::ApplyFailed,
        format!("{object} cannot become ready: {}", terminal.reason),
    );
    match (object.kind.as_str(), catalogue::entry(code)) {
        ("Pod", Some(entry)) => {
            // The end of a container's log.
            let message = without_secrets(&terminal.message);
            let lines: Vec<&str> = message.lines().filter(|line| !line.is_empty()).collect();
            let last = lines.iter().skip(lines.len().saturating_sub(LINES));
            last.fold(failure.why(entry.cause), |failure, line| {
                failure.evidence(*line)
            })
            .remedy(entry.remedy)
        }
        _ => failure.why(terminal.message).remedy(look(object)),
    }
}

/// How to look at an object oneself.
fn look(object: &ObjectRef) -> String {
    match (object.kind.as_str(), &object.namespace) {
        // It is gone by the time that this is read.
        ("Pod", _) => {
            "its pod is removed again; --no-pull-test goes on without this proof".to_owned()
        }
        (kind, Some(namespace)) => {
            format!("kubectl describe {kind} {} -n {namespace}", object.name)
        }
        (kind, None) => format!("kubectl describe {kind} {}", object.name),
    }
}
