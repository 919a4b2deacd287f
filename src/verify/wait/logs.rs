//! What controllers and listeners log while runners do not come up.
//!
//! Lines that stood there before anything was written are old: a run that repairs credentials must not fail on them.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::gather::around;
use crate::clients::kube::{Cluster, LogOptions};
use crate::object::ObjectRef;
use crate::object::pods::{Role, containers};
use crate::verify::classify::{Classified, Ending, log_line, refused_pod, unescaped};
use crate::verify::readiness::World;
use crate::verify::readiness::fields::{is_deleting, text};

/// Lines from the end that are read at each look.
const LINES: u32 = 60;

/// The lines of logs that are known, by the uid of the pod that wrote them.
#[derive(Debug, Clone, Default)]
pub struct KnownLines {
    lines: HashMap<String, HashSet<String>>,
    /// Logs that could not be read: what is found first is old.
    unread: HashSet<String>,
}

impl KnownLines {
    /// What stands now in the logs of the controllers and listeners of a namespace. What cannot be read is not known.
    pub async fn read(cluster: &Cluster, namespace: &str) -> Self {
        let mut known = Self::default();
        let pods = cluster.list("v1", "Pod", Some(namespace), None).await;
        for pod in pods.unwrap_or_default() {
            known.new_lines(cluster, &pod).await;
        }
        known
    }

    /// The lines at the end of a pod's log that are not known yet; from now on they are.
    async fn new_lines(&mut self, cluster: &Cluster, pod: &Value) -> Vec<String> {
        let Some(container) = logging_container(pod) else {
            return Vec::new();
        };
        let options = LogOptions {
            container: Some(&container),
            tail: LINES,
            previous: false,
        };
        let place = |key| text(pod, key);
        let (namespace, name) = (place("/metadata/namespace"), place("/metadata/name"));
        let log = cluster.logs(namespace, name, &options).await;
        let uid = place("/metadata/uid").to_owned();
        let Ok(log) = log else {
            if !self.lines.contains_key(&uid) {
                self.unread.insert(uid);
            }
            return Vec::new();
        };
        let is_old = self.unread.remove(&uid);
        let known = self.lines.entry(uid).or_default();
        if is_old {
            known.extend(log.lines().map(str::to_owned));
        }
        let new = log.lines().filter(|line| known.insert((*line).to_owned()));
        new.map(str::to_owned).collect()
    }
}

/// A cause that new lines tell.
#[derive(Debug)]
pub(super) struct Told {
    count: usize,
    pub(super) newest: Classified,
    /// The pod that may not be made, where the newest line names one.
    refused: Option<String>,
}

impl Told {
    /// True where it ends the wait at once: two lines tell it, and it does not pass.
    pub(super) fn ends(&self) -> bool {
        self.count >= 2 && self.newest.cause.ending != Ending::Timeout
    }

    /// True where nothing has come of it since: the pod that may not be made is not there, or `target` has no pod at
    /// all. A controller may try again only after minutes, so that a second line does not come.
    pub(super) fn stands(&self, world: &World, target: &ObjectRef) -> bool {
        let mut pods = world
            .get(target)
            .map(|live| around(world, live))
            .unwrap_or_default()
            .into_iter()
            .filter(|object| text(object, "/kind") == "Pod");
        match &self.refused {
            Some(name) => !pods.any(|pod| text(pod, "/metadata/name") == name),
            None => pods.next().is_none(),
        }
    }
}

/// The lines that were seen.
#[derive(Debug, Default)]
pub(super) struct Logs {
    known: KnownLines,
    /// False where the first look finds what is old.
    is_known: bool,
    /// By cause; in order, so that the same logs end a wait the same way.
    told: BTreeMap<&'static str, Told>,
}

impl Logs {
    /// With the lines from before; None takes for old what the first look finds.
    pub(super) fn since(known: Option<&KnownLines>) -> Self {
        Self {
            known: known.cloned().unwrap_or_default(),
            is_known: known.is_some(),
            told: BTreeMap::new(),
        }
    }

    /// Reads the ends of all logs.
    pub(super) async fn look(&mut self, cluster: &Cluster, world: &World) {
        for pod in world.of_kind("Pod", None) {
            let new = self.known.new_lines(cluster, pod).await;
            if self.is_known {
                self.take(&ObjectRef::from_value(pod), &new);
            }
        }
        self.is_known = true;
    }

    /// Takes lines that `pod` has written since.
    fn take(&mut self, pod: &ObjectRef, lines: &[String]) {
        for line in lines {
            let Some(newest) = log_line(pod, line) else {
                continue;
            };
            let told = Told {
                count: self.told.get(newest.cause.id).map_or(0, |told| told.count) + 1,
                refused: refused_pod(&unescaped(line)).map(|(name, _)| name.to_owned()),
                newest,
            };
            self.told.insert(told.newest.cause.id, told);
        }
    }

    /// The causes that new lines tell.
    pub(super) fn told(&self) -> impl Iterator<Item = &Told> {
        self.told.values()
    }
}

/// The container of a pod whose log speaks of GitHub: a manager's, or a listener's.
fn logging_container(pod: &Value) -> Option<String> {
    if is_deleting(pod) || text(pod, "/status/phase") != "Running" {
        return None;
    }
    containers(pod)
        .into_iter()
        .find(|container| container.role == Role::Controller || container.name == "listener")
        .map(|container| container.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const REFUSED: &str = r#"ERROR runner Failed to get new registration token {"runner": "arc-runners/build-1", "error": "POST https://ghes.corp/api/v3/orgs/acme/actions/runners/registration-token: 401 Bad credentials []"}"#;
    const NO_ROOM: &str = r#"ERROR runner Failed to create pod resource {"error": "pods \"build-2\" is forbidden: exceeded quota: few, requested: pods=1"}"#;

    fn told(lines: &[&str]) -> Logs {
        let manager = ObjectRef::new("v1", "Pod", Some("arc-systems"), "manager-1");
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let mut logs = Logs::default();
        logs.take(&manager, &lines);
        logs
    }

    fn pod(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "arc-runners", "uid": name,
            "ownerReferences": [{"uid": "set"}]}})
    }

    #[test]
    fn one_line_stands_until_something_comes_of_it() {
        let set = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "RunnerDeployment",
            "metadata": {"name": "build", "namespace": "arc-runners", "uid": "set"}});
        let target = ObjectRef::from_value(&set);
        let mut world = World::default();
        world.insert(set);
        let (login, quota) = (told(&[REFUSED]), told(&[NO_ROOM]));
        let (login, quota) = (login.told().next().unwrap(), quota.told().next().unwrap());
        assert_eq!(login.newest.cause.id, "github-credentials");
        assert_eq!(quota.newest.cause.id, "quota-exceeded");
        assert!(!login.ends() && !quota.ends());
        assert!(login.stands(&world, &target) && quota.stands(&world, &target));

        world.insert(pod("build-1"));
        assert!(!login.stands(&world, &target), "it has let one in");
        assert!(quota.stands(&world, &target), "the other one is not there");
        world.insert(pod("build-2"));
        assert!(!quota.stands(&world, &target));
    }

    #[test]
    fn two_lines_end_it_unless_it_may_pass() {
        assert!(told(&[REFUSED, REFUSED]).told().all(Told::ends));
        let busy = REFUSED.replace("401 Bad credentials", "502 Bad Gateway");
        let busy = told(&[&busy, &busy]);
        assert!(busy.told().next().is_some_and(|told| !told.ends()));
    }
}
