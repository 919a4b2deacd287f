//! Writing data to stdout and talk to stderr.

use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::ui::format::Format;
use crate::yaml;

/// Wraps data in the versioned envelope that every `-o json` answer carries.
///
/// `kind` names the shape, such as `Images`; the fields of `data` follow it.
pub fn document(kind: &str, data: &impl Serialize) -> Result<Value, Failure> {
    let data = serde_json::to_value(data)
        .map_err(|error| Failure::unforeseen("cannot write the answer as JSON", &error.into()))?;
    let mut document = json!({"apiVersion": "arc-setup/v1", "kind": kind});
    if let (Value::Object(fields), Value::Object(more)) = (&mut document, data) {
        fields.extend(more);
    }
    Ok(document)
}

/// Writes `data` in the wanted format; `text` makes the form for a person.
pub fn answer(
    format: Format,
    kind: &str,
    data: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    match format {
        Format::Text | Format::Github => data_text(&text()),
        Format::Json => {
            let mut line = format!("{:#}", document(kind, data)?);
            line.push('\n');
            data_text(&line)
        }
        Format::Yaml => data_text(&yaml::to_string(&document(kind, data)?)),
    }
}

/// Writes text to stdout. A closed pipe ends quietly: the reader has what it wanted.
pub fn data_text(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    ended(written.and_then(|()| stdout.flush()))
}

/// Writes a text to stdout that comes in pieces.
pub fn data_pieces<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
    let mut stdout = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
    let written = pieces
        .into_iter()
        .try_for_each(|piece| stdout.write_all(piece.as_bytes()));
    ended(written.and_then(|()| stdout.flush()))
}

fn ended(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
            "output",
            Exit::Unexpected,
            "cannot write to standard output",
        )
        .why(error.to_string())),
        _ => Ok(()),
    }
}

/// Writes a line of talk to stderr. There is nowhere to report that stderr is gone.
pub fn talk(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
