//! Why the API server refuses a pod: pod security, quota, LimitRange, policies.

use super::Classified;
use crate::object::ObjectRef;

/// The cause of a refusal by the API server, from its own words. `object` is whose pod is refused.
pub fn refusal(object: &ObjectRef, message: &str) -> Classified {
    let (id, detail) = judged(message);
    Classified::new(id, object, detail).evidence(message)
}

/// The pod that may not be made, and the API server's words about it from there on: `pods "NAME" is forbidden: …`.
pub fn refused_pod(text: &str) -> Option<(&str, &str)> {
    const START: &str = "pods \"";
    let words = &text[text.find(START)?..];
    let (name, rest) = words[START.len()..].split_once('"')?;
    rest.starts_with(" is forbidden: ").then_some((name, words))
}

fn judged(message: &str) -> (&'static str, String) {
    let from = |words: &str| message.find(words).map(|at| message[at..].to_owned());
    if let Some(detail) = from("violates PodSecurity") {
        return ("pod-security", detail);
    }
    if let Some(detail) = from("failed calling webhook") {
        return ("webhook-unreachable", detail);
    }
    if let Some(detail) = from("exceeded quota:").or_else(|| from("failed quota:")) {
        return ("quota-exceeded", detail);
    }
    if let Some(detail) = from("unable to validate against any security context constraint") {
        return ("security-context-constraint", detail);
    }
    if let Some(detail) = denied_by(message) {
        return ("policy-denied", detail);
    }
    let is_limit = [
        " usage per Container is ",
        " usage per Pod is ",
        " to limit ratio per ",
    ]
    .iter()
    .any(|words| message.contains(words));
    if is_limit {
        return ("limit-range", after_forbidden(message));
    }
    let is_missing = message.contains("error looking up service account")
        || (message.contains("serviceaccount") && message.contains("not found"));
    if is_missing {
        return ("object-missing", after_forbidden(message));
    }
    ("object-refused", after_forbidden(message))
}

fn after_forbidden(message: &str) -> String {
    message
        .split_once("is forbidden: ")
        .map_or(message, |(_, reason)| reason)
        .to_owned()
}

/// Which engine and which of its policies denied the request.
fn denied_by(message: &str) -> Option<String> {
    if let Some((_, rest)) = message.split_once("ValidatingAdmissionPolicy '") {
        let policy = rest.split('\'').next().unwrap_or_default();
        return Some(format!("ValidatingAdmissionPolicy {policy} denied it"));
    }
    let (_, rest) = message.split_once("admission webhook \"")?;
    let (webhook, answer) = rest.split_once("\" denied the request")?;
    let engine = if webhook.contains("kyverno") {
        "Kyverno"
    } else if webhook.contains("gatekeeper") {
        "Gatekeeper"
    } else {
        return Some(format!("webhook {webhook} denied it"));
    };
    let answer = answer.trim_start_matches([':', ' ']);
    let policy = if engine == "Gatekeeper" {
        // `[policy] what is wrong`
        answer
            .strip_prefix('[')
            .and_then(|text| text.split(']').next())
    } else {
        // `resource Pod/ns/name was blocked due to the following policies \n\npolicy:\n  rule: '…'`
        answer
            .lines()
            .map(str::trim_end)
            .find_map(|line| line.strip_suffix(':').filter(|name| is_name(name)))
    };
    Some(match policy {
        Some(policy) => format!("{engine} policy {policy} denied it"),
        None => format!("{engine} denied it"),
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_named() {
        let kyverno = "admission webhook \"validate.kyverno.svc-fail\" denied the request: \n\nresource Pod/arc/x was blocked due to the following policies \n\ndisallow-privileged:\n  privileged: 'validation error: no'";
        assert_eq!(
            judged(kyverno),
            (
                "policy-denied",
                "Kyverno policy disallow-privileged denied it".into()
            )
        );
        let gatekeeper = "admission webhook \"validation.gatekeeper.sh\" denied the request: [allowed-repos] container <dind> has an invalid image repo";
        assert_eq!(
            judged(gatekeeper),
            (
                "policy-denied",
                "Gatekeeper policy allowed-repos denied it".into()
            )
        );
    }
}
