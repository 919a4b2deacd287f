//! `patch-images`: rewrites the images of an ARC that already runs, and of everything else, whoever installed it.

mod answer;
mod text;

use std::time::Duration;

use futures::FutureExt;

use self::answer::Answer;
use crate::apply::patch::{self, Hands, PatchOptions, Selection, Task};
use crate::cli::admission::{self, AdmissionArgs, Besides};
use crate::cli::config_args::{Part, PartArgs};
use crate::cli::session::target;
use crate::cli::{Session, clock, config_load, pass, seconds};
use crate::clients::kube::Cluster;
use crate::config::Partial;
use crate::config::load::{self, SecretReading};
use crate::config::problem;
use crate::config::validate::{is_dns_label, is_dns_subdomain};
use crate::facts;
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::workloads::is_of_the_platform;
use crate::observe::{self, Targets};
use crate::plan::counted;
use crate::plan::patch::OwnerPattern;
use crate::rules::RuleSet;
use crate::ui::format::Format;
use crate::ui::progress::Progress;
use crate::ui::{self, prompt};
use crate::verify::wait::rolled_out;

/// Arguments of `patch-images`.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Args {
    #[command(flatten)]
    config: PartArgs<Rules>,
    /// Only this namespace; may be given several times [default: all]
    #[arg(long = "namespace", short, value_name = "NAME", value_parser = namespace_name, help_heading = "Selection")]
    namespaces: Vec<String>,
    /// Every namespace
    #[arg(
        long,
        short = 'A',
        conflicts_with = "namespaces",
        help_heading = "Selection"
    )]
    all_namespaces: bool,
    /// Everything that has pods, not only ARC; wants -n or -A, and never looks into kube-*, cattle-*, openshift-*
    #[arg(long, help_heading = "Selection")]
    all_workloads: bool,
    /// Only objects with these labels: app=web,tier!=db
    #[arg(long, short = 'l', value_name = "LABELS", help_heading = "Selection")]
    selector: Option<String>,
    /// Only this kind; may be given several times
    #[arg(long = "kind", value_name = "KIND", help_heading = "Selection")]
    kinds: Vec<String>,
    /// Only what this tool owns: helm, argocd, flux, fleet, rancher, olm, with /NAME for one release; none: what no tool owns
    #[arg(long = "owner", value_name = "TOOL[/NAME]", help_heading = "Selection")]
    owners: Vec<OwnerPattern>,
    /// Append this pull secret, which must exist in the objects' namespaces
    #[arg(long, value_name = "NAME", value_parser = secret_name, help_heading = "Patching")]
    pull_secret: Option<String>,
    /// Put back what stood there before, and take the annotation away; what was changed by hand since stays
    #[arg(long, conflicts_with = "pull_secret", help_heading = "Patching")]
    undo: bool,
    /// Show what would change and stop
    #[arg(long, help_heading = "Patching")]
    dry_run: bool,
    /// Patch what Helm, Argo CD, Flux, Fleet or OLM owns, too
    #[arg(long, help_heading = "Patching")]
    force: bool,
    /// Do not ask the registry whether the new images are there
    #[arg(long, help_heading = "Patching")]
    no_verify: bool,
    /// Leave what cannot be verified as it is: the registry wants a login, hides, or cannot be reached from here
    #[arg(long, conflicts_with = "no_verify", help_heading = "Patching")]
    require_verified: bool,
    /// Ask the registry with the accounts of the pods' own pull secrets, too; they are read from the cluster
    #[arg(long, conflicts_with = "no_verify", help_heading = "Patching")]
    use_cluster_pull_secrets: bool,
    /// Do not ask before writing
    #[arg(long, short, help_heading = "Patching")]
    yes: bool,
    /// Do not wait for the rollouts of ARC's programs; others are never waited for
    #[arg(long, help_heading = "Patching")]
    no_wait: bool,
    /// How long to wait without any progress
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = seconds::parse, help_heading = "Patching")]
    timeout: Duration,
    #[command(flatten)]
    admission: AdmissionArgs,
}

/// What decides where images come from, and how their registry is asked.
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
        "registry.rules",
        "registry.preset",
        "registry.keys",
        "registry.pullSecret.dockerConfig",
        "proxy",
        "caBundle",
    ];
    // Of the cluster's side, which is not written here.
    const EXCEPT: &'static [&'static str] = &["proxy.credentials.existingSecret"];
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    if args.admission.is_wanted() {
        return admission::run(&args.admission, args.besides(), session).await;
    }
    Session::require_target(&session.target_needs(args.yes || args.dry_run, args.dry_run))?;
    let options = options(args)?;
    // What is put back came from where it came from.
    let verifies = !args.no_verify && !args.undo;
    let secrets = if verifies {
        SecretReading::Read
    } else {
        SecretReading::Leave
    };
    let sources = config_load::sources(&args.config.config, secrets, session);
    let partial = load::load_partial(&sources).map_err(|problems| problem::failure(&problems))?;
    config_load::warn(&partial.warnings);
    let rules = pass::compiled(&partial.registry.rules)?;
    if rules.is_empty() && args.pull_secret.is_none() && !args.undo {
        return Err(Failure::new(
            "rules-missing",
            Exit::Usage,
            "there is no rule to rewrite images by",
        )
        .remedy("give --registry HOST, or --registry-map quay.io=HOST"));
    }
    let targets = if verifies {
        Some(targets(&partial, args.use_cluster_pull_secrets)?)
    } else {
        None
    };
    let cluster = session.connect().await?;
    let progress = session.progress();
    progress.told(&target(&cluster));
    let run = PatchRun {
        cluster: &cluster,
        rules: &rules,
        options: &options,
        targets: targets.as_ref(),
        session,
        progress: &progress,
    };
    if !args.dry_run && !args.yes {
        run.confirm().await?;
    }
    run.patched().await
}

impl Args {
    fn besides(&self) -> Besides<'_> {
        Besides {
            config: &self.config.config,
            namespaces: &self.namespaces,
            undo: self.undo,
            dry_run: self.dry_run,
            yes: self.yes,
            timeout: self.timeout,
        }
    }
}

/// Asks registries as the configuration says: by its proxy, its bundle and the accounts of its pull secret.
fn targets(partial: &Partial, cluster_secrets: bool) -> Result<Targets, Failure> {
    let now = clock::now();
    let bundle = partial.ca_bundle.as_deref();
    let bundle = bundle.map_or(Ok(Vec::new()), |path| {
        facts::host::read_authorities(path, now).map(|authorities| authorities.pems)
    })?;
    let route = facts::route_by(partial.proxy.as_ref(), &partial.credentials, &bundle, now);
    let accounts = observe::accounts(&partial.credentials)?;
    Ok(Targets::new(route.client()?, accounts, cluster_secrets))
}

/// What the flags say, checked.
fn options(args: &Args) -> Result<PatchOptions, Failure> {
    if args.all_workloads {
        check_places(args)?;
    }
    Ok(PatchOptions {
        task: if args.undo { Task::Undo } else { Task::Rewrite },
        selection: Selection {
            namespaces: args.namespaces.clone(),
            all_workloads: args.all_workloads,
            labels: args.selector.clone(),
            kinds: args.kinds.clone(),
            owners: args.owners.clone(),
        },
        pull_secret: args.pull_secret.clone(),
        dry_run: args.dry_run,
        force: args.force,
        require_verified: args.require_verified,
        wait: !args.no_wait,
        timeout: args.timeout,
    })
}

/// Everybody's workloads are looked at only where somebody said where, and never where the platform runs.
fn check_places(args: &Args) -> Result<(), Failure> {
    if args.namespaces.is_empty() && !args.all_namespaces {
        return Err(Failure::new(
            "patch-place-missing",
            Exit::Usage,
            "--all-workloads: of which namespaces?",
        )
        .remedy("give -n NAMESPACE, once for each, or -A for all of them"));
    }
    let platform = args.namespaces.iter().find(|name| is_of_the_platform(name));
    platform.map_or(Ok(()), |name| {
        Err(Failure::new(
            "patch-platform",
            Exit::Usage,
            format!("--all-workloads never looks into {name}: the platform looks after what runs there"),
        )
        .remedy("have kube-*, cattle-* and openshift-* pull from elsewhere by the platform's own settings (Rancher: system-default-registry)"))
    })
}

/// What one run works on, and whom it talks to.
struct PatchRun<'a> {
    cluster: &'a Cluster,
    rules: &'a RuleSet,
    options: &'a PatchOptions,
    targets: Option<&'a Targets>,
    session: &'a Session,
    progress: &'a Progress,
}

impl PatchRun<'_> {
    /// Counts first, so that the question says how much it is about.
    async fn confirm(&self) -> Result<(), Failure> {
        let progress = self.progress;
        progress.stage("counting what would be patched");
        let preview = Box::pin(patch::preview(
            self.cluster,
            self.rules,
            self.options,
            self.targets,
            &self.session.interrupt,
        ));
        let preview = preview.await?;
        if preview.patched() == 0 {
            return Ok(());
        }
        for line in text::preview(&preview, self.options.task) {
            progress.told(&line);
        }
        let count = counted(preview.patched(), "object");
        let verb = match self.options.task {
            Task::Rewrite => "Patch",
            Task::Undo => "Undo what was patched of",
        };
        let question = format!("{verb} {count} in {}?", target(self.cluster));
        if progress.suspended(|| prompt::confirm(&question))? {
            return Ok(());
        }
        Err(prompt::declined())
    }

    /// Patches, and writes the answer as it comes.
    async fn patched(&self) -> Result<Exit, Failure> {
        let Self {
            cluster,
            options,
            session,
            progress,
            ..
        } = *self;
        let answer = Answer::new(session.format, options.dry_run);
        let sink = |event| progress.tell(&event);
        let emit = |report: &patch::ObjectReport| progress.suspended(|| answer.object(report));
        let rollouts = |objects: Vec<ObjectRef>, timeout: Duration| {
            let sink = &sink;
            async move {
                let interrupt = &session.interrupt;
                rolled_out(cluster, objects, timeout, None, sink, interrupt).await
            }
            .boxed()
        };
        let hands = Hands {
            rollouts: &rollouts,
            sink: &sink,
            emit: &emit,
            targets: self.targets,
            interrupt: &session.interrupt,
        };
        let patched = Box::pin(patch::patch_images(cluster, self.rules, options, hands)).await;
        progress.end();
        let report = patched.report;
        match patched.failure {
            None => answer.end(&report, options)?,
            // Nothing was said yet: the failure is the answer.
            Some(failure) if !answer.has_begun() => return Err(failure),
            Some(failure) => {
                // What was written stays in the cluster, so it stands in the answer; that is one document.
                answer.end_early(&report, &failure)?;
                let format = match session.format {
                    Format::Json | Format::Yaml => Format::Text,
                    format => format,
                };
                ui::failure::show(&failure, format, session.terminal);
                return Ok(failure.exit());
            }
        }
        let exit = report.exit();
        for line in text::left_undone(&report) {
            progress.told(&format!("{line} (exit code {})", exit as u8));
        }
        Ok(exit)
    }
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
