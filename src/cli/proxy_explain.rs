//! `proxy explain`: every host beside every program, by the NO_PROXY that an install sets, or another one.

mod hosts;
mod text;

use serde::Serialize;

use crate::cli::config_args::{Part, PartArgs};
use crate::cli::session::target;
use crate::cli::{Session, clock, config_load, ways};
use crate::config::{Config, Proxy};
use crate::facts::{self, ClusterFacts, Facts, KubernetesVersion};
use crate::failure::{Exit, Failure};
use crate::proxy::{Destination, Grid, Idle, Variables, explain, idle};
use crate::rewrite;
use crate::ui::{foreign, output};

/// Arguments of `proxy explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Hosts as in a URL: registry.example.com, 10.0.0.1:6443, http://example.com [default: what an install needs]
    #[arg(value_name = "HOST", value_parser = hosts::destination)]
    hosts: Vec<Destination>,
    /// Judge this NO_PROXY as it stands, in place of the one that an install sets
    #[arg(
        long,
        value_name = "NO_PROXY",
        allow_hyphen_values = true,
        help_heading = "Judged"
    )]
    list: Option<String>,
    /// Judge the variables of this shell: HTTP_PROXY, NO_PROXY and the like, in both cases
    #[arg(long, conflicts_with = "list", help_heading = "Judged")]
    from_environment: bool,
    /// Do not ask the cluster for its names and ranges
    #[arg(long, help_heading = "Judged")]
    no_cluster: bool,
    #[command(flatten)]
    config: PartArgs<Ways>,
}

/// What decides which hosts are needed, and which way they are reached.
#[derive(Debug, Clone)]
struct Ways;

impl Part for Ways {
    const FIELDS: &'static [&'static str] = &[
        "github.url",
        "registry.host",
        "registry.map",
        "registry.preset",
        "registry.keys",
        "proxy",
        "caBundle",
        "pinSha256",
    ];
    const EXCEPT: &'static [&'static str] = &[
        "proxy.credentials",
        "proxy.runners",
        "proxy.runnersExistingSecret",
    ];
}

/// Whose variables are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Judged {
    /// Those that an install sets, in both cases.
    Install,
    /// `--list`, in both cases.
    List,
    /// Those of this shell.
    Environment,
}

/// What is said.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    judged: Judged,
    no_proxy: String,
    #[serde(flatten)]
    grid: Grid,
    /// Entries that do nothing, and for which programs.
    idle: Vec<Idle>,
    /// What else there is to know.
    notes: Vec<String>,
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let mut loaded = config_load::load_unanswered(&args.config.config, session)?;
    let mut notes = Vec::new();
    if args.list.is_none() && !args.from_environment {
        notes = Box::pin(ways::settle(&mut loaded.config, clock::now())).await?;
    }
    let config = &loaded.config;
    let cluster = cluster(args, session, &mut notes).await;
    let (judged, variables) = variables(args, session, config, &cluster, &mut notes);
    let destinations = if args.hosts.is_empty() {
        let rules = super::pass::rules(config)?;
        hosts::needed(config, &rules.target_hosts(), &cluster)
    } else {
        args.hosts.clone()
    };
    if variables.has_two_lists() {
        notes.push("no_proxy and NO_PROXY differ. Go up to 1.26 takes NO_PROXY, golang.org/x/net since 0.59 no_proxy, and so does everything else: make them the same".to_owned());
    }
    let answer = Answer {
        judged,
        no_proxy: variables.list().to_owned(),
        grid: explain(&variables, &destinations),
        idle: idle(&variables),
        notes,
    };
    output::answer(session.format, "ProxyReport", &answer, || {
        text::text(&answer)
    })?;
    Ok(Exit::Done)
}

/// Names and ranges of the cluster, as far as it is there and asked.
async fn cluster(args: &Args, session: &Session, notes: &mut Vec<String>) -> ClusterFacts {
    let is_needed = args.hosts.is_empty() || args.list.is_none() && !args.from_environment;
    let assumed = Facts::assumed(KubernetesVersion::DEFAULT).cluster;
    if args.no_cluster || !is_needed {
        return assumed;
    }
    let read = async {
        let cluster = session.connect().await?;
        output::talk(&target(&cluster));
        facts::read_addresses(&cluster).await
    };
    match Box::pin(read).await {
        Ok(facts) => {
            let gaps = facts.incomplete.iter();
            notes.extend(gaps.map(|gap| format!("not read, so not in NO_PROXY: {gap}")));
            facts
        }
        Err(failure) => {
            notes.push(format!(
                "the cluster's own names and ranges are left out, since it was not read: {}",
                failure.details().what
            ));
            assumed
        }
    }
}

fn variables(
    args: &Args,
    session: &Session,
    config: &Config,
    cluster: &ClusterFacts,
    notes: &mut Vec<String>,
) -> (Judged, Variables) {
    if args.from_environment {
        let read = |name: &str| session.variables.get_even_empty(name).map(str::to_owned);
        return (Judged::Environment, Variables::read(read));
    }
    let of = |url: fn(&Proxy) -> &Option<String>| {
        config
            .proxy
            .as_ref()
            .is_some_and(|proxy| url(proxy).is_some())
    };
    let (http, https) = (of(|proxy| &proxy.http), of(|proxy| &proxy.https));
    if let Some(list) = &args.list {
        // Without a proxy in the configuration the list is judged as if there were one.
        let is_none = config.proxy.is_none();
        return (
            Judged::List,
            Variables::injected(http || is_none, https || is_none, list),
        );
    }
    if config.proxy.is_none() {
        notes.push("the configuration has no proxy, so an install sets no variables; --from-environment judges those of this shell, --list any other NO_PROXY".to_owned());
        return (Judged::Install, Variables::default());
    }
    let own = config.proxy.iter().flat_map(|proxy| proxy.no_proxy.iter());
    let own: Vec<String> = own.cloned().collect();
    let list = rewrite::no_proxy(&own, cluster).join(",");
    (
        Judged::Install,
        Variables::injected(http, https, &foreign::own_line(&list)),
    )
}
