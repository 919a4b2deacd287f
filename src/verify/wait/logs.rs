//! What controllers and listeners log about GitHub while runners do not come up.
//!
//! Lines that stood there before the wait are old: a run that repairs credentials must not fail on them.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::clients::kube::{Cluster, LogOptions};
use crate::object::ObjectRef;
use crate::object::pods::{Role, containers};
use crate::verify::classify::{Classified, Ending, log_line};
use crate::verify::readiness::World;
use crate::verify::readiness::fields::{is_deleting, text};

/// Lines from the end that are read at each look.
const LINES: u32 = 60;

/// The lines that were seen.
#[derive(Debug, Default)]
pub(super) struct Logs {
    known: HashMap<String, HashSet<String>>,
    looked: bool,
    /// New lines by the cause that they tell; in order, so that the same logs end a wait the same way.
    told: BTreeMap<&'static str, (usize, Classified)>,
}

impl Logs {
    /// Reads the ends of all logs; returns the causes that new lines tell. A cause that two new lines tell
    /// ends the wait where its kind does.
    pub(super) async fn look(
        &mut self,
        cluster: &Cluster,
        world: &World,
    ) -> Vec<(bool, Classified)> {
        for pod in world.of_kind("Pod", None) {
            let Some(container) = logging_container(pod) else {
                continue;
            };
            let reference = ObjectRef::from_value(pod);
            let options = LogOptions {
                container: Some(&container),
                tail: LINES,
                previous: false,
            };
            let namespace = text(pod, "/metadata/namespace");
            let Ok(log) = cluster.logs(namespace, &reference.name, &options).await else {
                continue;
            };
            let uid = text(pod, "/metadata/uid").to_owned();
            let is_old = !self.looked;
            let known = self.known.entry(uid).or_default();
            for line in log.lines() {
                if !known.insert(line.to_owned()) || is_old {
                    continue;
                }
                if let Some(classified) = log_line(&reference, line) {
                    let (count, newest) = self
                        .told
                        .entry(classified.cause.id)
                        .or_insert_with(|| (0, classified.clone()));
                    *count += 1;
                    *newest = classified;
                }
            }
        }
        self.looked = true;
        self.told
            .values()
            .map(|(count, classified)| {
                let ends = *count >= 2 && classified.cause.ending != Ending::Timeout;
                (ends, classified.clone())
            })
            .collect()
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
