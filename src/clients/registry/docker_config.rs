//! Accounts in a docker configuration (`~/.docker/config.json`): what kubelets read from a pull secret.
//!
//! Only `auths`; credential helpers are programs, and are not run.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::secret::Secret;

/// A registry's account.
#[derive(Debug, Clone)]
pub struct RegistryAccount {
    /// The name.
    pub username: String,
    /// Password, or token.
    pub password: Secret<String>,
}

impl RegistryAccount {
    pub(super) fn basic(&self) -> Secret<String> {
        let pair = Secret::new(format!("{}:{}", self.username, self.password.expose()));
        Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())))
    }
}

/// Accounts by registry.
#[derive(Debug, Clone, Default)]
pub struct DockerConfig {
    accounts: BTreeMap<String, RegistryAccount>,
    /// What was passed over, for a person.
    pub notes: Vec<String>,
}

impl DockerConfig {
    /// Reads the JSON. Errors never repeat its text.
    pub fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            Failure::new(
                "docker-config",
                Exit::Usage,
                "the docker configuration cannot be used",
            )
            .why(why)
            .remedy("docker login --username NAME HOST writes one to ~/.docker/config.json")
        };
        let parsed: Value = serde_json::from_slice(bytes).map_err(|error| {
            wrong(&format!(
                "it is not JSON: line {}, column {}",
                error.line(),
                error.column()
            ))
        })?;
        let mut config = Self::default();
        for key in ["credsStore", "credHelpers"] {
            if parsed.get(key).is_some_and(|value| !value.is_null()) {
                config.notes.push(format!(
                    "{key} is passed over: no program is run, and a pull secret cannot hold it"
                ));
            }
        }
        let auths = match parsed.get("auths") {
            Some(Value::Object(auths)) => auths.clone(),
            None if parsed.is_object() => serde_json::Map::new(),
            _ => return Err(wrong("it has no map 'auths'")),
        };
        for (name, entry) in &auths {
            match account(entry) {
                Some(account) => {
                    config.accounts.insert(normal(name), account);
                }
                None => config
                    .notes
                    .push(format!("auths['{name}'] holds no usable account")),
            }
        }
        Ok(config)
    }

    /// The hosts that have an account, in order.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.accounts.keys().map(String::as_str)
    }

    /// The account for a repository: the longest entry that its `host/path` begins with, as kubelets choose.
    pub fn account(&self, host: &str, repository: &str) -> Option<&RegistryAccount> {
        let wanted = normal(&format!("{host}/{repository}"));
        self.accounts
            .iter()
            .filter(|(entry, _)| covers(entry, &wanted))
            .max_by_key(|(entry, _)| entry.len())
            .map(|(_, account)| account)
    }
}

fn account(entry: &Value) -> Option<RegistryAccount> {
    let field = |name: &str| {
        entry
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if let Some(auth) = field("auth") {
        let decoded = Secret::new(STANDARD.decode(auth.trim()).ok()?);
        let text = std::str::from_utf8(decoded.expose()).ok()?;
        // docker pads the password with zero bytes in some old files.
        let (username, password) = text.trim_end_matches('\0').split_once(':')?;
        return Some(RegistryAccount {
            username: username.to_owned(),
            password: Secret::new(password.to_owned()),
        });
    }
    let password = Secret::new(field("password")?.to_owned());
    Some(RegistryAccount {
        username: field("username")?.to_owned(),
        password,
    })
}

/// `https://index.docker.io/v1/` → `docker.io`; `https://host:5000/v2/` → `host:5000`; `host/key` stays.
fn normal(name: &str) -> String {
    let rest = name
        .split_once("://")
        .map_or(name, |(_, rest)| rest)
        .trim_end_matches('/');
    let rest = rest
        .strip_suffix("/v1")
        .or_else(|| rest.strip_suffix("/v2"))
        .unwrap_or(rest);
    let (host, path) = rest
        .split_once('/')
        .map_or((rest, None), |(host, path)| (host, Some(path)));
    let host = match host {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => "docker.io",
        host => host,
    };
    match path {
        Some(path) => format!("{host}/{path}"),
        None => host.to_owned(),
    }
}

/// Host label by label (`*` is any one label), then whole path components.
fn covers(entry: &str, wanted: &str) -> bool {
    let mut entry = entry.split('/');
    let mut wanted = wanted.split('/');
    let (Some(entry_host), Some(host)) = (entry.next(), wanted.next()) else {
        return false;
    };
    let (entry_labels, labels): (Vec<&str>, Vec<&str>) =
        (entry_host.split('.').collect(), host.split('.').collect());
    entry_labels.len() == labels.len()
        && entry_labels
            .iter()
            .zip(&labels)
            .all(|(entry, label)| *entry == "*" || entry == label)
        && entry.all(|component| wanted.next() == Some(component))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_entry_wins_and_docker_hub_has_many_names() {
        let config = DockerConfig::parse(
            br#"{"auths": {
                "https://index.docker.io/v1/": {"auth": "aHViOnA="},
                "registry.corp": {"username": "host", "password": "p"},
                "registry.corp/team": {"auth": "dGVhbTpwOnE="},
                "*.jfrog.io": {"auth": "amZyb2c6cA=="},
                "broken": {"auth": "!!"}},
                "credsStore": "desktop"}"#,
        )
        .unwrap();
        let name = |host, repository| {
            config
                .account(host, repository)
                .map(|account| account.username.as_str())
        };
        assert_eq!(name("docker.io", "library/docker"), Some("hub"));
        assert_eq!(name("registry.corp", "other/x"), Some("host"));
        assert_eq!(name("registry.corp", "team/x"), Some("team"));
        assert_eq!(name("registry.corp", "teammate/x"), Some("host"));
        assert_eq!(name("a.jfrog.io", "x"), Some("jfrog"));
        assert_eq!(name("quay.io", "x"), None);
        assert_eq!(
            config
                .account("registry.corp", "team/x")
                .unwrap()
                .password
                .expose(),
            "p:q"
        );
        assert_eq!(config.notes.len(), 2, "{:?}", config.notes);
    }

    #[test]
    fn a_broken_file_is_never_quoted() {
        for bytes in [
            &b"{\"auths\": {\"h\": {\"password\": \"canary"[..],
            b"[\"canary\"]",
            b"{\"auths\": [\"canary\"]}",
        ] {
            let failure = DockerConfig::parse(bytes).unwrap_err();
            assert!(!format!("{failure:?}").contains("canary"));
        }
    }
}
