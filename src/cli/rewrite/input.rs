//! What is rewritten: files, directories, standard input.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure, file_error};
use crate::object::pods::CustomKinds;
use crate::rewrite::text::read_definitions;
use crate::yaml;

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// A text.
pub(super) struct Input {
    /// What errors and answers call it.
    pub(super) name: String,
    pub(super) text: String,
}

/// The inputs of a run, each read when its turn comes. One that is read before that waits here.
pub(super) struct Inputs {
    sources: Vec<Source>,
    ahead: Option<(usize, Input)>,
}

impl Inputs {
    /// Reads standard input, which may call a function, and else the only input.
    pub(super) fn of(sources: Vec<Source>) -> Result<Self, Failure> {
        let stdin = sources.iter().position(|source| *source == Source::Stdin);
        let ahead = match stdin.or((sources.len() == 1).then_some(0)) {
            Some(at) => Some((at, Input::read(&sources[at])?)),
            None => None,
        };
        Ok(Self { sources, ahead })
    }

    pub(super) fn count(&self) -> usize {
        self.sources.len()
    }

    pub(super) fn stdin(&self) -> Option<&Input> {
        let (at, input) = self.ahead.as_ref()?;
        (self.sources[*at] == Source::Stdin).then_some(input)
    }

    /// The custom kinds that are defined in any of them, so that neither their order nor that of their documents matters.
    /// What cannot be read is passed by, and told when its turn comes.
    pub(super) fn custom_kinds(&self) -> CustomKinds {
        let mut kinds = CustomKinds::default();
        for (at, source) in self.sources.iter().enumerate() {
            match &self.ahead {
                Some((ahead, input)) if *ahead == at => read_definitions(&input.text, &mut kinds),
                _ => {
                    if let Ok(input) = Input::read(source) {
                        read_definitions(&input.text, &mut kinds);
                    }
                }
            }
        }
        kinds
    }

    /// Each with where it comes from, in order.
    pub(super) fn each(self) -> impl Iterator<Item = (Source, Result<Input, Failure>)> {
        let mut ahead = self.ahead;
        self.sources
            .into_iter()
            .enumerate()
            .map(move |(at, source)| {
                let input = match ahead.take_if(|(ahead, _)| *ahead == at) {
                    Some((_, input)) => Ok(input),
                    None => Input::read(&source),
                };
                (source, input)
            })
    }
}

/// Names of files that a directory stands for.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The inputs in the order of the command line, each once; directories are followed down, hidden ones are not.
pub(super) fn sources(files: &[PathBuf], in_place: bool) -> Result<Vec<Source>, Failure> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let dash = [PathBuf::from("-")];
    let files = if files.is_empty() && !in_place && !std::io::stdin().is_terminal() {
        &dash
    } else {
        files
    };
    for file in files {
        if file.as_os_str() == "-" {
            if in_place {
                return Err(stdin_in_place());
            }
            if !found.contains(&Source::Stdin) {
                found.push(Source::Stdin);
            }
            continue;
        }
        let mut below = Vec::new();
        if file.is_dir() {
            collect(file, &mut below)?;
            if below.is_empty() {
                return Err(usage(&format!(
                    "no YAML or JSON file is below {}",
                    file.display()
                )));
            }
        } else {
            below.push(file.clone());
        }
        for path in below {
            let canonical = path.canonicalize().map_err(|error| cannot(&path, &error))?;
            if seen.insert(canonical) {
                found.push(Source::File(path));
            }
        }
    }
    if found.is_empty() && in_place && !std::io::stdin().is_terminal() {
        return Err(stdin_in_place());
    }
    if found.is_empty() {
        return Err(usage("there is nothing to rewrite").remedy(
            "name files or directories, or pipe YAML in: helm template … | arc-setup rewrite -",
        ));
    }
    Ok(found)
}

fn stdin_in_place() -> Failure {
    usage("standard input cannot be written in place").remedy(
        "name the files to write, or leave --in-place out: the rewritten text comes on standard output",
    )
}

fn usage(what: &str) -> Failure {
    Failure::new("input", Exit::Usage, what)
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    usage(&format!("{} cannot be read", path.display()))
        .why(file_error(error))
        .remedy("name files or directories that are there and can be read")
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let read = || -> std::io::Result<Vec<(PathBuf, bool)>> {
        let entries = std::fs::read_dir(directory)?;
        let mut below = Vec::new();
        for entry in entries {
            let entry = entry?;
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !is_hidden {
                // A link to a directory is not followed: it may lead back.
                below.push((entry.path(), entry.file_type()?.is_dir()));
            }
        }
        below.sort();
        Ok(below)
    };
    for (path, is_directory) in read().map_err(|error| cannot(directory, &error))? {
        let ending = path.extension().and_then(|ending| ending.to_str());
        if is_directory {
            collect(&path, found)?;
        } else if ending.is_some_and(|ending| ENDINGS.contains(&ending)) && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

impl Input {
    /// Reads a text whole: UTF-8, and of a size that is bounded.
    pub(super) fn read(source: &Source) -> Result<Self, Failure> {
        let (name, bytes) = match source {
            Source::Stdin => (
                "stdin".to_owned(),
                limited(std::io::stdin().lock(), 0)
                    .map_err(|error| cannot(Path::new("stdin"), &error))?,
            ),
            Source::File(path) => {
                let read = || -> std::io::Result<Vec<u8>> {
                    // Opening a pipe waits for whoever writes to it.
                    if !std::fs::metadata(path)?.is_file() {
                        let why =
                            "it is no regular file: of a pipe, name - and let it be standard input";
                        return Err(std::io::Error::other(why));
                    }
                    let file = std::fs::File::open(path)?;
                    let size = file.metadata()?.len();
                    limited(file, usize::try_from(size).unwrap_or(0))
                };
                (
                    path.display().to_string(),
                    read().map_err(|error| cannot(path, &error))?,
                )
            }
        };
        let text = Self::utf8(&name, bytes)?;
        Ok(Self { name, text })
    }

    fn utf8(name: &str, bytes: Vec<u8>) -> Result<String, Failure> {
        if bytes.len() > yaml::DOCUMENTS_LIMIT {
            let lines = memchr::memchr_iter(b'\n', &bytes).count();
            return Err(Failure::new(
                "yaml-too-large",
                Exit::Usage,
                format!("{name}:{}:1: {name} is too large", lines + 1),
            )
            .why(format!("at most {} bytes are read", yaml::DOCUMENTS_LIMIT))
            .remedy("split it"));
        }
        String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
            let line = before.lines().count().max(1) + usize::from(before.ends_with('\n'));
            let column = before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1;
            Failure::new(
                "yaml-invalid",
                Exit::Usage,
                format!("{name}:{line}:{column}: not valid YAML"),
            )
            .why("the text is not UTF-8")
            .remedy("save it as UTF-8")
        })
    }

    /// Says more where the text is what people often give by mistake.
    pub(super) fn explained(&self, failure: Failure) -> Failure {
        let failure = failure.why("nothing was written");
        if self.text.contains("{{") {
            return failure.remedy(
                "a Helm template is no YAML yet: helm template … | arc-setup rewrite -, or helm install --post-renderer",
            );
        }
        failure
    }
}

/// Reads up to one byte beyond the limit.
fn limited(reader: impl Read, size: usize) -> std::io::Result<Vec<u8>> {
    let limit = yaml::DOCUMENTS_LIMIT + 1;
    let mut bytes = Vec::with_capacity(size.min(limit));
    reader.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What stands before each of several texts so that they are one stream of documents; nothing before the first.
pub(super) fn joints<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut before: Option<&str> = None;
    let mut joints = Vec::new();
    for text in texts {
        let mut joint = String::new();
        if let Some(before) = before {
            if !before.ends_with('\n') && !before.is_empty() {
                joint.push('\n');
            }
            let text = unmarked(text);
            if text.starts_with('%') {
                joint.push_str("...\n");
            } else if !text.starts_with("---") {
                joint.push_str("---\n");
            }
        }
        joints.push(joint);
        before = Some(text);
    }
    joints
}

/// A text without the byte order mark before it, which behind a marker of documents would be content.
pub(super) fn unmarked(text: &str) -> &str {
    text.trim_start_matches('\u{feff}')
}
