//! The pod of a pull test has done its work when every container was started and its runner ended well.

use serde_json::Value;

use super::State;
use super::fields::{condition_is, is_deleting, items, number, text};
use super::pod::blocked;
use crate::object::pods;

/// What a container of the pod is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// It ends, and what comes after it waits for that.
    Initialises,
    /// Started before the others, and again whenever it ends: its exit code says nothing.
    Sidecar,
    /// The runner: it ends.
    Runner,
    /// It runs beside the runner.
    Beside,
}

/// A container and its status; null where the node has not told of it.
struct Container<'a> {
    part: Part,
    name: &'a str,
    status: &'a Value,
}

/// Judges the pod of a pull test.
pub fn pull_test(object: &Value) -> State {
    let phase = text(object, "/status/phase");
    let containers = containers(object);
    if let Some(ended) = containers.iter().find(|container| container.ended_badly()) {
        return ended.failed();
    }
    match phase {
        "Succeeded" => return State::ready(proof(&containers)),
        "Failed" => {
            let reason = text(object, "/status/reason");
            let reason = if reason.is_empty() { phase } else { reason };
            return State::failed(reason, text(object, "/status/message"));
        }
        _ if is_deleting(object) => return removed(),
        _ => {}
    }
    if let Some(condition) = condition_is(object, "PodScheduled", "False") {
        return State::waiting(format!("not scheduled: {}", text(condition, "/message")));
    }
    match containers.iter().find(|container| !container.has_started()) {
        None if !containers.is_empty() => State::ready(proof(&containers)),
        Some(container) => State::waiting(container.waiting(&containers)),
        None => State::waiting(STARTING),
    }
}

/// What is said of a pull test's pod that is not there any more.
pub(super) fn removed() -> State {
    State::failed(
        "Removed",
        "somebody removed the pod before all of its containers were started",
    )
}

const STARTING: &str = "its containers are starting";

fn containers(object: &Value) -> Vec<Container<'_>> {
    let lists = [
        ("/spec/initContainers", "/status/initContainerStatuses"),
        ("/spec/containers", "/status/containerStatuses"),
    ];
    let mut found = Vec::new();
    for (specs, statuses) in lists {
        for spec in items(object, specs) {
            let name = text(spec, "/name");
            let status = items(object, statuses)
                .iter()
                .find(|status| text(status, "/name") == name);
            found.push(Container {
                part: match (specs, name, text(spec, "/restartPolicy")) {
                    ("/spec/initContainers", _, "Always") => Part::Sidecar,
                    ("/spec/initContainers", ..) => Part::Initialises,
                    (_, "runner", _) => Part::Runner,
                    _ => Part::Beside,
                },
                name,
                status: status.unwrap_or(&Value::Null),
            });
        }
    }
    found
}

impl Container<'_> {
    fn exit_code(&self) -> Option<i64> {
        number(self.status, "/state/terminated/exitCode")
    }

    fn is_running(&self) -> bool {
        self.status.pointer("/state/running").is_some()
    }

    fn ended_badly(&self) -> bool {
        self.part != Part::Sidecar && self.exit_code().is_some_and(|code| code != 0)
    }

    /// What a startup probe has not let pass is not started.
    fn has_started(&self) -> bool {
        let started = self.status.get("started").and_then(Value::as_bool) == Some(true);
        match self.part {
            Part::Initialises | Part::Runner => self.exit_code() == Some(0),
            Part::Beside => self.exit_code() == Some(0) || (self.is_running() && started),
            // Nothing after it begins before it is started; the node ends it when the rest has ended.
            Part::Sidecar => self.exit_code().is_some() || (self.is_running() && started),
        }
    }

    fn waiting(&self, all: &[Self]) -> String {
        let name = self.name;
        if self.part == Part::Initialises && self.is_running() {
            return format!("container {name}: it has not ended yet");
        }
        let is_daemon = |one: &Self| pods::is_daemon(one.name);
        if self.part == Part::Runner && self.is_running() && all.iter().any(is_daemon) {
            return format!("container {name}: it asks Docker");
        }
        match blocked(self.status) {
            Some(reason) => format!("container {name}: {reason}"),
            None => STARTING.to_owned(),
        }
    }

    fn failed(&self) -> State {
        let code = self.exit_code().unwrap_or_default();
        let why = match text(self.status, "/state/terminated/reason") {
            "" | "Error" => String::new(),
            reason => format!(" ({reason})"),
        };
        State::failed(
            format!("container {} ended with exit code {code}{why}", self.name),
            text(self.status, "/state/terminated/message").trim(),
        )
    }
}

/// What is proven: which containers, and what the runner said at its end.
fn proof(containers: &[Container<'_>]) -> String {
    let names: Vec<&str> = containers.iter().map(|container| container.name).collect();
    let said = containers
        .iter()
        .find(|container| container.part == Part::Runner)
        .map(|runner| text(runner.status, "/state/terminated/message").trim())
        .filter(|said| !said.is_empty());
    let names = names.join(", ");
    match said {
        Some(said) => {
            format!("a pod from its template pulled and started every container: {names}; {said}")
        }
        None => format!("a pod from its template pulled and started every container: {names}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(phase: &str, init: &[Value], containers: &[Value]) -> Value {
        json!({"spec": {
            "initContainers": [{"name": "copy"}, {"name": "dind", "restartPolicy": "Always"}],
            "containers": [{"name": "runner"}, {"name": "mine"}]},
            "status": {"phase": phase, "initContainerStatuses": init, "containerStatuses": containers}})
    }

    fn running(name: &str, started: bool) -> Value {
        json!({"name": name, "started": started, "ready": started, "state": {"running": {}}})
    }

    fn ended(name: &str, code: i64, message: &str) -> Value {
        json!({"name": name, "state": {"terminated": {"exitCode": code, "reason": "Error", "message": message}}})
    }

    fn waiting(name: &str, reason: &str) -> Value {
        json!({"name": name, "ready": false, "state": {"waiting": {"reason": reason}}})
    }

    #[test]
    fn every_container_in_turn_is_waited_for() {
        let begun = waiting("runner", "PodInitializing");
        let states = [
            (vec![], vec![], STARTING),
            (
                vec![
                    waiting("copy", "ErrImagePull"),
                    waiting("dind", "PodInitializing"),
                ],
                vec![begun.clone()],
                "container copy: ErrImagePull",
            ),
            (
                vec![running("copy", true)],
                vec![begun.clone()],
                "container copy: it has not ended yet",
            ),
            (
                vec![ended("copy", 0, ""), running("dind", false)],
                vec![begun.clone()],
                "container dind: running, its startup probe has not passed",
            ),
            (
                vec![ended("copy", 0, ""), running("dind", true)],
                vec![running("runner", true), running("mine", true)],
                "container runner: it asks Docker",
            ),
            (
                vec![ended("copy", 0, ""), running("dind", true)],
                vec![ended("runner", 0, ""), waiting("mine", "ImagePullBackOff")],
                "container mine: ImagePullBackOff",
            ),
        ];
        for (init, containers, reason) in states {
            let state = pull_test(&pod("Pending", &init, &containers));
            assert_eq!(state, State::waiting(reason));
        }
    }

    #[test]
    fn all_started_and_the_runner_ended_is_the_proof_whatever_becomes_of_the_sidecar() {
        let runner = ended("runner", 0, "Docker answers the runner\n");
        let proof = "a pod from its template pulled and started every container: copy, dind, runner, mine; Docker answers the runner";
        for dind in [running("dind", true), ended("dind", 143, "")] {
            let init = [ended("copy", 0, ""), dind];
            let state = pull_test(&pod(
                "Running",
                &init,
                &[runner.clone(), running("mine", true)],
            ));
            assert_eq!(state, State::ready(proof));
        }
        let mut gone = pod("Succeeded", &[], &[runner]);
        gone["metadata"] = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        assert!(pull_test(&gone).is_ready());
    }

    #[test]
    fn what_ends_badly_is_told_with_its_last_words() {
        let init = [ended("copy", 0, ""), running("dind", true)];
        let state = pull_test(&pod(
            "Running",
            &init,
            &[ended("runner", 1, "no\nanswer\n"), running("mine", true)],
        ));
        assert_eq!(
            state,
            State::failed("container runner ended with exit code 1", "no\nanswer")
        );
        let evicted =
            json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}});
        assert_eq!(
            pull_test(&evicted),
            State::failed("Evicted", "low on memory")
        );
        let mut removed = pod("Running", &init, &[]);
        removed["metadata"] = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        assert!(
            matches!(pull_test(&removed), State::Failed(terminal) if terminal.reason == "Removed")
        );
    }
}
