//! What a line of a manager's or listener's log says about GitHub, about pods that it may not make, and about its rights.

use super::{Classified, refusal, refused_pod};
use crate::object::ObjectRef;

/// Words of a line that speaks of GitHub.
const GITHUB: [&str; 9] = [
    "github",
    "registration-token",
    "registration token",
    "runner-registration",
    "actions/runners",
    "app/installations",
    "actions service",
    "scale set",
    "installation id",
];

/// The cause that a line tells, if it tells one; `pod` wrote it.
pub fn log_line(pod: &ObjectRef, line: &str) -> Option<Classified> {
    let plain = unescaped(line);
    let lower = plain.to_ascii_lowercase();
    let log = format!("log of {pod}: {line}");
    let found = |id: &str, detail: &str| Some(Classified::new(id, pod, detail).evidence(&log));
    if lower.contains("is forbidden: user \"system:serviceaccount:") {
        return found(
            "controller-rights",
            "a request of its ServiceAccount is refused",
        );
    }
    if let Some((name, message)) = refused_pod(&plain) {
        let mut refused = refusal(pod, message).evidence(&log);
        refused.detail = format!("pod {name}: {}", refused.detail);
        return Some(refused);
    }
    if !GITHUB.iter().any(|word| lower.contains(word)) {
        return None;
    }
    if lower.contains("proxy authentication required") {
        return found(
            "proxy-refused",
            "the proxy on the way to GitHub answered 407",
        );
    }
    if lower.contains("x509:") || lower.contains("certificate verify failed") {
        return found("github-untrusted", "GitHub's certificate is not trusted");
    }
    if lower.contains("rate limit") || has_status(&lower, 429) {
        return found("github-transient", "GitHub asks to slow down");
    }
    if has_status(&lower, 401) || lower.contains("bad credentials") {
        return found("github-credentials", "GitHub answered 401");
    }
    if has_status(&lower, 403) || lower.contains("resource not accessible by") {
        return found("github-forbidden", "GitHub answered 403");
    }
    if has_status(&lower, 404) {
        return found("github-not-found", "GitHub answered 404");
    }
    let transient = [
        "connection refused",
        "no such host",
        "i/o timeout",
        "deadline exceeded",
        "connection reset",
        "tls handshake timeout",
        "network is unreachable",
    ];
    if transient.iter().any(|words| lower.contains(words))
        || (500..=504).any(|status| has_status(&lower, status))
    {
        return found(
            "github-transient",
            "GitHub cannot be reached from the controller",
        );
    }
    None
}

/// The line without what JSON puts before quotes: it is JSON itself, or a value in it is.
pub fn unescaped(line: &str) -> String {
    line.replace("\\\"", "\"")
}

/// `: 401 `, `status 401`, `StatusCode 401`, `"401 Unauthorized"`, `status="401`, `status code: 401`.
fn has_status(lower: &str, status: u16) -> bool {
    let digits = status.to_string();
    lower.match_indices(&digits).any(|(at, _)| {
        let before = lower[..at].trim_end_matches(['"', '\'', '\\', '=', ':', ' ']);
        let separated = before.len() < at;
        let after = lower[at + digits.len()..].bytes().next();
        let ends = after.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        let named = before.ends_with("status")
            || before.ends_with("statuscode")
            || before.ends_with("code");
        let answered = lower[..at].ends_with(": ") || lower[..at].ends_with(['"', '[']);
        ends && separated && (named || answered)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_no_status_say_nothing() {
        assert!(has_status(
            "registration-token: 401 bad credentials []",
            401
        ));
        assert!(has_status(
            "github api error: statuscode 404, requestid",
            404
        ));
        assert!(has_status(
            "received non 2xx response status \"401 unauthorized\"",
            401
        ));
        assert!(!has_status("runner 401abc registered", 401));
        assert!(!has_status("github ids 1404 404x", 404));
        assert!(!has_status("reconciled 404 runners of github", 404));
    }
}
