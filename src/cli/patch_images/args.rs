//! What is typed after `patch-images`.

use std::time::Duration;

use crate::apply::patch::{PatchOptions, Selection, Task};
use crate::cli::admission::{AdmissionArgs, Besides};
use crate::cli::config_args::{Part, PartArgs};
use crate::cli::{place_names, seconds};
use crate::config::Origin;
use crate::config::problem::Problem;
use crate::config::validate::is_dns_subdomain;
use crate::observe::workloads::is_of_the_platform;
use crate::plan::patch::OwnerPattern;

/// Arguments of `patch-images`.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Args {
    #[command(flatten)]
    pub(super) config: PartArgs<Rules>,
    /// Only this namespace; may be given several times [default: all]
    #[arg(long = "namespace", short, value_name = "NAME", value_parser = place_names::namespace, help_heading = "Selection")]
    pub(super) namespaces: Vec<String>,
    /// Every namespace
    #[arg(
        long,
        short = 'A',
        conflicts_with = "namespaces",
        help_heading = "Selection"
    )]
    pub(super) all_namespaces: bool,
    /// Everything that has pods, not only ARC; wants -n or -A, and never looks into kube-*, cattle-*, openshift-*
    #[arg(long, help_heading = "Selection")]
    pub(super) all_workloads: bool,
    /// Only objects with these labels: app=web,tier!=db
    #[arg(long, short = 'l', value_name = "LABELS", help_heading = "Selection")]
    pub(super) selector: Option<String>,
    /// Only these kinds: Deployment,cronjobs,sts,Rollout.argoproj.io; may be given several times
    #[arg(
        long = "kind",
        value_name = "KIND",
        value_delimiter = ',',
        help_heading = "Selection"
    )]
    pub(super) kinds: Vec<String>,
    /// Only what this tool owns: helm, argocd, flux, fleet, rancher, olm, with /NAME for one release; none: what no tool owns
    #[arg(long = "owner", value_name = "TOOL[/NAME]", help_heading = "Selection")]
    pub(super) owners: Vec<OwnerPattern>,
    /// Append this pull secret, which must exist in the objects' namespaces
    #[arg(long, value_name = "NAME", value_parser = secret_name, help_heading = "Patching")]
    pub(super) pull_secret: Option<String>,
    /// Put the company's authorities (ca), its proxy (proxy) or both into every container, too; what is set there stays
    #[arg(
        long,
        value_name = "WHAT",
        value_delimiter = ',',
        help_heading = "Patching"
    )]
    pub(super) inject: Vec<Inject>,
    /// Put back what stood there before, and take the annotation away; what was changed by hand since stays
    // What has no effect then is refused, not swallowed: whoever gives it expects one.
    #[arg(
        long,
        conflicts_with_all = ["pull_secret", "inject", "force", "require_verified", "use_cluster_pull_secrets"],
        help_heading = "Patching"
    )]
    pub(super) undo: bool,
    /// Show what would change and stop
    #[arg(long, help_heading = "Patching")]
    pub(super) dry_run: bool,
    /// Patch what Helm, Argo CD, Flux, Fleet, Rancher, K3s or OLM owns, too
    #[arg(long, help_heading = "Patching")]
    pub(super) force: bool,
    /// Do not ask the registry whether the new images are there
    #[arg(long, help_heading = "Patching")]
    pub(super) no_verify: bool,
    /// Leave what cannot be verified as it is: the registry wants a login, hides, or cannot be reached from here
    #[arg(long, conflicts_with = "no_verify", help_heading = "Patching")]
    pub(super) require_verified: bool,
    /// Ask the registry with the accounts of the pods' own pull secrets, too; they are read from the cluster
    #[arg(long, conflicts_with = "no_verify", help_heading = "Patching")]
    pub(super) use_cluster_pull_secrets: bool,
    /// Do not ask before writing
    #[arg(long, short, help_heading = "Patching")]
    pub(super) yes: bool,
    /// Do not wait for the rollouts of ARC's programs; others are never waited for
    #[arg(long, help_heading = "Patching")]
    pub(super) no_wait: bool,
    /// How long to wait without any progress
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = seconds::parse, help_heading = "Patching")]
    pub(super) timeout: Duration,
    #[command(flatten)]
    pub(super) admission: AdmissionArgs,
}

/// What is put into containers beside their images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Inject {
    /// The authorities of --ca-bundle.
    Ca,
    /// The proxy of --proxy, with what must be reached directly.
    Proxy,
}

/// What decides where images come from, and how their registry is asked.
#[derive(Debug, Clone)]
pub(super) struct Rules;

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
        "pinSha256",
    ];
    // Of the cluster's side, which is not written here.
    const EXCEPT: &'static [&'static str] = &[
        "proxy.credentials.existingSecret",
        "proxy.runners",
        "proxy.runnersExistingSecret",
    ];
}

impl Args {
    /// True where no question stands before what is written.
    pub(crate) fn asks_nothing(&self) -> bool {
        self.yes || self.dry_run
    }

    pub(super) fn besides(&self) -> Besides<'_> {
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

/// What the flags say.
pub(super) fn options(args: &Args) -> PatchOptions {
    PatchOptions {
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
    }
}

/// Everybody's workloads are looked at only where somebody said where, and never where the platform runs.
pub(super) fn place_need(args: &Args) -> Option<Problem> {
    if !args.all_workloads {
        return None;
    }
    let need = |code, what: String, remedy: &str| {
        Some(Problem::new(code, "", what, Origin::Default).remedy(remedy))
    };
    if args.namespaces.is_empty() && !args.all_namespaces {
        return need(
            "patch-place-missing",
            "--all-workloads: of which namespaces?".to_owned(),
            "give -n NAMESPACE, once for each, or -A for all of them",
        );
    }
    let name = args
        .namespaces
        .iter()
        .find(|name| is_of_the_platform(name))?;
    need(
        "patch-platform",
        format!(
            "--all-workloads never looks into {name}: the platform looks after what runs there"
        ),
        "have kube-*, cattle-* and openshift-* pull from elsewhere by the platform's own settings (Rancher: system-default-registry)",
    )
}

/// The name of a Secret.
fn secret_name(text: &str) -> Result<String, String> {
    if is_dns_subdomain(text) {
        return Ok(text.to_owned());
    }
    Err("a name has lower-case letters, digits, '-' and '.'".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        _args: super::Args,
    }

    #[test]
    fn undo_refuses_what_would_have_no_effect() {
        let line =
            |more: &[&str]| Line::try_parse_from([&["patch-images", "--undo"], more].concat());
        line(&["--yes", "--no-verify", "--dry-run"]).unwrap();
        for flags in [
            &["--force"][..],
            &["--require-verified"],
            &["--use-cluster-pull-secrets"],
            &["--pull-secret", "x"],
        ] {
            let error = line(flags).unwrap_err();
            assert_eq!(
                error.kind(),
                clap::error::ErrorKind::ArgumentConflict,
                "{flags:?}"
            );
        }
    }
}
