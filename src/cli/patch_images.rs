//! `patch-images`: rewrites the images of an ARC that already runs, whoever installed it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;

use crate::apply::patch::{self, ObjectReport, PatchOptions, PatchReport, Treatment};
use crate::cli::admission::{self, AdmissionArgs, Besides};
use crate::cli::config_args::{Part, PartArgs};
use crate::cli::session::target;
use crate::cli::{Session, config_load, pass, seconds};
use crate::clients::kube::Cluster;
use crate::config::load::{self, SecretReading};
use crate::config::problem;
use crate::config::validate::{is_dns_label, is_dns_subdomain};
use crate::event::Event;
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::plan::counted;
use crate::rules::RuleSet;
use crate::ui::format::Format;
use crate::ui::progress::Progress;
use crate::ui::{output, prompt};
use crate::yaml;

/// Arguments of `patch-images`.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Args {
    #[command(flatten)]
    config: PartArgs<Rules>,
    /// Only this namespace [default: all]
    #[arg(long, short, value_name = "NAME", value_parser = namespace_name, help_heading = "Patching")]
    namespace: Option<String>,
    /// Append this pull secret, which must exist in the objects' namespaces
    #[arg(long, value_name = "NAME", value_parser = secret_name, help_heading = "Patching")]
    pull_secret: Option<String>,
    /// Show what would change and stop
    #[arg(long, help_heading = "Patching")]
    dry_run: bool,
    /// Patch what Helm, Argo CD, Flux, Fleet or OLM owns, too
    #[arg(long, help_heading = "Patching")]
    force: bool,
    /// Do not ask before writing
    #[arg(long, short, help_heading = "Patching")]
    yes: bool,
    /// Do not wait for the rollouts
    #[arg(long, help_heading = "Patching")]
    no_wait: bool,
    /// How long to wait without any progress
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = seconds::parse, help_heading = "Patching")]
    timeout: Duration,
    /// With --admission: take the admission policies away again
    #[arg(long, requires = "admission", help_heading = "Patching")]
    undo: bool,
    #[command(flatten)]
    admission: AdmissionArgs,
}

/// What decides where images come from.
#[derive(Debug, Clone)]
struct Rules;

impl Part for Rules {
    const FIELDS: &'static [&'static str] = &[
        "name",
        "namespaces.controller",
        "namespaces.runners",
        "registry.host",
        "registry.library",
        "registry.map",
    ];
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    if args.admission.is_wanted() {
        return admission::run(&args.admission, args.besides(), session).await;
    }
    Session::require_target(&session.target_needs(args.yes || args.dry_run, args.dry_run))?;
    let sources = config_load::sources(&args.config.config, SecretReading::Leave, session);
    let partial = load::load_partial(&sources).map_err(|problems| problem::failure(&problems))?;
    config_load::warn(&partial.warnings);
    let rules = pass::compiled(&partial.registry.rules)?;
    if rules.is_empty() && args.pull_secret.is_none() {
        return Err(Failure::new(
            "rules-missing",
            Exit::Usage,
            "there is no rule to rewrite images by",
        )
        .remedy("give --registry HOST, or --registry-map quay.io=HOST"));
    }
    let cluster = session.connect().await?;
    let progress = session.progress();
    progress.told(&target(&cluster));
    let options = PatchOptions {
        namespace: args.namespace.clone(),
        pull_secret: args.pull_secret.clone(),
        dry_run: args.dry_run,
        force: args.force,
        wait: !args.no_wait,
        timeout: args.timeout,
    };
    if !args.dry_run && !args.yes {
        confirm(&cluster, &rules, &options, session, &progress).await?;
    }
    let report = patched(&cluster, &rules, &options, session, &progress).await?;
    progress.end();
    let namespace = args.namespace.as_deref();
    output::answer(session.format, "PatchImages", &report, || {
        text(&report, namespace)
    })?;
    if let Some(why) = left_undone(&report) {
        progress.told(&format!("{why} (exit code {})", report.exit() as u8));
    }
    Ok(report.exit())
}

impl Args {
    fn besides(&self) -> Besides<'_> {
        Besides {
            config: &self.config.config,
            namespace: self.namespace.as_deref(),
            undo: self.undo,
            dry_run: self.dry_run,
            yes: self.yes,
            timeout: self.timeout,
        }
    }
}

/// Counts first, so that the question says how much it is about.
async fn confirm(
    cluster: &Cluster,
    rules: &RuleSet,
    options: &PatchOptions,
    session: &Session,
    progress: &Progress,
) -> Result<(), Failure> {
    let preview = Box::pin(patch::preview(cluster, rules, options, &session.interrupt)).await?;
    if preview.patched() == 0 {
        return Ok(());
    }
    let count = counted(preview.patched(), "object");
    let question = format!("Patch {count} in {}?", target(cluster));
    if progress.suspended(|| prompt::confirm(&question))? {
        return Ok(());
    }
    Err(prompt::declined())
}

async fn patched(
    cluster: &Cluster,
    rules: &RuleSet,
    options: &PatchOptions,
    session: &Session,
    progress: &Progress,
) -> Result<PatchReport, Failure> {
    // A person reads each image in the answer; as a note only where that is for a machine, or never comes.
    let told = matches!(session.format, Format::Text | Format::Github);
    let held: Mutex<Vec<Event>> = Mutex::default();
    let events = |event: Event| {
        if told && matches!(event, Event::Note { .. }) {
            held.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(event);
        } else {
            progress.tell(&event);
        }
    };
    let rollouts = |objects: Vec<ObjectRef>, timeout: Duration| {
        let events = &events;
        async move {
            crate::verify::wait::rolled_out(
                cluster,
                objects,
                timeout,
                None,
                events,
                &session.interrupt,
            )
            .await
        }
        .boxed()
    };
    let report = Box::pin(patch::patch_images(
        cluster,
        rules,
        options,
        &rollouts,
        &events,
        &session.interrupt,
    ))
    .await;
    if report.is_err() {
        // What was written stays in the cluster, so it is told.
        let held = held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().for_each(|event| progress.tell(event));
    }
    report
}

/// Before → after for each image, and a reason for each object that was left alone.
fn text(report: &PatchReport, namespace: Option<&str>) -> String {
    let mut lines: Vec<String> = report.objects.iter().flat_map(object_lines).collect();
    lines.push(last_line(report, namespace));
    lines.push(String::new());
    lines.join("\n")
}

fn last_line(report: &PatchReport, namespace: Option<&str>) -> String {
    let as_wanted = match report.unchanged {
        1 => "1 object is as the rules want it".to_owned(),
        many => format!("{many} objects are as the rules want them"),
    };
    let verb = match (report.dry_run, report.patched()) {
        (true, _) => "would be patched",
        (false, 1) => "was patched",
        (false, _) => "were patched",
    };
    match (report.patched(), report.objects.len(), report.unchanged) {
        (0, 0, 0) => format!(
            "nothing to do: there is no ARC {}, neither a controller nor a runner object",
            namespace.map_or("in this cluster".to_owned(), |name| format!(
                "in namespace {name}"
            ))
        ),
        (0, 0, _) => format!("nothing to do: {as_wanted}"),
        (0, _, 0) => "nothing was patched, for the reasons above".to_owned(),
        (0, ..) => format!("nothing was patched, for the reasons above; {as_wanted}"),
        (count, _, 0) => format!("{} {verb}", counted(count, "object")),
        (count, ..) => format!("{} {verb}; {as_wanted}", counted(count, "object")),
    }
}

/// What the exit code says, in words.
fn left_undone(report: &PatchReport) -> Option<String> {
    if report.refused() > 0 {
        let count = counted(report.refused(), "object");
        return Some(format!(
            "{count} left as it was: a rule denies an image; change the rule, or the object"
        ));
    }
    (report.owned() > 0).then(|| {
        let count = counted(report.owned(), "object");
        format!("{count} left to its deployment tool: commit there what stands above, or patch it all the same with --force")
    })
}

/// The name of a namespace: anything else would find nothing and look like success.
fn namespace_name(text: &str) -> Result<String, String> {
    if is_dns_label(text) {
        return Ok(text.to_owned());
    }
    Err("a namespace's name has lower-case letters, digits and '-'".to_owned())
}

/// The name of a Secret.
fn secret_name(text: &str) -> Result<String, String> {
    if is_dns_subdomain(text) {
        return Ok(text.to_owned());
    }
    Err("a name has lower-case letters, digits, '-' and '.'".to_owned())
}

fn object_lines(report: &ObjectReport) -> Vec<String> {
    let mut lines = vec![match &report.treatment {
        Treatment::Patched => report.object.to_string(),
        Treatment::Made { from } => {
            format!("{}: left alone, it is made from {from}", report.object)
        }
        Treatment::Gone => format!("{}: it went away in between", report.object),
        Treatment::Refused { reasons } => {
            format!("{}: refused: {}", report.object, reasons.join("; "))
        }
        Treatment::Owned { advice } => {
            format!(
                "{}: not patched, {} would write it back: {}",
                report.object, advice.owner, advice.how
            )
        }
    }];
    let advised = match &report.treatment {
        Treatment::Owned { advice } => advice.slots.as_slice(),
        _ => &[],
    };
    for slot in report.slots.iter().chain(advised) {
        let before = slot.before.as_deref().unwrap_or("(compiled in)");
        lines.push(format!(
            "  {}: {before} → {} [{}]",
            slot.place, slot.after, slot.rule
        ));
    }
    if let Treatment::Owned { advice } = &report.treatment {
        let wanted = match &advice.values {
            Some(values) => yaml::to_string(values),
            None => yaml::to_string(&serde_json::Value::Array(advice.patch.clone())),
        };
        lines.push("  to commit there (or patch all the same with --force):".to_owned());
        lines.extend(wanted.lines().map(|line| format!("    {line}")));
    }
    lines.extend(
        report
            .pull_secrets
            .iter()
            .map(|pointer| format!("  {pointer}: pull secret appended")),
    );
    lines.extend(report.notes.iter().map(|note| format!("  note: {note}")));
    lines
}
