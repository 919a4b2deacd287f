//! A container that ends again and again.

use super::Classified;
use super::evidence::PodEvidence;

/// Restarts after which a crash loop is believed.
const RESTARTS: i64 = 2;
/// Lines of its log that are shown.
const LINES: usize = 8;

/// The cause of a crash loop: `log` is the end of the log of the container's last run.
pub fn crash(evidence: &PodEvidence, log: &str) -> Option<Classified> {
    if evidence.reason != "CrashLoopBackOff" || evidence.restarts < RESTARTS {
        return None;
    }
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let flag = lines.iter().position(|line| unknown_flag(line).is_some());
    let wrong_platform = lines.iter().any(|line| line.contains("exec format error"))
        || evidence.message.contains("exec format error");
    let container = &evidence.container;
    let restarts = evidence.restarts;
    let (id, detail) = if let Some(words) = flag.and_then(|at| unknown_flag(lines[at])) {
        (
            "crash-unknown-flag",
            format!("container {container}: {words}"),
        )
    } else if wrong_platform {
        (
            "image-platform",
            format!("container {container}: exec format error"),
        )
    } else if evidence.last_reason == "OOMKilled" {
        (
            "crash-out-of-memory",
            format!("container {container} was killed {restarts} times"),
        )
    } else {
        let exit = evidence
            .last_exit
            .map_or(String::new(), |code| format!(" with exit code {code}"));
        (
            "crash-loop",
            format!("container {container} ended{exit} and was restarted {restarts} times"),
        )
    };
    let mut classified = Classified::new(id, &evidence.object, detail);
    // What follows an unknown flag are the flags that there are.
    let shown = match flag {
        Some(at) => &lines[at..=at],
        None => &lines[lines.len().saturating_sub(LINES)..],
    };
    for line in shown {
        classified = classified.evidence(line);
    }
    Some(classified)
}

/// What a program says of a flag that it does not know.
fn unknown_flag(line: &str) -> Option<&str> {
    let words = [
        "flag provided but not defined",
        "unknown flag",
        "unknown shorthand flag",
    ];
    let at = words.into_iter().find_map(|words| line.find(words))?;
    Some(line[at..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectRef;

    fn evidence(restarts: i64) -> PodEvidence {
        PodEvidence {
            object: ObjectRef::new("v1", "Pod", Some("arc"), "manager-1"),
            container: "manager".into(),
            image: "x:1".into(),
            reason: "CrashLoopBackOff".into(),
            message: String::new(),
            restarts,
            last_reason: "Error".into(),
            last_exit: Some(2),
        }
    }

    #[test]
    fn two_restarts_and_the_log_decide() {
        assert!(crash(&evidence(1), "boom").is_none());
        let found = crash(
            &evidence(2),
            "a\nflag provided but not defined: -docker-gid\nUsage of /manager:",
        )
        .unwrap();
        assert_eq!(found.cause.id, "crash-unknown-flag");
        assert!(found.detail.contains("-docker-gid"));
        assert_eq!(
            found.evidence,
            ["flag provided but not defined: -docker-gid"]
        );
        let found = crash(&evidence(3), "panic: no certificate").unwrap();
        assert_eq!(found.cause.id, "crash-loop");
        assert_eq!(found.evidence, ["panic: no certificate"]);
        let mut killed = evidence(2);
        killed.last_reason = "OOMKilled".into();
        assert_eq!(crash(&killed, "").unwrap().cause.id, "crash-out-of-memory");
    }
}
