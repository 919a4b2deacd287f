//! The `github` section.

use crate::config::model::{ExistingSecret, Github, GithubCredentials, Mode, Scope};
use crate::config::problem::Problem;

use super::Assembler;

impl Assembler<'_> {
    /// The section, and the problem that is one if a runner set names no scope of its own.
    pub(super) fn github(
        &mut self,
        mode: Mode,
        existing_controller: bool,
    ) -> (Github, Option<Problem>) {
        let url = self.text("github.url").map(|url| self.root(&url));
        if url.is_none() {
            self.missing(
                "github.url",
                "the GitHub server is not named",
                &["github-url"],
            );
        }
        let scope = self.scope("github.");
        let broken = ["organization", "repository", "enterprise"]
            .iter()
            .any(|member| self.settled.is_broken(&format!("github.{member}")));
        let scope_problem = (scope.is_none() && !broken).then(|| {
            let mut problem = Problem::missing(
                "github.organization",
                "organization, repository or enterprise is not named",
                &["github-org", "github-repo", "github-enterprise"],
            );
            problem.origin = self.settled.nearest_origin("github.organization");
            problem
        });
        let github = Github {
            url: url.unwrap_or_else(|| "https://github.com".to_owned()),
            scope,
            credentials: self.github_credentials(mode, existing_controller),
        };
        (github, scope_problem)
    }

    /// The scope under a prefix (`github.`, `runnerSets[0].`).
    pub(super) fn scope(&self, prefix: &str) -> Option<Scope> {
        let text = |member: &str| self.text(&format!("{prefix}{member}"));
        text("repository")
            .map(Scope::Repository)
            .or_else(|| text("organization").map(Scope::Organization))
            .or_else(|| text("enterprise").map(Scope::Enterprise))
    }

    fn github_credentials(&mut self, mode: Mode, existing_controller: bool) -> GithubCredentials {
        if let Some(secret) = self.existing_secret("github.existingSecret") {
            return GithubCredentials::ExistingSecret(secret);
        }
        if self.settled.has("github.token") {
            return GithubCredentials::Token;
        }
        if self.settled.has("github.app") {
            return self.github_app();
        }
        if mode == Mode::Legacy && existing_controller {
            // A controller that is there already has its login; runners get their tokens from it.
            return GithubCredentials::ExistingSecret(ExistingSecret {
                name: "controller-manager".to_owned(),
                keys: std::collections::BTreeMap::new(),
            });
        }
        let broken = ["token", "app", "existingSecret"]
            .iter()
            .any(|member| self.settled.is_broken(&format!("github.{member}")));
        if !broken {
            self.missing(
                "github.token",
                "there are no credentials for GitHub",
                &[
                    "github-token-file",
                    "github-app-id",
                    "github-existing-secret",
                ],
            );
        }
        GithubCredentials::Token
    }

    fn github_app(&mut self) -> GithubCredentials {
        let mut part = |path: &str, what: &str, flag: &str| {
            let text = self.text(path);
            if text.is_none() && !self.settled.has(path) {
                self.missing(path, format!("the GitHub App's {what} is missing"), &[flag]);
            }
            text.unwrap_or_default()
        };
        let id = part("github.app.id", "id", "github-app-id");
        let installation_id = part(
            "github.app.installationId",
            "installation id",
            "github-app-installation-id",
        );
        part(
            "github.app.privateKey",
            "private key",
            "github-app-private-key-file",
        );
        GithubCredentials::App {
            id,
            installation_id,
        }
    }

    /// The URL without trailing slashes; one with user information is refused and not kept.
    fn root(&mut self, url: &str) -> String {
        if has_user_information(url) {
            self.problem(
                "config-url",
                "github.url",
                "github.url holds user information",
                "remove what stands before the @; log in with github.token or github.app",
            );
            return "https://github.com".to_owned();
        }
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let rest = rest.trim_end_matches('/');
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        [&scheme.to_lowercase(), "://", &host.to_lowercase(), path].concat()
    }
}

/// True where `user@` or `user:password@` stands before the host.
pub(super) fn has_user_information(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#'])
        .next()
        .is_some_and(|authority| authority.contains('@'))
}
