//! All families of checks over one run's data, in a fixed order.

use super::images::{self, Kept};
use super::{
    Finding, Verdict, authorities, controllers, crds, github, objects, reach, rights, secrets,
};
use crate::config::Config;
use crate::facts::{Facts, GithubReport, TlsReport};
use crate::failure::{Exit, Failure};
use crate::object::Manifest;
use crate::observe::ImageReport;
use crate::observe::{Observed, Right, SecretReport};
use crate::plan::minor_change;

/// What preflight looks at.
#[derive(Debug, Clone, Copy)]
pub struct Preflight<'a> {
    /// What the user wants.
    pub config: &'a Config,
    /// What is true outside.
    pub facts: &'a Facts,
    /// What would be written.
    pub manifests: &'a [Manifest],
    /// What the API server said.
    pub observed: &'a Observed,
    /// What the user may do.
    pub rights: &'a [Right],
    /// Who the user is.
    pub user: &'a str,
    /// Secrets that others make.
    pub secrets: &'a [SecretReport],
    /// Where receipts of this name lie under the same existing controller.
    pub namesakes: &'a [String],
    /// What handshakes showed.
    pub handshakes: &'a [TlsReport],
    /// What the registry said.
    pub images: &'a [ImageReport],
    /// Images that a rule keeps, which nobody was asked about.
    pub kept: &'a [Kept],
    /// What GitHub said.
    pub github: &'a GithubReport,
    /// True where other managers' fields are taken.
    pub force_conflicts: bool,
}

/// Every finding of every family.
pub fn preflight(input: &Preflight<'_>) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("kubernetes-version", version(input.facts))];
    findings.extend(incomplete(input.facts, input.user));
    findings.extend(authorities::findings(&input.facts.ca_notes));
    findings.extend(controllers::findings(input.config, input.facts));
    findings.extend(minor(input));
    findings.extend(namesakes(input));
    findings.extend(rights::findings(input.rights, input.observed, input.user));
    findings.extend(crds::findings(input.facts, input.manifests));
    findings.extend(objects::findings(
        input.observed,
        input.rights,
        input.force_conflicts,
    ));
    findings.extend(secrets::findings(input.secrets, input.facts));
    findings.extend(reach::handshakes(input.handshakes, input.config));
    let behind = images::findings(input.images, input.config)
        .into_iter()
        .chain(images::kept(input.kept))
        .chain(github::server_version(input.config, input.facts))
        .chain(reach::github(input.github, input.config.github.host()));
    // One cause, one finding: what only repeats that a handshake failed is left out.
    let broken = reach::broken(input.handshakes);
    findings.extend(behind.filter(|finding| !reach::repeats(finding, &broken)));
    findings.into_iter().map(Finding::complete).collect()
}

fn version(facts: &Facts) -> String {
    let version = facts.cluster.kubernetes;
    format!("Kubernetes {}.{}", version.major, version.minor)
}

/// What could not be read hides what it would have shown, such as another controller.
fn incomplete(facts: &Facts, user: &str) -> Option<Finding> {
    let gaps = &facts.cluster.incomplete;
    let finding = Finding::unknown("cluster-unread", user)
        .why("the user of this kubeconfig may not read all of it; checks that need it say nothing");
    (!gaps.is_empty()).then(|| gaps.iter().cloned().fold(finding, Finding::evidence))
}

fn minor(input: &Preflight<'_>) -> Option<Finding> {
    let failure = minor_change(input.config, input.facts, input.observed)?;
    let details = failure.details();
    let finding = Finding::failed("minor-change", details.what.clone());
    Some(
        details
            .why
            .iter()
            .chain(&details.evidence)
            .fold(finding, |finding, why| finding.why(why.clone())),
    )
}

/// This install under namespaces that it had before, or another one that looks like it.
fn namesakes(input: &Preflight<'_>) -> Option<Finding> {
    let first = input.namesakes.first()?;
    let name = &input.config.name;
    let finding = Finding::warning("install-namesake", input.namesakes.join(", "));
    Some(
        finding
            .why(format!(
                "an install named {name} under the same controller has its receipt there, and this one will have its own"
            ))
            .remedy(format!(
                "if it is this install with other namespaces, its runner sets stay until: arc-setup uninstall --name {name} --controller-namespace {first}"
            ))
            .remedy("if it is somebody else's, give this one a name of its own: name, or --name"),
    )
}

/// The failure that ends a run whose preflight blocks; None where nothing does. Conflicts alone end with 22.
pub fn blocking(findings: &[Finding], strict: bool) -> Option<Failure> {
    let failed: Vec<&Finding> = of(findings, Verdict::Failed);
    if failed.is_empty() {
        let doubts: Vec<&Finding> = findings
            .iter()
            .filter(|finding| is_doubt(finding))
            .collect();
        return (strict && !doubts.is_empty()).then(|| {
            let what =
                "preflight has warnings or could not check everything, and --strict was given";
            failure("preflight-warnings", Exit::Warnings, &doubts, what)
        });
    }
    if failed.iter().all(|finding| finding.id == "object-conflict") {
        let start = failure(
            "object-conflict",
            Exit::Conflict,
            &failed,
            "fields belong to another manager; nothing was written",
        );
        let owners = failed
            .iter()
            .flat_map(|finding| finding.why.iter().map(move |why| (&finding.subject, why)));
        return Some(owners.fold(start, |failure, (subject, why)| {
            failure.evidence(format!("{subject}: {why}"))
        }));
    }
    let what = match failed.len() {
        1 => "preflight found a problem; nothing was written".to_owned(),
        count => format!("preflight found {count} problems; nothing was written"),
    };
    Some(failure("preflight", Exit::Preflight, &failed, &what))
}

/// What `--strict` does not let pass. What this very run makes will be asked in time, and what the user keeps can
/// never be asked.
fn is_doubt(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Warning | Verdict::Unknown)
        && !matches!(finding.id.as_str(), "object-later" | "image-kept")
}

fn of(findings: &[Finding], verdict: Verdict) -> Vec<&Finding> {
    findings
        .iter()
        .filter(|finding| finding.verdict == verdict)
        .collect()
}

/// One line for each finding; the details were shown with the findings themselves.
fn failure(code: &str, exit: Exit, findings: &[&Finding], what: &str) -> Failure {
    let only = match findings {
        [only] => only.id.as_str(),
        _ => code,
    };
    let start = Failure::new(only, exit, what);
    let told = findings.iter().fold(start, |failure, finding| {
        failure.why(format!(
            "{}: {} ({})",
            finding.subject, finding.title, finding.id
        ))
    });
    let mut remedies: Vec<&str> = Vec::new();
    for remedy in findings.iter().flat_map(|finding| finding.remedies()) {
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    remedies.into_iter().fold(told, Failure::remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failed_blocks_and_unknown_does_not() {
        let findings = [
            Finding::unknown("rights", "u"),
            Finding::warning("authority-expiring", "c"),
        ];
        assert_eq!(blocking(&findings, false), None);
        assert_eq!(
            blocking(&findings, true).map(|failure| failure.exit()),
            Some(Exit::Warnings)
        );
    }

    #[test]
    fn conflicts_alone_end_with_22_and_among_others_with_3() {
        let conflict =
            Finding::failed("object-conflict", "Deployment a/b").why("kubectl owns .spec");
        let alone = blocking(std::slice::from_ref(&conflict), false);
        assert_eq!(alone.map(|failure| failure.exit()), Some(Exit::Conflict));
        let both = blocking(&[conflict, Finding::failed("rights", "u")], false);
        assert_eq!(both.map(|failure| failure.exit()), Some(Exit::Preflight));
    }
}
