//! One kind, however many objects it has: pages are read ahead, several patches are under way, and what became of
//! each object is told in the order of the list.

use std::collections::VecDeque;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, FuturesOrdered};
use serde_json::Value;

use super::report::Unlisted;
use super::run::Run;
use super::selection::Whose;
use super::write::{AT_ONCE, Look, Treated};
use crate::clients::kube::{self, ClusterError, Pages, RawPage, Scope};
use crate::failure::{Exit, Failure};
use crate::object::pods::hook_templates;
use crate::object::{ObjectRef, text_at};
use crate::observe::workloads::Kind;
use crate::plan::patch::maker;

/// Objects that are begun and not told yet. Answers come in any order and are told in the order of the list: a slow one
/// holds up what is told, and not what is sent.
const UNTOLD: usize = 32;

/// Bytes of those objects as they were sent: in memory each takes several times as many.
const UNTOLD_BYTES: usize = 1024 * 1024;

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

/// Objects that were begun, in order.
#[derive(Default)]
struct UnderWay<'a> {
    objects: FuturesOrdered<BoxFuture<'a, Treated>>,
    /// The bytes of each.
    sizes: VecDeque<usize>,
}

impl UnderWay<'_> {
    /// True where another one may be begun: a single one may have any size.
    fn has_room(&self) -> bool {
        has_room(&self.sizes)
    }
}

fn has_room(sizes: &VecDeque<usize>) -> bool {
    sizes.len() < UNTOLD && sizes.iter().sum::<usize>() < UNTOLD_BYTES
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

    /// How many bytes the next object of the page has.
    fn size(&self) -> usize {
        let page = self.page.as_ref();
        page.and_then(|page| page.size(self.at)).unwrap_or_default()
    }

    fn turn_to(&mut self, page: RawPage) {
        self.page = Some(page);
        self.at = 0;
    }
}

impl<'a> Run<'a, '_> {
    /// The custom kinds that can have objects where is looked: what lives in no namespace is in none that is named, and
    /// whoever may look into that one may seldom list it. Who names its kind is told all the same.
    pub(super) async fn in_places(&self, custom: Vec<Kind>) -> Vec<Kind> {
        let selection = &self.work.options.selection;
        if selection.namespaces.is_empty() || !selection.all_workloads {
            return custom;
        }
        let cluster = self.work.cluster;
        let looked_at = stream::iter(custom).map(async |kind| {
            // What cannot be told is listed: then the reason is told.
            let is_elsewhere = !selection.names_kind(&kind)
                && cluster.scope_of(&kind.api_version, &kind.kind).await == Ok(Scope::Cluster);
            (!is_elsewhere).then_some(kind)
        });
        let looked_at: Vec<Option<Kind>> = looked_at.buffered(AT_ONCE).collect().await;
        looked_at.into_iter().flatten().collect()
    }

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
        let mut under_way = UnderWay::default();
        let mut ended = Ok(());
        loop {
            let is_over = source.whose == Whose::Others && self.gave_up.is_some();
            if ended.is_ok() && !is_over {
                ended = self.begin(kind, &mut source, &mut under_way);
            }
            let reads = ended.is_ok() && !is_over && source.page.is_none() && !source.is_read;
            tokio::select! {
                biased;
                Some(mut treated) = under_way.objects.next(), if !under_way.objects.is_empty() => {
                    let size = under_way.sizes.pop_front().unwrap_or_default();
                    if ended.is_ok() && self.waits_for_rollout(&treated) {
                        match self.after_rollout(&mut treated).await {
                            // With the others, which may hold what it needs. Its turn to be told is now.
                            Ok(Some(now)) => {
                                let is_own = treated.is_own;
                                let again =
                                    self.work.treated(now, is_own, Look::Again, self.rollouts);
                                under_way.objects.push_front(Box::pin(again));
                                under_way.sizes.push_front(size);
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
        under_way: &mut UnderWay<'a>,
    ) -> Result<(), Failure> {
        while under_way.has_room() {
            let size = source.size();
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
                under_way.objects.push_back(Box::pin(treated));
                under_way.sizes.push_back(size);
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
                Err(error @ ClusterError::Forbidden { .. }) => self.cannot_read(&template, &error),
                Err(error) => {
                    self.check_interrupt()?;
                    return Err(self.failure(&template, &error));
                }
            }
        }
        Ok(())
    }

    /// A ConfigMap of a hook that the user may not read: the images in it stay.
    fn cannot_read(&mut self, template: &ObjectRef, error: &ClusterError) {
        self.report.unlisted.push(Unlisted {
            kind: format!("the {} {}", template.kind, template.name),
            namespace: template.namespace.clone(),
            why: format!(
                "{}; it holds the pods of a runner's container hooks",
                error.message()
            ),
            is_required: true,
            is_forbidden: true,
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_large_objects_are_begun_and_many_small_ones() {
        let begun = |size: usize| {
            let mut sizes = VecDeque::new();
            while has_room(&sizes) {
                sizes.push_back(size);
            }
            sizes.len()
        };
        assert_eq!(begun(4 * 1024), UNTOLD);
        assert_eq!(begun(300 * 1024), 4);
        assert_eq!(begun(8 * 1024 * 1024), 1);
    }
}
