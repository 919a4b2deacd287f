//! Before an object is patched: would another image get the name that one of its images gets?

use serde_json::Value;

use super::names::Source;
use super::report::{ObjectReport, Treatment};
use super::write::Work;
use crate::image_ref::ImageReference;
use crate::plan::patch::written;
use crate::rules::identity;

impl Work<'_> {
    /// The treatment of an object that would have another image's new name.
    pub(super) fn would_meet(&self, report: &ObjectReport) -> Option<Treatment> {
        let made = report.slots.iter().filter_map(|slot| {
            let name = self.rules.name(&slot.rule);
            let name = name.map_or_else(|| slot.rule.clone(), |name| name.to_string());
            let source = source(slot.before.as_deref()?, &slot.after, format!("rule {name}"))?;
            Some((slot.after.clone(), source))
        });
        let reasons = self.names.note(made.collect()).err()?;
        Some(Treatment::Refused { reasons })
    }

    /// Keeps what an earlier run wrote into an object that stays as it is.
    pub(super) fn note_written(&self, object: &Value) {
        let made = written(object).into_iter().filter_map(|(before, after)| {
            let source = source(&before, &after, "an earlier run".to_owned())?;
            Some((after, source))
        });
        for one in made {
            // What two earlier runs made one is one.
            self.names.note(vec![one]).ok();
        }
    }
}

fn source(before: &str, after: &str, by: String) -> Option<Source> {
    let image = identity(&ImageReference::parse(before).ok()?, after);
    Some(Source { image, by })
}
