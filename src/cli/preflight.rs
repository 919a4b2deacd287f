//! Gathers what preflight looks at: cluster, registry and GitHub are asked at the same time.

use futures::join;

use crate::checks::{Finding, Preflight, Verdict, preflight};
use crate::cli::pass::Rendered;
use crate::clients::kube::Cluster;
use crate::clients::transport::preload_system_roots;
use crate::config::load::Loaded;
use crate::facts::{self, Facts};
use crate::failure::Failure;
use crate::image_ref::ImageReference;
use crate::object::pods::image_slots;
use crate::observe::{self, Observed, Resolver};
use crate::rules::{Outcome, RuleSet};
use crate::ui::terminal::{Style, Terminal};

/// What was observed, and what follows from it.
#[derive(Debug)]
pub(super) struct Checked {
    /// Each object against the cluster.
    pub(super) observed: Observed,
    /// Every finding.
    pub(super) findings: Vec<Finding>,
}

/// Observes the cluster and asks registry and GitHub, all at the same time.
pub(super) async fn check(
    cluster: &Cluster,
    loaded: &Loaded,
    facts: &mut Facts,
    rendered: &Rendered,
    resolver: &Resolver<'_>,
    force_conflicts: bool,
) -> Result<Checked, Failure> {
    let config = &loaded.config;
    let route = facts::route(config, &loaded.credentials, facts);
    let accounts = observe::accounts(&loaded.credentials)?;
    let images = pulled(rendered);
    let servers = servers(loaded, rendered);
    let manifests = &rendered.manifests;
    let options = observe::Options {
        install: &config.name,
        namespace: config.controller_namespace(),
        facts,
        force_conflicts,
        manage_namespaces: config.namespaces.manage,
    };
    let cluster_side = async {
        let (observed, rights) = join!(
            observe::observe(cluster, manifests, resolver, &options),
            observe::rights(cluster, manifests)
        );
        let mut observed = observed?;
        observed.pods = observe::pods(cluster, manifests, &observed, &options).await?;
        Ok::<_, Failure>((observed, rights))
    };
    let outside = async {
        // Reading the machine's roots blocks: the cluster's answers do not wait for it.
        tokio::task::spawn_blocking(preload_system_roots).await.ok();
        join!(
            Box::pin(observe::read_images(&images, &route, &accounts)),
            Box::pin(facts::read_tls(&route, &servers)),
            Box::pin(facts::read_github(config, &loaded.credentials, &route)),
        )
    };
    let (observed, (images, handshakes, github)) = join!(Box::pin(cluster_side), Box::pin(outside));
    let ((observed, rights), images, github) = (observed?, images?, github?);
    facts.github.clone_from(&github.facts);
    let findings = preflight(&Preflight {
        config,
        facts,
        manifests,
        observed: &observed,
        rights: &rights,
        user: &cluster.identity.user,
        handshakes: &handshakes,
        images: &images,
        github: &github,
        force_conflicts,
    });
    Ok(Checked { observed, findings })
}

/// Every image as it will be pulled; what a rule keeps is the nodes' own affair.
fn pulled(rendered: &Rendered) -> Vec<String> {
    let mut images: Vec<String> = Vec::new();
    for manifest in &rendered.manifests {
        for slot in image_slots(&manifest.object) {
            if asked(&rendered.rules, &slot.text) && !images.contains(&slot.text) {
                images.push(slot.text);
            }
        }
    }
    images
}

/// True where the place that it is pulled from is known here.
fn asked(rules: &RuleSet, image: &str) -> bool {
    ImageReference::parse(image).is_ok_and(|image| {
        matches!(
            rules.decide(&image).outcome,
            Outcome::AlreadyThere | Outcome::NoRule
        )
    })
}

/// GitHub, and the host of every rule's target.
fn servers(loaded: &Loaded, rendered: &Rendered) -> Vec<String> {
    let mut servers = vec![loaded.config.github.host().to_owned()];
    servers.extend(rendered.rules.target_hosts().into_iter().map(str::to_owned));
    servers
}

/// Findings as lines: what blocks last, where it is read.
pub(super) fn lines(findings: &[Finding], terminal: Terminal) -> Vec<String> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.verdict);
    let mut lines = Vec::new();
    for finding in sorted {
        let mark = match finding.verdict {
            Verdict::Ok => terminal.paint(Style::Green, "ok     "),
            Verdict::Unknown => terminal.paint(Style::Yellow, "unknown"),
            Verdict::Warning => terminal.paint(Style::Yellow, "warning"),
            Verdict::Failed => terminal.paint(Style::Red, "failed "),
        };
        let id = terminal.paint(Style::Dim, &finding.id);
        lines.push(match finding.verdict {
            Verdict::Ok => format!("  {mark} {}: {}", finding.subject, finding.title),
            _ => format!("  {mark} {}: {} [{id}]", finding.subject, finding.title),
        });
        if finding.verdict != Verdict::Ok {
            lines.extend(finding.why.iter().map(|why| format!("            {why}")));
            lines.extend(
                finding
                    .evidence
                    .iter()
                    .map(|evidence| format!("            > {evidence}")),
            );
            lines.extend(
                finding
                    .remedies()
                    .iter()
                    .map(|remedy| format!("            → {remedy}")),
            );
        }
    }
    lines
}
