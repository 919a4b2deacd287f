//! One kind, however many objects it has: pages are read ahead, several patches are under way, and what became of
//! each object is told in the order of the list.

use std::collections::VecDeque;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use serde_json::Value;

use super::report::{ObjectReport, Treatment};
use super::run::Run;
use super::selection::Whose;
use super::write::{Look, Treated};
use crate::clients::kube::{self, ClusterError, Pages, RawPage};
use crate::failure::{Exit, Failure};
use crate::object::pods::hook_templates;
use crate::object::{ObjectRef, text_at};
use crate::observe::workloads::Kind;
use crate::plan::patch::{Skipped, maker};

/// Objects that are begun and not told yet. Answers come in any order and are told in the order of the list: a slow one
/// holds up what is told, and not what is sent.
const UNTOLD: usize = 32;

/// Lists whose first pages are read ahead: each holds at most a page.
const AHEAD: usize = 4;

/// A list that is worked through.
struct Source {
    whose: Whose,
    pages: Pages,
    page: Option<RawPage>,
    /// The number of the next object in the page.
    at: usize,
    /// True once the last page was given out.
    is_read: bool,
}

impl Source {
    /// The next object of the page that is there.
    fn object(&mut self) -> Option<Result<Value, ClusterError>> {
        let object = self.page.as_ref()?.object(self.at);
        self.at += 1;
        if object.is_none() {
            self.page = None;
        }
        object
    }

    fn turn_to(&mut self, page: RawPage) {
        self.page = Some(page);
        self.at = 0;
    }
}

impl<'a> Run<'a, '_> {
    /// Works through kinds, in the namespaces that are looked at. The first pages of the next lists are on their way
    /// while one is worked on: most kinds have few objects or none.
    pub(super) async fn kinds(&mut self, kinds: &[Kind]) -> Result<(), Failure> {
        let places = self.work.options.selection.places();
        let mut wanted = kinds
            .iter()
            .flat_map(|kind| places.iter().map(move |place| (kind, *place)));
        let mut ahead = VecDeque::new();
        loop {
            while ahead.len() < AHEAD
                && let Some((kind, namespace)) = wanted.next()
            {
                ahead.push_back((kind, namespace, self.open(kind, namespace)));
            }
            let Some((kind, namespace, source)) = ahead.pop_front() else {
                return Ok(());
            };
            self.check_interrupt()?;
            self.stream(kind, namespace, source).await?;
        }
    }

    fn open(&self, kind: &Kind, namespace: Option<&str>) -> Source {
        let selection = kube::Selection {
            namespace,
            labels: self.work.options.selection.labels.as_deref(),
            fields: None,
        };
        let cluster = self.work.cluster;
        Source {
            whose: Whose::of(kind),
            pages: cluster.pages(&kind.api_version, &kind.kind, &selection),
            page: None,
            at: 0,
            is_read: false,
        }
    }

    /// Works through one list. What was begun is finished and told, whatever ends the run.
    async fn stream(
        &mut self,
        kind: &Kind,
        namespace: Option<&str>,
        mut source: Source,
    ) -> Result<(), Failure> {
        let mut under_way: FuturesOrdered<BoxFuture<'a, Treated>> = FuturesOrdered::new();
        let mut ended = Ok(());
        loop {
            let is_over = source.whose == Whose::Others && self.gave_up.is_some();
            if ended.is_ok() && !is_over {
                ended = self.begin(kind, &mut source, &mut under_way);
            }
            let reads = ended.is_ok() && !is_over && source.page.is_none() && !source.is_read;
            tokio::select! {
                biased;
                Some(mut treated) = under_way.next(), if !under_way.is_empty() => {
                    if ended.is_ok() && self.waits_for_rollout(&treated) {
                        match self.after_rollout(&mut treated).await {
                            // With the others, which may hold what it needs. Its turn to be told is now.
                            Ok(Some(now)) => {
                                let is_own = treated.is_own;
                                let again =
                                    self.work.treated(now, is_own, Look::Again, self.rollouts);
                                under_way.push_front(Box::pin(again));
                                continue;
                            }
                            Ok(None) => {}
                            Err(failure) => {
                                ended = Err(failure);
                                continue;
                            }
                        }
                    }
                    let taken = self.take(treated);
                    ended = ended.and(taken);
                }
                page = source.pages.next(), if reads => match page {
                    Some(Ok(page)) => source.turn_to(page),
                    None => source.is_read = true,
                    Some(Err(ClusterError::NotFound { .. })) => {}
                    Some(Err(error)) => ended = self.cannot_list(kind, namespace, &error),
                },
                _ = self.work.interrupt.requested(), if reads => ended = self.check_interrupt(),
                else => return ended,
            }
        }
    }

    /// Begins with as many objects as may be under way.
    fn begin(
        &mut self,
        kind: &Kind,
        source: &mut Source,
        under_way: &mut FuturesOrdered<BoxFuture<'a, Treated>>,
    ) -> Result<(), Failure> {
        while under_way.len() < UNTOLD {
            let Some(object) = source.object() else {
                break;
            };
            self.check_interrupt()?;
            let object = object.map_err(|error| {
                let what = format!("cannot read a {} of the list", kind.kind);
                error.failure(what, Exit::Unexpected)
            })?;
            let is_own = source.whose.is_arc(&object);
            if source.whose == Whose::Arc {
                self.note_hook_templates(&object);
            }
            if (is_own || self.gave_up.is_none())
                && self.work.options.selection.takes(&object, is_own)
                && !self.follows_its_source(kind, &object, is_own)
            {
                let treated = self
                    .work
                    .treated(object, is_own, Look::First, self.rollouts);
                under_way.push_back(Box::pin(treated));
            }
        }
        Ok(())
    }

    /// Of an object of ARC's that is looked at.
    fn note_hook_templates(&mut self, object: &Value) {
        if !self.work.options.selection.takes(object, true) {
            return;
        }
        let namespace = text_at(object, "/metadata/namespace");
        let selection = &self.work.options.selection;
        if !selection.takes_hook_templates_of(namespace.unwrap_or_default()) {
            return;
        }
        for name in hook_templates(object) {
            let template = ObjectRef::new("v1", "ConfigMap", namespace, &name);
            if !self.hook_templates.contains(&template) {
                self.hook_templates.push(template);
            }
        }
    }

    /// Works through the ConfigMaps that hold the pods of ARC's container hooks.
    pub(super) async fn hook_templates(&mut self) -> Result<(), Failure> {
        for template in std::mem::take(&mut self.hook_templates) {
            self.check_interrupt()?;
            match self.work.cluster.get(&template).await {
                Ok(Some(object)) if self.work.options.selection.takes_owner(&object) => {
                    let treated = self.work.treated(object, false, Look::First, self.rollouts);
                    let treated = treated.await;
                    self.take(treated)?;
                }
                Ok(_) => {}
                Err(error @ ClusterError::Forbidden { .. }) => {
                    self.tell(&unreadable(template, &error))?;
                }
                Err(error) => return Err(self.failure(&template, &error)),
            }
        }
        Ok(())
    }

    /// True for what a controller makes from a source that names the images itself; it is counted, and not listed:
    /// whoever reads the answer reads of the source.
    fn follows_its_source(&mut self, kind: &Kind, object: &Value, is_own: bool) -> bool {
        if is_own {
            return false;
        }
        let custom = &self.work.custom_kinds;
        let maker = maker(object).filter(|maker| {
            maker.names_images() || !custom.pods(&maker.group, &maker.kind).is_empty()
        });
        if let Some(maker) = &maker {
            self.report.note_made(&kind.kind, &maker.kind);
        }
        maker.is_some()
    }
}

/// A ConfigMap of a hook that the user may not read.
fn unreadable(template: ObjectRef, error: &ClusterError) -> ObjectReport {
    let why = Skipped {
        reason: format!("it cannot be read: {}", error.message()),
        remedy: "it holds the pods of a runner's container hooks: use a login that may read it"
            .to_owned(),
    };
    ObjectReport::new(template, Treatment::Skipped { why }, Vec::new())
}
