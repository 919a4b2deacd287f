//! NO_PROXY in the form that every parser accepts.

use std::net::IpAddr;

use crate::facts::ClusterFacts;

/// The user's entries, then what must always be direct. A domain `D` becomes `D,.D`: some parsers take the
/// first for the domain alone, some the second for its subdomains alone. Names stand beside ranges because the
/// runner throws addresses and ranges away. No `*.`, no spaces, no repetition.
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
        .flat_map(|entry| entry.split(','))
        .for_each(&mut add);
    ["localhost", "127.0.0.1", "::1", "svc"]
        .into_iter()
        .for_each(&mut add);
    add(&cluster.domain);
    // Whole names, for parsers that match nothing but those.
    add("kubernetes.default.svc");
    // No pod ranges, which are not even read: nodes come and go with theirs, every run would roll every pod, and
    // nothing here calls pods.
    cluster
        .api_server_hosts
        .iter()
        .chain(&cluster.service_cidrs)
        .for_each(|entry| add(entry));
    entries
}

fn forms(entry: &str) -> Vec<String> {
    let entry = entry.trim();
    let bare = entry
        .trim_start_matches("*.")
        .trim_start_matches('.')
        .trim_end_matches('.');
    let literal = bare.trim_start_matches('[').trim_end_matches(']');
    if literal.parse::<IpAddr>().is_ok() {
        return vec![literal.to_owned()];
    }
    if bare.is_empty() {
        return Vec::new();
    }
    // Whole hosts, ranges, ports and the lone star have one form.
    if bare.contains([':', '/', '*']) || matches!(bare, "localhost" | "kubernetes.default.svc") {
        return vec![bare.to_owned()];
    }
    if bare == "svc" {
        return vec![".svc".to_owned()];
    }
    vec![bare.to_owned(), format!(".{bare}")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Facts, KubernetesVersion};

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
            "corp.example,.corp.example,ghes.corp,.ghes.corp,10.1.2.3,localhost,127.0.0.1,::1,.svc,\
             cluster.local,.cluster.local,kubernetes.default.svc,10.43.0.1,api.corp,.api.corp,fd00::1,\
             10.43.0.0/16"
        );
    }
}
