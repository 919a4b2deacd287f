//! Whom to trust: the company's bundle, and the machine's own roots where the bundle does not tell.

use std::sync::{Arc, LazyLock};

use crate::object::sha256;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// Whom to trust.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    /// The machine's own roots, where it has any.
    pub system: bool,
    /// The company's bundle, DER; enough by itself.
    pub bundle: Vec<Vec<u8>>,
    /// SHA-256 of servers' own certificates that are taken as they are: 64 lower-case hexadecimal digits each.
    pub pins: Vec<String>,
}

/// The machine's own roots, read once in a run and only where they are needed: a machine has a hundred and more in
/// as many files, each of which is parsed.
static SYSTEM: LazyLock<System> = LazyLock::new(System::read);

struct System {
    verifier: Option<Arc<WebPkiServerVerifier>>,
    ders: Vec<Vec<u8>>,
}

impl System {
    fn read() -> Self {
        let mut store = RootCertStore::empty();
        let ders = rustls_native_certs::load_native_certs()
            .certs
            .into_iter()
            .filter(|certificate| store.add(certificate.clone()).is_ok())
            .map(|certificate| certificate.to_vec())
            .collect();
        Self {
            verifier: verifier(store),
            ders,
        }
    }
}

/// None without any root: there is nothing that it could accept.
fn verifier(store: RootCertStore) -> Option<Arc<WebPkiServerVerifier>> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider())
        .build()
        .ok()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Reads the machine's own roots, so that they are there when they are needed. Blocks for some milliseconds.
pub fn preload_system_roots() {
    LazyLock::force(&SYSTEM);
}

/// The machine's own roots, DER.
pub(super) fn system_roots() -> Vec<Vec<u8>> {
    SYSTEM.ders.clone()
}

impl Roots {
    /// Every root, DER, the bundle first. What rustls cannot read is left out.
    pub fn ders(&self) -> Vec<Vec<u8>> {
        let mut readable = RootCertStore::empty();
        let bundle = self.bundle.iter();
        let mut ders: Vec<Vec<u8>> = bundle
            .filter(|der| readable.add(CertificateDer::from(der.as_slice())).is_ok())
            .cloned()
            .collect();
        if self.system {
            ders.extend(system_roots());
        }
        ders
    }

    /// Accepts what a chain to one of these roots proves.
    pub(super) fn verifier(&self) -> Verifier {
        let mut store = RootCertStore::empty();
        let bundle = self.bundle.iter();
        store.add_parsable_certificates(bundle.map(|der| CertificateDer::from(der.as_slice())));
        Verifier {
            bundle: verifier(store),
            pins: self.pins.clone(),
            system: self.system,
            provider: provider(),
        }
    }
}

/// Asks the bundle first. Where that is enough, the machine's roots are never read.
#[derive(Debug, Clone)]
pub(super) struct Verifier {
    bundle: Option<Arc<WebPkiServerVerifier>>,
    pins: Vec<String>,
    system: bool,
    provider: Arc<CryptoProvider>,
}

/// A TLS configuration of a client that accepts what `verifier` accepts.
pub(super) fn client_config(verifier: Arc<dyn ServerCertVerifier>) -> ClientConfig {
    let builder =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    match builder {
        Ok(builder) => builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth(),
        // ring speaks every default version; the fallback trusts nobody.
        Err(_) => ClientConfig::builder()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth(),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // Whoever has its key is meant, whatever the certificate says; the handshake proves the key.
        if !self.pins.is_empty() && self.pins.contains(&sha256(end_entity)) {
            return Ok(ServerCertVerified::assertion());
        }
        let ask = |verifier: Option<&Arc<WebPkiServerVerifier>>| match verifier {
            Some(verifier) => verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        let by_bundle = ask(self.bundle.as_ref());
        if by_bundle.is_ok() || !self.system {
            return by_bundle;
        }
        match (by_bundle, ask(SYSTEM.verifier.as_ref())) {
            (_, Ok(verified)) => Ok(verified),
            // Who knows the issuer says more: a name, a time.
            (Err(error), Err(unknown)) if is_unknown_issuer(&unknown) => Err(error),
            (_, error) => error,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn is_unknown_issuer(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::UnknownIssuer)
    )
}
