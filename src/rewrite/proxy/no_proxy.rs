//! NO_PROXY in the form that every parser accepts.

use crate::facts::ClusterFacts;
use crate::proxy::{METADATA, forms};

/// The user's entries, then what must always be direct, each in the forms that every reader honours. Names stand beside
/// ranges because the runner throws addresses and ranges away. No repetition.
pub fn no_proxy(user: &[String], cluster: &ClusterFacts) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    let mut add = |entry: &str| {
        for form in forms(entry) {
            if !entries.contains(&form) {
                entries.push(form);
            }
        }
    };
    user.iter()
        .flat_map(|entry| entry.split(|letter: char| letter == ',' || letter.is_whitespace()))
        .for_each(&mut add);
    ["localhost", "127.0.0.1", "::1", "svc"]
        .into_iter()
        .for_each(&mut add);
    add(&cluster.domain);
    // Whole names, for parsers that match nothing but those.
    add("kubernetes.default.svc");
    // No pod ranges, which are not even read: nodes come and go with theirs, every run would roll every pod, and
    // nothing here calls pods.
    add(METADATA);
    cluster
        .api_server_hosts
        .iter()
        .chain(&cluster.service_cidrs)
        .for_each(|entry| add(entry));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, KubernetesVersion};
    use crate::proxy::{Destination, PROGRAMS, Program, Reader, Variables};

    #[test]
    fn every_parser_finds_its_form() {
        let mut cluster = Facts::assumed(KubernetesVersion::DEFAULT).cluster;
        cluster.api_server_hosts = vec!["10.43.0.1".into(), "api.corp".into(), "[fd00::1]".into()];
        cluster.service_cidrs = vec!["10.43.0.0/16".into()];
        let user = [
            " *.corp.example , ghes.corp".to_owned(),
            "10.1.2.3".into(),
            ".corp.example".into(),
        ];
        assert_eq!(
            no_proxy(&user, &cluster).join(","),
            "corp.example,.corp.example,ghes.corp,.ghes.corp,10.1.2.3,localhost,127.0.0.1,::1,[::1],\
             .svc,cluster.local,.cluster.local,kubernetes.default.svc,169.254.169.254,10.43.0.1,api.corp,.api.corp,\
             fd00::1,[fd00::1],10.43.0.0/16"
        );
    }

    /// What traffic must not go through a proxy does not, whichever program makes it: by a name where the runner is one
    /// of them.
    #[test]
    fn every_program_reaches_the_cluster_directly() {
        let mut cluster = Facts::assumed(KubernetesVersion::DEFAULT).cluster;
        cluster.api_server_hosts = vec!["10.43.0.1".into(), "api.corp".into(), "fd00::1".into()];
        cluster.service_cidrs = vec!["10.43.0.0/16".into()];
        let list = no_proxy(&["*.corp.example".to_owned()], &cluster).join(",");
        let variables = Variables::injected(true, true, &list);
        for program in PROGRAMS {
            let reader = Reader::new(program, &variables);
            for host in [
                "kubernetes.default.svc",
                "registry.tools.svc.cluster.local",
                "api.corp",
                "ghes.corp.example",
                "localhost",
                "127.0.0.1",
                "[::1]",
                "10.43.0.1",
                "[fd00::1]",
                "169.254.169.254",
            ] {
                let to = Destination::new(true, host, Some(6443));
                // It reads no addresses, and is given the name.
                if program == Program::Runner && to.address().is_some() {
                    continue;
                }
                assert!(reader.decide(&to).is_direct, "{program}: {to}");
            }
        }
    }
}
