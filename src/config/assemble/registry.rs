//! The `registry` and `proxy` sections.

use crate::config::model::{
    Library, MirrorCredentials, Proxy, ProxyCredentials, ProxyRunners, PullSecret, Registry,
};
use crate::config::overlay::GIVEN_LISTS;
use crate::config::problem::Problem;

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

    /// `HOST[:PORT][/KEY]` without a trailing slash; a scheme or user information is refused.
    pub(super) fn location(&mut self, path: &str, text: &str) -> String {
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
        let runners = self.proxy_runners(credentials.is_some());
        Some(Proxy {
            http,
            https,
            no_proxy: self.texts("proxy.noProxy").unwrap_or_default(),
            open: Vec::new(),
            credentials,
            runners,
        })
    }

    /// Who reads the account is the user's to say: there is no default where there is one.
    fn proxy_runners(&mut self, has_account: bool) -> ProxyRunners {
        if let Some(own) = self.existing_secret("proxy.runnersExistingSecret") {
            return ProxyRunners::ExistingSecret(own);
        }
        match self.text("proxy.runners").as_deref() {
            Some("same") => return ProxyRunners::Same,
            Some(_) => return ProxyRunners::None,
            None => {}
        }
        let is_broken = |path: &&str| self.settled.is_broken(path);
        if has_account
            && !["proxy.runners", "proxy.runnersExistingSecret"]
                .iter()
                .any(is_broken)
        {
            let mut problem = Problem::missing(
                "proxy.runners",
                "any workflow can read what its runner's pod holds, and nothing says whether runners get the account of proxy.credentials",
                &["proxy-runners", "proxy-runners-existing-secret"],
            )
            .remedy("give --proxy-runners none, --proxy-runners same or --proxy-runners-existing-secret SECRET, or set proxy.runners or proxy.runnersExistingSecret in arc-setup.yaml");
            problem.origin = self.settled.origin("proxy.credentials");
            self.problems.push(problem);
        }
        ProxyRunners::None
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

/// A path as messages show it: what came by flag has no place in the file.
pub(super) fn shown(path: &str) -> String {
    match GIVEN_LISTS.iter().find(|list| path.starts_with(list.given)) {
        Some(list) => format!("an entry of {}", list.given),
        None => path.to_owned(),
    }
}
