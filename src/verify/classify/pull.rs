//! Why an image cannot be pulled: the node's words, and what the registry says to us.
//!
//! containerd, dockerd and CRI-O word the same answer differently, so parts are matched, never sentences.
//! containerd 1.x reports an absent image as an untrusted certificate where hosts.toml has a bare `server`:
//! it goes on to that server, for which no authority is set, and tells of the last error only.

use super::Classified;
use super::evidence::PodEvidence;

/// What a node's text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullProblem {
    /// 404.
    Absent,
    /// 403.
    Denied,
    /// 401, or no right that an anonymous or known account has.
    Unauthorized,
    /// 407.
    ProxyRefused,
    /// The certificate was not accepted.
    Untrusted,
    /// The reference does not parse.
    InvalidReference,
    /// imagePullPolicy Never, image not on the node.
    NeverPull,
    /// No manifest for the node's architecture.
    Platform,
    /// A name without a host, where the node looks nowhere.
    ShortName,
    /// 429, 5xx, refused, timeout, DNS, plain HTTP: may pass.
    Transient,
    /// Words that are not known.
    Unknown,
}

/// What the registry answered to us, with the pull secret and our own trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryAnswer {
    /// The manifest is there.
    Present,
    /// 404.
    Absent,
    /// 403, with the body's words (the node does not show them).
    Denied(String),
    /// 401.
    Unauthorized,
    /// Its certificate is not trusted by us either; the missing issuer.
    Untrusted(String),
    /// No answer; why.
    Unreachable(String),
}

/// Words of a node's text, in lower case, and what they mean. The first that are found decide: an answer of the
/// proxy hides the registry's, and a refusal of many images is told in the words of an absent one.
const WORDS: &[(PullProblem, &[&str])] = &[
    (
        PullProblem::InvalidReference,
        &[
            "invalid reference format",
            "couldn't parse image",
            "invalid image name",
        ],
    ),
    (
        PullProblem::ShortName,
        &[
            "did not resolve to an alias",
            "short-name resolution",
            "short name mode is enforcing",
        ],
    ),
    (
        PullProblem::Platform,
        &[
            "no match for platform",
            "no matching manifest for",
            "no image found in image index",
            "no image found in manifest list",
        ],
    ),
    // A proxy's answer to CONNECT hides whatever the registry would say.
    (
        PullProblem::ProxyRefused,
        &["proxy authentication required"],
    ),
    (
        PullProblem::Transient,
        &[
            "too many requests",
            "toomanyrequests",
            "rate limit",
            "500 internal server error",
            "502 bad gateway",
            "503 service unavailable",
            "504 gateway time",
            "503 (service unavailable)",
            "502 (bad gateway)",
            "500 (internal server error)",
        ],
    ),
    (
        PullProblem::Untrusted,
        &["x509:", "certificate verify failed"],
    ),
    (PullProblem::Denied, &["403 forbidden", "403 (forbidden)"]),
    (
        PullProblem::Unauthorized,
        &[
            "401 unauthorized",
            "401 (unauthorized)",
            "unauthorized:",
            "authentication required",
            "no basic auth credentials",
            "insufficient_scope",
            "pull access denied",
        ],
    ),
    (
        PullProblem::Denied,
        &["denied:", "access to the resource is denied"],
    ),
    (
        PullProblem::Transient,
        &[
            "no such host",
            "connection refused",
            "i/o timeout",
            "deadline exceeded",
            "timeout",
            "request canceled",
            "connection reset",
            "first record does not look like a tls handshake",
            "server gave http response to https client",
            "dial tcp",
            "unexpected eof",
            ": eof",
            "network is unreachable",
            "no route to host",
        ],
    ),
    (
        PullProblem::Absent,
        &[
            "404 not found",
            "manifest unknown",
            "name unknown",
            "not found",
            "does not exist",
        ],
    ),
];

/// Reads a node's text; `reason` is the container's waiting reason.
pub fn pull_problem(reason: &str, message: &str) -> PullProblem {
    match reason {
        "InvalidImageName" => return PullProblem::InvalidReference,
        "ErrImageNeverPull" => return PullProblem::NeverPull,
        _ => {}
    }
    let lower = message.to_ascii_lowercase();
    WORDS
        .iter()
        .find(|(_, words)| words.iter().any(|words| lower.contains(words)))
        .map_or(PullProblem::Unknown, |(problem, _)| *problem)
}

/// The cause of a container that waits for its image. `long_text` is the node's event; `registry` our own look.
pub fn pull(
    evidence: &PodEvidence,
    long_text: Option<&str>,
    registry: Option<&RegistryAnswer>,
) -> Option<Classified> {
    let waits_for_image = matches!(
        evidence.reason.as_str(),
        "ErrImagePull"
            | "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "RegistryUnavailable"
            | "ImageInspectError"
    );
    if !waits_for_image {
        return None;
    }
    // After the first back-off the status is short and the event still long.
    let of_status = pull_problem(&evidence.reason, &evidence.message);
    let problem = match (of_status, long_text) {
        (PullProblem::Unknown, Some(text)) => pull_problem(&evidence.reason, text),
        (problem, _) => problem,
    };
    let (id, remark) = together(problem, registry);
    let PodEvidence {
        container, image, ..
    } = evidence;
    let detail = format!("container {container}, image {image}{remark}");
    let mut classified = Classified::new(id, &evidence.object, detail);
    if let Some(text) = long_text {
        classified = classified.evidence(format!("the node's event: {text}"));
    }
    if !evidence.message.is_empty() && long_text != Some(evidence.message.as_str()) {
        classified = classified.evidence(format!(
            "the node's status: {}: {}",
            evidence.reason, evidence.message
        ));
    }
    if let Some(answer) = registry {
        classified = classified.evidence(format!(
            "asked from here, the registry answers: {}",
            told(answer)
        ));
    }
    Some(classified)
}

/// Node and registry together; the remark is a sentence for a person.
fn together(
    problem: PullProblem,
    registry: Option<&RegistryAnswer>,
) -> (&'static str, &'static str) {
    use RegistryAnswer as Answer;
    match (problem, registry) {
        (PullProblem::InvalidReference, _) => ("image-invalid-reference", ""),
        (PullProblem::NeverPull, _) => ("image-never-pull", ""),
        (PullProblem::Platform, _) => ("image-platform", ""),
        (PullProblem::ShortName, _) => ("image-short-name", ""),
        (PullProblem::ProxyRefused, _) => (
            "proxy-refused",
            ": the proxy that the node uses wants a login",
        ),
        (PullProblem::Untrusted, Some(Answer::Absent)) => (
            "image-absent",
            ": the node speaks of a certificate, but the registry does not have the image; the node reports the last server that it tried",
        ),
        (PullProblem::Untrusted | PullProblem::Absent, Some(Answer::Denied(_))) => (
            "image-denied",
            ": the node reports something else, but the registry refuses the image",
        ),
        (PullProblem::Untrusted, Some(Answer::Present)) => (
            "image-untrusted",
            ": the image is there and trusted from here, the node does not trust the registry",
        ),
        (PullProblem::Untrusted, Some(Answer::Untrusted(_))) => (
            "image-untrusted",
            ": it is not trusted from here either; the bundle lacks an issuer",
        ),
        (PullProblem::Untrusted, _) => (
            "image-untrusted",
            ": a node may also say this of an absent image, when its hosts.toml has a server without ca",
        ),
        (PullProblem::Absent, Some(Answer::Present)) => (
            "image-absent",
            ": it is there when asked from here, so the node asks another server or account",
        ),
        (PullProblem::Unauthorized, Some(Answer::Present)) => (
            "image-unauthorized",
            ": the login works from here, so the pod lacks the pull secret or has another",
        ),
        (PullProblem::Unauthorized, Some(Answer::Absent)) => (
            "image-absent",
            ": registries that hide what they do not have ask for a login first",
        ),
        (PullProblem::Absent, _) | (PullProblem::Unknown, Some(Answer::Absent)) => {
            ("image-absent", "")
        }
        (PullProblem::Denied, _) | (PullProblem::Unknown, Some(Answer::Denied(_))) => {
            ("image-denied", "")
        }
        (PullProblem::Unauthorized, _) | (PullProblem::Unknown, Some(Answer::Unauthorized)) => {
            ("image-unauthorized", "")
        }
        (PullProblem::Transient | PullProblem::Unknown, _) => ("image-transient", ""),
    }
}

fn told(answer: &RegistryAnswer) -> String {
    match answer {
        RegistryAnswer::Present => "the manifest is there".to_owned(),
        RegistryAnswer::Absent => "404, no such manifest".to_owned(),
        RegistryAnswer::Denied(words) if words.is_empty() => "403".to_owned(),
        RegistryAnswer::Denied(words) => format!("403: {words}"),
        RegistryAnswer::Unauthorized => "401, login asked for".to_owned(),
        RegistryAnswer::Untrusted(issuer) => {
            format!("its certificate is not trusted, the issuer is missing: {issuer}")
        }
        RegistryAnswer::Unreachable(why) => format!("no answer: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectRef;

    fn cause(message: &str, registry: Option<&RegistryAnswer>) -> &'static str {
        let evidence = PodEvidence {
            object: ObjectRef::new("v1", "Pod", Some("arc"), "p"),
            container: "c".into(),
            image: "r/x:1".into(),
            reason: "ErrImagePull".into(),
            message: message.into(),
            restarts: 0,
            last_reason: String::new(),
            last_exit: None,
        };
        pull(&evidence, None, registry).unwrap().cause.id
    }

    #[test]
    fn our_own_look_settles_what_the_node_cannot_tell() {
        let x509 = "failed to do request: Head \"https://r/v2/x/manifests/1\": x509: certificate signed by unknown authority";
        assert_eq!(cause(x509, None), "image-untrusted");
        assert_eq!(cause(x509, Some(&RegistryAnswer::Absent)), "image-absent");
        assert_eq!(
            cause(x509, Some(&RegistryAnswer::Denied("Xray".into()))),
            "image-denied"
        );
        assert_eq!(
            cause(x509, Some(&RegistryAnswer::Present)),
            "image-untrusted"
        );
        assert_eq!(
            cause(
                "r/x:1: not found",
                Some(&RegistryAnswer::Denied(String::new()))
            ),
            "image-denied"
        );
        assert_eq!(
            cause(
                "dial tcp: connection refused",
                Some(&RegistryAnswer::Absent)
            ),
            "image-transient"
        );
        assert_eq!(
            cause("words of tomorrow", Some(&RegistryAnswer::Unauthorized)),
            "image-unauthorized"
        );
    }

    #[test]
    fn the_long_event_speaks_where_the_status_is_short() {
        let evidence = PodEvidence {
            object: ObjectRef::new("v1", "Pod", Some("arc"), "p"),
            container: "c".into(),
            image: "r/x:1".into(),
            reason: "ImagePullBackOff".into(),
            message: "Back-off pulling image \"r/x:1\"".into(),
            restarts: 0,
            last_reason: String::new(),
            last_exit: None,
        };
        let found = pull(
            &evidence,
            Some("Failed to pull image \"r/x:1\": … 403 Forbidden"),
            None,
        )
        .unwrap();
        assert_eq!(found.cause.id, "image-denied");
        assert_eq!(found.evidence.len(), 2);
    }
}
