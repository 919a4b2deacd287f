//! The jobs of one scale set, and the messages by which its listener hears of them.
//!
//! As the original does: a job is available until the listener acquires it, is then assigned to the scale set, runs on
//! the first of its runners that has a session and no job, and is over when that runner says so.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Where a job of a scale set stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Job {
    /// Its listener has not acquired it.
    Available,
    /// Acquired; no runner has taken it.
    Assigned,
    /// A runner has it.
    Running {
        /// Name of that runner.
        runner: String,
    },
    /// Over, with the result that the runner told.
    Completed {
        /// `succeeded`, or what else the runner said.
        result: String,
    },
}

/// The jobs of a scale set and what its listener has not yet deleted of its messages.
#[derive(Debug, Default)]
pub(super) struct Queue {
    jobs: BTreeMap<u64, Job>,
    messages: BTreeMap<u64, Value>,
    last_message: u64,
}

impl Queue {
    pub(super) fn offer(&mut self, id: u64) {
        self.jobs.insert(id, Job::Available);
        self.tell("JobAvailable", id, &json!({}));
    }

    pub(super) fn job(&self, id: u64) -> Option<&Job> {
        self.jobs.get(&id)
    }

    /// Those of `ids` that could be had.
    pub(super) fn acquire(&mut self, ids: &[u64]) -> Vec<u64> {
        let mut acquired = Vec::new();
        for id in ids {
            if self.jobs.get(id) == Some(&Job::Available) {
                self.jobs.insert(*id, Job::Assigned);
                self.tell("JobAssigned", *id, &json!({}));
                acquired.push(*id);
            }
        }
        acquired
    }

    /// Gives an idle runner the job that waits longest; its id, if there is one.
    pub(super) fn start(&mut self, runner_id: u64, runner: &str) -> Option<u64> {
        let waiting = self.jobs.iter().find(|(_, job)| **job == Job::Assigned);
        let id = *waiting?.0;
        let running = Job::Running {
            runner: runner.to_owned(),
        };
        self.jobs.insert(id, running);
        let by = json!({ "runnerId": runner_id, "runnerName": runner });
        self.tell("JobStarted", id, &by);
        Some(id)
    }

    /// Ends a job; false where it does not run on that runner.
    pub(super) fn complete(&mut self, id: u64, runner_id: u64, runner: &str, result: &str) -> bool {
        if !matches!(self.jobs.get(&id), Some(Job::Running { runner: by }) if by == runner) {
            return false;
        }
        let completed = Job::Completed {
            result: result.to_owned(),
        };
        self.jobs.insert(id, completed);
        let how = json!({ "runnerId": runner_id, "runnerName": runner, "result": result });
        self.tell("JobCompleted", id, &how);
        true
    }

    fn tell(&mut self, kind: &str, id: u64, more: &Value) {
        let mut message = json!({ "messageType": kind, "runnerRequestId": id, "jobId": format!("job-{id}"),
            "ownerName": "lab", "repositoryName": "lab", "jobDisplayName": "job", "eventName": "push" });
        for (key, value) in more.as_object().into_iter().flatten() {
            message[key.as_str()] = value.clone();
        }
        self.last_message += 1;
        self.messages.insert(self.last_message, message);
    }

    /// The first message after `last` in the form of the service; its body is JSON in a string.
    pub(super) fn message_after(&self, last: u64, statistics: &Value) -> Option<Value> {
        let (id, message) = self.messages.range(last + 1..).next()?;
        Some(json!({
            "messageId": id,
            "messageType": "RunnerScaleSetJobMessages",
            "body": json!([message]).to_string(),
            "statistics": statistics,
        }))
    }

    pub(super) fn delete(&mut self, message: u64) {
        self.messages.remove(&message);
    }

    /// The seven numbers, for a set with so many registered runners.
    pub(super) fn statistics(&self, registered: usize) -> Value {
        let count = |is: fn(&Job) -> bool| self.jobs.values().filter(|job| is(job)).count();
        let running = count(|job| matches!(job, Job::Running { .. }));
        json!({
            "totalAvailableJobs": count(|job| *job == Job::Available),
            "totalAcquiredJobs": 0,
            "totalAssignedJobs": count(|job| matches!(job, Job::Assigned | Job::Running { .. })),
            "totalRunningJobs": running,
            "totalRegisteredRunners": registered,
            "totalBusyRunners": running,
            "totalIdleRunners": registered.saturating_sub(running),
        })
    }
}
