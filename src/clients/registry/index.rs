//! What an index holds for each platform, what a single image is for, and whether a registry's "not found" means that.

use http::{Method, header};
use serde_json::Value;

use super::{Presence, Registry, answer};
use crate::clients::transport::{Exchange, Reply};
use crate::image_ref::check_digest;
use crate::object::{items_at, text_at};
use crate::oci::ACCEPT;

/// The largest configuration of an image that is read, in bytes: histories of hundreds of layers have some 100 KiB.
const LARGEST_CONFIG: u64 = 1 << 20;

/// What runs a program: `linux`, `amd64`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    /// `linux`, `windows`.
    pub os: String,
    /// `amd64`, `arm64`.
    pub architecture: String,
}

impl std::fmt::Display for Platform {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)
    }
}

/// One manifest of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformManifest {
    /// What it is for.
    pub platform: Platform,
    /// Its digest.
    pub digest: String,
}

/// True for the media type of an index.
pub fn is_index(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/vnd.oci.image.index.v1+json"
            | "application/vnd.docker.distribution.manifest.list.v2+json"
    )
}

impl Registry {
    /// What a single image is for, as its configuration says. None where that is no configuration of an image (charts
    /// are stored alike), or where it cannot be read: redirects to a storage of another name are not followed.
    ///
    /// # Errors
    /// What the registry says where it does not hand the image out.
    pub async fn platform(
        &self,
        repository: &str,
        reference: &str,
    ) -> Result<Option<Platform>, Presence> {
        let manifest = self.manifest_body(repository, reference).await?;
        let Some(digest) = configuration(&manifest) else {
            return Ok(None);
        };
        let url = self.url(&format!("/v2/{repository}/blobs/{digest}"));
        let exchange = Exchange::new(Method::GET, url);
        let reply = self.exchange(exchange, Some(repository)).await?;
        if reply.status == 200 {
            return Ok(platform_of(&reply));
        }
        match answer::decode(&reply, self.account.is_some()) {
            refused @ (Presence::Denied { .. }
            | Presence::AuthRequired { .. }
            | Presence::RateLimited { .. }) => Err(refused),
            _ => Ok(None),
        }
    }

    /// Asks for a manifest as a node does: some products answer a HEAD and refuse what follows it.
    pub async fn download(&self, repository: &str, reference: &str) -> Presence {
        let found = self.manifest_reply(repository, reference).await;
        found.map_or_else(
            |presence| presence,
            |reply| answer::decode(&reply, self.account.is_some()),
        )
    }

    async fn manifest_reply(&self, repository: &str, reference: &str) -> Result<Reply, Presence> {
        let url = self.url(&format!("/v2/{repository}/manifests/{reference}"));
        let exchange = Exchange::new(Method::GET, url).header(header::ACCEPT, ACCEPT);
        self.exchange(exchange, Some(repository)).await
    }

    async fn manifest_body(&self, repository: &str, reference: &str) -> Result<Value, Presence> {
        let reply = self.manifest_reply(repository, reference).await?;
        if reply.status != 200 {
            return Err(answer::decode(&reply, self.account.is_some()));
        }
        Ok(serde_json::from_slice(&reply.body).unwrap_or_default())
    }

    /// The images of an index, by platform. Attestations are none: a mirror may leave them out.
    pub async fn platforms(
        &self,
        repository: &str,
        reference: &str,
    ) -> Result<Vec<PlatformManifest>, Presence> {
        let index = self.manifest_body(repository, reference).await?;
        Ok(items_at(&index, "/manifests")
            .iter()
            .filter(|item| !is_attestation(item))
            .filter_map(|item| {
                let text = |pointer: &str| text_at(item, pointer).map(str::to_owned);
                Some(PlatformManifest {
                    platform: Platform {
                        os: text("/platform/os")?,
                        architecture: text("/platform/architecture")?,
                    },
                    digest: text("/digest")?,
                })
            })
            .collect())
    }

    /// Why "not found" does not mean that an image is not there; None where it does. A virtual repository of
    /// Artifactory says so of what a policy blocks, too (JFrog KB 7180), and of what this account may not see.
    pub async fn may_hide(&self, repository: &str) -> Option<String> {
        let ping = Exchange::new(Method::GET, self.url("/v2/"));
        let reply = self.exchange(ping, None).await.ok()?;
        if !is_artifactory(&reply) {
            return None;
        }
        let key = repository.split('/').next().unwrap_or_default();
        match self.repository_class(key).await.as_deref() {
            Some("virtual") => Some(format!(
                "{key} is a virtual repository of Artifactory, which says so of what a policy blocks, too"
            )),
            Some(_) => None,
            None => Some(
                "this is Artifactory, which does not tell whether the repository is a virtual one: those say so of what a policy blocks, too"
                    .to_owned(),
            ),
        }
    }

    /// `local`, `remote`, `virtual` or `federated`; None where Artifactory does not tell.
    async fn repository_class(&self, key: &str) -> Option<String> {
        let url = self.url(&format!("/artifactory/api/repositories/{key}"));
        let exchange = Exchange::new(Method::GET, url);
        let exchange = match &self.account {
            Some(account) => exchange.authorization(&account.basic())?,
            None => exchange,
        };
        let reply = self.send(&exchange).await.ok()?;
        let answer: Value = serde_json::from_slice(&reply.body).ok()?;
        (reply.status == 200)
            .then(|| text_at(&answer, "/rclass").map(str::to_lowercase))
            .flatten()
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.host)
    }
}

/// The digest of an image's configuration; None where the manifest names something else, or something too large.
fn configuration(manifest: &Value) -> Option<&str> {
    let is_configuration = matches!(
        text_at(manifest, "/config/mediaType")?,
        "application/vnd.oci.image.config.v1+json"
            | "application/vnd.docker.container.image.v1+json"
    );
    let size = manifest.pointer("/config/size").and_then(Value::as_u64);
    if !is_configuration || size.is_none_or(|size| size > LARGEST_CONFIG) {
        return None;
    }
    text_at(manifest, "/config/digest").filter(|digest| check_digest(digest).is_ok())
}

fn platform_of(reply: &Reply) -> Option<Platform> {
    let config: Value = serde_json::from_slice(&reply.body).ok()?;
    let text = |pointer: &str| {
        let text = text_at(&config, pointer).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    Some(Platform {
        os: text("/os")?,
        architecture: text("/architecture")?,
    })
}

/// BuildKit's attestations have no platform of this world.
fn is_attestation(item: &Value) -> bool {
    text_at(item, "/platform/os") == Some("unknown")
        || item
            .get("annotations")
            .is_some_and(|annotations| annotations.get("vnd.docker.reference.type").is_some())
}

fn is_artifactory(reply: &Reply) -> bool {
    reply.header("x-jfrog-version").is_some()
        || reply.header("x-artifactory-id").is_some()
        || reply
            .header("server")
            .is_some_and(|server| server.to_lowercase().contains("artifactory"))
}
