//! Images as builders push them, put into a registry: layers, configurations with what no type of ours knows, indexes with
//! attestations.

use anyhow::Result;
use arc_setup::clients::registry::{DockerConfig, Registry, Repository};
use arc_setup::clients::roots::Roots;
use arc_setup::clients::transport::{Route, Timeouts};
use arc_setup::oci::Blob;
use arc_setup::pki::chain::bundle;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write as _;

use super::authority::Authority;
use super::distribution::{ACCOUNT, Distribution};

/// Whose media types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Oci,
    Docker,
}

impl Family {
    fn of(self, oci: &str, docker: &str) -> String {
        match self {
            Self::Oci => format!("application/vnd.oci.image.{oci}"),
            Self::Docker => format!("application/vnd.docker.{docker}"),
        }
    }

    pub(crate) fn index(self) -> String {
        self.of("index.v1+json", "distribution.manifest.list.v2+json")
    }

    pub(crate) fn manifest(self) -> String {
        self.of("manifest.v1+json", "distribution.manifest.v2+json")
    }

    pub(crate) fn config(self) -> String {
        self.of("config.v1+json", "container.image.v1+json")
    }

    fn layer(self) -> String {
        self.of("layer.v1.tar+gzip", "image.rootfs.diff.tar.gzip")
    }
}

/// An entry of a layer.
pub(crate) enum Entry<'a> {
    Directory(&'a str),
    File(&'a str, &'a str),
    Link(&'a str, &'a str),
}

/// A tar as GNU's program writes one, for what tests put into it.
pub(crate) fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut archive = Vec::new();
    for entry in entries {
        let (name, flag, link, content) = match entry {
            Entry::Directory(name) => (*name, b'5', "", ""),
            Entry::File(name, content) => (*name, b'0', "", *content),
            Entry::Link(name, target) => (*name, b'2', *target, ""),
        };
        let mut header = [0_u8; 512];
        let mut put = |at: usize, text: &str| {
            header[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        put(0, name);
        put(100, "0000755\0");
        put(124, &format!("{:011o}\0", content.len()));
        put(136, "00000000000\0");
        put(148, "        ");
        put(157, link);
        put(257, "ustar  \0");
        header[156] = flag;
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend(header);
        archive.extend(content.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// A registry, written to as builders write to it.
pub(crate) struct Shelf {
    route: Route,
    host: String,
    pub(crate) family: Family,
}

/// An image that was put there.
#[derive(Clone)]
pub(crate) struct Put {
    pub(crate) manifest: Blob,
    pub(crate) layers: Vec<Blob>,
}

impl Shelf {
    pub(crate) fn new(authority: &Authority, registry: &Distribution, family: Family) -> Self {
        let pem = authority.bundle_pem();
        let route = Route {
            roots: Roots {
                system: false,
                bundle: bundle([("", pem.as_bytes())], 0).ders(),
                pins: Vec::new(),
            },
            proxy: None,
            timeouts: Timeouts::default(),
            retries: 0,
            now: 0,
        };
        Self {
            route,
            host: registry.host(),
            family,
        }
    }

    pub(crate) fn repository(&self, name: &str) -> Result<Repository> {
        let (user, password) = ACCOUNT;
        let login = json!({"auths": {&self.host: {"username": user, "password": password}}});
        let accounts = DockerConfig::parse(login.to_string().as_bytes())?;
        let account = accounts.account(&self.host, name).cloned();
        let registry = Registry::new(self.route.client()?, &self.host, account);
        Ok(Repository::to_write(registry, name, &[]))
    }

    /// Puts an image of these layers there.
    pub(crate) async fn image(
        &self,
        name: &str,
        tag: Option<&str>,
        architecture: &str,
        layers: &[Vec<u8>],
    ) -> Result<Put> {
        let repository = self.repository(name)?;
        let (mut blobs, mut diff_ids) = (Vec::new(), Vec::new());
        for layer in layers {
            diff_ids.push(Blob::new("", layer.clone()).digest);
            let blob = Blob::new(self.family.layer(), gzip(layer)?);
            repository.put_blob(&blob).await?;
            blobs.push(blob);
        }
        let history = diff_ids.iter().map(|_| json!({"created_by": "COPY x"}));
        let mut history: Vec<Value> = history.collect();
        history.push(json!({"created_by": "CMD", "empty_layer": true}));
        let config = json!({
            "x-first": {"z": 1, "a": [1.5, null]},
            "os": "linux", "architecture": architecture, "variant": "v8",
            "config": {"Env": ["PATH=/bin"], "x-unknown": true},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": history,
            "a-last": "stays last",
        });
        let config = Blob::new(self.family.config(), serde_json::to_vec(&config)?);
        repository.put_blob(&config).await?;
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": self.family.manifest(),
            "config": descriptor(&config), "layers": blobs.iter().map(descriptor).collect::<Vec<_>>(),
        });
        if self.family == Family::Oci {
            manifest["annotations"] = json!({"kept": "as it is"});
        }
        let manifest = Blob::new(self.family.manifest(), serde_json::to_vec(&manifest)?);
        let reference = tag.unwrap_or(&manifest.digest);
        repository.put_manifest(reference, &manifest).await?;
        Ok(Put {
            manifest,
            layers: blobs,
        })
    }

    /// Puts an index there, of images by their platforms, each with an attestation where the family has them.
    pub(crate) async fn index(
        &self,
        name: &str,
        tag: &str,
        images: &[(&str, &Put)],
    ) -> Result<Blob> {
        let repository = self.repository(name)?;
        let mut manifests = Vec::new();
        for (architecture, image) in images {
            let mut item = descriptor(&image.manifest);
            item["platform"] = json!({"os": "linux", "architecture": architecture});
            manifests.push(item);
            if self.family == Family::Oci {
                let attestation = self.attestation(name, image).await?;
                let mut item = descriptor(&attestation);
                item["annotations"] = json!({
                    "vnd.docker.reference.digest": image.manifest.digest,
                    "vnd.docker.reference.type": "attestation-manifest",
                });
                item["platform"] = json!({"os": "unknown", "architecture": "unknown"});
                manifests.push(item);
            }
        }
        let index =
            json!({"schemaVersion": 2, "mediaType": self.family.index(), "manifests": manifests});
        let index = Blob::new(self.family.index(), serde_json::to_vec(&index)?);
        repository.put_manifest(tag, &index).await?;
        Ok(index)
    }

    async fn attestation(&self, name: &str, image: &Put) -> Result<Blob> {
        let repository = self.repository(name)?;
        let statement = format!("{{\"subject\": \"{}\"}}", image.manifest.digest);
        let layer = Blob::new("application/vnd.in-toto+json", statement.into_bytes());
        let config = Blob::new(self.family.config(), b"{\"os\":\"unknown\"}".to_vec());
        for blob in [&layer, &config] {
            repository.put_blob(blob).await?;
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": self.family.manifest(),
            "config": descriptor(&config), "layers": [descriptor(&layer)],
        });
        let manifest = Blob::new(self.family.manifest(), serde_json::to_vec(&manifest)?);
        repository.put_manifest(&manifest.digest, &manifest).await?;
        Ok(manifest)
    }
}

fn descriptor(blob: &Blob) -> Value {
    json!({"mediaType": blob.media_type, "digest": blob.digest, "size": blob.bytes.len()})
}
