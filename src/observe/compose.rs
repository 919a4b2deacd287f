//! Bytes made from credentials: pure composition, so that what reaches a Secret is tested without a cluster.
//!
//! Problems name hosts and credentials, never values.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::object::{Credential, LateForm};

/// Looks a credential up.
pub(super) type Lookup<'a> = &'a dyn Fn(Credential) -> Option<&'a [u8]>;

/// Why bytes cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeProblem {
    /// Nobody gave it.
    #[error("the credential {0} was not given")]
    Missing(String),
    /// A text was expected.
    #[error("the credential {0} is not UTF-8 text")]
    NotText(String),
    /// The docker configuration is no JSON object with `auths`.
    #[error("the docker configuration has no auths: {0}")]
    NoAccounts(String),
    /// Which account belongs to the host cannot be told.
    #[error("the docker configuration has no account for {host}; it knows {known}")]
    NoAccount {
        /// The target host.
        host: String,
        /// The hosts that it knows.
        known: String,
    },
    /// The account is kept elsewhere.
    #[error(
        "the docker configuration keeps the account for {0} in a credential helper, not in the file"
    )]
    Helper(String),
}

/// Makes the bytes of a form.
pub(super) fn compose(form: &LateForm, lookup: Lookup<'_>) -> Result<Vec<u8>, ComposeProblem> {
    match form {
        LateForm::Bytes(credential) => bytes(*credential, lookup).map(<[u8]>::to_vec),
        LateForm::Text(credential) => {
            text(*credential, lookup).map(|text| text.trim().as_bytes().to_vec())
        }
        LateForm::DockerConfig { credential, hosts } => {
            docker_config(bytes(*credential, lookup)?, hosts)
        }
        LateForm::BasicAuthorization {
            username,
            password,
            text: template,
        } => {
            let pair = format!(
                "{}:{}",
                text(*username, lookup)?.trim(),
                text(*password, lookup)?.trim()
            );
            Ok(template
                .replace("{basic}", &STANDARD.encode(pair))
                .into_bytes())
        }
        LateForm::ProxyUrl {
            url,
            username,
            password,
        } => Ok(proxy_url(
            url,
            text(*username, lookup)?.trim(),
            text(*password, lookup)?.trim(),
        )
        .into_bytes()),
    }
}

/// The name of a credential as the configuration writes it.
pub(super) fn name_of(credential: Credential) -> String {
    serde_json::to_value(credential)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn bytes(credential: Credential, lookup: Lookup<'_>) -> Result<&[u8], ComposeProblem> {
    lookup(credential).ok_or_else(|| ComposeProblem::Missing(name_of(credential)))
}

fn text(credential: Credential, lookup: Lookup<'_>) -> Result<&str, ComposeProblem> {
    std::str::from_utf8(bytes(credential, lookup)?)
        .map_err(|_| ComposeProblem::NotText(name_of(credential)))
}

/// `scheme://user:password@rest`; every byte outside RFC 3986's unreserved set is percent-encoded, because
/// four languages read this URL and agree on nothing else.
fn proxy_url(url: &str, username: &str, password: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    format!(
        "{scheme}://{}:{}@{rest}",
        percent_encoded(username),
        percent_encoded(password)
    )
}

fn percent_encoded(text: &str) -> String {
    const HEXADECIMAL: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEXADECIMAL[usize::from(byte >> 4)]));
            encoded.push(char::from(HEXADECIMAL[usize::from(byte & 15)]));
        }
    }
    encoded
}

fn docker_config(config: &[u8], hosts: &[String]) -> Result<Vec<u8>, ComposeProblem> {
    // serde_json's message could quote the text around the fault: only the place is told.
    let config: Value = serde_json::from_slice(config).map_err(|error| {
        let place = format!("it is no JSON at line {}", error.line());
        ComposeProblem::NoAccounts(place)
    })?;
    let auths = config
        .get("auths")
        .and_then(Value::as_object)
        .filter(|auths| !auths.is_empty())
        .ok_or_else(|| {
            ComposeProblem::NoAccounts("log in first, or name another file".to_owned())
        })?;
    let mut chosen = Map::new();
    for host in hosts {
        let wanted = registry_of(host);
        let entry = auths
            .iter()
            .find(|(name, _)| registry_of(name) == wanted)
            .or_else(|| auths.iter().next().filter(|_| auths.len() == 1))
            .map(|(_, entry)| entry);
        let Some(entry) = entry else {
            let known: Vec<&str> = auths.keys().map(String::as_str).collect();
            return Err(ComposeProblem::NoAccount {
                host: host.clone(),
                known: known.join(", "),
            });
        };
        chosen.insert(host.clone(), account(host, entry)?);
    }
    Ok(json!({ "auths": chosen }).to_string().into_bytes())
}

/// The kubelet reads `auth`; an entry that has only user name and password gains it.
fn account(host: &str, entry: &Value) -> Result<Value, ComposeProblem> {
    let field = |name: &str| {
        entry
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let mut account = Map::new();
    match (field("auth"), field("username"), field("password")) {
        (Some(auth), ..) => account.insert("auth".to_owned(), json!(auth)),
        (None, Some(username), Some(password)) => account.insert(
            "auth".to_owned(),
            json!(STANDARD.encode(format!("{username}:{password}"))),
        ),
        _ if field("identitytoken").is_some() || field("registrytoken").is_some() => None,
        _ => return Err(ComposeProblem::Helper(host.to_owned())),
    };
    for name in ["identitytoken", "registrytoken"] {
        if let Some(token) = field(name) {
            account.insert(name.to_owned(), json!(token));
        }
    }
    Ok(Value::Object(account))
}

/// `host[:port]` of a key of `auths`, which may be a URL; all names of Docker Hub are one.
fn registry_of(name: &str) -> &str {
    let rest = name.split_once("://").map_or(name, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(form: &LateForm, given: &[(Credential, &str)]) -> Result<String, ComposeProblem> {
        let lookup = |wanted: Credential| {
            given
                .iter()
                .find(|(credential, _)| *credential == wanted)
                .map(|(_, value)| value.as_bytes())
        };
        compose(form, &lookup).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn docker(config: &str, hosts: &[&str]) -> Result<String, ComposeProblem> {
        composed(
            &LateForm::DockerConfig {
                credential: Credential::PullSecret,
                hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            },
            &[(Credential::PullSecret, config)],
        )
    }

    #[test]
    fn a_token_loses_its_newline_and_a_key_keeps_it() {
        let given = [(Credential::GithubToken, " ghp_x\n")];
        let text = LateForm::Text(Credential::GithubToken);
        assert_eq!(composed(&text, &given).unwrap(), "ghp_x");
        let bytes = LateForm::Bytes(Credential::GithubToken);
        assert_eq!(composed(&bytes, &given).unwrap(), " ghp_x\n");
    }

    #[test]
    fn a_missing_credential_is_named() {
        let problem = composed(&LateForm::Text(Credential::GithubToken), &[]).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "the credential github-token was not given"
        );
    }

    #[test]
    fn each_target_host_gets_its_own_account() {
        let config = r#"{"auths": {"https://a.corp:5000/v1/": {"auth": "QQ=="}, "b.corp": {"username": "u", "password": "p"}}, "credsStore": "x"}"#;
        assert_eq!(
            docker(config, &["b.corp", "a.corp:5000"]).unwrap(),
            r#"{"auths":{"b.corp":{"auth":"dTpw"},"a.corp:5000":{"auth":"QQ=="}}}"#
        );
    }

    #[test]
    fn the_only_account_serves_every_host_and_two_are_not_guessed_from() {
        assert!(docker(r#"{"auths": {"a": {"auth": "QQ=="}}}"#, &["b", "c"]).is_ok());
        let two = r#"{"auths": {"a": {"auth": "QQ=="}, "d": {"auth": "QQ=="}}}"#;
        assert_eq!(
            docker(two, &["b"]).unwrap_err().to_string(),
            "the docker configuration has no account for b; it knows a, d"
        );
    }

    #[test]
    fn names_of_docker_hub_are_one() {
        let config = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "QQ=="}, "b": {"auth": "Qg=="}}}"#;
        assert!(docker(config, &["docker.io"]).unwrap().contains("QQ=="));
    }

    #[test]
    fn a_credential_helper_and_a_broken_file_are_said_without_their_text() {
        assert_eq!(
            docker(r#"{"auths": {"a": {}}}"#, &["a"]),
            Err(ComposeProblem::Helper("a".to_owned()))
        );
        let problem = docker(r#"{"auths": canary"#, &["a"]).unwrap_err();
        assert!(!problem.to_string().contains("canary"), "{problem}");
    }

    #[test]
    fn user_information_of_a_proxy_is_percent_encoded() {
        let form = LateForm::ProxyUrl {
            url: "http://proxy.corp:3128".to_owned(),
            username: Credential::ProxyUsername,
            password: Credential::ProxyPassword,
        };
        let given = [
            (Credential::ProxyUsername, "corp\\jo"),
            (Credential::ProxyPassword, "p@ss:w/ö%\n"),
        ];
        assert_eq!(
            composed(&form, &given).unwrap(),
            "http://corp%5Cjo:p%40ss%3Aw%2F%C3%B6%25@proxy.corp:3128"
        );
    }

    #[test]
    fn every_basic_of_a_text_is_filled_in() {
        let form = LateForm::BasicAuthorization {
            username: Credential::MirrorUsername,
            password: Credential::MirrorPassword,
            text: "a = [\"Basic {basic}\"]\nb = \"{basic}\"".to_owned(),
        };
        let given = [
            (Credential::MirrorUsername, "u"),
            (Credential::MirrorPassword, "p\n"),
        ];
        assert_eq!(
            composed(&form, &given).unwrap(),
            "a = [\"Basic dTpw\"]\nb = \"dTpw\""
        );
    }
}
