//! A certificate as it is looked at.

use std::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS;
use x509_parser::prelude::{FromDer, X509Version};

/// Longest chain that is followed; real ones have three or four certificates.
pub(in crate::pki) const LONGEST_CHAIN: usize = 10;

/// A certificate that can be read, and its bytes.
#[derive(Debug)]
pub(in crate::pki) struct Certificate<'a> {
    pub(in crate::pki) der: &'a [u8],
    pub(in crate::pki) x509: X509Certificate<'a>,
}

impl<'a> Certificate<'a> {
    pub(in crate::pki) fn read(der: &'a [u8]) -> Option<Self> {
        let (_, x509) = X509Certificate::from_der(der).ok()?;
        Some(Self { der, x509 })
    }

    /// Those of several that can be read, in their order.
    pub(in crate::pki) fn read_all(ders: &'a [Vec<u8>]) -> Vec<Self> {
        ders.iter().filter_map(|der| Self::read(der)).collect()
    }

    pub(in crate::pki) fn subject(&self) -> String {
        self.x509.subject().to_string()
    }

    pub(in crate::pki) fn issuer(&self) -> String {
        self.x509.issuer().to_string()
    }

    /// True for a root: what ends a chain where the program asks for one.
    pub(in crate::pki) fn is_self_issued(&self) -> bool {
        self.is_issued_by(self)
    }

    pub(in crate::pki) fn is_issued_by(&self, issuer: &Self) -> bool {
        issued(&issuer.x509, &self.x509)
    }

    pub(in crate::pki) fn is_valid_at(&self, now: i64) -> bool {
        let validity = self.x509.validity();
        (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now)
    }

    pub(in crate::pki) fn is_authority(&self) -> bool {
        is_authority(&self.x509)
    }

    /// How many authorities may stand between this one and the server's certificate; None for any number.
    pub(in crate::pki) fn longest_path(&self) -> Option<u32> {
        let constraints = self.x509.basic_constraints().ok().flatten()?;
        constraints.value.path_len_constraint
    }

    /// True where it says what it is (basic constraints) in a way that nobody may pass over.
    pub(in crate::pki) fn insists_on_being_an_authority(&self) -> bool {
        let constraints = self.x509.basic_constraints().ok().flatten();
        constraints.is_some_and(|constraints| constraints.critical)
    }

    /// False where a key usage is said and `keyCertSign` is not among them; None where none is said.
    pub(in crate::pki) fn may_sign_certificates(&self) -> Option<bool> {
        let usage = self.x509.key_usage().ok().flatten()?;
        Some(usage.value.key_cert_sign())
    }

    /// False where purposes are said and none is a server's.
    pub(in crate::pki) fn may_serve(&self) -> bool {
        let purposes = self.x509.extended_key_usage().ok().flatten();
        purposes.is_none_or(|purposes| purposes.value.server_auth || purposes.value.any)
    }

    pub(in crate::pki) fn names_its_key(&self) -> bool {
        self.has(|extension| matches!(extension, ParsedExtension::SubjectKeyIdentifier(_)))
    }

    pub(in crate::pki) fn names_its_issuers_key(&self) -> bool {
        self.has(|extension| {
            matches!(extension, ParsedExtension::AuthorityKeyIdentifier(key) if key.key_identifier.is_some())
        })
    }

    fn has(&self, wanted: impl Fn(&ParsedExtension<'_>) -> bool) -> bool {
        self.x509
            .iter_extensions()
            .any(|extension| wanted(extension.parsed_extension()))
    }

    /// Host names that it is for, as they are written; the common name is none of them.
    pub(in crate::pki) fn host_names(&self) -> Vec<String> {
        self.alternative_names(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
    }

    /// Addresses that it is for.
    pub(in crate::pki) fn addresses(&self) -> Vec<IpAddr> {
        self.alternative_names(|name| match name {
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        })
    }

    fn alternative_names<T>(&self, wanted: impl Fn(&GeneralName<'_>) -> Option<T>) -> Vec<T> {
        let alternative = self.x509.subject_alternative_name().ok().flatten();
        let names = alternative
            .into_iter()
            .flat_map(|names| names.value.general_names.iter());
        names.filter_map(wanted).collect()
    }

    /// Names and addresses, for a person.
    pub(in crate::pki) fn names(&self) -> Vec<String> {
        let addresses = self.addresses();
        let addresses = addresses.iter().map(ToString::to_string);
        self.host_names().into_iter().chain(addresses).collect()
    }

    /// What it may be used for, in OpenSSL's words.
    pub(in crate::pki) fn purposes(&self) -> Vec<String> {
        let Some(purposes) = self.x509.extended_key_usage().ok().flatten() else {
            return Vec::new();
        };
        let known = [
            (purposes.value.any, "anyExtendedKeyUsage"),
            (purposes.value.server_auth, "serverAuth"),
            (purposes.value.client_auth, "clientAuth"),
            (purposes.value.code_signing, "codeSigning"),
            (purposes.value.email_protection, "emailProtection"),
            (purposes.value.time_stamping, "timeStamping"),
            (purposes.value.ocsp_signing, "OCSPSigning"),
        ];
        let known = known.into_iter().filter(|(is_set, _)| *is_set);
        let others = purposes.value.other.iter().map(ToString::to_string);
        known
            .map(|(_, name)| name.to_owned())
            .chain(others)
            .collect()
    }

    /// Its key usages, in the words of RFC 5280; None where it says none.
    pub(in crate::pki) fn key_usages(&self) -> Option<Vec<String>> {
        let usage = self.x509.key_usage().ok().flatten()?.value;
        let known = [
            (usage.digital_signature(), "digitalSignature"),
            (usage.non_repudiation(), "nonRepudiation"),
            (usage.key_encipherment(), "keyEncipherment"),
            (usage.data_encipherment(), "dataEncipherment"),
            (usage.key_agreement(), "keyAgreement"),
            (usage.key_cert_sign(), "keyCertSign"),
            (usage.crl_sign(), "cRLSign"),
        ];
        let known = known.into_iter().filter(|(is_set, _)| *is_set);
        Some(known.map(|(_, name)| name.to_owned()).collect())
    }

    /// Where its issuer's certificate can be fetched, as it says (`caIssuers`, RFC 5280 section 4.2.2.1).
    pub(in crate::pki) fn issuer_urls(&self) -> Vec<String> {
        let found =
            self.x509
                .iter_extensions()
                .find_map(|extension| match extension.parsed_extension() {
                    ParsedExtension::AuthorityInfoAccess(access) => Some(access),
                    _ => None,
                });
        let descriptions = found
            .into_iter()
            .flat_map(|access| access.accessdescs.iter());
        descriptions
            .filter(|one| one.access_method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS)
            .filter_map(|one| match &one.access_location {
                GeneralName::URI(url) => Some((*url).to_owned()),
                _ => None,
            })
            .collect()
    }

    pub(in crate::pki) fn common_name(&self) -> Option<String> {
        let name = self.x509.subject().iter_common_name().last()?;
        name.as_str().ok().map(str::to_owned)
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

/// True where a name of a certificate is for the host name: the same, or with a star for its first label. Where `is_wide`, a
/// star may stand right below a top-level domain.
pub(in crate::pki) fn matches(name: &str, host: &str, is_wide: bool) -> bool {
    let (name, host) = (name.trim_end_matches('.'), host.trim_end_matches('.'));
    if name.eq_ignore_ascii_case(host) {
        return true;
    }
    let (Some(rest), Some((first, domain))) = (name.strip_prefix("*."), host.split_once('.'))
    else {
        return false;
    };
    !first.is_empty() && (is_wide || domain.contains('.')) && rest.eq_ignore_ascii_case(domain)
}

/// CA:TRUE, or an old version 1 certificate that signed itself.
pub(in crate::pki) fn is_authority(certificate: &X509Certificate<'_>) -> bool {
    if certificate.version() == X509Version::V3 {
        certificate.is_ca()
    } else {
        certificate.subject().as_raw() == certificate.issuer().as_raw()
    }
}

/// Names match and the signature does; where ring does not know the algorithm, the key identifiers decide.
pub(in crate::pki) fn issued(
    issuer: &X509Certificate<'_>,
    certificate: &X509Certificate<'_>,
) -> bool {
    if issuer.subject().as_raw() != certificate.issuer().as_raw() {
        return false;
    }
    match certificate.verify_signature(Some(issuer.public_key())) {
        Ok(()) => true,
        Err(x509_parser::error::X509Error::SignatureUnsupportedAlgorithm) => {
            subject_key(issuer).is_some() && subject_key(issuer) == authority_key(certificate)
        }
        Err(_) => false,
    }
}

fn subject_key<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(key) => Some(key.0),
            _ => None,
        })
}

fn authority_key<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(key) => {
                key.key_identifier.as_ref().map(|key| key.0)
            }
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_one_label() {
        for (name, host, is_wide, wanted) in [
            ("registry.corp", "Registry.Corp", false, true),
            ("registry.corp.", "registry.corp", false, true),
            ("*.reg.corp", "a.reg.corp", false, true),
            ("*.reg.corp", "a.b.reg.corp", false, false),
            ("*.reg.corp", "reg.corp", false, false),
            ("*.corp", "registry.corp", false, false),
            ("*.corp", "registry.corp", true, true),
            ("*", "registry", true, false),
            ("r*.reg.corp", "ra.reg.corp", true, false),
        ] {
            assert_eq!(matches(name, host, is_wide), wanted, "{name} {host}");
        }
    }
}
