//! Gathers what preflight looks at: cluster, registry and GitHub are asked at the same time.

use std::collections::BTreeSet;

use futures::join;
use serde::Serialize;

use crate::checks::{Finding, Kept, Preflight, Verdict, preflight};
use crate::cli::pass::Rendered;
use crate::cli::session::target;
use crate::cli::{Session, clock, ways};
use crate::clients::kube::{Cluster, Identity};
use crate::clients::registry::DockerConfig;
use crate::clients::roots::preload_system_roots;
use crate::clients::transport::Http;
use crate::config::load::Loaded;
use crate::facts::{self, Facts, GithubReport, TlsReport};
use crate::failure::{Details, Failure};
use crate::image_ref::ImageReference;
use crate::object::pods::image_slots;
use crate::observe::{self, ImageReport, Observed, Resolver, Right, SecretReport};
use crate::plan::idle_sets;
use crate::rules::{Outcome, Place};
use crate::ui::format::Format;
use crate::ui::progress::Progress;
use crate::ui::terminal::{Style, Terminal};
use crate::ui::{self, foreign, output};

/// How every look begins: what `via: auto` means here is settled and told, then the cluster is connected to.
pub(super) async fn connected(
    loaded: &mut Loaded,
    session: &Session,
    progress: &Progress,
) -> Result<Cluster, Failure> {
    for chosen in Box::pin(ways::settle(&mut loaded.config, clock::now())).await? {
        progress.told(&foreign::line(&chosen));
    }
    progress.stage("reading the cluster");
    if loaded.config.ca_bundle.is_none() {
        // Registry and GitHub are asked once the cluster has answered.
        tokio::task::spawn_blocking(preload_system_roots);
    }
    let cluster = session.connect().await?;
    progress.told(&target(&cluster));
    Ok(cluster)
}

/// What was observed, and what follows from it.
#[derive(Debug)]
pub(super) struct Checked {
    /// Where receipt and lock lie.
    pub(super) home: String,
    /// Each object against the cluster.
    pub(super) observed: Observed,
    /// Every finding.
    pub(super) findings: Vec<Finding>,
}

/// What the command line says about the writing to come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choices {
    /// Other managers' fields are taken.
    pub(super) force_conflicts: bool,
    /// Runner sets without idle runners will be tried.
    pub(super) pull_test: bool,
    /// Every server's certificate is looked at, also where its answer would be proof enough.
    pub(super) sees_certificates: bool,
}

/// Observes the cluster and asks registry and GitHub, all at the same time.
pub(super) async fn check(
    cluster: &Cluster,
    loaded: &Loaded,
    facts: &mut Facts,
    rendered: &Rendered,
    resolver: &Resolver<'_>,
    choices: Choices,
) -> Result<Checked, Failure> {
    let config = &loaded.config;
    let http = facts::route(config, &loaded.credentials, facts).client()?;
    let accounts = observe::accounts(&loaded.credentials)?;
    let (images, kept) = pulled(rendered);
    let home = observe::home(cluster, &config.name, &config.homes()).await?;
    let options = observe::Options {
        install: &config.name,
        namespace: home,
        controller_namespace: config.controller_namespace(),
        facts,
        force_conflicts: choices.force_conflicts,
        manage_namespaces: config.namespaces.manage,
    };
    let inside = inside(cluster, loaded, rendered, resolver, &options, choices);
    let outside = outside(&http, &accounts, loaded, rendered, &images, choices);
    let (inside, outside) = join!(Box::pin(inside), Box::pin(outside));
    let inside = inside?;
    facts.github.clone_from(&outside.github.facts);
    let findings = preflight(&Preflight {
        config,
        facts,
        manifests: &rendered.manifests,
        observed: &inside.observed,
        rights: &inside.rights,
        user: &cluster.identity.user,
        secrets: &inside.secrets,
        namesakes: &inside.namesakes,
        handshakes: &outside.handshakes,
        images: &outside.images,
        kept: &kept,
        github: &outside.github,
        force_conflicts: choices.force_conflicts,
    });
    Ok(Checked {
        home: home.to_owned(),
        observed: inside.observed,
        findings,
    })
}

/// What the cluster said.
struct Inside {
    observed: Observed,
    rights: Vec<Right>,
    secrets: Vec<SecretReport>,
    namesakes: Vec<String>,
}

/// Asks the cluster.
async fn inside(
    cluster: &Cluster,
    loaded: &Loaded,
    rendered: &Rendered,
    resolver: &Resolver<'_>,
    options: &observe::Options<'_>,
    choices: Choices,
) -> Result<Inside, Failure> {
    let (config, manifests) = (&loaded.config, &rendered.manifests);
    let tested: BTreeSet<String> = if choices.pull_test {
        let sets = idle_sets(manifests).into_iter();
        sets.filter_map(|set| set.namespace).collect()
    } else {
        BTreeSet::new()
    };
    let (observed, mut rights, pods, secrets) = join!(
        observe::observe(cluster, manifests, resolver, options),
        observe::rights(cluster, manifests, options.namespace, &tested),
        observe::pods(cluster, manifests, options),
        observe::read_secrets(cluster, config.existing_secrets()),
    );
    let observed = Observed {
        pods: pods?,
        ..observed?
    };
    let namesakes = match &config.controller.existing {
        Some(existing) if observed.receipt.is_none() => {
            observe::namesakes(cluster, &config.name, &existing.namespace).await?
        }
        _ => Vec::new(),
    };
    rights.extend(observe::rights_to_remove(cluster, &observed.dropped, &rights).await);
    Ok(Inside {
        observed,
        rights,
        secrets,
        namesakes,
    })
}

/// What registries, GitHub and their servers' certificates said.
struct Outside {
    images: Vec<ImageReport>,
    github: GithubReport,
    handshakes: Vec<TlsReport>,
}

/// Asks whatever is not the cluster.
async fn outside(
    http: &Http,
    accounts: &DockerConfig,
    loaded: &Loaded,
    rendered: &Rendered,
    images: &[String],
    choices: Choices,
) -> Outside {
    let (servers, mut asked) = servers(loaded, rendered, images);
    if choices.sees_certificates {
        asked.clear();
    }
    roots_read(http).await;
    let (images, github, handshakes) = join!(
        Box::pin(observe::read_images(images, http, accounts)),
        Box::pin(facts::read_github(
            &loaded.config,
            &loaded.credentials,
            http
        )),
        Box::pin(facts::read_tls(http, &servers, &asked)),
    );
    Outside {
        images,
        github,
        handshakes,
    }
}

/// Reading the machine's roots blocks: the cluster's answers do not wait for it.
async fn roots_read(http: &Http) {
    if http.route().roots.bundle.is_empty() {
        tokio::task::spawn_blocking(preload_system_roots).await.ok();
    }
}

/// Every image whose place is known here, and by registry those that a rule keeps: the nodes' own affair.
fn pulled(rendered: &Rendered) -> (Vec<String>, Vec<Kept>) {
    let mut images: Vec<String> = Vec::new();
    let mut kept: Vec<Kept> = Vec::new();
    let mirrors = rendered.rules.mirrors();
    for manifest in &rendered.manifests {
        for slot in image_slots(&manifest.object) {
            let Ok(reference) = ImageReference::parse(&slot.text) else {
                continue;
            };
            let host = reference.host();
            let place = Place::of(&manifest.object, &slot.pointer);
            let list = match rendered.rules.decide_at(&reference, &place).outcome {
                Outcome::AlreadyThere | Outcome::NoRule => &mut images,
                Outcome::Kept => {
                    let at = kept.iter().position(|kept| kept.host == host);
                    let at = at.unwrap_or_else(|| {
                        let mirror = mirrors.iter().find(|(source, _)| source == host);
                        kept.push(Kept {
                            host: host.to_owned(),
                            images: Vec::new(),
                            mirror: mirror.map(|(_, mirror)| mirror.place.to_string()),
                        });
                        kept.len() - 1
                    });
                    match kept.get_mut(at) {
                        Some(kept) => &mut kept.images,
                        None => continue,
                    }
                }
                _ => continue,
            };
            if !list.contains(&slot.text) {
                list.push(slot.text);
            }
        }
    }
    (images, kept)
}

/// GitHub, and the host of every rule's target; and which of them are asked something anyway.
fn servers(loaded: &Loaded, rendered: &Rendered, images: &[String]) -> (Vec<String>, Vec<String>) {
    let github = &loaded.config.github;
    let mut servers = vec![github.host().to_owned()];
    servers.extend(rendered.rules.target_hosts().into_iter().map(str::to_owned));
    let mut asked: Vec<String> = images
        .iter()
        .filter_map(|image| ImageReference::parse(image).ok())
        .map(|reference| reference.host().to_owned())
        .collect();
    // The API of github.com is another host.
    if github.is_enterprise_server() && github.api_base().starts_with("https:") {
        asked.push(github.host().to_owned());
    }
    (servers, asked)
}

/// What a run answers that preflight stopped.
#[derive(Debug, Serialize)]
struct Refused<'a> {
    #[serde(flatten)]
    failure: &'a Details,
    context: &'a str,
    server: &'a str,
    user: &'a str,
    findings: &'a [Finding],
}

/// Ends a run that wrote nothing: the failure for a person, and one document with every finding for a program.
pub(super) fn refuse(
    session: &Session,
    identity: &Identity,
    findings: &[Finding],
    failure: &Failure,
) -> Result<(), Failure> {
    output::talk(&ui::failure::text(failure, session.terminal));
    let refused = Refused {
        failure: failure.details(),
        context: &identity.context,
        server: &identity.server,
        user: &identity.user,
        findings,
    };
    output::answer(session.format, "Failure", &refused, String::new)
}

/// In GitHub's format, one workflow command for each finding that blocks or warns.
pub(super) fn annotate(findings: &[Finding], format: Format) {
    if format != Format::Github {
        return;
    }
    for finding in findings {
        let level = match finding.verdict {
            Verdict::Failed => "error",
            Verdict::Warning => "warning",
            Verdict::Ok | Verdict::Unknown => continue,
        };
        let what = format!("{}: {}", finding.subject, finding.title);
        let parts = std::iter::once(what.as_str())
            .chain(finding.why.iter().map(String::as_str))
            .chain(finding.evidence.iter().map(String::as_str))
            .chain(finding.remedies());
        let title = format!("arc-setup {}", finding.id);
        let command = ui::foreign::workflow_command(level, &[("title", &title)], parts);
        output::talk(&command);
    }
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
