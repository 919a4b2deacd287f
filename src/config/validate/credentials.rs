//! Form of the secret values. No message repeats any part of one.

use serde_json::Value as Json;

use crate::config::credentials::Credentials;
use crate::config::model::{Config, Origin};
use crate::config::problem::Problem;
use crate::object::Credential;

/// Checks every credential that was read and that the configuration uses.
pub fn credentials(config: &Config, credentials: &Credentials) -> Vec<Problem> {
    const ALL: &[(Credential, &str)] = &[
        (Credential::GithubToken, "github.token"),
        (Credential::GithubAppPrivateKey, "github.app.privateKey"),
        (Credential::PullSecret, "registry.pullSecret.dockerConfig"),
        (Credential::ProxyUsername, "proxy.credentials.username"),
        (Credential::ProxyPassword, "proxy.credentials.password"),
        (
            Credential::MirrorUsername,
            "registry.mirrorCredentials.username",
        ),
        (
            Credential::MirrorPassword,
            "registry.mirrorCredentials.password",
        ),
        (
            Credential::WebhookCertificate,
            "webhookCertificate.certificate",
        ),
        (
            Credential::WebhookPrivateKey,
            "webhookCertificate.privateKey",
        ),
        (Credential::WebhookAuthority, "webhookCertificate.authority"),
    ];
    ALL.iter()
        .filter(|(credential, _)| config.needs(*credential))
        .filter_map(|(credential, path)| {
            let bytes = credentials.get(*credential)?.expose();
            let (what, remedy) = defect(*credential, bytes)?;
            let origin = credentials
                .origin(*credential)
                .cloned()
                .unwrap_or(Origin::Default);
            Some(
                Problem::new("config-secret", path, format!("{path} {what}"), origin)
                    .remedy(remedy),
            )
        })
        .collect()
}

type Defect = (&'static str, &'static str);

fn defect(credential: Credential, bytes: &[u8]) -> Option<Defect> {
    if bytes.trim_ascii().is_empty() {
        return Some(("is empty", "check the file or variable that holds it"));
    }
    match credential {
        Credential::GithubToken => token(bytes),
        Credential::GithubAppPrivateKey | Credential::WebhookPrivateKey => private_key(bytes),
        Credential::PullSecret => docker_config(bytes),
        Credential::WebhookCertificate | Credential::WebhookAuthority => {
            (!contains(bytes, b"-----BEGIN CERTIFICATE-----")).then_some((
                "is not a PEM certificate",
                "give a file with -----BEGIN CERTIFICATE-----",
            ))
        }
        Credential::ProxyUsername
        | Credential::ProxyPassword
        | Credential::MirrorUsername
        | Credential::MirrorPassword => bytes
            .trim_ascii()
            .iter()
            .any(u8::is_ascii_control)
            .then_some(("has more than one line", "write one line")),
    }
}

fn token(bytes: &[u8]) -> Option<Defect> {
    let inner = bytes.trim_ascii();
    if contains(inner, b"-----BEGIN") {
        return Some((
            "is a PEM key, not a token",
            "use github.app for a GitHub App",
        ));
    }
    inner
        .iter()
        .any(|byte| !byte.is_ascii_graphic())
        .then_some((
            "holds white space or characters that no token has",
            "write the token alone, on one line",
        ))
}

fn private_key(bytes: &[u8]) -> Option<Defect> {
    if contains(bytes, b"ENCRYPTED") {
        return Some((
            "is encrypted",
            "give the key without a passphrase; nobody could enter one in the cluster",
        ));
    }
    let pem = contains(bytes, b"-----BEGIN") && contains(bytes, b"PRIVATE KEY-----");
    (!pem).then_some((
        "is not a PEM private key",
        "give the file with -----BEGIN RSA PRIVATE KEY-----",
    ))
}

fn docker_config(bytes: &[u8]) -> Option<Defect> {
    const REMEDY: &str = "give a docker config.json such as {\"auths\": {\"HOST\": {\"auth\": …}}}; a credential helper keeps its accounts elsewhere";
    let Ok(document) = serde_json::from_slice::<Json>(bytes) else {
        return Some(("is not a docker configuration (JSON)", REMEDY));
    };
    let Some(auths) = document.get("auths").and_then(Json::as_object) else {
        return Some(("has no `auths`", REMEDY));
    };
    let filled = |entry: &Json| {
        let text = |key: &str| {
            entry
                .get(key)
                .and_then(Json::as_str)
                .is_some_and(|text| !text.is_empty())
        };
        text("auth") || (text("username") && text("password")) || text("identitytoken")
    };
    if auths.is_empty() || !auths.values().any(filled) {
        return Some(("has no account in `auths`", REMEDY));
    }
    None
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (credential, bytes, good) in [
            (Credential::GithubToken, "ghp_abc\n", true),
            (Credential::GithubToken, "ghp abc", false),
            (Credential::GithubToken, " \n", false),
            (
                Credential::GithubToken,
                "-----BEGIN RSA PRIVATE KEY-----",
                false,
            ),
            (
                Credential::GithubAppPrivateKey,
                "-----BEGIN RSA PRIVATE KEY-----\nx\n",
                true,
            ),
            (Credential::GithubAppPrivateKey, "ghp_abc", false),
            (
                Credential::GithubAppPrivateKey,
                "-----BEGIN ENCRYPTED PRIVATE KEY-----",
                false,
            ),
            (
                Credential::PullSecret,
                r#"{"auths":{"h":{"auth":"eA=="}}}"#,
                true,
            ),
            (
                Credential::PullSecret,
                r#"{"credsStore":"desktop","auths":{"h":{}}}"#,
                false,
            ),
            (Credential::PullSecret, "user:password", false),
            (Credential::ProxyPassword, "a\nb", false),
            (Credential::WebhookAuthority, "MIIB", false),
        ] {
            assert_eq!(
                defect(credential, bytes.as_bytes()).is_none(),
                good,
                "{bytes}"
            );
        }
    }
}
