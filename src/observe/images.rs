//! One question per distinct image: is its manifest in the registry that will be pulled from?
//!
//! From here, with the configuration's proxy, bundle and pull secret: a node's answer may differ, so only a plain "no" counts.

use std::collections::BTreeMap;

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use crate::clients::registry::{DockerConfig, Presence, Registry};
use crate::clients::transport::Http;
use crate::config::Credentials;
use crate::failure::Failure;
use crate::image_ref::ImageReference;
use crate::object::Credential;

/// Questions to one registry at the same time; it limits them by address.
const AT_ONCE: usize = 8;

/// One image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageReport {
    /// The reference as rendered.
    pub image: String,
    /// What the registry said.
    pub presence: ImagePresence,
}

/// What the registry said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "presence",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum ImagePresence {
    /// It is there.
    Present {
        /// Its digest, where the registry tells.
        digest: Option<String>,
    },
    /// It is not there, or hidden from this account.
    Absent {
        /// The registry's words.
        why: String,
    },
    /// No plain answer.
    Unknown {
        /// `auth-required`, `denied`, `rate-limited`, `untrusted`, `proxy-refused`, `proxy-login` (407), `unreachable`, `no-answer`, `no-reference`.
        reason: String,
        /// Why, in words.
        why: String,
    },
}

/// The pull secret's accounts; none where it is in an existing Secret or not configured.
pub fn accounts(credentials: &Credentials) -> Result<DockerConfig, Failure> {
    credentials.get(Credential::PullSecret).map_or_else(
        || Ok(DockerConfig::default()),
        |secret| DockerConfig::parse(secret.expose()),
    )
}

/// Asks for each distinct image, in order. Each registry is asked for one image first: the others use its connection,
/// or are not asked for at all where there was none.
pub async fn read_images(
    images: &[String],
    http: &Http,
    accounts: &DockerConfig,
) -> Vec<ImageReport> {
    let mut distinct: Vec<&String> = Vec::new();
    let mut by_host: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for image in images {
        if !distinct.contains(&image) {
            distinct.push(image);
            let host = ImageReference::parse(image).map(|reference| reference.host().to_owned());
            let of_host = by_host.entry(host.unwrap_or_default()).or_default();
            of_host.push(image.clone());
        }
    }
    let of_hosts = by_host
        .into_values()
        .map(|images| ask_host(images, http, accounts));
    let reports = join_all(of_hosts).await.into_iter().flatten();
    let mut reports: Vec<ImageReport> = reports.collect();
    reports.sort_by_key(|report| distinct.iter().position(|image| **image == report.image));
    reports
}

async fn ask_host(
    mut images: Vec<String>,
    http: &Http,
    accounts: &DockerConfig,
) -> Vec<ImageReport> {
    let others = images.split_off(images.len().min(1));
    let Some(first) = images.pop() else {
        return Vec::new();
    };
    let first = ask(first, http, accounts).await;
    let answers: Vec<ImageReport> = if is_broken(&first.presence) {
        let presence = &first.presence;
        let same = |image| ImageReport {
            image,
            presence: presence.clone(),
        };
        others.into_iter().map(same).collect()
    } else {
        stream::iter(others)
            .map(|image| ask(image, http, accounts))
            .buffered(AT_ONCE)
            .collect()
            .await
    };
    std::iter::once(first).chain(answers).collect()
}

/// True where the registry was not reached: it is so for every image.
pub(super) fn is_broken(presence: &ImagePresence) -> bool {
    let reasons = ["untrusted", "proxy-refused", "proxy-login", "unreachable"];
    matches!(presence, ImagePresence::Unknown { reason, .. } if reasons.contains(&reason.as_str()))
}

async fn ask(image: String, http: &Http, accounts: &DockerConfig) -> ImageReport {
    let presence = match ImageReference::parse(&image) {
        Err(error) => unknown("no-reference", error.to_string()),
        Ok(reference) => {
            let (host, path) = (reference.host(), reference.path());
            let account = accounts.account(host, path).cloned();
            let wanted = reference.digest().or(reference.tag()).unwrap_or("latest");
            let registry = Registry::new(http.clone(), host, account);
            registry.manifest(path, wanted).await.into()
        }
    };
    ImageReport { image, presence }
}

pub(super) fn unknown(reason: &str, why: String) -> ImagePresence {
    ImagePresence::Unknown {
        reason: reason.to_owned(),
        why,
    }
}

impl From<Presence> for ImagePresence {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Present { digest, .. } => Self::Present { digest },
            Presence::Absent { message } => Self::Absent { why: message },
            Presence::AuthRequired { message } => unknown("auth-required", message),
            Presence::Denied { message } => unknown("denied", message),
            Presence::Unknown { message } => unknown("no-answer", message),
            Presence::Untrusted { cause, .. } => unknown("untrusted", cause.to_string()),
            Presence::ProxyRefused { status: Some(407) } => {
                unknown("proxy-login", "the proxy wants a login (407)".to_owned())
            }
            Presence::ProxyRefused { .. } => {
                unknown("proxy-refused", "the proxy refused the registry".to_owned())
            }
            Presence::RateLimited { message } => unknown("rate-limited", message),
            Presence::Unreachable { cause } => unknown("unreachable", cause.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clients::stand_in::{self, Authority};

    #[tokio::test]
    async fn each_distinct_image_is_asked_for_once_and_in_order() {
        let authority = Authority::new();
        let answer: stand_in::Answer = Arc::new(|head| {
            let status = if head.contains("/library/docker/manifests/dind ") {
                200
            } else {
                404
            };
            (status, String::new(), "{}".to_owned())
        });
        let (server, log) = stand_in::server(&authority, true, answer).await;
        let (proxy, _) = stand_in::proxy(server, None).await;
        let route = stand_in::route(&[&authority.root], proxy, None);
        let images = [
            "registry.corp/library/docker:dind",
            "registry.corp/x@bad",
            "registry.corp/library/docker:dind",
            "registry.corp/gone:1",
        ]
        .map(str::to_owned);
        let http = route.client().unwrap();
        let reports = read_images(&images, &http, &DockerConfig::default()).await;
        assert_eq!(reports.len(), 3);
        assert_eq!(reports[0].presence, ImagePresence::Present { digest: None });
        assert!(
            matches!(&reports[1].presence, ImagePresence::Unknown { reason, .. } if reason == "no-reference")
        );
        assert!(matches!(reports[2].presence, ImagePresence::Absent { .. }));
        assert_eq!(
            log.lock().unwrap().len(),
            3,
            "HEAD, and for the absent one HEAD and GET"
        );
    }
}
