//! The `runnerSets` section.

use crate::config::model::{
    BusyScaling, ContainerMode, Mode, Namespaces, RunnerKind, RunnerSet, Scaling, Schedule, Scope,
    WorkVolume,
};

use super::Assembler;

impl Assembler<'_> {
    /// Every set; without any in the sources one is meant, and what it lacks is missing.
    pub(super) fn runner_sets(
        &mut self,
        install: &str,
        mode: Mode,
        namespaces: &Namespaces,
        scope: Option<&Scope>,
    ) -> Vec<RunnerSet> {
        (0..self.settled.length("runnerSets").max(1))
            .map(|index| self.runner_set(index, install, mode, namespaces, scope))
            .collect()
    }

    /// True where a runner set names no scope and there is none to inherit.
    pub(super) fn lacks_scope(&self) -> bool {
        self.scope("github.").is_none()
            && (0..self.settled.length("runnerSets").max(1))
                .any(|index| self.scope(&format!("runnerSets[{index}].")).is_none())
    }

    fn runner_set(
        &mut self,
        index: usize,
        install: &str,
        mode: Mode,
        namespaces: &Namespaces,
        scope: Option<&Scope>,
    ) -> RunnerSet {
        let at = format!("runnerSets[{index}]");
        let path = |member: &str| format!("{at}.{member}");
        let kind = runner_kind(self.text(&path("kind")).as_deref(), mode);
        let max = self.integer(&path("max"));
        if max.is_none() && kind != RunnerKind::Runner {
            // The flag means one set.
            let flags: &[&str] = if self.settled.length("runnerSets") > 1 {
                &[]
            } else {
                &["max"]
            };
            self.missing(&path("max"), format!("{} is missing", path("max")), flags);
        }
        let name = self.text(&path("name"));
        if name.is_none() && self.settled.length("runnerSets") > 1 {
            self.missing(&path("name"), format!("{} is missing", path("name")), &[]);
        }
        RunnerSet {
            name: name.unwrap_or_else(|| format!("{install}-runners")),
            kind,
            namespace: self
                .text(&path("namespace"))
                .unwrap_or_else(|| namespaces.runners.clone()),
            scope: self
                .scope(&format!("{at}."))
                .or_else(|| scope.cloned())
                .unwrap_or_else(|| Scope::Organization("missing".to_owned())),
            labels: self.texts(&path("labels")).unwrap_or_default(),
            group: self.text(&path("group")),
            image: self.text(&path("image")),
            dind_image: self.text(&path("dindImage")),
            min: self
                .integer(&path("min"))
                .unwrap_or(u32::from(kind == RunnerKind::Runner)),
            max: max.unwrap_or(1),
            container_mode: container_mode(self.text(&path("containerMode")).as_deref()),
            work_volume: self.work_volume(&path("workVolume")),
            scaling: self.scaling(&path("scaling")),
            github_secret: self.existing_secret(&path("githubSecret")),
            pod_template: self.json(&path("podTemplate")),
        }
    }

    fn work_volume(&mut self, at: &str) -> WorkVolume {
        let claim = format!("{at}.claim");
        if !self.settled.has(&claim) {
            return WorkVolume::EmptyDir {
                size_limit: self.text(&format!("{at}.emptyDir.sizeLimit")),
            };
        }
        if self.settled.has(&format!("{at}.emptyDir")) {
            self.problem(
                "config-alternatives",
                &claim,
                format!("{claim} and {at}.emptyDir exclude each other"),
                "keep one of them",
            );
        }
        let size = self.text(&format!("{claim}.size"));
        if size.is_none() {
            self.missing(
                &format!("{claim}.size"),
                format!("{claim}.size is missing"),
                &[],
            );
        }
        WorkVolume::Claim {
            storage_class: self.text(&format!("{claim}.storageClass")),
            size: size.unwrap_or_else(|| "1Gi".to_owned()),
            access_mode: self
                .text(&format!("{claim}.accessMode"))
                .unwrap_or_else(|| "ReadWriteOnce".to_owned()),
        }
    }

    fn scaling(&mut self, at: &str) -> Scaling {
        let busy = format!("{at}.busy");
        let mut schedules = Vec::new();
        for index in 0..self.settled.length(&format!("{at}.schedules")) {
            schedules.push(self.schedule(&format!("{at}.schedules[{index}]")));
        }
        schedules.extend(self.workdays(&format!("{at}.workdays")));
        Scaling {
            queue_repositories: self.texts(&format!("{at}.queue")),
            busy: self.settled.has(&busy).then(|| BusyScaling {
                up_threshold: self.text_or_default(&format!("{busy}.upThreshold")),
                down_threshold: self.text_or_default(&format!("{busy}.downThreshold")),
                up_factor: self.text_or_default(&format!("{busy}.upFactor")),
                down_factor: self.text_or_default(&format!("{busy}.downFactor")),
            }),
            schedules,
            scale_down_delay_seconds: self.integer(&format!("{at}.scaleDownDelaySeconds")),
        }
    }

    fn required(&mut self, path: &str) -> Option<String> {
        let text = self.text(path);
        if text.is_none() {
            self.missing(path, format!("{path} is missing"), &[]);
        }
        text
    }

    fn schedule(&mut self, at: &str) -> Schedule {
        let min = format!("{at}.min");
        if self.integer(&min).is_none() {
            self.missing(&min, format!("{min} is missing"), &[]);
        }
        Schedule {
            start: self.required(&format!("{at}.start")).unwrap_or_default(),
            end: self.required(&format!("{at}.end")).unwrap_or_default(),
            min: self.integer(&min).unwrap_or(0),
            frequency: self.text(&format!("{at}.frequency")),
            until: self.text(&format!("{at}.until")),
        }
    }

    /// Five weekly overrides, Monday to Friday, from the first week of 2024 on: an override repeats from its
    /// start, and no clock is read here.
    fn workdays(&mut self, at: &str) -> Vec<Schedule> {
        if !self.settled.has(at) {
            return Vec::new();
        }
        let min_path = format!("{at}.min");
        let min = self.integer(&min_path);
        if min.is_none() {
            self.missing(&min_path, format!("{min_path} is missing"), &[]);
        }
        let from = self.time_of_day(&format!("{at}.from"));
        let to = self.time_of_day(&format!("{at}.to"));
        let offset_path = format!("{at}.offset");
        let offset = self.text_or_default(&offset_path);
        if !is_offset(&offset) {
            self.problem(
                "config-schedule",
                &offset_path,
                format!("{offset_path} is not an offset from UTC"),
                "write \"+01:00\", in quotes",
            );
            return Vec::new();
        }
        let (Some(from), Some(to), Some(min)) = (from, to, min) else {
            return Vec::new();
        };
        let overnight = u32::from(to <= from);
        (1..=5)
            .map(|day| Schedule {
                start: format!("2024-01-{day:02}T{from}:00{offset}"),
                end: format!("2024-01-{:02}T{to}:00{offset}", day + overnight),
                min,
                frequency: Some("Weekly".to_owned()),
                until: None,
            })
            .collect()
    }

    fn time_of_day(&mut self, path: &str) -> Option<String> {
        let text = self.required(path)?;
        if is_time(&text) {
            return Some(text);
        }
        self.problem(
            "config-schedule",
            path,
            format!("{path} is not a time of day"),
            "write \"07:00\", in quotes",
        );
        None
    }
}

fn runner_kind(text: Option<&str>, mode: Mode) -> RunnerKind {
    match text {
        Some("ScaleSet") => RunnerKind::ScaleSet,
        Some("Runner") => RunnerKind::Runner,
        Some("RunnerDeployment") => RunnerKind::RunnerDeployment,
        Some("RunnerSet") => RunnerKind::RunnerSet,
        _ if mode == Mode::Legacy => RunnerKind::RunnerDeployment,
        _ => RunnerKind::ScaleSet,
    }
}

fn container_mode(text: Option<&str>) -> ContainerMode {
    match text {
        Some("dind") => ContainerMode::Dind,
        Some("kubernetes") => ContainerMode::Kubernetes,
        Some("kubernetes-novolume") => ContainerMode::KubernetesNovolume,
        _ => ContainerMode::None,
    }
}

/// `HH:MM`.
fn is_time(text: &str) -> bool {
    match text.split_once(':') {
        Some((hours, minutes)) if hours.len() == 2 && minutes.len() == 2 => {
            let below = |text: &str, limit: u8| text.parse::<u8>().is_ok_and(|value| value < limit);
            text.bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b':')
                && below(hours, 24)
                && below(minutes, 60)
        }
        _ => false,
    }
}

/// `+HH:MM`, `-HH:MM` or `Z`.
fn is_offset(text: &str) -> bool {
    text == "Z" || text.strip_prefix(['+', '-']).is_some_and(is_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_offsets() {
        assert!(is_time("07:00") && is_time("23:59"));
        assert!(!is_time("7:00") && !is_time("24:00") && !is_time("+1:00") && !is_time("07:60"));
        assert!(is_offset("+01:00") && is_offset("-05:30") && is_offset("Z"));
        assert!(!is_offset("CET") && !is_offset("01:00"));
    }
}
