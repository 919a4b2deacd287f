//! The CA bundle that every container gets: what expires, what is missing, what was left out.

use super::{Finding, Verdict};
use crate::pki::chain::{Note, NoteKind};

/// One finding for each note. What was left out may have been meant or not: that is not known here.
pub(super) fn findings(notes: &[Note]) -> Vec<Finding> {
    notes
        .iter()
        .map(|note| {
            let (id, verdict) = match note.kind {
                NoteKind::Expiring => ("authority-expiring", Verdict::Warning),
                NoteKind::Rootless => ("authority-rootless", Verdict::Warning),
                NoteKind::Strict => ("authority-strict", Verdict::Warning),
                NoteKind::LeftOut => ("authority-left-out", Verdict::Unknown),
            };
            Finding::new(id, verdict, "caBundle").why(note.text.clone())
        })
        .collect()
}
