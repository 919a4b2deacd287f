//! What a person or a machine reads about a run.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::plan::counted;
use crate::rewrite::text::{Absent, Change, Findings, Refused, Skipped, Suspected, Where};
use crate::ui::foreign;

/// The answer of one run.
#[derive(Serialize)]
pub(super) struct Answer {
    /// How many files and streams were read.
    inputs: usize,
    /// True where the files were written.
    written: bool,
    /// True where the rewritten text went to standard output.
    #[serde(skip)]
    shown: bool,
    /// Each input in which something changes, and how often.
    #[serde(skip)]
    changed: Vec<(Arc<str>, usize)>,
    changes: Vec<InFile<Change>>,
    skipped: Vec<InFile<Skipped>>,
    suspected: Vec<InFile<Suspected>>,
    absent: Vec<InFile<Absent>>,
}

#[derive(Serialize)]
struct InFile<T> {
    #[serde(serialize_with = "shared")]
    file: Arc<str>,
    #[serde(flatten)]
    one: T,
}

fn shared<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn all<T>(file: &Arc<str>, found: Vec<T>) -> impl Iterator<Item = InFile<T>> {
    found.into_iter().map(move |one| InFile {
        file: Arc::clone(file),
        one,
    })
}

fn place(file: &str, at: &Where) -> String {
    format!("{file}:{}:{}", at.line, at.column)
}

/// What is said of an image that stays. It may be any text, for it may be no reference at all.
pub(super) fn stays(skipped: &Skipped) -> String {
    format!(
        "{} stays: {}",
        foreign::value(&skipped.image),
        skipped.reason
    )
}

/// One refused image as a line of evidence.
pub(super) fn refusal(file: &str, refused: &Refused) -> String {
    let place = place(file, &refused.at);
    let object = refused.at.object.to_string();
    let (object, image) = (foreign::value(&object), foreign::value(&refused.image));
    format!("{place}: {object}: {image}: {}", refused.reason)
}

impl Answer {
    pub(super) fn new(
        found: Vec<(String, Findings)>,
        inputs: usize,
        written: bool,
        shown: bool,
    ) -> Self {
        let mut answer = Self {
            inputs,
            written,
            shown,
            changed: Vec::new(),
            changes: Vec::new(),
            skipped: Vec::new(),
            suspected: Vec::new(),
            absent: Vec::new(),
        };
        for (file, findings) in found {
            let file: Arc<str> = file.into();
            if findings.changed > 0 {
                answer.changed.push((Arc::clone(&file), findings.changed));
            }
            answer.changes.extend(all(&file, findings.changes));
            answer.skipped.extend(all(&file, findings.skipped));
            answer.suspected.extend(all(&file, findings.suspected));
            answer.absent.extend(all(&file, findings.absent));
        }
        answer
    }

    /// Each change, each note, and how many.
    pub(super) fn text(&self) -> String {
        let changes = self.changes.iter().map(|change| {
            let at = place(&change.file, &change.one.at);
            let Change {
                before,
                after,
                rule,
                ..
            } = &change.one;
            format!("{at}: {before} → {after} [{rule}]")
        });
        let mut lines: Vec<String> = changes.map(|line| foreign::line(&line)).collect();
        lines.extend(self.notes());
        lines.push(self.last_line());
        lines.push(String::new());
        lines.join("\n")
    }

    /// What stays although a rule speaks of it, or may be an image.
    pub(super) fn notes(&self) -> Vec<String> {
        let skipped = self.skipped.iter().map(|one| {
            let at = place(&one.file, &one.one.at);
            format!("{at}: {}", stays(&one.one))
        });
        let suspected = self.suspected.iter().map(|one| {
            let at = place(&one.file, &one.one.at);
            let (text, why) = (&one.one.text, one.one.why);
            let told = format!("{at}: {text} may be an image ({why}): not touched");
            match (&one.one.after, &one.one.rule) {
                (Some(after), Some(rule)) => format!("{told}; it would be {after} [{rule}]"),
                (None, Some(rule)) => format!("{told}; {rule} would refuse it"),
                (_, None) => told,
            }
        });
        let absent = self.absent.iter().map(|one| {
            let at = place(&one.file, &one.one.at);
            let Absent {
                name,
                default,
                item,
                rule,
                ..
            } = &one.one;
            format!("{at}: {name} is not set, and {default} is compiled in: add {item} [{rule}]")
        });
        let notes = skipped.chain(suspected).chain(absent);
        notes.map(|line| foreign::line(&line)).collect()
    }

    /// How many changed.
    pub(super) fn last_line(&self) -> String {
        let inputs = match self.changed.as_slice() {
            [] => return format!("nothing to change in {}", counted(self.inputs, "input")),
            [(file, _)] => foreign::line(file),
            many => counted(many.len(), "file"),
        };
        let images = self.changed.iter().map(|(_, count)| count).sum();
        let images = counted(images, "image");
        if self.written || self.shown {
            format!("{images} rewritten in {inputs}")
        } else {
            format!("{images} to rewrite in {inputs}")
        }
    }

    /// As GitHub shows them beside the lines of a pull request.
    pub(super) fn commands(&self) -> Vec<String> {
        let command = |level: &str, file: &str, at: &Where, message: &str| {
            let (line, column) = (at.line.to_string(), at.column.to_string());
            let place = [("file", file), ("line", &line), ("col", &column)];
            foreign::workflow_command(level, &place, std::iter::once(message))
        };
        let changes = self.changes.iter().map(|one| {
            let message = format!("{} → {} [{}]", one.one.before, one.one.after, one.one.rule);
            command("warning", &one.file, &one.one.at, &message)
        });
        let skipped = self
            .skipped
            .iter()
            .map(|one| command("warning", &one.file, &one.one.at, &stays(&one.one)));
        changes.chain(skipped).collect()
    }
}
