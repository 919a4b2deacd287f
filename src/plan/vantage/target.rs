//! The servers that an install needs, one row of the grid each.

use serde::Serialize;

use crate::config::{Config, Github};
use crate::image_ref::ImageReference;
use crate::rewrite::images::ImageUse;

/// What is asked there, which decides what answer is a good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// The Kubernetes API, by the address that the pod is given.
    Kubernetes,
    /// A registry: `/v2/`, then the token service that it names, or a pull.
    Registry,
    /// GitHub itself: git over HTTPS.
    Github,
    /// The REST API.
    GithubApi,
    /// Where release assets are sent.
    Uploads,
    /// Where actions are fetched from.
    Codeload,
    /// Where scale sets and runners get their messages, logs and results go.
    Results,
    /// The proxy: a tunnel to GitHub.
    Proxy,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Its title: `GitHub API`, `registry registry.corp`.
    pub name: String,
    /// What is asked.
    pub asked: Asked,
    /// The URL that is asked for; of the proxy the one behind it.
    pub url: String,
    /// An image of a registry, as the nodes pull it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The same as a workflow names it, which a Docker daemon looks for in its mirrors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// Where a Docker daemon finds it instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<String>,
    /// True where a rule keeps the registry: the nodes have their own way to it, or a mirror.
    pub is_kept: bool,
}

/// The rows of a configuration, with the images of its manifests.
pub fn targets(config: &Config, images: &[ImageUse]) -> Vec<Target> {
    let mut targets = vec![plain(
        "Kubernetes API",
        Asked::Kubernetes,
        "https://kubernetes.default.svc/version".to_owned(),
    )];
    targets.extend(registries(images));
    let github = github(&config.github);
    let behind = github.first().map(|target| target.url.clone());
    targets.extend(github);
    let proxy = config.proxy.as_ref().and_then(|proxy| {
        let url = proxy.https.as_ref().or(proxy.http.as_ref())?;
        Some((url, behind?))
    });
    targets.extend(
        proxy.map(|(proxy, behind)| {
            plain(&format!("proxy {}", host_of(proxy)), Asked::Proxy, behind)
        }),
    );
    targets
}

fn plain(name: &str, asked: Asked, url: String) -> Target {
    Target {
        name: name.to_owned(),
        asked,
        url,
        image: None,
        named: None,
        mirror: None,
        is_kept: false,
    }
}

/// Each registry that an image is pulled from, with the first of its images.
fn registries(images: &[ImageUse]) -> Vec<Target> {
    let mut found: Vec<Target> = Vec::new();
    for image in images.iter().filter(|image| !image.refused) {
        let Ok(after) = ImageReference::parse(&image.after) else {
            continue;
        };
        let host = after.host();
        let name = format!("registry {host}");
        if found.iter().any(|target| target.name == name) {
            continue;
        }
        // What `docker pull` resolves the name to.
        let server = match host {
            "docker.io" => "registry-1.docker.io",
            host => host,
        };
        found.push(Target {
            image: Some(image.after.clone()),
            named: Some(image.before.clone()),
            mirror: image.mirror.clone(),
            is_kept: image.kept,
            ..plain(&name, Asked::Registry, format!("https://{server}/v2/"))
        });
    }
    found
}

/// On a GitHub Enterprise Server all of it is behind one name; on github.com and ghe.com each has its own
/// (docs.github.com: "Communicating with self-hosted runners", "Network details for GHE.com").
fn github(github: &Github) -> Vec<Target> {
    let (scheme, _) = github.url.split_once("://").unwrap_or(("https", ""));
    let host = github.host().trim_start_matches("www.");
    let at = |sub: &str| format!("{scheme}://{sub}.{host}/");
    let api = github.api_base();
    let (api, uploads, codeload, results) = if github.is_enterprise_server() {
        let root = &github.url;
        (
            format!("{api}/meta"),
            format!("{root}/api/uploads/"),
            format!("{root}/_codeload/"),
            format!("{root}/_services/"),
        )
    } else if host.ends_with(".ghe.com") {
        let results = at("results-receiver.actions");
        (format!("{api}/"), at("uploads"), at("codeload"), results)
    } else {
        let results = "https://results-receiver.actions.githubusercontent.com/".to_owned();
        (format!("{api}/"), at("uploads"), at("codeload"), results)
    };
    vec![
        plain("GitHub", Asked::Github, format!("{}/", github.url)),
        plain("GitHub API", Asked::GithubApi, api),
        plain("GitHub uploads", Asked::Uploads, uploads),
        plain("GitHub codeload", Asked::Codeload, codeload),
        plain("GitHub results", Asked::Results, results),
    ]
}

/// `host[:port]` of a URL.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

impl Target {
    /// `host[:port]` of what is asked.
    pub fn host(&self) -> &str {
        host_of(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GithubCredentials;

    fn urls(url: &str) -> Vec<String> {
        let server = Github {
            url: url.to_owned(),
            scope: None,
            credentials: GithubCredentials::Token,
        };
        let targets = github(&server).into_iter();
        targets.map(|target| target.url).collect()
    }

    #[test]
    fn each_kind_of_github_has_its_hosts() {
        assert_eq!(
            urls("https://github.com"),
            [
                "https://github.com/",
                "https://api.github.com/",
                "https://uploads.github.com/",
                "https://codeload.github.com/",
                "https://results-receiver.actions.githubusercontent.com/",
            ]
        );
        assert_eq!(
            urls("https://corp.ghe.com")[1..4],
            [
                "https://api.corp.ghe.com/",
                "https://uploads.corp.ghe.com/",
                "https://codeload.corp.ghe.com/",
            ]
        );
        assert_eq!(
            urls("https://github.corp:8443"),
            [
                "https://github.corp:8443/",
                "https://github.corp:8443/api/v3/meta",
                "https://github.corp:8443/api/uploads/",
                "https://github.corp:8443/_codeload/",
                "https://github.corp:8443/_services/",
            ]
        );
    }

    #[test]
    fn the_host_of_a_url_has_no_account() {
        for (url, host) in [
            ("http://user:p@proxy.corp:3128", "proxy.corp:3128"),
            ("https://[::1]:8443/a@b", "[::1]:8443"),
            ("proxy", "proxy"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }
}
