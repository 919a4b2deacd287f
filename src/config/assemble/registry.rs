//! The `registry` and `proxy` sections.

use crate::config::model::{
    Library, MirrorCredentials, Origin, Proxy, ProxyCredentials, PullSecret, Registry,
};
use crate::config::overlay::GIVEN_MAP;
use crate::rules::{Action, Matcher, RuleSpec};

use super::Assembler;
use super::github::has_user_information;

impl Assembler<'_> {
    pub(super) fn registry(&mut self) -> Registry {
        let library = match self.text_or_default("registry.library").as_str() {
            "drop" => Library::Drop,
            _ => Library::Keep,
        };
        let host = self
            .text("registry.host")
            .map(|host| self.location("registry.host", &host));
        let pull_secret = if self.settled.has("registry.pullSecret.dockerConfig") {
            Some(PullSecret::DockerConfig)
        } else {
            self.existing_secret("registry.pullSecret.existingSecret")
                .map(PullSecret::ExistingSecret)
        };
        let mirror_credentials =
            match self.existing_secret("registry.mirrorCredentials.existingSecret") {
                Some(secret) => Some(MirrorCredentials::ExistingSecret(secret)),
                None => self
                    .account("registry.mirrorCredentials", "mirror-credentials-file")
                    .then_some(MirrorCredentials::Given),
            };
        Registry {
            rules: self.rules(host.as_deref(), library == Library::Drop),
            host,
            library,
            pull_secret,
            mirror_credentials,
        }
    }

    /// `registry.rules`, then the map of flags or environment, then the file's, then the host's catch-all.
    fn rules(&mut self, host: Option<&str>, drop_library: bool) -> Vec<RuleSpec> {
        let mut rules = Vec::new();
        for index in 0..self.settled.length("registry.rules") {
            let at = format!("registry.rules[{index}]");
            rules.extend(self.rule(&at, drop_library));
        }
        for list in [GIVEN_MAP, "registry.map"] {
            for index in 0..self.settled.length(list) {
                let at = format!("{list}[{index}]");
                rules.extend(self.map_entry(&at, drop_library));
            }
        }
        if let Some(host) = host {
            let origin = self.settled.origin("registry.host");
            let id = match &origin {
                Origin::Flag(flag) => flag.clone(),
                _ => "registry.host".to_owned(),
            };
            let action = rewrite(host.to_owned(), drop_library);
            rules.push(RuleSpec {
                origin,
                ..RuleSpec::new(id, Matcher::Any, action)
            });
        }
        rules
    }

    fn map_entry(&mut self, at: &str, drop_library: bool) -> Option<RuleSpec> {
        let mut part = |key: &str| {
            let path = format!("{at}.{key}");
            let text = self.text(&path).filter(|text| !text.is_empty());
            if text.is_none() && !self.settled.is_broken(&path) {
                let origin = self.settled.origin(at);
                let what = format!("{} has no {key}", shown(at));
                self.problems.push(
                    crate::config::Problem::new("config-registry-map", &path, what, origin)
                        .remedy("write {source: quay.io, target: HOST/quay-remote}, or keep or deny as the target"),
                );
            }
            text
        };
        let (source, target) = (part("source"), part("target"));
        let (source, target) = (source?, target?);
        let source = self.location(&format!("{at}.source"), &source);
        let matcher = if source.contains('*') {
            Matcher::Glob(source.clone())
        } else if source.contains('/') {
            Matcher::Prefix(source.clone())
        } else {
            Matcher::Host(source.clone())
        };
        let action = match target.as_str() {
            "keep" => Action::Keep,
            "deny" => Action::Deny,
            target => rewrite(self.location(&format!("{at}.target"), target), drop_library),
        };
        let id = if at.starts_with(GIVEN_MAP) {
            let name = match self.settled.origin(at) {
                Origin::Environment(name) => format!("${name}"),
                _ => GIVEN_MAP.to_owned(),
            };
            format!("{name} {source}={target}")
        } else {
            at.to_owned()
        };
        Some(RuleSpec {
            mirror: self.mirror(at),
            origin: self.settled.nearest_origin(&format!("{at}.source")),
            ..RuleSpec::new(id, matcher, action)
        })
    }

    fn rule(&mut self, at: &str, drop_library: bool) -> Option<RuleSpec> {
        let text = |key: &str| self.text(&format!("{at}.{key}"));
        let matchers: Vec<Matcher> = [
            text("exact").map(Matcher::Exact),
            text("repository").map(Matcher::Repository),
            text("prefix").map(Matcher::Prefix),
            text("host").map(Matcher::Host),
            text("glob").map(Matcher::Glob),
        ]
        .into_iter()
        .flatten()
        .collect();
        let chosen = |key: &str| self.boolean(&format!("{at}.{key}")) == Some(true);
        let target = text("rewrite");
        let keep = chosen("keep").then_some(Action::Keep);
        let deny = chosen("deny").then_some(Action::Deny);
        let target = target.map(|target| self.location(&format!("{at}.rewrite"), &target));
        let actions: Vec<Action> = [
            target.map(|target| rewrite(target, drop_library)),
            keep,
            deny,
        ]
        .into_iter()
        .flatten()
        .collect();
        let one = |count: usize| count == 1;
        if !one(matchers.len()) && !self.settled.is_broken(at) {
            self.problem(
                "config-registry-rule",
                at,
                format!("{at} needs exactly one of exact, repository, prefix, host and glob"),
                "keep one of them",
            );
        }
        if !one(actions.len()) && !self.settled.is_broken(at) {
            self.problem(
                "config-registry-rule",
                at,
                format!("{at} needs exactly one of rewrite, keep and deny"),
                "keep one of them",
            );
        }
        match (matchers.as_slice(), actions.as_slice()) {
            ([matcher], [action]) => Some(RuleSpec {
                mirror: self.mirror(at),
                origin: self.settled.origin(at),
                ..RuleSpec::new(at, matcher.clone(), action.clone())
            }),
            _ => None,
        }
    }

    fn mirror(&mut self, at: &str) -> Option<String> {
        let path = format!("{at}.mirror");
        let mirror = self.text(&path)?;
        Some(self.location(&path, &mirror))
    }

    /// `HOST[:PORT][/KEY]` without a trailing slash; a scheme or user information is refused.
    fn location(&mut self, path: &str, text: &str) -> String {
        let trimmed = text.trim_end_matches('/');
        let name = shown(path);
        let what = if trimmed.contains('@') {
            Some(format!("{name} holds user information or a digest"))
        } else if trimmed.contains("://") {
            Some(format!("{name} holds a scheme"))
        } else if trimmed.is_empty() || trimmed.contains(char::is_whitespace) {
            Some(format!("{name} is not HOST[:PORT][/KEY]"))
        } else {
            None
        };
        match what {
            None => trimmed.to_owned(),
            Some(what) => {
                self.problem(
                    "config-registry",
                    path,
                    what,
                    "write HOST[:PORT][/KEY]; accounts go into registry.pullSecret",
                );
                "registry.invalid".to_owned()
            }
        }
    }

    pub(super) fn proxy(&mut self) -> Option<Proxy> {
        if !self.settled.has("proxy") {
            return None;
        }
        let both = self.proxy_url("proxy.url");
        let http = self.proxy_url("proxy.http").or_else(|| both.clone());
        let https = self.proxy_url("proxy.https").or(both);
        if http.is_none() && https.is_none() && !self.settled.is_broken("proxy") {
            self.missing("proxy.url", "the proxy's URL is missing", &["proxy"]);
        }
        let credentials = match self.existing_secret("proxy.credentials.existingSecret") {
            Some(secret) => Some(ProxyCredentials::ExistingSecret(secret)),
            None => self
                .account("proxy.credentials", "proxy-credentials-file")
                .then_some(ProxyCredentials::Given),
        };
        Some(Proxy {
            http,
            https,
            no_proxy: self.texts("proxy.noProxy").unwrap_or_default(),
            credentials,
        })
    }

    fn proxy_url(&mut self, path: &str) -> Option<String> {
        let url = self.text(path)?;
        if has_user_information(&url) {
            self.problem(
                "proxy-user-information",
                path,
                format!("{path} holds user information"),
                "remove what stands before the @, and give the account with proxy.credentials or --proxy-credentials-file",
            );
            return Some("http://proxy.invalid".to_owned());
        }
        let url = url.trim_end_matches('/');
        let valid = url.split_once("://").is_some_and(|(scheme, rest)| {
            matches!(scheme, "http" | "https")
                && !rest.is_empty()
                && !rest.contains(['/', '?', '#'])
                && !rest.contains(char::is_whitespace)
        });
        if !valid {
            self.problem(
                "config-url",
                path,
                format!("{path} is not the URL of a proxy"),
                "write http://HOST:PORT",
            );
        }
        Some(url.to_owned())
    }

    /// True where an account is given; half of one is a problem.
    fn account(&mut self, section: &str, flag: &str) -> bool {
        let has = |part: &str| self.settled.has(&format!("{section}.{part}"));
        if has("account") {
            return true;
        }
        let (username, password) = (has("username"), has("password"));
        if username != password {
            let absent = if username { "password" } else { "username" };
            let path = format!("{section}.{absent}");
            self.missing(
                &path,
                format!("{path} is missing beside its other half"),
                &[flag],
            );
        }
        username || password
    }
}

fn rewrite(target: String, drop_library: bool) -> Action {
    Action::Rewrite {
        target,
        drop_library,
    }
}

/// A path as messages show it: what came by flag has no place in the file.
fn shown(path: &str) -> String {
    match path.strip_prefix(GIVEN_MAP) {
        Some(_) => "an entry of --registry-map".to_owned(),
        None => path.to_owned(),
    }
}
