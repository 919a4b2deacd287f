//! Writing data to stdout and talk to stderr.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::ui::format::Format;
use crate::yaml;

const API_VERSION: &str = "arc-setup/v1";

/// The versioned envelope, with the fields of the data behind its own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a, T> {
    api_version: &'static str,
    kind: &'a str,
    #[serde(flatten)]
    data: &'a T,
}

/// Wraps data in the versioned envelope that every `-o json` answer carries.
///
/// `kind` names the shape, such as `Images`; the fields of `data` follow it.
pub fn document(kind: &str, data: &impl Serialize) -> Result<Value, Failure> {
    let data = serde_json::to_value(data)
        .map_err(|error| Failure::unforeseen("cannot write the answer as JSON", &error.into()))?;
    let mut document = json!({"apiVersion": API_VERSION, "kind": kind});
    if let (Value::Object(fields), Value::Object(more)) = (&mut document, data) {
        fields.extend(more);
    }
    Ok(document)
}

/// True where nobody can hold up what is written: stdout is a file or the null device, and stderr no terminal.
pub fn never_waits() -> bool {
    let Ok(copy) = std::io::stdout().as_fd().try_clone_to_owned() else {
        return false;
    };
    let is_null = |kind: &std::fs::Metadata| {
        let null = File::open("/dev/null").and_then(|null| null.metadata());
        kind.file_type().is_char_device() && null.is_ok_and(|null| null.rdev() == kind.rdev())
    };
    let stdout = File::from(copy).metadata();
    stdout.is_ok_and(|kind| kind.is_file() || is_null(&kind)) && !std::io::stderr().is_terminal()
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
        Format::Json => json(kind, data),
        Format::Yaml => data_text(&yaml::to_string(&document(kind, data)?)),
    }
}

/// Writes the document as it is made: an answer may list tens of thousands of changes.
fn json(kind: &str, data: &impl Serialize) -> Result<(), Failure> {
    let document = Document {
        api_version: API_VERSION,
        kind,
        data,
    };
    let mut stdout = buffered();
    let written = serde_json::to_writer_pretty(&mut stdout, &document).map_err(|error| {
        let kind = error.io_error_kind();
        std::io::Error::new(kind.unwrap_or(std::io::ErrorKind::InvalidData), error)
    });
    flushed(written.and_then(|()| stdout.write_all(b"\n")), stdout)
}

/// Writes text to stdout. A closed pipe ends quietly: the reader has what it wanted.
pub fn data_text(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    flushed(stdout.write_all(text.as_bytes()), stdout)
}

/// Writes a text to stdout that comes in pieces.
pub fn data_pieces<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
    let mut stdout = buffered();
    let written = pieces
        .into_iter()
        .try_for_each(|piece| stdout.write_all(piece.as_bytes()));
    flushed(written, stdout)
}

fn buffered() -> std::io::BufWriter<std::io::StdoutLock<'static>> {
    std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout().lock())
}

fn flushed(written: std::io::Result<()>, mut stdout: impl Write) -> Result<(), Failure> {
    match written.and_then(|()| stdout.flush()) {
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
