//! Watches until what was written is ready, or cannot become ready.
//!
//! No polling of objects: lists once and watches. Only two things have no watch and are looked at every few
//! seconds while something is not ready: logs of the controllers, and whether a webhook answers.

mod causes;
mod feed;
mod gather;
mod logs;
mod outcome;
mod run;
mod sightings;
mod watched;
mod webhook;

use std::time::Duration;

pub use logs::KnownLines;

use crate::clients::interrupt::Interrupt;
use crate::clients::kube::Cluster;
use crate::event::Sink;
use crate::failure::Failure;
use crate::object::ObjectRef;
use crate::verify::classify::RegistryAnswer;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

/// How far a wait goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Not at all.
    None,
    /// CRDs established, Deployments available, webhooks answering.
    #[default]
    Manager,
    /// Also every runner resource accepted, its listener and its idle runners running.
    Runners,
}

/// Asks the registry for an image, as the tool sees it; None where nobody can ask.
pub type RegistryLook<'a> =
    &'a (dyn Fn(String) -> BoxFuture<'a, Option<RegistryAnswer>> + Send + Sync);

/// What to wait for.
#[derive(Clone)]
pub struct WaitOptions<'a> {
    /// How far.
    pub level: Level,
    /// Everything that was written; what has nothing to wait for is passed over.
    pub objects: Vec<ObjectRef>,
    /// Where the controller runs that was there before (`controller.existing`): its log and listeners.
    pub controller_namespace: Option<String>,
    /// What stood in the logs there before anything was written. None: what the first look finds is old.
    pub known_lines: Option<KnownLines>,
    /// How long nothing new may happen.
    pub timeout: Duration,
    /// Settles what a node's text cannot tell.
    pub registry: Option<RegistryLook<'a>>,
}

impl std::fmt::Debug for WaitOptions<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("WaitOptions")
            .field("level", &self.level)
            .field("objects", &self.objects)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What a wait has shown of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Which.
    pub object: ObjectRef,
    /// What is proven, as a fragment.
    pub proof: String,
}

/// What is proven and what is not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// How far the wait went.
    pub level: Level,
    /// What it has shown.
    pub proven: Vec<Proof>,
    /// What nobody looked at, as sentences.
    pub not_proven: Vec<String>,
    /// True where pods of runner sets were started to see whether they can be.
    #[serde(skip)]
    pub has_tried: bool,
    /// The runner sets as they live.
    #[serde(skip)]
    pub runner_sets: Vec<SeenSet>,
}

/// A runner set at the end of a wait.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenSet {
    /// The object.
    pub object: Value,
    /// True where it wants no runner while nothing is to do: no pod of it was waited for.
    pub is_idle: bool,
}

/// Waits until every object of the level is ready. Fails with exit 20 on a cause that waiting does not
/// change, 124 when nothing new happened for the timeout, 130 when interrupted.
pub async fn wait(
    cluster: &Cluster,
    options: &WaitOptions<'_>,
    sink: Sink<'_>,
    interrupt: &Interrupt,
) -> Result<Report, Failure> {
    run::Run::new(cluster, options, sink, interrupt.clone())
        .until_ready()
        .await
}

/// Waits for the rollout of Deployments, as `patch-images` needs it between its steps.
pub async fn rolled_out(
    cluster: &Cluster,
    objects: Vec<ObjectRef>,
    timeout: Duration,
    registry: Option<RegistryLook<'_>>,
    sink: Sink<'_>,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let options = WaitOptions {
        level: Level::Manager,
        objects,
        controller_namespace: None,
        known_lines: None,
        timeout,
        registry,
    };
    wait(cluster, &options, sink, interrupt).await.map(|_| ())
}

/// Waits until the pod of a pull test has started every container, and says what that proves.
pub async fn started(
    cluster: &Cluster,
    pod: ObjectRef,
    timeout: Duration,
    registry: Option<RegistryLook<'_>>,
    sink: Sink<'_>,
    interrupt: &Interrupt,
) -> Result<String, Failure> {
    let options = WaitOptions {
        level: Level::Manager,
        objects: vec![pod],
        controller_namespace: None,
        known_lines: None,
        timeout,
        registry,
    };
    let report = wait(cluster, &options, sink, interrupt).await?;
    Ok(report.proven.into_iter().map(|proof| proof.proof).collect())
}
