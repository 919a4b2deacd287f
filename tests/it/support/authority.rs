//! A company's certificates: a root, an issuing CA under it, and leaves under that.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

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
        Self::of("Example")
    }

    /// The same of another company.
    pub(crate) fn of(company: &str) -> Result<Self> {
        let params = |what: &str| authority_params(&format!("{company} {what}"));
        let root = CertifiedIssuer::self_signed(params("Root CA"), key()?)?;
        let issuing = CertifiedIssuer::signed_by(params("Issuing CA 1"), key()?, &root)?;
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
        self.leaf_with(names, Vec::new())
    }

    fn leaf_with(&self, names: &[&str], extensions: Vec<CustomExtension>) -> Result<Leaf> {
        let mut params =
            CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let first = names.first().context("a server without a name")?;
        params.distinguished_name.push(DnType::CommonName, *first);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions = extensions;
        let key = key()?;
        let issuer: &Issuer<'_, KeyPair> = &self.issuing;
        let certificate = params.signed_by(&key, issuer)?;
        Ok(Leaf { certificate, key })
    }

    /// The TLS side of a server that sends its own certificate alone, which says where its issuer's lies (AIA, RFC 5280
    /// section 4.2.2.1).
    pub(crate) fn server_that_says_where_its_issuer_is(
        &self,
        names: &[&str],
        url: &str,
    ) -> Result<Arc<ServerConfig>> {
        let element = |tag: u8, content: &[u8]| -> Result<Vec<u8>> {
            let length = u8::try_from(content.len())?;
            // Lengths from 128 on are said by their length.
            let head = if length < 0x80 {
                vec![tag, length]
            } else {
                vec![tag, 0x81, length]
            };
            Ok([&head, content].concat())
        };
        // caIssuers, 1.3.6.1.5.5.7.48.2, and a URL (`[6]`).
        let method = element(0x06, &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02])?;
        let place = element(0x86, url.as_bytes())?;
        let access = element(0x30, &element(0x30, &[method, place].concat())?)?;
        let extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access);
        self.leaf_with(names, vec![extension])?.alone()
    }

    /// The TLS side of a server that sends its chain and asks for a client certificate, without which it goes on.
    pub(crate) fn server_that_asks_for_a_client_certificate(
        &self,
        names: &[&str],
    ) -> Result<Arc<ServerConfig>> {
        let leaf = self.leaf(names)?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.root.der().to_vec()))?;
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()?;
        let chain = vec![
            CertificateDer::from(leaf.certificate.der().to_vec()),
            CertificateDer::from(self.issuing.der().to_vec()),
        ];
        let key = PrivatePkcs8KeyDer::from(leaf.key.serialize_der());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key.into())?;
        Ok(Arc::new(config))
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
