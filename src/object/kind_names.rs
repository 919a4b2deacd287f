//! The kinds that images stand in, by the names that people type.

use crate::spelling::nearest;

/// Kubernetes' own and ARC's, each with what kubectl takes for short.
const KINDS: [(&str, &str); 19] = [
    ("", "AutoscalingListener"),
    ("", "AutoscalingRunnerSet"),
    ("cm", "ConfigMap"),
    ("cj", "CronJob"),
    ("ds", "DaemonSet"),
    ("deploy", "Deployment"),
    ("", "EphemeralRunner"),
    ("", "EphemeralRunnerSet"),
    ("", "HorizontalRunnerAutoscaler"),
    ("", "Job"),
    ("po", "Pod"),
    ("", "PodTemplate"),
    ("rs", "ReplicaSet"),
    ("rc", "ReplicationController"),
    ("", "Runner"),
    ("", "RunnerDeployment"),
    ("", "RunnerReplicaSet"),
    ("", "RunnerSet"),
    ("sts", "StatefulSet"),
];

/// `Deployment` of `deploy`, `deployments` or `deployment`, whatever the case; None for what has another name.
pub fn kind_called(name: &str) -> Option<&'static str> {
    let singular = name.strip_suffix(['s', 'S']);
    let is_called = |(short, kind): &&(&str, &str)| {
        let is = |name: &str| kind.eq_ignore_ascii_case(name);
        short.eq_ignore_ascii_case(name) || is(name) || singular.is_some_and(is)
    };
    let named = KINDS.iter().filter(|_| !name.is_empty()).find(is_called);
    named.map(|(_, kind)| *kind)
}

/// A kind of these that is called almost so; None for one of them and for what resembles none.
pub fn kind_meant(name: &str) -> Option<&'static str> {
    let kinds: Vec<&'static str> = KINDS.iter().map(|(_, kind)| *kind).collect();
    let meant = kind_called(name).or_else(|| nearest(name, &kinds));
    meant.filter(|kind| *kind != name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_known_by_each_of_its_names_and_guessed_by_its_spelling() {
        for name in ["deploy", "deployments", "Deployment", "DEPLOYMENT"] {
            assert_eq!(kind_called(name), Some("Deployment"), "{name}");
        }
        for name in ["", "s", "Rollout", "Deploymnt"] {
            assert_eq!(kind_called(name), None, "{name}");
        }
        for (name, meant) in [
            ("Deploymnt", Some("Deployment")),
            ("Cronjob", Some("CronJob")),
            ("Jobs", Some("Job")),
            ("Job", None),
            ("Rollout", None),
            ("CloneSet", None),
            ("DeploymentConfig", None),
        ] {
            assert_eq!(kind_meant(name), meant, "{name}");
        }
    }
}
