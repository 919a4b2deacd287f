//! The loop: news come in, targets are judged, causes are gathered, until all is ready or one is not to be.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::feed::{Feed, News};
use super::gather::{Gatherer, around};
use super::logs::Logs;
use super::sightings::Sightings;
use super::watched::{feeds, targets};
use super::{Report, WaitOptions};
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::{Cluster, ClusterError};
use crate::event::{Event, Sink};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::verify::readiness::webhook_configuration::Answer;
use crate::verify::readiness::{State, World, judge, pod};

/// Between two looks at what has no watch.
const LOOK: Duration = Duration::from_secs(5);
/// Reasons of events that are evidence; a namespace may have thousands of others.
const REASONS: [&str; 6] = [
    "Failed",
    "InspectFailed",
    "ErrImageNeverPull",
    "FailedCreate",
    "FailedCreatePod",
    "TriggeredScaleUp",
];

/// The state of a wait.
pub(super) struct Run<'a, 'r> {
    pub(super) cluster: &'a Cluster,
    pub(super) options: &'a WaitOptions<'r>,
    sink: Sink<'a>,
    interrupt: Interrupt,
    targets: Vec<ObjectRef>,
    feeds: Vec<Feed>,
    listed: BTreeSet<usize>,
    pub(super) world: World,
    pub(super) gatherer: Gatherer,
    pub(super) logs: Logs,
    sightings: Sightings,
    pub(super) answers: BTreeMap<ObjectRef, Answer>,
    /// Webhooks that were called since their endpoint is there.
    tried: BTreeSet<ObjectRef>,
    /// What was told last, per target.
    pub(super) told: BTreeMap<ObjectRef, String>,
    pub(super) proven: BTreeMap<ObjectRef, String>,
    /// Targets that were judged before, and of those the Deployments that had given up when the wait began.
    judged: BTreeSet<ObjectRef>,
    given_up: BTreeSet<ObjectRef>,
    /// Every state that was seen; a new one is progress, a return to an old one is none.
    states: HashSet<(String, String)>,
    progress: Instant,
    pub(super) lost: Option<ClusterError>,
}

impl<'a, 'r> Run<'a, 'r> {
    pub(super) fn new(
        cluster: &'a Cluster,
        options: &'a WaitOptions<'r>,
        sink: Sink<'a>,
        interrupt: Interrupt,
    ) -> Self {
        let targets = targets(options);
        let feeds = feeds(&targets, options.controller_namespace.as_deref());
        Self {
            cluster,
            options,
            sink,
            interrupt,
            targets,
            feeds,
            listed: BTreeSet::new(),
            world: World::default(),
            gatherer: Gatherer::default(),
            logs: Logs::since(options.known_lines.as_ref()),
            sightings: Sightings::default(),
            answers: BTreeMap::new(),
            tried: BTreeSet::new(),
            told: BTreeMap::new(),
            proven: BTreeMap::new(),
            judged: BTreeSet::new(),
            given_up: BTreeSet::new(),
            states: HashSet::new(),
            progress: Instant::now(),
            lost: None,
        }
    }

    pub(super) async fn until_ready(mut self) -> Result<Report, Failure> {
        if self.targets.is_empty() {
            return Ok(self.report());
        }
        let (to, mut news) = mpsc::channel(256);
        // Dropped with this future, and every feed with it.
        let mut running = JoinSet::new();
        for (index, feed) in self.feeds.iter().enumerate() {
            running.spawn(feed.clone().run(index, self.cluster.clone(), to.clone()));
        }
        drop(to);
        let mut look = Instant::now() + LOOK;
        loop {
            let due = self.due(look);
            let mut interrupt = self.interrupt.clone();
            tokio::select! {
                first = news.recv() => {
                    let Some((index, first)) = first else {
                        return Err(self.unreachable());
                    };
                    self.take(index, first)?;
                    // Many news are one judgement.
                    while let Ok((index, more)) = news.try_recv() {
                        self.take(index, more)?;
                    }
                }
                () = interrupt.wait() => return Err(self.interrupted()),
                () = sleep_until(due) => {}
            }
            let now = Instant::now();
            let looked = now >= look;
            if looked {
                look = now + LOOK;
            }
            // A judgement on half of the lists would tell of objects that are missing.
            if self.listed.len() < self.feeds.len() {
                if now.duration_since(self.progress) >= self.options.timeout {
                    return Err(self.unreachable());
                }
                continue;
            }
            if self.judge(now, looked).await? {
                return Ok(self.report());
            }
        }
    }

    fn due(&self, look: Instant) -> Instant {
        let end = self.progress + self.options.timeout;
        [
            Some(look),
            self.sightings.next_look(),
            self.gatherer.next_look(Instant::now()),
        ]
        .into_iter()
        .flatten()
        .fold(end, Instant::min)
    }

    fn take(&mut self, index: usize, news: News) -> Result<(), Failure> {
        let Some(feed) = self.feeds.get(index) else {
            return Ok(());
        };
        match news {
            News::Listed(objects) => {
                let listed: HashSet<ObjectRef> =
                    objects.iter().map(ObjectRef::from_value).collect();
                let gone: Vec<ObjectRef> = self
                    .world
                    .iter()
                    .map(|(reference, _)| reference)
                    .filter(|reference| belongs(feed, reference) && !listed.contains(*reference))
                    .cloned()
                    .collect();
                for reference in gone {
                    self.world.remove(&reference);
                }
                for object in objects {
                    if is_evidence(&object) {
                        self.world.insert(object);
                    }
                }
                self.listed.insert(index);
                self.lost = None;
            }
            News::Seen(object) => {
                if is_evidence(&object) {
                    if feed.kind == "Event" {
                        self.gatherer
                            .fresh_events
                            .insert(ObjectRef::from_value(&object));
                    }
                    self.world.insert(object);
                }
                self.lost = None;
            }
            News::Gone(object) => {
                self.world.remove(&ObjectRef::from_value(&object));
            }
            News::Refused(error) if feed.is_needed => {
                return Err(error
                    .failure(
                        format!("cannot watch {} objects", feed.kind),
                        Exit::ApplyFailed,
                    )
                    .remedy(format!(
                        "the user needs list and watch on {}; --wait none does without",
                        feed.kind
                    )));
            }
            News::Refused(_) => {
                self.listed.insert(index);
            }
            News::Lost(error) => self.lost = Some(error),
        }
        Ok(())
    }

    /// True when everything is ready.
    async fn judge(&mut self, now: Instant, looked: bool) -> Result<bool, Failure> {
        let mut waiting = Vec::new();
        for target in self.targets.clone() {
            if target.kind.ends_with("WebhookConfiguration") {
                // As soon as an endpoint is there, and then at every look until it answers.
                let has_endpoint =
                    judge(&target, &self.world, None).is_some_and(|state| state.is_ready());
                if !has_endpoint {
                    self.tried.remove(&target);
                } else if self.tried.insert(target.clone()) || looked {
                    self.try_webhook(&target).await;
                }
            }
            let state = judge(&target, &self.world, self.answers.get(&target));
            match state {
                None => {}
                Some(State::Ready(proof)) => {
                    self.ready(target, proof, now);
                }
                Some(State::Failed(terminal)) => {
                    // A Deployment that had given up before may be repaired by what was done outside.
                    let is_first = self.judged.insert(target.clone());
                    if target.kind == "Deployment" && (is_first || self.given_up.contains(&target))
                    {
                        self.given_up.insert(target.clone());
                        let reason = format!("{}: {}", terminal.reason, terminal.message);
                        self.tell(&target, &reason, now);
                        waiting.push((target, reason));
                    } else {
                        return Err(self.failed(&target, terminal, now).await);
                    }
                }
                Some(State::Waiting(reason)) => {
                    self.judged.insert(target.clone());
                    self.given_up.remove(&target);
                    self.proven.remove(&target);
                    self.tell(&target, &reason, now);
                    waiting.push((target, reason));
                }
            }
        }
        if waiting.is_empty() {
            return Ok(true);
        }
        let seen = self.causes(&waiting, now, looked).await?;
        if let Some((target, classified)) = self.sightings.take(&seen, now) {
            return Err(classified.failure(target, Exit::ApplyFailed));
        }
        if now.duration_since(self.progress) >= self.options.timeout {
            return Err(self.timed_out(&waiting, &seen));
        }
        Ok(false)
    }

    fn ready(&mut self, target: ObjectRef, proof: String, now: Instant) {
        if self.proven.insert(target.clone(), proof).is_some() {
            return;
        }
        if self.states.insert((target.to_string(), "ready".to_owned())) {
            self.progress = now;
        }
        self.told.remove(&target);
        (self.sink)(Event::Ready { object: target });
    }

    /// Tells a reason that is new, with what the target's first blocked pod says.
    fn tell(&mut self, target: &ObjectRef, reason: &str, now: Instant) {
        let maker = self.world.get(target).filter(|_| target.kind != "Pod");
        let pod_reason = maker.and_then(|live| {
            around(&self.world, live)
                .into_iter()
                .filter(|object| object.get("kind").and_then(Value::as_str) == Some("Pod"))
                .find_map(|object| match pod::pod(object) {
                    State::Waiting(reason) => Some((ObjectRef::from_value(object), reason)),
                    State::Failed(terminal) => {
                        Some((ObjectRef::from_value(object), terminal.reason))
                    }
                    State::Ready(_) => None,
                })
        });
        let mut reason = reason.to_owned();
        // Pods come and go under new names: only a new reason is progress.
        let mut is_new = self.states.insert((target.to_string(), reason.clone()));
        if let Some((object, pod_reason)) = pod_reason {
            is_new |= self.states.insert((target.to_string(), pod_reason.clone()));
            if !reason.contains(&pod_reason) {
                reason = format!("{reason}; pod {}: {pod_reason}", object.name);
            }
        }
        if is_new {
            self.progress = now;
        }
        if self.told.get(target) != Some(&reason) {
            self.told.insert(target.clone(), reason.clone());
            (self.sink)(Event::Waiting {
                object: target.clone(),
                reason,
            });
        }
    }
}

fn belongs(feed: &Feed, reference: &ObjectRef) -> bool {
    feed.kind == reference.kind
        && feed.api_version == reference.api_version
        && (feed.namespace.is_none() || feed.namespace == reference.namespace)
        && feed
            .name
            .as_ref()
            .is_none_or(|name| *name == reference.name)
}

fn is_evidence(object: &Value) -> bool {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    text("kind") != "Event" || REASONS.contains(&text("reason"))
}
