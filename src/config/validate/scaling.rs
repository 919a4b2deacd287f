//! Checks of how legacy runner sets scale.

use crate::config::arc_versions::differences::Feature;
use crate::config::model::{Mode, RunnerKind, RunnerSet, Scaling, Scope};

use super::{Validator, syntax};

impl Validator<'_> {
    /// Warns of sets whose controller would never start a runner for a waiting job.
    fn idle(&mut self, at: &str, set: &RunnerSet) {
        let scaling = &set.scaling;
        let counts_queue =
            scaling.queue_repositories.is_some() || matches!(set.scope, Scope::Repository(_));
        if self.config.mode != Mode::Legacy || set.kind == RunnerKind::Runner || set.min >= set.max
        {
            return;
        }
        if scaling.busy.is_none() && !counts_queue && scaling.schedules.is_empty() {
            self.warn(
                "config-scaling",
                at,
                format!("{at} has neither queue nor busy: there are never more runners than min"),
                "set scaling.queue or scaling.busy, or a min that is always enough",
            );
        } else if scaling.busy.is_some() && scaling.queue_repositories.is_none() && set.min == 0 {
            self.warn(
                "config-scaling",
                at,
                format!("{at} has busy alone and min is 0: where no runner is, none is busy, and none is started"),
                "add scaling.queue, or set min to 1",
            );
        }
    }

    pub(super) fn scaling(&mut self, at: &str, set: &RunnerSet) {
        let at = format!("{at}.scaling");
        let scaling = &set.scaling;
        self.idle(&at, set);
        if *scaling == Scaling::default() {
            return;
        }
        if self.config.mode == Mode::ScaleSet {
            return self.problem(
                "config-scaling",
                &at,
                format!(
                    "{at} is for legacy ARC: scale sets scale by themselves between min and max"
                ),
                "remove it, or use mode legacy",
            );
        }
        if set.kind == RunnerKind::Runner {
            return self.problem(
                "config-scaling",
                &at,
                format!("{at}: a single Runner does not scale"),
                "use kind RunnerDeployment",
            );
        }
        let queue = format!("{at}.queue");
        if let Some(repositories) = &scaling.queue_repositories {
            if repositories.is_empty() && !matches!(set.scope, Scope::Repository(_)) {
                self.problem(
                    "config-scaling",
                    &queue,
                    format!(
                        "{queue} names no repositories, and the set registers with more than one"
                    ),
                    "list the repositories whose queue counts, without owner",
                );
            }
            if matches!(set.scope, Scope::Enterprise(_)) {
                self.problem(
                    "config-scaling",
                    &queue,
                    format!("{queue}: ARC does not count the queue for runners of an enterprise"),
                    "use busy with a min of at least 1, or register with an organization",
                );
            }
            if repositories
                .iter()
                .any(|name| !syntax::is_github_name(name))
            {
                self.problem(
                    "config-scaling",
                    &queue,
                    format!("{queue} has an entry that is not the name of a repository"),
                    "write names without owner",
                );
            }
        }
        self.busy(&at, scaling);
        self.schedules(&at, set);
    }

    fn busy(&mut self, at: &str, scaling: &Scaling) {
        let Some(busy) = &scaling.busy else { return };
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        let up = number(&busy.up_threshold);
        let down = number(&busy.down_threshold);
        for (member, value, low, high) in [
            ("upThreshold", up, 0.0, 1.0),
            ("downThreshold", down, 0.0, 1.0),
            ("upFactor", number(&busy.up_factor), 1.0, 100.0),
            ("downFactor", number(&busy.down_factor), 0.0, 1.0),
        ] {
            let path = format!("{at}.busy.{member}");
            if !value.is_some_and(|value| (low..=high).contains(&value)) {
                self.problem(
                    "config-scaling",
                    &path,
                    format!("{path} is not a number from {low} to {high}"),
                    "thresholds are shares of runners, such as 0.75",
                );
            }
        }
        if let (Some(up), Some(down)) = (up, down)
            && down >= up
        {
            self.problem(
                "config-scaling",
                &format!("{at}.busy.downThreshold"),
                format!("{at}.busy.downThreshold is not below upThreshold"),
                "leave room between them, such as 0.3 and 0.8",
            );
        }
    }

    fn schedules(&mut self, at: &str, set: &RunnerSet) {
        for (index, schedule) in set.scaling.schedules.iter().enumerate() {
            let mut path = format!("{at}.schedules[{index}]");
            if !self.config.origins.0.contains_key(&path) {
                path = format!("{at}.workdays");
            }
            if index == 0 {
                self.since(&path, Mode::Legacy, Feature::Schedules, "a schedule");
            }
            let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
            let (start, end) = (time(&schedule.start), time(&schedule.end));
            for (member, text, parsed) in [
                ("start", Some(&schedule.start), start),
                ("end", Some(&schedule.end), end),
                (
                    "until",
                    schedule.until.as_ref(),
                    schedule.until.as_deref().and_then(time),
                ),
            ] {
                let member = format!("{path}.{member}");
                if text.is_some() && parsed.is_none() {
                    self.problem(
                        "config-schedule",
                        &member,
                        format!("{member} is not a time with an offset"),
                        "write RFC 3339, such as 2026-01-05T07:00:00+01:00",
                    );
                }
            }
            if let (Some(start), Some(end)) = (start, end)
                && end <= start
            {
                self.problem(
                    "config-schedule",
                    &format!("{path}.end"),
                    format!("{path} ends before it starts"),
                    "set an end after the start",
                );
            }
            if schedule.min > set.max {
                self.problem(
                    "config-schedule",
                    &format!("{path}.min"),
                    format!(
                        "{path}.min ({}) is more than max ({})",
                        schedule.min, set.max
                    ),
                    "raise max or lower min",
                );
            }
        }
    }
}
