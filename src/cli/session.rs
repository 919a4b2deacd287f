//! What every command needs: global flags, the environment as it was at start, where output goes.

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::clients::interrupt::Interrupt;
use crate::clients::kube::{Cluster, ClusterOptions, EnvironmentProxy, InCluster};
use crate::config::Origin;
use crate::config::load::{Environment, Variables};
use crate::config::problem::{MISSING, Problem};
use crate::failure::{Exit, Failure};
use crate::ui::format::Format;
use crate::ui::output;
use crate::ui::progress::Progress;
use crate::ui::terminal::{Hints, Terminal};

/// Flags of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global")]
pub struct GlobalArgs {
    /// The kubeconfig [default: KUBECONFIG, then ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; required to write without a terminal
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// Output format: text, json, yaml or github
    #[arg(
        long,
        short,
        global = true,
        value_name = "FORMAT",
        default_value = "text"
    )]
    output: Format,
    /// Tell every object and request (-vv: more); never a secret
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Show no progress
    #[arg(long, global = true)]
    quiet: bool,
}

/// The flags of [`GlobalArgs`] that only a cluster needs, at a command that needs none: taken, not listed, told.
#[derive(Debug)]
pub(super) struct NoCluster;

impl NoCluster {
    const FLAGS: [&'static str; 4] = ["kubeconfig", "context", "verbose", "quiet"];

    /// Says which of them were given in vain.
    pub(super) fn tell(session: &Session) {
        let given = [
            ("--kubeconfig", session.kubeconfig.is_some()),
            ("--context", session.context.is_some()),
        ];
        let flags: Vec<&str> = given
            .into_iter()
            .filter_map(|(flag, given)| given.then_some(flag))
            .collect();
        if !flags.is_empty() {
            output::talk(&format!(
                "note: this command needs no cluster and does not read {}",
                flags.join(", ")
            ));
        }
    }
}

impl clap::Args for NoCluster {
    fn augment_args(command: clap::Command) -> clap::Command {
        let global = GlobalArgs::augment_args(clap::Command::new("global"));
        let hidden = global
            .get_arguments()
            .filter(|argument| Self::FLAGS.contains(&argument.get_id().as_str()))
            .map(|argument| argument.clone().hide(true));
        hidden.fold(command, clap::Command::arg)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for NoCluster {
    fn from_arg_matches(_: &clap::ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self)
    }

    fn update_from_arg_matches(&mut self, _: &clap::ArgMatches) -> Result<(), clap::Error> {
        Ok(())
    }
}

/// The surroundings of one run.
#[derive(Debug)]
pub struct Session {
    /// Format of stdout.
    pub(super) format: Format,
    /// Where talk goes, and whether anyone answers.
    pub(super) terminal: Terminal,
    /// No progress.
    pub(super) quiet: bool,
    /// Every object is told.
    pub(super) verbose: bool,
    /// The environment as it was at start.
    pub(super) variables: Variables,
    /// What other parts need of it.
    pub(super) environment: Environment,
    /// Set by Ctrl-C and TERM.
    pub(super) interrupt: Interrupt,
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
}

impl GlobalArgs {
    /// The format, before anything else is known.
    pub(crate) fn format(&self) -> Format {
        self.output
    }

    /// How much to log.
    pub(crate) fn verbosity(&self) -> u8 {
        self.verbose
    }

    /// The session of this run.
    pub(crate) fn session(&self, variables: Variables, interrupt: Interrupt) -> Session {
        let environment = Environment::new(&variables);
        let terminal = terminal(&environment);
        Session {
            format: self.output,
            terminal,
            quiet: self.quiet,
            verbose: self.verbose > 0,
            variables,
            environment,
            interrupt,
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        }
    }
}

/// Where it goes, as whom.
pub(super) fn target(cluster: &Cluster) -> String {
    let identity = &cluster.identity;
    format!(
        "context {}, server {}, user {}",
        identity.context, identity.server, identity.user
    )
}

/// What kind of terminal the environment describes.
pub(crate) fn terminal(environment: &Environment) -> Terminal {
    Terminal::detect(Hints {
        ci: environment.ci,
        no_color: environment.no_color,
        dumb: environment.term.as_deref() == Some("dumb"),
    })
}

impl Session {
    /// Connects to the cluster, once the target is named well enough to be written to.
    pub(super) async fn connect(&self) -> Result<Cluster, Failure> {
        Cluster::connect(&self.cluster_options()).await
    }

    /// What is missing for writing where nobody can be asked: the agreement and the target.
    /// Looking (`--dry-run`) may use the current context.
    pub(super) fn target_needs(&self, agreed: bool, looks_only: bool) -> Vec<Problem> {
        if self.terminal.interactive {
            return Vec::new();
        }
        let need = |what: &str, remedy: &str| {
            Problem::new(MISSING, "", what, Origin::Default).remedy(remedy)
        };
        let mut needs = Vec::new();
        if !agreed {
            needs.push(need(
                "nobody can be asked whether to go on",
                "give --yes, or look first with --dry-run",
            ));
        }
        if !looks_only && self.context.is_none() && !self.cluster_options().is_in_cluster() {
            needs.push(need(
                "the cluster to write to is not named",
                "give --context NAME",
            ));
        }
        needs
    }

    /// Refuses to write to whatever cluster happens to be current, where nobody can be asked.
    pub(super) fn require_target(needs: &[Problem]) -> Result<(), Failure> {
        if needs.is_empty() {
            return Ok(());
        }
        let failure = Failure::new("no-terminal", Exit::Usage, "there is no terminal to ask on");
        Err(needs
            .iter()
            .fold(failure, |failure, need| failure.why(need.line())))
    }

    /// Starts showing what happens.
    pub(super) fn progress(&self) -> Progress {
        Progress::start(self.terminal, self.quiet, self.verbose)
    }

    /// Proxy variables of the environment.
    pub(super) fn environment_proxy(&self) -> EnvironmentProxy {
        let exposed = |proxy: &Option<crate::secret::Secret<String>>| {
            proxy.as_ref().map(|url| url.expose().clone())
        };
        EnvironmentProxy {
            http: exposed(&self.environment.http_proxy),
            https: exposed(&self.environment.https_proxy),
            no_proxy: self.environment.no_proxy.clone().unwrap_or_default(),
        }
    }

    fn cluster_options(&self) -> ClusterOptions {
        let home = || {
            self.environment
                .home
                .iter()
                .map(|home| home.join(".kube/config"))
                .collect()
        };
        let listed = &self.environment.kubeconfig;
        ClusterOptions {
            kubeconfig: self.kubeconfig.clone(),
            kubeconfig_list: if listed.is_empty() {
                home()
            } else {
                listed.clone()
            },
            context: self.context.clone(),
            in_cluster: self.in_cluster(),
            proxy: self.environment_proxy(),
            interactive: self.terminal.interactive && std::io::stdin().is_terminal(),
        }
    }

    /// A pod's own access; only where no kubeconfig is named.
    fn in_cluster(&self) -> Option<InCluster> {
        if self.kubeconfig.is_some() || !self.environment.kubeconfig.is_empty() {
            return None;
        }
        Some(InCluster {
            host: self.environment.kubernetes_service_host.clone()?,
            port: self
                .environment
                .kubernetes_service_port
                .as_deref()?
                .parse()
                .ok()?,
            directory: PathBuf::from(InCluster::DIRECTORY),
        })
    }
}
