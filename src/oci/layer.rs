//! The layer: a company's authorities under the names by which programs look for them.

use std::collections::BTreeMap;

use super::{Blob, Family, Problem, gzip, tar};
use crate::object::sha256;
use crate::pki::hashed;

/// Where Docker looks for a registry's authorities.
const CERTS_D: &str = "etc/docker/certs.d";
/// Where OpenSSL looks for names by hash, and Go at every file.
pub(super) const HASHED: &str = "etc/ssl/certs";
/// Where Debian's and Alpine's `update-ca-certificates` looks for what administrators added.
pub(super) const ADDED: &str = "usr/local/share/ca-certificates";

/// The files of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaFiles {
    /// PEM of every authority, as `ca bundle` writes it.
    bundle: String,
    /// By path, without a leading slash.
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

/// A layer, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// What is pushed.
    pub blob: Blob,
    /// The digest of what it is unpacked to.
    pub diff_id: String,
}

/// Where files go in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) certs_d: String,
    pub(super) hashed: String,
    /// Names in `hashed` that are taken.
    pub(super) taken: Vec<String>,
    pub(super) added: Vec<String>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            certs_d: CERTS_D.to_owned(),
            hashed: HASHED.to_owned(),
            taken: Vec::new(),
            added: vec![ADDED.to_owned()],
        }
    }
}

impl CaFiles {
    /// Files that are added to any image, whatever is in it: for Docker by registry (`HOST[:PORT]`), for OpenSSL and Go
    /// by hash, and for programs that make bundles.
    pub fn additive(pems: &[String], hosts: &[String]) -> Result<Self, Problem> {
        Self::at(pems, hosts, &Places::default())
    }

    pub(super) fn at(pems: &[String], hosts: &[String], places: &Places) -> Result<Self, Problem> {
        let bundle: String = pems.concat();
        let mut files = BTreeMap::new();
        for host in hosts {
            let path = format!("{}/{host}/ca.crt", places.certs_d);
            files.insert(path, bundle.clone().into_bytes());
        }
        let named = hashed(pems.iter().map(String::as_str));
        let named = named.map_err(|(_, error)| Problem::Certificate(error.to_string()))?;
        for (name, pem) in named {
            let name = free(name, &places.taken);
            files.insert(
                format!("{}/{name}", places.hashed),
                pem.clone().into_bytes(),
            );
            // One each: Debian's program passes a file of several over.
            let name = name.replace('.', "-");
            for added in &places.added {
                let path = format!("{added}/arc-setup-{name}.crt");
                files.insert(path, pem.clone().into_bytes());
            }
        }
        Ok(Self { bundle, files })
    }

    /// The SHA-256 of the bundle: that of the PEM that `ca bundle` writes of the same sources.
    pub fn bundle_sha256(&self) -> String {
        sha256(self.bundle.as_bytes())
    }

    /// Paths and sizes, in order.
    pub fn files(&self) -> impl Iterator<Item = (&str, usize)> {
        let files = self.files.iter();
        files.map(|(path, content)| (path.as_str(), content.len()))
    }

    /// As a layer for an image of that family.
    pub fn layer(&self, family: Family) -> Result<Layer, Problem> {
        let archive = tar::archive(&self.files)?;
        let diff_id = format!("sha256:{}", sha256(&archive));
        let bytes = match family {
            Family::Oci => archive,
            Family::Docker => gzip::stored(&archive),
        };
        Ok(Layer {
            blob: Blob::new(family.layer(), bytes),
            diff_id,
        })
    }
}

/// `5229d903.0`, or with the next number that is not taken.
fn free(name: String, taken: &[String]) -> String {
    let Some((hash, number)) = name.split_once('.') else {
        return name;
    };
    let first: usize = number.parse().unwrap_or_default();
    let names = (first..=first + taken.len()).map(|number| format!("{hash}.{number}"));
    let is_free = |name: &String| !taken.contains(name);
    names.clone().find(is_free).unwrap_or_else(|| name.clone())
}
