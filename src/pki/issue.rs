//! The serving certificate of the admission webhooks: an authority that signs one leaf and is thrown away.
//!
//! Judges a stored one too: it is kept while it is sound, so that a second run changes nothing.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::secret::Secret;

/// How long a leaf is valid, in seconds.
const VALIDITY: u64 = 365 * DAY;
/// Left validity below which a leaf is renewed, in seconds.
const RENEWAL: i64 = 30 * 86_400;
const DAY: u64 = 86_400;
/// A node's clock may lag behind ours by this many seconds.
const SKEW: u64 = 3_600;

/// What the Secret holds.
#[derive(Debug, Clone)]
pub struct ServingCertificate {
    /// PEM of the leaf (`tls.crt`).
    pub certificate: String,
    /// PEM of its key (`tls.key`).
    pub key: Secret<String>,
    /// PEM of the authority (`ca.crt`); its key exists nowhere.
    pub authority: String,
}

/// What becomes of a stored certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep,
    /// A new one is made; the text says why.
    Issue(String),
}

/// The certificate could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the webhook certificate cannot be made: {0}")]
pub struct IssueProblem(String);

impl From<rcgen::Error> for IssueProblem {
    fn from(error: rcgen::Error) -> Self {
        Self(error.to_string())
    }
}

/// Makes authority and leaf for `dns_names`. `now` is in seconds since 1970.
pub fn issue(dns_names: &[String], now: i64) -> Result<ServingCertificate, IssueProblem> {
    let now = u64::try_from(now).unwrap_or_default();
    let not_before = date_time_ymd(1970, 1, 1) + Duration::from_secs(now.saturating_sub(SKEW));
    let not_after = not_before + Duration::from_secs(VALIDITY + SKEW);

    let mut authority = CertificateParams::default();
    authority.distinguished_name = named("arc-setup webhook authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (authority.not_before, authority.not_after) = (not_before, not_after);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let mut leaf = CertificateParams::new(dns_names)?;
    // The common name is for people; a name that is longer than 64 bytes would be refused there.
    leaf.distinguished_name = named("arc-setup webhook");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    (leaf.not_before, leaf.not_after) = (not_before, not_after);
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &authority)?;
    Ok(ServingCertificate {
        certificate: certificate.pem(),
        key: Secret::new(key.serialize_pem()),
        authority: authority.pem(),
    })
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Judges what a Secret holds. `now` is in seconds since 1970.
pub fn judge(
    certificate: &[u8],
    key: &[u8],
    authority: &[u8],
    dns_names: &[String],
    now: i64,
) -> Verdict {
    match fault(certificate, key, authority, dns_names, now) {
        Some(why) => Verdict::Issue(why),
        None => Verdict::Keep,
    }
}

fn fault(
    certificate: &[u8],
    key: &[u8],
    authority: &[u8],
    dns_names: &[String],
    now: i64,
) -> Option<String> {
    let said = |text: &str| Some(text.to_owned());
    let (Some(leaf_der), Some(authority_der)) = (first_der(certificate), first_der(authority))
    else {
        return said("tls.crt or ca.crt is no PEM certificate");
    };
    let (Ok((_, leaf)), Ok((_, authority))) = (
        X509Certificate::from_der(&leaf_der),
        X509Certificate::from_der(&authority_der),
    ) else {
        return said("tls.crt or ca.crt cannot be read");
    };
    let names = dns_names_of(&leaf);
    if let Some(missing) = dns_names.iter().find(|name| !names.contains(name)) {
        return Some(format!("tls.crt does not name {missing}"));
    }
    let end = leaf
        .validity()
        .not_after
        .timestamp()
        .min(authority.validity().not_after.timestamp());
    if end < now {
        return said("it has expired");
    }
    if end - now < RENEWAL {
        return Some(format!("it expires in {} days", (end - now) / 86_400));
    }
    let pair = std::str::from_utf8(key)
        .ok()
        .and_then(|pem| KeyPair::from_pem(pem).ok());
    if pair.is_none_or(|pair| pair.public_key_raw() != &*leaf.public_key().subject_public_key.data)
    {
        return said("tls.key does not belong to tls.crt");
    }
    let signer = UnparsedPublicKey::new(
        &ECDSA_P256_SHA256_ASN1,
        &authority.public_key().subject_public_key.data,
    );
    if signer
        .verify(leaf.tbs_certificate.as_ref(), &leaf.signature_value.data)
        .is_err()
    {
        return said("ca.crt did not sign tls.crt");
    }
    None
}

fn first_der(pem: &[u8]) -> Option<Vec<u8>> {
    x509_parser::pem::Pem::iter_from_buffer(pem)
        .flatten()
        .find(|block| block.label == "CERTIFICATE")
        .map(|block| block.contents)
}

fn dns_names_of(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = leaf.subject_alternative_name() else {
        return Vec::new();
    };
    names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn names() -> Vec<String> {
        vec![
            "webhook.arc-systems.svc".to_owned(),
            "webhook.arc-systems.svc.cluster.local".to_owned(),
        ]
    }

    fn verdict(made: &ServingCertificate, dns_names: &[String], now: i64) -> Verdict {
        judge(
            made.certificate.as_bytes(),
            made.key.expose().as_bytes(),
            made.authority.as_bytes(),
            dns_names,
            now,
        )
    }

    #[test]
    fn what_is_made_is_kept_until_thirty_days_before_its_end() {
        let made = issue(&names(), NOW).unwrap();
        let days = |days: i64| NOW + days * 86_400;
        assert_eq!(verdict(&made, &names(), NOW), Verdict::Keep);
        assert_eq!(verdict(&made, &names(), days(334)), Verdict::Keep);
        assert_eq!(
            verdict(&made, &names(), days(336)),
            Verdict::Issue("it expires in 29 days".to_owned())
        );
        assert_eq!(
            verdict(&made, &names(), days(366)),
            Verdict::Issue("it has expired".to_owned())
        );
    }

    #[test]
    fn the_leaf_serves_both_names_and_signs_nothing() {
        let made = issue(&names(), NOW).unwrap();
        let der = first_der(made.certificate.as_bytes()).unwrap();
        let (_, leaf) = X509Certificate::from_der(&der).unwrap();
        assert_eq!(dns_names_of(&leaf), names());
        assert!(!leaf.is_ca());
        let usage = leaf.extended_key_usage().unwrap().unwrap();
        assert!(usage.value.server_auth);
        let der = first_der(made.authority.as_bytes()).unwrap();
        let (_, authority) = X509Certificate::from_der(&der).unwrap();
        assert!(authority.is_ca());
        assert!(
            authority
                .key_usage()
                .unwrap()
                .unwrap()
                .value
                .key_cert_sign()
        );
    }

    #[test]
    fn other_names_another_key_and_another_authority_are_faults() {
        let (one, two) = (issue(&names(), NOW).unwrap(), issue(&names(), NOW).unwrap());
        assert_eq!(
            verdict(&one, &["other.svc".to_owned()], NOW),
            Verdict::Issue("tls.crt does not name other.svc".to_owned())
        );
        let mixed = ServingCertificate {
            key: two.key.clone(),
            ..one.clone()
        };
        assert_eq!(
            verdict(&mixed, &names(), NOW),
            Verdict::Issue("tls.key does not belong to tls.crt".to_owned())
        );
        let mixed = ServingCertificate {
            authority: two.authority,
            ..one
        };
        assert_eq!(
            verdict(&mixed, &names(), NOW),
            Verdict::Issue("ca.crt did not sign tls.crt".to_owned())
        );
    }

    #[test]
    fn rubbish_is_replaced() {
        let verdict = judge(b"", b"x", b"\xff", &names(), NOW);
        assert!(matches!(verdict, Verdict::Issue(_)));
    }
}
