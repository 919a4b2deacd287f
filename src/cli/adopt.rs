//! `adopt`: makes rules of the images that people put right by hand in a cluster. Reads the cluster only.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::config_args::PartArgs;
use crate::cli::rules_part::Rules;
use crate::cli::session::target;
use crate::cli::{Session, config_load};
use crate::config::load::{self, SecretReading};
use crate::config::problem;
use crate::config::validate::is_dns_label;
use crate::config::{Library, Partial};
use crate::failure::{Exit, Failure, file_error};
use crate::observe::workloads::check_namespaces;
use crate::observe::{HandWritten, hand_written};
use crate::plan::adopt::{Adoption, HandEdit, OfferedRule, hand_edits, insert, offer, snippet};
use crate::plan::counted;
use crate::ui::format::Format;
use crate::ui::progress::Progress;
use crate::ui::{files, foreign, output, prompt};

/// Arguments of `adopt`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: PartArgs<Rules>,
    /// Only this namespace [default: all but kube-*, cattle-*, openshift-*]
    #[arg(long, short, value_name = "NAME", value_parser = namespace_name, help_heading = "Adopting")]
    namespace: Option<String>,
    /// Every namespace, which is the default
    #[arg(
        long,
        short = 'A',
        conflicts_with = "namespace",
        help_heading = "Adopting"
    )]
    all_namespaces: bool,
    /// Take what this field manager wrote for written by hand, too; may be given several times
    #[arg(long = "manager", value_name = "NAME", help_heading = "Adopting")]
    managers: Vec<String>,
    /// Add the rules to this configuration, comments and layout kept; asks about each where someone can answer
    #[arg(long, value_name = "FILE", help_heading = "Adopting")]
    write: Option<PathBuf>,
    /// Add every rule without asking
    #[arg(long, short, requires = "write", help_heading = "Adopting")]
    yes: bool,
}

/// What `-o json` says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(flatten)]
    adoption: &'a Adoption,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unlisted: Vec<&'a str>,
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let partial = configuration(args, session)?;
    let progress = session.progress();
    let looking = look(args, session, &progress);
    let found = session.interrupt.unless(NOTHING, looking).await??;
    let adoption = adoption(args, &partial, &found);
    progress.end();
    tell(&adoption, &found, &progress);
    progress.told(NOT_LOOKED_AT);
    let written = match &args.write {
        Some(file) if !adoption.rules.is_empty() => Some(write(args, file, &adoption, session)?),
        _ => None,
    };
    let answer = Answer {
        adoption: &adoption,
        unlisted: found
            .unlisted
            .iter()
            .map(|(kind, _)| kind.as_str())
            .collect(),
    };
    output::answer(session.format, "Adopt", &answer, || {
        written.unwrap_or_else(|| text(&adoption, &found))
    })?;
    if args.write.is_none() && !adoption.rules.is_empty() {
        progress.told("these lines belong into arc-setup.yaml; --write FILE puts them there");
    }
    Ok(if adoption.has_conflicts() {
        Exit::Conflict
    } else {
        Exit::Done
    })
}

/// What a person may miss in the answer.
const NOT_LOOKED_AT: &str = "looked at Deployments, StatefulSets, DaemonSets, CronJobs and ARC's own kinds; a fix of a Pod or Job by itself was not looked for: it goes with the object, and nothing makes that again";

/// How far an interrupted run went.
const NOTHING: &str = "nothing was written";

/// Looks through the cluster.
async fn look(args: &Args, session: &Session, progress: &Progress) -> Result<HandWritten, Failure> {
    let cluster = session.connect().await?;
    progress.told(&target(&cluster));
    let namespace = args.namespace.as_deref();
    check_namespaces(&cluster, args.namespace.as_slice()).await?;
    let found = hand_written(&cluster, namespace, &args.managers).await;
    found.map_err(|error| {
        error
            .failure("cannot look through the workloads", Exit::Preflight)
            .remedy("use a login that may list Deployments and ARC's own kinds, or look into one namespace only: --namespace NAME")
    })
}

/// The rules that are there already: those of the file that is written to, where that is there.
fn configuration(args: &Args, session: &Session) -> Result<Partial, Failure> {
    let mut config = args.config.config.clone();
    args.write.as_deref().map_or(Ok(()), check_place)?;
    if let Some(file) = args.write.as_ref().filter(|file| file.exists()) {
        let read = config.file.get_or_insert_with(|| file.clone());
        check_same(read, file)?;
    }
    let sources = config_load::sources(&config, SecretReading::Leave, session);
    let partial = load::load_partial(&sources).map_err(|problems| problem::failure(&problems))?;
    config_load::warn(&partial.warnings);
    Ok(partial)
}

/// A place that cannot hold a file is told before the cluster is looked through.
fn check_place(file: &Path) -> Result<(), Failure> {
    let directory = file
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty());
    let why = match directory {
        _ if file.is_dir() => "it is a directory".to_owned(),
        Some(directory) if !directory.is_dir() => {
            format!("there is no directory {}", directory.display())
        }
        _ => return Ok(()),
    };
    let what = format!("--write {} names no file", file.display());
    let failure = Failure::new("file-write", Exit::Usage, what).why(why);
    Err(failure.remedy("name the configuration file: --write arc-setup.yaml"))
}

/// The rules of one configuration are known. Those of another one would be added to it again and again.
fn check_same(read: &Path, written: &Path) -> Result<(), Failure> {
    let is_same = match (read.canonicalize(), written.canonicalize()) {
        (Ok(read), Ok(written)) => read == written,
        _ => read == written,
    };
    if is_same {
        return Ok(());
    }
    let (read, written) = (read.display(), written.display());
    let what = format!("--write {written} is another file than --config {read}");
    Err(Failure::new("adopt-two-files", Exit::Usage, what)
        .why(format!(
            "the rules of {written} would not be known, and be added to it twice"
        ))
        .remedy(format!("leave --config out: {written} is read then"))
        .remedy(format!("or write to the file that is read: --write {read}")))
}

fn adoption(args: &Args, partial: &Partial, found: &HandWritten) -> Adoption {
    let edits: Vec<HandEdit> = found
        .objects
        .iter()
        .flat_map(|found| hand_edits(found, &args.managers))
        .collect();
    let standing: Vec<String> = found.images.iter().cloned().collect();
    let drop_library = partial.registry.library == Library::Drop;
    offer(edits, &partial.registry.rules, drop_library, &standing)
}

/// What no rule is offered for, and what could not be looked at.
fn tell(adoption: &Adoption, found: &HandWritten, progress: &Progress) {
    for (kind, why) in &found.unlisted {
        progress.told(&foreign::line(&format!(
            "{kind}s were not looked at: {why}"
        )));
    }
    for passed in &adoption.passed {
        let word = if passed.is_conflict {
            "conflict"
        } else {
            "no rule"
        };
        progress.told(&foreign::line(&format!("{word}: {}", passed.why)));
        for edit in &passed.edits {
            let line = format!("  {} ({})", edit.line(), edit.origin());
            progress.told(&foreign::line(&line));
        }
    }
}

fn text(adoption: &Adoption, found: &HandWritten) -> String {
    if !adoption.rules.is_empty() {
        return shown(&snippet(&adoption.rules));
    }
    let place = if found.unlisted.is_empty() {
        ""
    } else {
        " in what could be looked at"
    };
    match adoption.known {
        0 => {
            format!("nothing to adopt{place}: no image was moved to another registry by hand\n")
        }
        known => format!(
            "nothing to adopt{place}: the rules say already what was done by hand ({})\n",
            counted(known, "image")
        ),
    }
}

/// Rules as they are printed: no comment of theirs is a command to GitHub's runner.
fn shown(rules: &str) -> String {
    let lines = rules.lines().map(|line| foreign::own_line(line) + "\n");
    lines.collect()
}

/// Adds what is agreed to; returns what to say about it.
fn write(
    args: &Args,
    file: &Path,
    adoption: &Adoption,
    session: &Session,
) -> Result<String, Failure> {
    let agreed = agreed(args, file, &adoption.rules, session)?;
    let name = file.display().to_string();
    if agreed.is_empty() {
        return Ok(format!("{name}: nothing was added\n"));
    }
    session.interrupt.check_after(NOTHING)?;
    let before = read(file)?;
    let after = insert(&before, &name, &agreed).map_err(|why| {
        Failure::new(
            "adopt-layout",
            Exit::Usage,
            format!("cannot add rules to {name}"),
        )
        .why(why)
        .remedy("run the command without --write, and paste what it prints")
    })?;
    if file.exists() {
        files::prepare(file, [after.as_str()])?.commit()?;
    } else {
        files::write_atomically(file, after.as_bytes())?;
    }
    let rules = agreed
        .iter()
        .map(|rule| format!("  {} {} → {}\n", rule.matcher, rule.source, rule.rewrite));
    let head = format!("{name}: {} added\n", counted(agreed.len(), "rule"));
    Ok([head].into_iter().chain(rules).collect())
}

fn agreed(
    args: &Args,
    file: &Path,
    rules: &[OfferedRule],
    session: &Session,
) -> Result<Vec<OfferedRule>, Failure> {
    if args.yes {
        return Ok(rules.to_vec());
    }
    if !session.terminal.interactive {
        // Standard output is one document for a machine, which is the failure.
        match session.format {
            Format::Text | Format::Github => output::data_text(&shown(&snippet(rules)))?,
            Format::Json | Format::Yaml => output::talk(shown(&snippet(rules)).trim_end()),
        }
        return Err(
            Failure::new("no-terminal", Exit::Usage, "there is no terminal to ask on")
                .why("nothing was written; what would be added stands above")
                .remedy("give --yes to add every rule"),
        );
    }
    let mut agreed = Vec::new();
    for rule in rules {
        output::talk(shown(&rule.item(2)).trim_end());
        if prompt::confirm(&format!("Add this rule to {}?", file.display()))? {
            agreed.push(rule.clone());
        }
    }
    Ok(agreed)
}

/// The file's text; nothing where there is none yet.
fn read(file: &Path) -> Result<String, Failure> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        text => text.map_err(|error| {
            let what = format!("cannot read {}", file.display());
            Failure::new("input", Exit::Usage, what).why(file_error(&error))
        }),
    }
}

/// The name of a namespace: anything else would find nothing and look like success.
fn namespace_name(text: &str) -> Result<String, String> {
    if is_dns_label(text) {
        return Ok(text.to_owned());
    }
    Err("a namespace's name has lower-case letters, digits and '-'".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_can_hold_no_file_is_told_with_the_flag_that_named_it() {
        let home = tempfile::tempdir().unwrap();
        let nowhere = home.path().join("none");
        for (file, why) in [
            (home.path().to_owned(), "it is a directory".to_owned()),
            (
                nowhere.join("x.yaml"),
                format!("there is no directory {}", nowhere.display()),
            ),
        ] {
            let failure = check_place(&file).unwrap_err();
            assert_eq!(failure.details().why, [why]);
            assert!(failure.details().remedy[0].contains("--write"));
        }
        for file in [home.path().join("new.yaml"), PathBuf::from("new.yaml")] {
            check_place(&file).unwrap();
        }
    }
}
