//! Legacy autoscaling: a HorizontalRunnerAutoscaler's lists.

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{RunnerKind, RunnerSet, Schedule, Scope};

const QUEUE: &str = "TotalNumberOfQueuedAndInProgressWorkflowRuns";

#[derive(Debug, Serialize)]
pub(super) struct Scaling {
    delay: Option<u32>,
    metrics: Vec<Value>,
    overrides: Vec<Value>,
}

impl Scaling {
    pub(super) fn new(set: &RunnerSet) -> Self {
        // The busy metric first: controllers take a queue only behind it, for when it suggests no runners at all.
        let mut metrics = Vec::new();
        if let Some(busy) = &set.scaling.busy {
            metrics.push(json!({
                "type": "PercentageRunnersBusy",
                "scaleUpThreshold": busy.up_threshold,
                "scaleDownThreshold": busy.down_threshold,
                "scaleUpFactor": busy.up_factor,
                "scaleDownFactor": busy.down_factor,
            }));
        }
        if let Some(repositories) = &set.scaling.queue_repositories {
            metrics.push(json!({"type": QUEUE, "repositoryNames": repositories}));
        } else if metrics.is_empty() && matches!(set.scope, Scope::Repository(_)) {
            // The default before 0.23; from then on a controller without a metric never leaves the minimum.
            metrics.push(json!({"type": QUEUE}));
        }
        Self {
            delay: set.scaling.scale_down_delay_seconds,
            metrics,
            overrides: set.scaling.schedules.iter().map(scheduled).collect(),
        }
    }
}

/// True where an autoscaler moves the number of runners, which is then nobody else's to write.
pub(super) fn is_autoscaled(set: &RunnerSet) -> bool {
    let scaling = &set.scaling;
    matches!(
        set.kind,
        RunnerKind::RunnerDeployment | RunnerKind::RunnerSet
    ) && (set.min != set.max
        || scaling.queue_repositories.is_some()
        || scaling.busy.is_some()
        || !scaling.schedules.is_empty())
}

fn scheduled(schedule: &Schedule) -> Value {
    let mut override_ = json!({
        "startTime": schedule.start,
        "endTime": schedule.end,
        "minReplicas": schedule.min,
    });
    if let Some(frequency) = &schedule.frequency {
        override_["recurrenceRule"] = json!({"frequency": frequency});
        if let Some(until) = &schedule.until {
            override_["recurrenceRule"]["untilTime"] = json!(until);
        }
    }
    override_
}
