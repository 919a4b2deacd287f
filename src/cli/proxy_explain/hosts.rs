//! Hosts as people name them, and those that an install needs.

use std::net::Ipv4Addr;

use crate::cli::server::server;
use crate::config::Config;
use crate::facts::ClusterFacts;
use crate::proxy::{Destination, METADATA};

/// A name or an address, perhaps with a port, or a URL; https unless it says http.
pub(super) fn destination(text: &str) -> Result<Destination, String> {
    let is_secure = match text.split_once("://") {
        Some(("http", _)) => false,
        None | Some(("https", _)) => true,
        Some((scheme, _)) => return Err(format!("{scheme}:// is not for a proxy of HTTP")),
    };
    let server = server(text)?;
    let last = server.host.trim_end_matches('.').rsplit('.').next();
    let is_number = last.is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if is_number && server.host.parse::<Ipv4Addr>().is_err() {
        return Err(format!(
            "'{}' is an address to some programs and a name to others: write four numbers",
            server.host
        ));
    }
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_named = authority.to_lowercase().trim_matches(['[', ']']) != server.host;
    let port = is_named.then_some(server.port);
    Ok(Destination::new(is_secure, &server.host, port))
}

/// What an install reaches: the API server by all its names, registries, GitHub, the proxy itself, the metadata server.
pub(super) fn needed(
    config: &Config,
    registries: &[&str],
    cluster: &ClusterFacts,
) -> Vec<Destination> {
    let mut urls = vec!["https://kubernetes.default.svc".to_owned()];
    let api_servers = cluster.api_server_hosts.iter();
    urls.extend(api_servers.map(|host| {
        if host.contains(':') && !host.starts_with('[') {
            format!("https://[{host}]")
        } else {
            format!("https://{host}")
        }
    }));
    urls.extend(
        config
            .registry
            .host
            .iter()
            .map(|host| format!("https://{host}")),
    );
    urls.extend(registries.iter().map(|host| format!("https://{host}")));
    urls.extend(
        config
            .github
            .hosts()
            .iter()
            .map(|host| format!("https://{host}")),
    );
    let proxies = config
        .proxy
        .iter()
        .flat_map(|proxy| [&proxy.http, &proxy.https]);
    urls.extend(proxies.flatten().cloned());
    urls.push(format!("http://{METADATA}"));
    let mut found: Vec<Destination> = Vec::new();
    for to in urls.iter().filter_map(|url| destination(url).ok()) {
        if !found.contains(&to) {
            found.push(to);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_people_write_them() {
        for (text, wanted) in [
            ("registry.corp", "https://registry.corp"),
            ("Registry.Corp:443", "https://registry.corp:443"),
            ("http://registry.corp/x", "http://registry.corp"),
            (
                "https://registry.corp:8443/x?y",
                "https://registry.corp:8443",
            ),
            ("10.0.0.1:6443", "https://10.0.0.1:6443"),
            ("fd00::1", "https://[fd00::1]"),
            ("[fd00::1]:6443", "https://[fd00::1]:6443"),
            ("http://[fd00::1]", "http://[fd00::1]"),
        ] {
            let read = destination(text).map(|to| to.to_string());
            assert_eq!(read.as_deref(), Ok(wanted), "{text}");
        }
        for text in ["", "10.1", "ftp://a", "u@h", "a b", "registry.corp:x"] {
            assert!(destination(text).is_err(), "{text}");
        }
    }
}
