//! The company's certificates as files: what an administrator is given, and what the servers send.
//!
//! root → issuing CA → servers. The servers send their own certificate alone, so that the root is not enough for anyone.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use rustls::ServerConfig;

use crate::directory::Directory;
use crate::support::authority::Authority;

/// The authorities; new ones in every lab.
#[derive(Debug)]
pub(crate) struct Pki {
    authority: Authority,
    directory: PathBuf,
}

/// The files of a server.
#[derive(Debug, Clone)]
pub(crate) struct ServerFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// The same for a server of our own.
    pub(crate) tls: Arc<ServerConfig>,
}

impl Pki {
    /// Makes the authorities and writes their certificates.
    pub(crate) fn make(directory: &Directory) -> Result<Self> {
        let authority = Authority::new()?;
        directory.publish("pki/root.pem", authority.root_pem())?;
        directory.publish("pki/issuing.pem", authority.issuing_pem())?;
        directory.publish("pki/bundle.pem", authority.bundle_pem())?;
        directory.publish("pki/anchors/example-root.crt", authority.root_pem())?;
        directory.publish("pki/anchors/example-issuing-1.cer", authority.issuing_der())?;
        Ok(Self {
            authority,
            directory: directory.path("pki"),
        })
    }

    /// The root alone.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.join("root.pem")
    }

    /// The issuing CA alone.
    pub(crate) fn issuing(&self) -> PathBuf {
        self.directory.join("issuing.pem")
    }

    /// Both in one file.
    pub(crate) fn bundle(&self) -> PathBuf {
        self.directory.join("bundle.pem")
    }

    /// Both as /etc/pki/ca-trust/source/anchors holds them: the root as PEM, the issuing CA as DER.
    pub(crate) fn anchors(&self) -> PathBuf {
        self.directory.join("anchors")
    }

    /// Certificate and key of a server with these names.
    pub(crate) fn server(&self, directory: &Directory, names: &[&str]) -> Result<ServerFiles> {
        let leaf = self.authority.leaf(names)?;
        let name = names.first().copied().unwrap_or_default();
        Ok(ServerFiles {
            certificate: directory.publish(&format!("pki/{name}.crt"), leaf.certificate_pem())?,
            key: directory.write(&format!("pki/{name}.key"), leaf.key_pem())?,
            tls: leaf.alone()?,
        })
    }
}
