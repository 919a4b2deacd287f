//! `patch-images`: rewrites the images of an ARC that already runs, and of everything else, whoever installed it.

mod answer;
mod args;
mod injecting;
mod left;
mod needs;
mod object;
mod text;

use std::time::Duration;

use futures::FutureExt;

use self::answer::Answer;
pub(super) use self::args::Args;
use self::args::{Inject, options, place_need};
use self::needs::Needs;
use crate::apply::patch::{self, Hands, Injecting, Meetings, PatchOptions, Task};
use crate::cli::admission;
use crate::cli::session::target;
use crate::cli::{Session, clock, config_load};
use crate::clients::kube::Cluster;
use crate::config::Partial;
use crate::config::load::{self, SecretReading};
use crate::facts;
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{self, Targets};
use crate::plan::counted;
use crate::rules::RuleSet;
use crate::ui::format::Format;
use crate::ui::progress::Progress;
use crate::ui::{self, prompt};
use crate::verify::wait::rolled_out;

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    if args.admission.is_wanted() {
        return admission::run(&args.admission, args.besides(), session).await;
    }
    let agreed = args.yes || args.dry_run;
    let needs = Needs::new(session.target_needs(agreed, args.dry_run), place_need(args));
    let options = options(args);
    // What is put back came from where it came from.
    let verifies = !args.no_verify && !args.undo;
    let secrets = if verifies || args.inject.contains(&Inject::Proxy) {
        SecretReading::Read
    } else {
        SecretReading::Leave
    };
    let sources = config_load::sources(&args.config.config, secrets, session);
    let partial = load::load_partial(&sources).map_err(|problems| needs.with(&problems))?;
    config_load::warn(&partial.warnings);
    let needs = needs.and(injecting::needs(&args.inject, &partial));
    let others = args.undo || args.pull_secret.is_some() || !args.inject.is_empty();
    let rules = needs.rules(&partial, others)?;
    let targets = if verifies {
        Some(targets(&partial, args.use_cluster_pull_secrets)?)
    } else {
        None
    };
    let cluster = session.connect().await?;
    let progress = session.progress();
    let talk = progress.talker();
    let cluster = cluster.patient(options.timeout, &session.interrupt, move |wait| {
        let seconds = wait.as_secs();
        talk(&format!(
            "the API server has too much to do: going on in {seconds} s, as it asks"
        ));
    });
    progress.told(&target(&cluster));
    let injection = injecting::injection(&args.inject, &partial, &cluster).await?;
    let resolver = observe::Resolver::new(&partial.credentials, clock::now());
    let injecting = injection.as_ref().map(|injection| Injecting {
        injection,
        resolver: &resolver,
    });
    let run = PatchRun {
        cluster: &cluster,
        rules: &rules,
        options: &options,
        targets: targets.as_ref(),
        injecting: injecting.as_ref(),
        meetings: &Meetings::default(),
        session,
        progress: &progress,
    };
    if !args.dry_run && !args.yes {
        if !run.confirm().await? {
            return run.patched(Doing::Watch).await;
        }
    } else if options.task == Task::Rewrite && !rules.warnings().is_empty() {
        // Rules that can make one image of two: whether they do is known before the first object is patched.
        run.count().await?;
    }
    run.patched(Doing::Patch).await
}

/// What a run does with the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Patch,
    /// There was nothing to patch: writes nothing, and waits for what an earlier run began.
    Watch,
}

/// Asks registries as the configuration says: by its proxy, its bundle and the accounts of its pull secret.
fn targets(partial: &Partial, cluster_secrets: bool) -> Result<Targets, Failure> {
    let now = clock::now();
    let bundle = partial.ca_bundle.as_deref();
    let bundle = bundle.map_or(Ok(Vec::new()), |path| {
        facts::host::read_authorities(path, now).map(|authorities| authorities.pems)
    })?;
    let trust = facts::Trust {
        bundle: &bundle,
        pins: &partial.pins,
    };
    let route = facts::route_by(partial.proxy.as_ref(), &partial.credentials, &trust, now);
    let accounts = observe::accounts(&partial.credentials)?;
    Ok(Targets::new(route.client()?, accounts, cluster_secrets))
}

/// What one run works on, and whom it talks to.
struct PatchRun<'a> {
    cluster: &'a Cluster,
    rules: &'a RuleSet,
    options: &'a PatchOptions,
    targets: Option<&'a Targets>,
    injecting: Option<&'a Injecting<'a>>,
    meetings: &'a Meetings,
    session: &'a Session,
    progress: &'a Progress,
}

impl PatchRun<'_> {
    /// What would become of all objects.
    async fn count(&self) -> Result<patch::PatchReport, Failure> {
        self.progress.stage("counting what would be patched");
        Box::pin(patch::preview(
            self.cluster,
            self.rules,
            self.options,
            self.targets,
            self.injecting,
            self.meetings,
            &self.session.interrupt,
        ))
        .await
    }

    /// Counts first, so that the question says how much it is about; false where there is nothing to ask about.
    async fn confirm(&self) -> Result<bool, Failure> {
        let progress = self.progress;
        let preview = self.count().await?;
        let objects = preview.patched() + preview.kept();
        let listeners = preview.listeners_remade.len();
        if objects + listeners == 0 {
            let Some(_) = self.injecting else {
                return Ok(false);
            };
            // A count does not look into what they read.
            let question = format!(
                "Nothing lacks them. Write the authorities and the proxy anew where workloads have them in {}?",
                target(self.cluster)
            );
            return progress.suspended(|| prompt::confirm(&question));
        }
        for line in text::preview(&preview, self.options.task) {
            progress.told(&line);
        }
        let verb = match self.options.task {
            _ if objects == 0 => "Have the controllers make",
            Task::Rewrite => "Patch",
            Task::Undo => "Undo what was patched of",
        };
        let what = if objects == 0 {
            format!("{} again", counted(listeners, "listener"))
        } else {
            counted(objects, "object")
        };
        let question = format!("{verb} {what} in {}?", target(self.cluster));
        if progress.suspended(|| prompt::confirm(&question))? {
            return Ok(true);
        }
        Err(prompt::declined())
    }

    /// Patches, and writes the answer as it comes.
    async fn patched(&self, doing: Doing) -> Result<Exit, Failure> {
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
            injecting: self.injecting,
            meetings: self.meetings,
            interrupt: &session.interrupt,
        };
        let patched = match doing {
            Doing::Patch => {
                Box::pin(patch::patch_images(cluster, self.rules, options, hands)).await
            }
            Doing::Watch => Box::pin(patch::watch(cluster, self.rules, options, hands)).await,
        };
        progress.end();
        let report = patched.report;
        match patched.failure {
            None => answer.end(&report, options)?,
            // Nothing was said yet: the failure is the answer.
            Some(failure) if !answer.has_begun() => return Err(failure),
            Some(failure) => {
                // What was written stays in the cluster, so it stands in the answer; that is one document.
                answer.end_early(&report, options, &failure)?;
                let format = match session.format {
                    Format::Json | Format::Yaml => Format::Text,
                    format => format,
                };
                ui::failure::show(&failure, format, session.terminal);
                return Ok(failure.exit());
            }
        }
        let code = report.exit();
        for (line, asked) in left::left_undone(&report, options) {
            let code = if asked == code {
                format!(" (exit code {})", code as u8)
            } else {
                String::new()
            };
            progress.told(&format!("{line}{code}"));
        }
        Ok(code)
    }
}
