//! A company's certificates: a root, an issuing CA under it, and leaves under that.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// The root and the issuing CA. Both are made anew for each test.
pub(crate) struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    issuing: CertifiedIssuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// What a server sends in its handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sends {
    /// Its own certificate alone, as the Artifactory server of the story does.
    LeafOnly,
    /// Its own certificate and the issuing CA's.
    Chain,
}

impl Authority {
    pub(crate) fn new() -> Result<Self> {
        let root = CertifiedIssuer::self_signed(authority_params("Example Root CA"), key()?)?;
        let issuing =
            CertifiedIssuer::signed_by(authority_params("Example Issuing CA 1"), key()?, &root)?;
        Ok(Self { root, issuing })
    }

    /// PEM of the root: not enough for a client of a server that sends its leaf only.
    pub(crate) fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// PEM of the issuing CA.
    pub(crate) fn issuing_pem(&self) -> String {
        self.issuing.pem()
    }

    /// PEM of the issuing CA and the root: enough for every client.
    pub(crate) fn bundle_pem(&self) -> String {
        format!("{}{}", self.issuing_pem(), self.root_pem())
    }

    /// DER of the issuing CA, as Windows administrators hand it out.
    pub(crate) fn issuing_der(&self) -> Vec<u8> {
        self.issuing.der().to_vec()
    }

    /// A server's own certificate for these names (DNS names or addresses), and its key.
    pub(crate) fn leaf(&self, names: &[&str]) -> Result<Leaf> {
        let mut params =
            CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let first = names.first().context("a server without a name")?;
        params.distinguished_name.push(DnType::CommonName, *first);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = key()?;
        let issuer: &Issuer<'_, KeyPair> = &self.issuing;
        let certificate = params.signed_by(&key, issuer)?;
        Ok(Leaf { certificate, key })
    }

    /// The TLS side of a server with these names.
    pub(crate) fn server(&self, names: &[&str], sends: Sends) -> Result<Arc<ServerConfig>> {
        let leaf = self.leaf(names)?;
        let mut chain = vec![CertificateDer::from(leaf.certificate.der().to_vec())];
        if sends == Sends::Chain {
            chain.push(CertificateDer::from(self.issuing.der().to_vec()));
        }
        leaf.server(chain)
    }
}

/// A server's own certificate and its key.
pub(crate) struct Leaf {
    certificate: Certificate,
    key: KeyPair,
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Leaf").finish_non_exhaustive()
    }
}

impl Leaf {
    /// PEM of the certificate, without any other.
    pub(crate) fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// PEM of the private key.
    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The TLS side of a server that sends this certificate and no other.
    pub(crate) fn alone(&self) -> Result<Arc<ServerConfig>> {
        self.server(vec![CertificateDer::from(self.certificate.der().to_vec())])
    }

    fn server(&self, chain: Vec<CertificateDer<'static>>) -> Result<Arc<ServerConfig>> {
        let private = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, private.into())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn key() -> Result<KeyPair> {
    Ok(KeyPair::generate()?)
}
