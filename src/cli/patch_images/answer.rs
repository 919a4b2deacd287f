//! The answer of `patch-images`, written as it comes: it holds one object at a time, however many there are.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};

use super::{object, text};
use crate::apply::patch::{ObjectReport, PatchOptions, PatchReport};
use crate::failure::Failure;
use crate::ui::format::Format;
use crate::ui::{foreign, output};
use crate::yaml;

/// An answer that is being written.
pub(super) struct Answer {
    format: Format,
    dry_run: bool,
    /// How many objects stand in it.
    objects: Mutex<usize>,
}

impl Answer {
    pub(super) fn new(format: Format, dry_run: bool) -> Self {
        Self {
            format,
            dry_run,
            objects: Mutex::default(),
        }
    }

    /// Adds an object.
    pub(super) fn object(&self, report: &ObjectReport) -> Result<(), Failure> {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = *objects == 0;
        *objects += 1;
        let text = match self.format {
            Format::Text | Format::Github => shown(&object::lines(report)),
            Format::Json => {
                let start = if is_first {
                    self.head()?
                } else {
                    ",".to_owned()
                };
                start + &indented(&format!("{:#}", value(report)?), "\n    ")
            }
            Format::Yaml => {
                let start = if is_first {
                    self.head()?
                } else {
                    String::new()
                };
                start + &yaml::to_string(&Value::Array(vec![value(report)?]))
            }
        };
        output::data_text(&text)
    }

    /// True once something was written.
    pub(super) fn has_begun(&self) -> bool {
        *self.objects.lock().unwrap_or_else(PoisonError::into_inner) > 0
    }

    /// Ends it with the counts.
    pub(super) fn end(&self, report: &PatchReport, options: &PatchOptions) -> Result<(), Failure> {
        match self.format {
            Format::Text | Format::Github => {
                output::data_text(&shown(&text::summary(report, options)))
            }
            Format::Json | Format::Yaml => self.tail(&value(report)?),
        }
    }

    /// Ends it where the run ended before its end; the failure is part of the document.
    pub(super) fn end_early(
        &self,
        report: &PatchReport,
        options: &PatchOptions,
        failure: &Failure,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Text | Format::Github => self.end(report, options),
            Format::Json | Format::Yaml => {
                let mut fields = value(report)?;
                fields["failure"] = value(failure.details())?;
                self.tail(&fields)
            }
        }
    }

    /// The document up to its objects.
    fn head(&self) -> Result<String, Failure> {
        let head = output::document("PatchImages", &json!({"dryRun": self.dry_run}))?;
        Ok(if self.format == Format::Yaml {
            yaml::to_string(&head) + "objects:\n"
        } else {
            let text = format!("{head:#}");
            text.trim_end_matches(['\n', '}']).to_owned() + ",\n  \"objects\": ["
        })
    }

    /// The document after its objects.
    fn tail(&self, fields: &Value) -> Result<(), Failure> {
        let begun = self.has_begun();
        let text = if self.format == Format::Yaml {
            let fields = yaml::to_string(fields);
            if begun {
                fields
            } else {
                let head = self.head()?;
                format!("{} []\n{fields}", head.trim_end())
            }
        } else {
            let fields = format!("{fields:#}");
            let fields = fields.trim_start_matches('{');
            if begun {
                format!("\n  ],{fields}\n")
            } else {
                format!("{}],{fields}\n", self.head()?)
            }
        };
        output::data_text(&text)
    }
}

/// Names, images and a server's words are others': none of them is a line of its own.
fn shown(lines: &[String]) -> String {
    lines
        .iter()
        .map(|line| foreign::own_line(line) + "\n")
        .collect()
}

fn value(data: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(data)
        .map_err(|error| Failure::unforeseen("cannot write the answer as JSON", &error.into()))
}

/// A value with this before each of its lines.
fn indented(text: &str, before: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        all.push_str(before);
        all.push_str(line);
        all
    })
}
