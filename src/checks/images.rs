//! What the registry said of each image, and which images nobody can be asked about.
//!
//! Only a plain no blocks: the registry's answer with the very account that the nodes will use.

use std::collections::BTreeMap;

use super::{Finding, Verdict, reach};
use crate::config::{Config, PullSecret};
use crate::image_ref::ImageReference;
use crate::observe::{ImagePresence, ImageReport};
use crate::plan::counted;

/// Images of one registry that a rule keeps as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The registry: `docker.io`.
    pub host: String,
    /// The images, as they are rendered.
    pub images: Vec<String>,
    /// Where dind is told to look for this registry's images.
    pub mirror: Option<String>,
}

/// One finding for each image that is not plainly there, one `ok` for those that are. What is wrong with a
/// whole registry is told once for all of its images.
pub(super) fn findings(reports: &[ImageReport], config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut hosts: BTreeMap<(String, &str), (Verdict, String, usize)> = BTreeMap::new();
    let mut present = 0;
    for report in reports {
        match &report.presence {
            ImagePresence::Present { .. } => present += 1,
            ImagePresence::Absent { why } => {
                findings
                    .push(Finding::failed("image-absent", report.image.clone()).why(why.clone()));
            }
            ImagePresence::Unknown { reason, why } => {
                let (id, verdict, why) = judged(reason, why, config);
                if matches!(
                    reason.as_str(),
                    "untrusted" | "proxy-refused" | "proxy-login" | "unreachable" | "auth-required"
                ) {
                    let host = (host(&report.image), id);
                    hosts.entry(host).or_insert((verdict, why, 0)).2 += 1;
                } else {
                    findings.push(Finding::new(id, verdict, report.image.clone()).why(why));
                }
            }
        }
    }
    findings.extend(
        hosts
            .into_iter()
            .map(|((host, id), (verdict, why, count))| {
                let subject = match count {
                    1 => format!("{host}, 1 image"),
                    count => format!("{host}, {count} images"),
                };
                let finding = Finding::new(id, verdict, subject).why(why);
                match &config.registry.pull_secret {
                    Some(PullSecret::ExistingSecret(secret)) if id == "image-unauthorized" => {
                        finding.remedy(format!(
                            "nothing if the account in Secret {} may read them",
                            secret.name
                        ))
                    }
                    _ => finding,
                }
            }),
    );
    if present > 0 {
        findings.push(Finding::ok(
            "image-absent",
            format!("{}, asked of the registry", counted(present, "image")),
        ));
    }
    findings
}

/// Id, verdict and cause of an answer that is neither yes nor 404.
fn judged(reason: &str, why: &str, config: &Config) -> (&'static str, Verdict, String) {
    let id = match reason {
        "auth-required" => "image-unauthorized",
        "denied" => "image-denied",
        "untrusted" => return ("image-untrusted", Verdict::Failed, why.to_owned()),
        "proxy-refused" => return ("proxy-refused", Verdict::Failed, why.to_owned()),
        "proxy-login" => {
            let (verdict, why) = reach::proxy_login(config);
            return ("proxy-refused", verdict, why.to_owned());
        }
        _ => return ("image-unknown", Verdict::Unknown, why.to_owned()),
    };
    match &config.registry.pull_secret {
        Some(PullSecret::DockerConfig) => (id, Verdict::Failed, why.to_owned()),
        Some(PullSecret::ExistingSecret(secret)) => (
            id,
            Verdict::Unknown,
            format!(
                "{why}; the account is in Secret {}, which is not read",
                secret.name
            ),
        ),
        None => (
            id,
            Verdict::Warning,
            format!(
                "{why}; no pull secret is configured, so the nodes need an account of their own"
            ),
        ),
    }
}

/// One finding for each registry whose images keep their names.
pub(super) fn kept(kept: &[Kept]) -> Vec<Finding> {
    kept.iter()
        .map(|kept| {
            let finding = Finding::unknown("image-kept", kept.host.clone())
                .why(format!("not asked about: {}", kept.images.join(", ")))
                .why("the nodes pull them by these names, by whatever mirror they have");
            let finding = match &kept.mirror {
                Some(mirror) => finding.why(format!("dind is told to pull from {mirror} instead")),
                None => finding,
            };
            finding.remedy(format!(
                "nothing if the nodes mirror {}; otherwise --registry-map {}=TARGET",
                kept.host, kept.host
            ))
        })
        .collect()
}

fn host(image: &str) -> String {
    ImageReference::parse(image).map_or_else(
        |_| image.to_owned(),
        |reference| reference.host().to_owned(),
    )
}
