//! What a locked-down cluster usually needs and nobody named: offered beside the questions that must be asked
//! anyway, each with a default that leaves it out.

use super::{Choice, NONE, Question, QuestionKind, plain};
use crate::config::load::Named;

/// Offers for everything that no flag, variable, file or answer names, in the order of asking.
pub fn offers(named: &Named) -> Vec<Question> {
    let mut offers = Vec::new();
    let mode = "runnerSets[0].containerMode";
    if named.runner_sets() < 2 && !named.has(mode) {
        offers.extend(container_mode(named));
    }
    if !named.has("proxy") {
        let text = "Proxy for all traffic to the outside, as http://HOST:PORT?";
        offers.extend(optional("proxy.url", text));
    }
    if !named.has("caBundle") {
        let text = "File or directory with your company's certificate authorities?";
        offers.extend(optional("caBundle", text));
    }
    let decided = ["preset", "keys", "map", "rules"];
    let decided = decided.map(|member| named.has(&format!("registry.{member}")));
    if named.has("registry.host") && !decided.contains(&true) {
        offers.extend(layout());
    }
    let registry = named.has("registry.host") || named.has("registry.map");
    if registry && !named.has("registry.pullSecret") {
        let text = "Docker config.json with the account to pull with?";
        offers.extend(optional("registry.pullSecret.dockerConfig", text));
    }
    offers
}

fn optional(path: &str, text: &str) -> Option<Question> {
    let mut question = plain(path, text)?;
    question.default = Some(NONE.to_owned());
    Some(question)
}

/// The question of how the registry names what stands for other registries; that it makes no difference stands first.
fn layout() -> Option<Question> {
    const LAYOUTS: [(&str, &str); 10] = [
        (
            "artifactory-path",
            "Artifactory by repository path: HOST/KEY/IMAGE",
        ),
        (
            "artifactory-subdomain",
            "Artifactory by subdomain: KEY.HOST/IMAGE",
        ),
        ("artifactory-port", "Artifactory by port: HOST:PORT/IMAGE"),
        (
            "artifactory-virtual",
            "Artifactory, one virtual repository behind the host: HOST/IMAGE",
        ),
        (
            "harbor",
            "Harbor's proxy cache projects: HOST/PROJECT/IMAGE",
        ),
        (
            "nexus-path",
            "Nexus by repository path: HOST/REPOSITORY/IMAGE",
        ),
        (
            "nexus-subdomain",
            "Nexus by subdomain: REPOSITORY.HOST/IMAGE",
        ),
        ("nexus-port", "Nexus by port: HOST:PORT/IMAGE"),
        ("ecr", "ECR's pull-through cache: HOST/PREFIX/IMAGE"),
        ("acr", "ACR's cache rules: HOST/PREFIX/IMAGE"),
    ];
    let text = "KEY, PORT, PROJECT or PREFIX of each source, as SOURCE=KEY,SOURCE=KEY?";
    let mut keys = plain("registry.keys", text)?;
    "such as docker.io=docker-remote,quay.io=quay-remote,ghcr.io=ghcr-remote; images of a source without a key are refused"
        .clone_into(&mut keys.help);
    let mut choices = vec![Choice {
        word: NONE,
        label: "all alike: HOST/IMAGE, whatever registry an image is from",
        then: Vec::new(),
        is_value: false,
    }];
    choices.extend(LAYOUTS.map(|(word, label)| Choice {
        word,
        label,
        then: if word == "artifactory-virtual" {
            Vec::new()
        } else {
            vec![keys.clone()]
        },
        is_value: true,
    }));
    let text = "How does the registry name the images of other registries?";
    let mut question = plain("registry.preset", text)?;
    question.kind = QuestionKind::Choice(choices);
    Some(question)
}

/// The question of how jobs get containers; `none` stands first.
fn container_mode(named: &Named) -> Option<Question> {
    let value = |word, label, then| Choice {
        word,
        label,
        then,
        is_value: true,
    };
    let mut size = plain("runnerSets[].workVolume.claim.size", "Size of each claim?")?;
    size.default = Some("20Gi".to_owned());
    let mut class = plain(
        "runnerSets[].workVolume.claim.storageClass",
        "Storage class?",
    )?;
    let legacy = named.text("mode") == Some("legacy");
    // Legacy ARC needs the name; scale sets take the cluster's default class.
    class.default = (!legacy).then(|| NONE.to_owned());
    let mut choices = vec![
        value(NONE, "none: jobs run in the runner itself", Vec::new()),
        value(
            "dind",
            "dind: a Docker daemon beside each runner, privileged",
            Vec::new(),
        ),
        value(
            "kubernetes",
            "kubernetes: a pod for each job, which shares a volume claim with the runner",
            vec![size, class],
        ),
    ];
    if !legacy && named.text("version").is_none() {
        let label = "kubernetes-novolume: a pod for each job, files are copied";
        choices.push(value("kubernetes-novolume", label, Vec::new()));
    }
    let mut question = plain("runnerSets[].containerMode", "How do jobs get containers?")?;
    question.kind = QuestionKind::Choice(choices);
    Some(question)
}
