//! Why a chain, as a server sent it, does or does not end in the given roots.

use serde::{Deserialize, Serialize};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::pki::certificate::{LONGEST_CHAIN, issued};

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "verdict",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Verdict {
    /// It ends in one of the roots.
    Complete,
    /// The issuer of `certificate` is neither sent nor among the roots.
    MissingIssuer {
        /// Subject of the last certificate that was found.
        certificate: String,
        /// Subject of the issuer to add to the bundle.
        issuer: String,
        /// The roots hold one of that name, but with another key (an older or newer one).
        other_key: bool,
    },
    /// The server signed its own certificate.
    SelfSigned {
        /// Its subject.
        certificate: String,
    },
    /// The server sends its whole chain, and the root of it is not among ours (a proxy that looks into TLS does that).
    UnknownRoot {
        /// Subject of that root.
        root: String,
    },
    /// A certificate of the path is not valid at this time.
    NotValidNow {
        /// Its subject.
        certificate: String,
        /// Start, in seconds since 1970.
        not_before: i64,
        /// End, in seconds since 1970.
        not_after: i64,
    },
    /// Nothing was sent, or nothing that can be read.
    Unreadable,
}

/// Follows the chain (DER, the server's own certificate first) to the roots (DER) at the time `now`.
pub fn diagnose(sent: &[Vec<u8>], roots: &[Vec<u8>], now: i64) -> Verdict {
    let (sent, roots) = (parse(sent), parse(roots));
    let Some(leaf) = sent.first() else {
        return Verdict::Unreadable;
    };
    let mut current = leaf;
    for step in 0..LONGEST_CHAIN {
        if let Some(verdict) = not_valid(current, now) {
            return verdict;
        }
        if let Some(root) = roots.iter().find(|root| issued(root, current)) {
            return not_valid(root, now).unwrap_or(Verdict::Complete);
        }
        let certificate = current.subject().to_string();
        if issued(current, current) {
            return match step {
                0 => Verdict::SelfSigned { certificate },
                _ => Verdict::UnknownRoot { root: certificate },
            };
        }
        let Some(next) = sent.iter().find(|other| issued(other, current)) else {
            let same_name =
                |root: &X509Certificate<'_>| root.subject().as_raw() == current.issuer().as_raw();
            return Verdict::MissingIssuer {
                certificate,
                issuer: current.issuer().to_string(),
                other_key: roots.iter().any(same_name),
            };
        };
        current = next;
    }
    Verdict::Unreadable
}

fn parse(ders: &[Vec<u8>]) -> Vec<X509Certificate<'_>> {
    ders.iter()
        .filter_map(|der| X509Certificate::from_der(der).ok())
        .map(|(_, certificate)| certificate)
        .collect()
}

fn not_valid(certificate: &X509Certificate<'_>, now: i64) -> Option<Verdict> {
    let validity = certificate.validity();
    let (not_before, not_after) = (
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    );
    (now < not_before || now > not_after).then(|| Verdict::NotValidNow {
        certificate: certificate.subject().to_string(),
        not_before,
        not_after,
    })
}

#[cfg(test)]
pub(in crate::pki) mod tests {
    use super::*;
    use rcgen::{
        BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair,
        KeyUsagePurpose,
    };

    /// Root → issuing → leaf, as companies have it.
    pub(in crate::pki) struct Chain {
        pub(in crate::pki) root: Certificate,
        pub(in crate::pki) issuing: Certificate,
        pub(in crate::pki) leaf: Certificate,
    }

    fn params(name: &str, authority: bool) -> CertificateParams {
        let mut params = CertificateParams::new(if authority {
            vec![]
        } else {
            vec!["registry.corp".to_owned()]
        })
        .unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        if authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        }
        params
    }

    impl Chain {
        pub(in crate::pki) fn new() -> Self {
            let root_key = KeyPair::generate().unwrap();
            let root = params("Corp Root", true).self_signed(&root_key).unwrap();
            let root_issuer = Issuer::new(params("Corp Root", true), root_key);
            let issuing_key = KeyPair::generate().unwrap();
            let issuing = params("Corp Issuing", true)
                .signed_by(&issuing_key, &root_issuer)
                .unwrap();
            let issuing_issuer = Issuer::new(params("Corp Issuing", true), issuing_key);
            let leaf_key = KeyPair::generate().unwrap();
            let leaf = params("registry.corp", false)
                .signed_by(&leaf_key, &issuing_issuer)
                .unwrap();
            Self {
                root,
                issuing,
                leaf,
            }
        }

        /// DER of root, issuing authority and leaf.
        pub(in crate::pki) fn ders(&self) -> [Vec<u8>; 3] {
            [&self.root, &self.issuing, &self.leaf].map(|one| one.der().to_vec())
        }
    }

    const NOW: i64 = 1_800_000_000;

    fn ders(certificates: &[&Certificate]) -> Vec<Vec<u8>> {
        certificates
            .iter()
            .map(|certificate| certificate.der().to_vec())
            .collect()
    }

    #[test]
    fn the_missing_issuer_is_named() {
        let chain = Chain::new();
        let (root, issuing, leaf) = (&chain.root, &chain.issuing, &chain.leaf);
        let verdict = diagnose(&ders(&[leaf]), &ders(&[root]), NOW);
        assert_eq!(
            verdict,
            Verdict::MissingIssuer {
                certificate: "CN=registry.corp".into(),
                issuer: "CN=Corp Issuing".into(),
                other_key: false
            }
        );
        let verdict = diagnose(&ders(&[leaf, issuing]), &[], NOW);
        assert!(
            matches!(verdict, Verdict::MissingIssuer { issuer, .. } if issuer == "CN=Corp Root")
        );
        assert_eq!(
            diagnose(&ders(&[leaf, issuing]), &ders(&[root]), NOW),
            Verdict::Complete
        );
        assert_eq!(
            diagnose(&ders(&[leaf]), &ders(&[issuing]), NOW),
            Verdict::Complete
        );
        assert_eq!(
            diagnose(&ders(&[leaf, issuing, root]), &[], NOW),
            Verdict::UnknownRoot {
                root: "CN=Corp Root".into()
            }
        );
    }

    #[test]
    fn a_root_of_the_same_name_with_another_key_is_told_apart() {
        let (ours, theirs) = (Chain::new(), Chain::new());
        let verdict = diagnose(
            &ders(&[&theirs.leaf, &theirs.issuing]),
            &ders(&[&ours.root]),
            NOW,
        );
        assert!(
            matches!(
                verdict,
                Verdict::MissingIssuer {
                    other_key: true,
                    ..
                }
            ),
            "{verdict:?}"
        );
    }

    #[test]
    fn self_signed_expired_and_empty() {
        let chain = Chain::new();
        assert!(matches!(
            diagnose(&ders(&[&chain.root]), &[], NOW),
            Verdict::SelfSigned { .. }
        ));
        assert!(matches!(
            diagnose(
                &ders(&[&chain.leaf]),
                &ders(&[&chain.issuing]),
                i64::MAX / 2
            ),
            Verdict::NotValidNow { .. }
        ));
        assert_eq!(diagnose(&[], &[], NOW), Verdict::Unreadable);
        assert_eq!(diagnose(&[b"no".to_vec()], &[], NOW), Verdict::Unreadable);
    }
}
