//! Looks from every place: prepares the pods, asks, starts them, and puts what they say side by side.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};

use futures::FutureExt as _;
use futures::join;

use super::{Work, host};
use crate::apply::{self, Probing};
use crate::checks::catalogue;
use crate::cli::pass;
use crate::cli::rollout::Registries;
use crate::cli::session::target;
use crate::clients::transport::{ProxyRoute, Route};
use crate::config::Mode;
use crate::event::Event;
use crate::facts::{self, Facts};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::observe::{self, Right};
use crate::plan::counted;
use crate::plan::vantage::{Probe, Probes, Run, Spot, Target, Wanted, probes, targets};
use crate::proxy::NoProxy;
use crate::rewrite::images::listing;
use crate::rewrite::{self, merge_pod_templates};
use crate::ui::prompt;
use crate::verify::vantage::{Column, Ended, Grid, grid, node, of_probe, untried};
use crate::verify::wait;

/// What is to be looked at, and from where.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) targets: Vec<Target>,
    pub(super) probes: Probes,
    run: Run,
}

impl Work<'_> {
    /// Rows and pods of this configuration.
    pub(super) fn prepare(
        &self,
        facts: &Facts,
        rendered: &pass::Rendered,
    ) -> Result<Look, Failure> {
        let config = &self.loaded.config;
        let mut before = crate::render::render(config, facts)?;
        merge_pod_templates(&mut before, &rewrite::Context { config, facts });
        let targets = targets(config, &listing(&before, &rendered.rules));
        // Keyed anew in each process: nobody outside can guess it.
        let run = Run::new(RandomState::new().hash_one("probe"));
        let probes = probes(&Wanted {
            config,
            manifests: &rendered.manifests,
            targets: &targets,
            run: &run,
            is_openshift: facts.cluster.openshift,
        });
        Ok(Look {
            targets,
            probes,
            run,
        })
    }

    /// Asks, starts the pods, and judges what they say. `home` is where the lock lies.
    pub(super) async fn look(
        &self,
        look: Look,
        facts: &Facts,
        home: &str,
    ) -> Result<Grid, Failure> {
        let config = &self.loaded.config;
        let is_scale_set = config.mode == Mode::ScaleSet;
        let route = facts::route(config, &self.loaded.credentials, facts);
        let probes = &look.probes.probes;
        is_installed(home, facts)?;
        self.may_probe(probes, home).await?;
        self.agree(probes)?;
        let from_here = host::column(&look.targets, &route, self.loaded, is_scale_set);
        let inside = self.run_probes(probes, facts, home);
        let (from_here, ended) = join!(Box::pin(from_here), Box::pin(inside));
        let ended: Vec<(Probe, Ended)> = probes.iter().cloned().zip(ended?).collect();
        let way = in_cluster(&route, config, facts);
        let is_proxied = |target: &Target| host::is_proxied(&way, target);
        let mut columns = vec![from_here?, node(&look.targets, &ended)];
        let places = ended
            .iter()
            .filter(|(probe, _)| probe.place.spot != Spot::Node);
        columns.extend(
            places.map(|(probe, ended)| {
                of_probe(probe, ended, &look.targets, &look.run, &is_proxied)
            }),
        );
        let without = look.probes.untried.iter();
        columns.extend(without.map(|one| untried(one, &look.targets, is_scale_set)));
        columns.sort_by(|one: &Column, other| one.place.cmp(&other.place));
        Ok(grid(look.targets, columns, is_scale_set))
    }

    /// Fails with each right that is missing.
    async fn may_probe(&self, probes: &[Probe], home: &str) -> Result<(), Failure> {
        let namespaces: BTreeSet<String> = probes
            .iter()
            .map(|probe| probe.namespace().to_owned())
            .collect();
        let rights = observe::rights_to_probe(self.cluster, &namespaces, home).await;
        let denied: Vec<&Right> = rights
            .iter()
            .filter(|right| right.allowed == Some(false))
            .collect();
        if denied.is_empty() {
            return Ok(());
        }
        let user = &self.cluster.identity.user;
        let what = format!("{user} may not look from the cluster");
        let failure = Failure::new("probe-forbidden", Exit::Preflight, what);
        let failure = denied.iter().fold(failure, |failure, right| {
            let namespace = right.namespace.as_deref().unwrap_or_default();
            failure.why(format!(
                "no right to {} {} in namespace {namespace}",
                right.verb, right.resource
            ))
        });
        Err(match catalogue::entry("probe-forbidden") {
            Some(entry) => failure.remedy(entry.remedy),
            None => failure,
        })
    }

    /// Says what will be made, and asks.
    fn agree(&self, probes: &[Probe]) -> Result<(), Failure> {
        let must_see = !self.args.yes;
        if must_see || !self.session.quiet {
            for probe in probes {
                let privileged = if probe.is_privileged() {
                    ", privileged as the runner set's own pods are"
                } else {
                    ""
                };
                self.progress.line(&format!(
                    "  + Pod for {} in {}, image {}{privileged}",
                    probe.place,
                    probe.namespace(),
                    probe.images().join(", ")
                ));
            }
        }
        if self.args.yes || probes.is_empty() {
            return Ok(());
        }
        self.session.interrupt.check()?;
        let question = format!(
            "Start {} in {}, and remove them?",
            counted(probes.len(), "pod"),
            target(self.cluster)
        );
        if self.progress.suspended(|| prompt::confirm(&question))? {
            return Ok(());
        }
        Err(prompt::declined())
    }

    async fn run_probes(
        &self,
        probes: &[Probe],
        facts: &Facts,
        home: &str,
    ) -> Result<Vec<Ended>, Failure> {
        if probes.is_empty() {
            return Ok(Vec::new());
        }
        let (config, credentials) = (&self.loaded.config, &self.loaded.credentials);
        let interrupt = &self.session.interrupt;
        let registries = Registries::new(config, credentials, facts, interrupt)?;
        let look = |image| registries.ask(image);
        let events = |event| {
            // A probe is not ready, it has ended.
            if !matches!(event, Event::Ready { .. }) {
                self.progress.tell(&event);
            }
        };
        let (cluster, timeout) = (self.cluster, self.args.timeout);
        let ran = |pod: ObjectRef| {
            wait::started(cluster, pod, timeout, Some(&look), &events, interrupt).boxed()
        };
        let mut namespaces = config.runner_namespaces();
        namespaces.push(config.controller_namespace());
        namespaces.sort_unstable();
        namespaces.dedup();
        let common = config.common();
        let probing = Probing {
            cluster,
            install: &config.name,
            home,
            common: &common,
            probes,
            namespaces: &namespaces,
            ran: &ran,
            events: &events,
            interrupt,
        };
        let ended = Box::pin(apply::probe(&probing)).await?;
        Ok(ended
            .into_iter()
            .map(|ended| match ended {
                Ok(message) => Ended::Said(message),
                Err(failure) => Ended::Failed(failure.details().clone()),
            })
            .collect())
    }
}

/// There is nowhere to look from before an install; where namespaces may not be read, the pods themselves will tell.
fn is_installed(home: &str, facts: &Facts) -> Result<(), Failure> {
    let cluster = &facts.cluster;
    if cluster.namespaces.contains_key(home) || !cluster.incomplete.is_empty() {
        return Ok(());
    }
    let what = format!("there is no place to look from: the namespace {home} is not there");
    Err(Failure::new("object-missing", Exit::Preflight, what)
        .why("probes stand in the namespaces of an install, with its accounts, Secrets and authorities")
        .remedy("run arc-setup init first, then check --from-cluster"))
}

/// The way that a pod of the cluster goes: the same proxy, with all that is direct there.
fn in_cluster(route: &Route, config: &crate::config::Config, facts: &Facts) -> Route {
    let direct = config
        .proxy
        .as_ref()
        .map(|proxy| rewrite::no_proxy(&proxy.no_proxy, &facts.cluster).join(","));
    Route {
        proxy: route.proxy.clone().map(|proxy| ProxyRoute {
            no_proxy: NoProxy::parse(&direct.unwrap_or_default()),
            ..proxy
        }),
        ..route.clone()
    }
}
