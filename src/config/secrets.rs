//! Secret values from files, variables and standard input. No value reaches a problem.

use std::io::Read;

use serde_json::Value as Json;

use crate::object::Credential;
use crate::secret::{Secret, looks_like_a_secret};

use super::credentials::Credentials;
use super::model::Origin;
use super::places::{Places, read_limited};
use super::problem::Problem;
use super::settled::{Settled, Value};
use super::sources::{SecretReading, Sources, Stdin};

/// Greatest size of a secret in bytes: what a Kubernetes Secret can hold.
const LIMIT: usize = 1024 * 1024;

/// Which credential each field holds; None is an account of `user:password`.
const FIELDS: &[(&str, Credential, Option<Credential>)] = &[
    ("github.token", Credential::GithubToken, None),
    (
        "github.app.privateKey",
        Credential::GithubAppPrivateKey,
        None,
    ),
    (
        "registry.pullSecret.dockerConfig",
        Credential::PullSecret,
        None,
    ),
    (
        "registry.mirrorCredentials.account",
        Credential::MirrorUsername,
        Some(Credential::MirrorPassword),
    ),
    (
        "registry.mirrorCredentials.username",
        Credential::MirrorUsername,
        None,
    ),
    (
        "registry.mirrorCredentials.password",
        Credential::MirrorPassword,
        None,
    ),
    (
        "proxy.credentials.account",
        Credential::ProxyUsername,
        Some(Credential::ProxyPassword),
    ),
    (
        "proxy.credentials.username",
        Credential::ProxyUsername,
        None,
    ),
    (
        "proxy.credentials.password",
        Credential::ProxyPassword,
        None,
    ),
    (
        "webhookCertificate.certificate",
        Credential::WebhookCertificate,
        None,
    ),
    (
        "webhookCertificate.privateKey",
        Credential::WebhookPrivateKey,
        None,
    ),
    (
        "webhookCertificate.authority",
        Credential::WebhookAuthority,
        None,
    ),
];

/// Reads every secret that is named.
pub(super) fn read(
    settled: &Settled,
    places: &Places,
    sources: &Sources,
    problems: &mut Vec<Problem>,
) -> Credentials {
    let mut credentials = Credentials::default();
    let mut stdin: Option<&str> = None;
    for (path, credential, password) in FIELDS {
        let Some(source) = settled.get(path) else {
            continue;
        };
        let origin = source.origin.clone();
        if source.value.get("stdin").is_some() {
            if let Some(first) = stdin {
                problems.push(read_twice(path, first, origin));
                continue;
            }
            stdin = Some(path);
        }
        if sources.secrets == SecretReading::Leave {
            continue;
        }
        match (bytes(source, places, sources), password) {
            (Err(why), _) => problems.push(
                Problem::new("config-secret", path, format!("{path}: {why}"), origin)
                    .remedy("make it readable, or name another source for the secret"),
            ),
            (Ok(bytes), None) => credentials.insert(*credential, bytes, origin),
            (Ok(bytes), Some(password)) => {
                let names = (*credential, *password);
                account(path, names, &bytes, &origin, &mut credentials, problems);
            }
        }
    }
    credentials
}

fn read_twice(path: &str, first: &str, origin: Origin) -> Problem {
    let what = format!("{path} and {first} both read standard input");
    Problem::new("config-stdin", path, what, origin)
        .remedy("read one of them from a file or a variable")
}

/// The secret that a source names; an error says why it cannot be read, and nothing of it.
fn bytes(
    source: &Value<Json>,
    places: &Places,
    sources: &Sources,
) -> Result<Secret<Vec<u8>>, String> {
    let text = |key: &str| source.value.get(key).and_then(|value| value.as_str());
    let bytes = if let Some(name) = text("env") {
        sources
            .environment
            .get(name)
            .map(|value| value.as_bytes().to_vec())
            .ok_or_else(|| format!("the variable {name} is not set or empty"))
    } else if let Some(file) = text("file") {
        let path = places.resolve(file, &source.origin);
        // What was given may be the secret itself, so it is not repeated.
        match (hardly_a_path(file), path.exists()) {
            (true, true) => read_limited(&path, LIMIT)
                .map_err(|_| "the file cannot be read".to_owned()),
            (true, false) => Err("what was given is not the path of a file; it may be the secret itself, so it is not shown".to_owned()),
            (false, _) => read_limited(&path, LIMIT).map_err(|why| format!("file {why}")),
        }
    } else {
        from_standard_input(&sources.stdin)
    };
    bytes.map(Secret::new)
}

/// True for a text that is hardly a path: an account has a colon, other secrets neither a dot nor a slash.
pub(super) fn hardly_a_path(text: &str) -> bool {
    looks_like_a_secret(text) || text.contains(':') || !text.contains(['.', '/', '\\'])
}

fn from_standard_input(stdin: &Stdin) -> Result<Vec<u8>, String> {
    match stdin {
        Stdin::Given(bytes) => Ok(bytes.expose().clone()),
        Stdin::Process => {
            let mut bytes = Vec::new();
            std::io::stdin()
                .take(LIMIT as u64 + 1)
                .read_to_end(&mut bytes)
                .map_err(|error| format!("standard input cannot be read: {}", error.kind()))?;
            if bytes.len() > LIMIT {
                return Err("standard input is too large".to_owned());
            }
            Ok(bytes)
        }
    }
}

/// `user:password`: the user name ends at the first colon, the password may hold more.
fn account(
    path: &str,
    (username, password): (Credential, Credential),
    bytes: &Secret<Vec<u8>>,
    origin: &Origin,
    credentials: &mut Credentials,
    problems: &mut Vec<Problem>,
) {
    let line = bytes.expose().trim_ascii();
    match line.iter().position(|byte| *byte == b':') {
        Some(colon) if colon > 0 && colon + 1 < line.len() => {
            let (user, rest) = line.split_at(colon);
            credentials.insert(username, Secret::new(user.to_vec()), origin.clone());
            credentials.insert(password, Secret::new(rest[1..].to_vec()), origin.clone());
        }
        _ => problems.push(
            Problem::new(
                "config-secret",
                path,
                format!("{path} is not of the form user:password"),
                origin.clone(),
            )
            .remedy("write the account as one line: user:password"),
        ),
    }
}
