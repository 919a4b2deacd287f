//! A certificate as a person is shown it.

use serde::{Deserialize, Serialize};

use crate::object::sha256;
use crate::pki::certificate::Certificate;

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Its name: `CN=registry.corp`.
    pub subject: String,
    /// Its issuer's name.
    pub issuer: String,
    /// Host names and addresses that it is for.
    pub names: Vec<String>,
    /// Start of validity, in seconds since 1970.
    pub not_before: i64,
    /// End of validity, in seconds since 1970.
    pub not_after: i64,
    /// SHA-256 of the certificate, 64 hexadecimal digits.
    pub sha256: String,
    /// CA:TRUE (basic constraints).
    pub is_authority: bool,
    /// Key usages; absent where it says none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key_usages: Option<Vec<String>>,
    /// Extended key usages; none where it says none.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub purposes: Vec<String>,
    /// It says which key of its issuer signed it (authority key identifier).
    pub names_issuers_key: bool,
    /// Where its issuer's certificate can be fetched, as it says.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub issuer_urls: Vec<String>,
}

impl Shown {
    /// Of DER; None where it cannot be read.
    pub fn read(der: &[u8]) -> Option<Self> {
        Certificate::read(der).as_ref().map(Self::of)
    }

    pub(super) fn of(certificate: &Certificate<'_>) -> Self {
        let validity = certificate.x509.validity();
        Self {
            subject: certificate.subject(),
            issuer: certificate.issuer(),
            names: certificate.names(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            sha256: sha256(certificate.der),
            is_authority: certificate.is_authority(),
            key_usages: certificate.key_usages(),
            purposes: certificate.purposes(),
            names_issuers_key: certificate.names_its_issuers_key(),
            issuer_urls: certificate.issuer_urls(),
        }
    }
}
