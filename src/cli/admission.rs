//! `patch-images --admission`: the same rules in the API server, for pods that are made later.

mod answer;

use std::time::Duration;

use serde_json::json;

use answer::{Answer, Removed, no_longer_in, objects_or_new};

use crate::apply::admission::{self as apply, Writing, Written};
use crate::cli::config_args::ConfigArgs;
use crate::cli::session::target;
use crate::cli::{Session, clock, config_load, kubernetes_version, pass};
use crate::clients::kube::Cluster;
use crate::config::load::{self, SecretReading};
use crate::config::{Credentials, Partial, problem};
use crate::facts::KubernetesVersion;
use crate::failure::{Exit, Failure};
use crate::object::Manifest;
use crate::observe::Resolver;
use crate::observe::workloads::is_of_the_platform;
use crate::plan::admission::{Admission, Api, Failing, policies, probe, unspeakable};
use crate::plan::counted;
use crate::rules::RuleSet;
use crate::ui::format::Format;
use crate::ui::progress::Progress;
use crate::ui::{output, prompt};
use crate::yaml;

/// The API server's caches take a moment.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Flags of `patch-images` that are about admission.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Admission")]
pub(super) struct AdmissionArgs {
    /// Instead of patching what runs, have the API server rewrite the images of new pods in the runner namespaces, job
    /// pods of workflows included: a MutatingAdmissionPolicy of the same rules (Kubernetes 1.36, or 1.34 with the beta
    /// turned on)
    #[arg(long, conflicts_with_all = [
        "all_namespaces", "all_workloads", "selector", "kinds", "owners", "pull_secret", "inject", "force", "no_verify",
        "require_verified", "use_cluster_pull_secrets", "no_wait",
    ])]
    admission: bool,
    /// What happens to a pod whose images cannot be rewritten: made as it is with a warning, or refused
    #[arg(long, value_enum, default_value_t = OnFailure::Open, value_name = "HOW", requires = "admission", conflicts_with = "undo")]
    admission_fail: OnFailure,
    /// With --dry-run: ask no cluster, and write the policies for this version of Kubernetes
    #[arg(long, value_name = "MAJOR.MINOR", value_parser = kubernetes_version::parse, requires_all = ["admission", "dry_run"])]
    kubernetes_version: Option<KubernetesVersion>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OnFailure {
    Open,
    Closed,
}

impl AdmissionArgs {
    /// True where the command is about admission and not about what runs.
    pub(super) fn is_wanted(&self) -> bool {
        self.admission
    }
}

/// What the command says besides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Besides<'a> {
    /// The configuration.
    pub(super) config: &'a ConfigArgs,
    /// The only namespaces; none takes those of the configuration.
    pub(super) namespaces: &'a [String],
    /// Takes the policies away.
    pub(super) undo: bool,
    /// Shows and stops.
    pub(super) dry_run: bool,
    /// Does not ask.
    pub(super) yes: bool,
    /// How long to wait.
    pub(super) timeout: Duration,
}

/// What one run is about.
struct Work<'a> {
    args: &'a AdmissionArgs,
    besides: Besides<'a>,
    session: &'a Session,
    partial: &'a Partial,
    rules: &'a RuleSet,
    namespaces: Vec<String>,
}

pub(super) async fn run(
    args: &AdmissionArgs,
    besides: Besides<'_>,
    session: &Session,
) -> Result<Exit, Failure> {
    if besides.undo && !besides.namespaces.is_empty() {
        return Err(undone_everywhere());
    }
    let looks_only = besides.dry_run;
    let needs = session.target_needs(besides.yes || looks_only, looks_only);
    Session::require_target(&needs)?;
    let sources = config_load::sources(besides.config, SecretReading::Leave, session);
    let partial = load::load_partial(&sources).map_err(|problems| problem::failure(&problems))?;
    config_load::warn(&partial.warnings);
    let rules = pass::compiled(&partial.registry.rules)?;
    let mut work = Work {
        args,
        besides,
        session,
        partial: &partial,
        rules: &rules,
        namespaces: Vec::new(),
    };
    if besides.undo {
        return work.remove().await;
    }
    work.namespaces = namespaces(&partial, besides.namespaces)?;
    if work
        .namespaces
        .iter()
        .all(|namespace| probe(&rules, namespace).is_none())
    {
        return Err(Failure::new(
            "rules-missing",
            Exit::Usage,
            "no rule rewrites an image of a pod, so there is nothing to install",
        )
        .remedy("give --registry HOST, or --registry-map quay.io=HOST"));
    }
    if let Some(version) = args.kubernetes_version {
        let manifests = work.manifests(api_of(version)?)?;
        return work.shown(&manifests, Vec::new());
    }
    work.install().await
}

impl Work<'_> {
    async fn install(&self) -> Result<Exit, Failure> {
        let cluster = self.session.connect().await?;
        let progress = self.session.progress();
        progress.told(&target(&cluster));
        let manifests = self.manifests(apply::served(&cluster).await?)?;
        let preview = apply::preview(&cluster, &manifests).await?;
        if self.besides.dry_run {
            progress.end();
            return self.shown(&manifests, preview);
        }
        if let Some(unknown) = preview.iter().find(|one| one.writing == Writing::Unknown) {
            return Err(hand_over(unknown));
        }
        let writes = preview.iter().any(|one| one.writing != Writing::Unchanged);
        if writes && !self.besides.yes {
            confirm(&self.question(&cluster, &preview), &progress)?;
        }
        let credentials = Credentials::default();
        let resolver = Resolver::new(&credentials, clock::now());
        let interrupt = &self.session.interrupt;
        progress.stage("writing the admission policies");
        apply::install(&cluster, &resolver, &manifests, &preview, interrupt).await?;
        progress.stage("waiting until the API server rewrites images");
        let in_force = apply::in_force(
            &cluster,
            self.rules,
            &self.admission(Api::V1).name(),
            &self.namespaces,
            self.besides.timeout.min(LONGEST_WAIT),
            interrupt,
        )
        .await?;
        progress.end();
        let answer = Answer {
            dry_run: false,
            namespaces: self.namespaces.clone(),
            objects: preview,
            in_force,
        };
        output::answer(self.session.format, "Admission", &answer, || answer.text())?;
        Ok(Exit::Done)
    }

    /// What a dry run shows: to a machine the objects as `kubectl apply` takes them.
    fn shown(&self, manifests: &[Manifest], objects: Vec<Written>) -> Result<Exit, Failure> {
        let items = manifests.iter().map(|manifest| &manifest.object);
        match self.session.format {
            Format::Json => {
                let items: Vec<_> = items.collect();
                let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
                output::data_text(&format!("{list:#}\n"))?;
            }
            Format::Yaml => {
                let documents: Vec<String> = items.map(yaml::to_string).collect();
                output::data_text(&format!("---\n{}", documents.join("---\n")))?;
            }
            Format::Text | Format::Github => {
                let answer = Answer {
                    dry_run: true,
                    namespaces: self.namespaces.clone(),
                    objects: objects_or_new(objects, manifests),
                    in_force: Vec::new(),
                };
                output::data_text(&answer.text())?;
            }
        }
        Ok(Exit::Done)
    }

    async fn remove(&self) -> Result<Exit, Failure> {
        let cluster = self.session.connect().await?;
        let progress = self.session.progress();
        progress.told(&target(&cluster));
        let install = &self.partial.name;
        let name = self.admission(Api::V1).name();
        let interrupt = &self.session.interrupt;
        let mut removed = apply::remove(&cluster, install, &name, true, interrupt).await?;
        if !removed.is_empty() && !self.besides.dry_run {
            if !self.besides.yes {
                let count = counted(removed.len(), "object");
                let question = format!("Remove {count} of {install} from {}?", target(&cluster));
                confirm(&question, &progress)?;
            }
            removed = apply::remove(&cluster, install, &name, false, interrupt).await?;
        }
        progress.end();
        let answer = Removed {
            dry_run: self.besides.dry_run,
            removed,
        };
        output::answer(self.session.format, "Admission", &answer, || {
            answer.text(&name)
        })?;
        Ok(Exit::Done)
    }

    fn admission(&self, api: Api) -> Admission<'_> {
        Admission {
            install: &self.partial.name,
            home: &self.partial.controller_namespace,
            common: &self.partial.common,
            namespaces: &self.namespaces,
            rules: self.rules,
            failing: match self.args.admission_fail {
                OnFailure::Open => Failing::Open,
                OnFailure::Closed => Failing::Closed,
            },
            api,
        }
    }

    fn manifests(&self, api: Api) -> Result<Vec<Manifest>, Failure> {
        policies(&self.admission(api)).map_err(|rules| unspeakable(&rules))
    }

    fn question(&self, cluster: &Cluster, preview: &[Written]) -> String {
        let otherwise = match self.args.admission_fail {
            OnFailure::Open => "made as they are, with a warning",
            OnFailure::Closed => "refused",
        };
        let dropped = match no_longer_in(preview).as_slice() {
            [] => String::new(),
            names => format!(
                " No longer in {}: new pods there keep their images.",
                names.join(", ")
            ),
        };
        format!(
            "Have the API server rewrite the images of new pods in {}? Pods that cannot be rewritten are {otherwise}.{dropped} {}",
            self.namespaces.join(", "),
            target(cluster)
        )
    }
}

fn confirm(question: &str, progress: &Progress) -> Result<(), Failure> {
    if progress.suspended(|| prompt::confirm(question))? {
        return Ok(());
    }
    Err(prompt::declined())
}

/// One binding holds all namespaces: none of them can be taken out alone.
fn undone_everywhere() -> Failure {
    Failure::new(
        "admission-namespaces",
        Exit::Usage,
        "--admission --undo takes the policies of the install away from every namespace, not from one",
    )
    .remedy("leave --namespace out to take them away everywhere")
    .remedy("to leave one namespace out: --admission without --undo, with -n for each namespace that stays")
}

/// Where runner sets are.
fn namespaces(partial: &Partial, only: &[String]) -> Result<Vec<String>, Failure> {
    let mut namespaces = match only {
        [] => partial.runner_namespaces.clone(),
        only => only.to_vec(),
    };
    namespaces.sort();
    namespaces.dedup();
    if namespaces.is_empty() {
        return Err(Failure::new(
            "admission-namespaces",
            Exit::Usage,
            "nothing says in which namespaces runners are",
        )
        .remedy(
            "give the configuration with its runner sets (--config FILE), or --namespace NAME",
        ));
    }
    if let Some(name) = namespaces.iter().find(|name| is_of_the_platform(name)) {
        return Err(Failure::new(
            "admission-namespaces",
            Exit::Usage,
            format!("the namespace {name} holds what the cluster itself needs"),
        )
        .remedy("name the namespaces of runners only"));
    }
    Ok(namespaces)
}

/// The version that a release of Kubernetes has.
fn api_of(version: KubernetesVersion) -> Result<Api, Failure> {
    match (version.major, version.minor) {
        (1, 36..) | (2.., _) => Ok(Api::V1),
        (1, 34 | 35) => Ok(Api::V1Beta1),
        _ => Err(apply::unsupported(&format!(
            "Kubernetes {}.{} has no MutatingAdmissionPolicy, neither v1 nor v1beta1",
            version.major, version.minor
        ))),
    }
}

/// What somebody who may not write the policies gives to whom may.
fn hand_over(written: &Written) -> Failure {
    let object = &written.object;
    let failure = Failure::new(
        "admission-rights",
        Exit::Preflight,
        format!("you may not write {object}"),
    )
    .why("admission policies are objects of the whole cluster: create and patch are needed on mutatingadmissionpolicies, mutatingadmissionpolicybindings, validatingadmissionpolicies and validatingadmissionpolicybindings in admissionregistration.k8s.io")
    .remedy("hand them to an administrator: the same command with --dry-run -o yaml > admission.yaml")
    .remedy("who applies them with: kubectl apply --server-side --field-manager=arc-setup -f admission.yaml");
    let words = written.why.iter().cloned();
    words.fold(failure, Failure::evidence)
}
