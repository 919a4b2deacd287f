//! Values that exist only when an object is sent: secret bytes, and what a cluster hands out.
//!
//! Everything that is stored or shown (plan, facts, receipt) holds a [`Late`], never its value.

use serde::{Deserialize, Serialize};

use super::Pointer;

/// A value that is put at `pointer` in memory, just before the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    /// Where it goes. Under `/data/` of a Secret, and in a webhook's `caBundle`, it is sent base64-encoded.
    pub pointer: Pointer,
    /// Where it comes from.
    pub from: LateSource,
}

/// Where a late value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateSource {
    /// Made from credentials that the user gave by file, stdin or environment.
    Credential(LateForm),
    /// A part of the webhook certificate that `init` makes: `tls.crt`, `tls.key` or `ca.crt`. The same
    /// issue is used for all three keys of one Secret; a valid stored one is kept.
    ServingCertificate {
        /// The key of the Secret.
        key: String,
        /// DNS names that the leaf must carry.
        dns_names: Vec<String>,
    },
    /// `ca.crt` as it is stored in this Secret.
    CaBundleOf(SecretKey),
    /// The Secret's resourceVersion, so that pods roll when it changes.
    ResourceVersionOf {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// A key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretKey {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The key in `data`.
    pub key: String,
}

/// How bytes are made from credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateForm {
    /// As it is, without surrounding white space (a token's trailing newline breaks its header).
    Text(Credential),
    /// As it is, byte for byte.
    Bytes(Credential),
    /// `.dockerconfigjson` from the user's docker configuration: one `auths` entry for each host, each with
    /// the account that the configuration holds for it, or its only account where it names one registry.
    DockerConfig {
        /// The docker configuration.
        credential: Credential,
        /// `host[:port]` of every target.
        hosts: Vec<String>,
    },
    /// A text in which each `{basic}` becomes base64 of `username:password`.
    BasicAuthorization {
        /// The user name.
        username: Credential,
        /// The password.
        password: Credential,
        /// The text, such as a hosts.toml.
        text: String,
    },
    /// A proxy URL with percent-encoded user information.
    ProxyUrl {
        /// The URL without user information.
        url: String,
        /// The user name.
        username: Credential,
        /// The password.
        password: Credential,
    },
}

/// A credential that the configuration names; its value lives in `config::Credentials` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credential {
    /// A personal access token.
    GithubToken,
    /// PEM of a GitHub App's private key.
    GithubAppPrivateKey,
    /// A docker configuration (config.json).
    PullSecret,
    /// The proxy's user name.
    ProxyUsername,
    /// The proxy's password.
    ProxyPassword,
    /// The mirror's user name for dind.
    MirrorUsername,
    /// The mirror's password for dind.
    MirrorPassword,
    /// PEM chain of a webhook certificate that the user brings.
    WebhookCertificate,
    /// PEM key of that certificate.
    WebhookPrivateKey,
    /// PEM of its issuing authority.
    WebhookAuthority,
}
