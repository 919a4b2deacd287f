//! What carrying a plan out needs, and the state that its steps share.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::clients::interrupt::Interrupt;
use crate::clients::kube::Cluster;
use crate::event::{Event, Outcome, Sink};
use crate::facts::Facts;
use crate::failure::Failure;
use crate::object::ObjectRef;
use crate::observe::{Observed, ObservedObject, Resolver};

use super::ssa::{SETTLING, Writer};

/// Waits until a workload is rolled out and available; the caller knows how.
pub type Gate<'a> = &'a (dyn Fn(ObjectRef) -> BoxFuture<'a, Result<(), Failure>> + Send + Sync);

/// What carrying a plan out needs.
#[derive(Clone, Copy)]
pub struct Execution<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The resolver that observation used: it knows which certificate was kept or made.
    pub resolver: &'a Resolver<'a>,
    /// What observation saw.
    pub observed: &'a Observed,
    /// What was read before rendering.
    pub facts: &'a Facts,
    /// Takes other managers' fields, but never a CRD's.
    pub force_conflicts: bool,
    /// Limit of each wait, from its last progress.
    pub timeout: Duration,
    /// Waits for `WaitAvailable`.
    pub gate: Gate<'a>,
    /// Told as it happens.
    pub events: Sink<'a>,
    /// Asked between requests.
    pub interrupt: &'a Interrupt,
}

impl fmt::Debug for Execution<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Execution")
            .field("cluster", &self.cluster)
            .field("force_conflicts", &self.force_conflicts)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The state that steps share.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) execution: Execution<'a>,
    /// What could be asked only after the first waves.
    pub(super) rechecked: BTreeMap<ObjectRef, ObservedObject>,
}

impl Run<'_> {
    pub(super) fn tell(&self, object: &ObjectRef, outcome: Outcome) {
        (self.execution.events)(Event::Object {
            object: object.clone(),
            outcome,
        });
    }

    pub(super) fn writer(&self) -> Writer<'_> {
        Writer {
            cluster: self.execution.cluster,
            resolver: self.execution.resolver,
            force_conflicts: self.execution.force_conflicts,
            interrupt: self.execution.interrupt,
            settling: SETTLING.min(self.execution.timeout),
        }
    }
}
