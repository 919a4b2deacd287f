//! The authorities of a bundle: PEM or DER, without repetition, leaves and keys left out.

use super::files::certificates;
use crate::object::sha256;
use crate::pki::certificate::is_authority;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::{FromDer, X509Version};

/// Expiry within this many days is worth a warning.
const SOON_DAYS: i64 = 30;
const DAY: i64 = 24 * 60 * 60;

/// One authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authority {
    /// Its name: `C=XX, O=Corp, CN=Corp Root`.
    pub subject: String,
    /// Its issuer's name; equal to `subject` for a root.
    pub issuer: String,
    /// End of validity, in seconds since 1970.
    pub not_after: i64,
    /// SHA-256 of the certificate, as its owner would say it: 64 hexadecimal digits.
    pub sha256: String,
    /// The certificate, PEM with a line break at the end.
    pub pem: String,
    /// The certificate, DER.
    #[serde(skip)]
    pub der: Vec<u8>,
}

/// What is worth knowing about a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// What it is about.
    pub kind: NoteKind,
    /// For a person: file, certificate, what is the matter.
    pub text: String,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// A certificate expires within 30 days, or has expired.
    Expiring,
    /// An issuing authority is there without its root.
    Rootless,
    /// Programs that verify strictly refuse it.
    Strict,
    /// A file, key or certificate that is not used.
    LeftOut,
}

/// What some files hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The authorities, in the order of the files.
    pub authorities: Vec<Authority>,
    /// What was left out or will make trouble, for a person.
    pub notes: Vec<Note>,
    /// Files in which nothing could be read, each with the reason.
    pub unreadable: Vec<(String, String)>,
}

impl Bundle {
    /// DER of every authority.
    pub fn ders(&self) -> Vec<Vec<u8>> {
        self.authorities
            .iter()
            .map(|authority| authority.der.clone())
            .collect()
    }
}

/// Reads files (name and content) at the time `now`, in seconds since 1970.
pub fn bundle<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>, now: i64) -> Bundle {
    let mut bundle = Bundle::default();
    for (name, bytes) in files {
        match certificates(bytes) {
            Ok(contents) => {
                if contents.private_keys > 0 {
                    bundle.note(
                        NoteKind::LeftOut,
                        format!(
                            "{name}: a private key was left out; it does not belong in a CA bundle"
                        ),
                    );
                }
                if contents.distrusted > 0 {
                    bundle.note(
                        NoteKind::LeftOut,
                        format!("{name}: a certificate that says not to be trusted for servers was left out"),
                    );
                }
                for der in &contents.certificates {
                    bundle.add(name, der, now);
                }
            }
            Err(why) => bundle.unreadable.push((name.to_owned(), why)),
        }
    }
    bundle.note_missing_roots();
    bundle
}

impl Bundle {
    fn note(&mut self, kind: NoteKind, text: String) {
        self.notes.push(Note { kind, text });
    }

    fn add(&mut self, file: &str, der: &[u8], now: i64) {
        if self
            .authorities
            .iter()
            .any(|authority| authority.der == der)
        {
            return;
        }
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            self.unreadable.push((
                file.to_owned(),
                "one of its certificates is broken".to_owned(),
            ));
            return;
        };
        let subject = certificate.subject().to_string();
        if !is_authority(&certificate) {
            self.note(
                NoteKind::LeftOut,
                format!(
                    "{file}: '{subject}' was left out: it is a server's certificate, not an authority's"
                ),
            );
            return;
        }
        self.lint(file, &subject, &certificate, now);
        self.authorities.push(Authority {
            issuer: certificate.issuer().to_string(),
            not_after: certificate.validity().not_after.timestamp(),
            sha256: sha256(der),
            pem: pem(der),
            der: der.to_vec(),
            subject,
        });
    }

    fn lint(&mut self, file: &str, subject: &str, certificate: &X509Certificate<'_>, now: i64) {
        let end = certificate.validity().not_after;
        let left = end.timestamp() - now;
        if left < 0 {
            self.note(
                NoteKind::Expiring,
                format!("{file}: '{subject}' expired on {end}"),
            );
        } else if left < SOON_DAYS * DAY {
            self.note(
                NoteKind::Expiring,
                format!(
                    "{file}: '{subject}' expires on {end}, in {} days",
                    left / DAY
                ),
            );
        }
        // VERIFY_X509_STRICT, on by default from Python 3.13 (python/cpython#107361).
        let strict = certificate.version() != X509Version::V3
            || certificate
                .key_usage()
                .ok()
                .flatten()
                .is_some_and(|usage| usage.value.key_cert_sign());
        if !strict {
            self.note(
                NoteKind::Strict,
                format!(
                    "{file}: '{subject}' has no keyUsage keyCertSign: Python 3.13 and newer refuse what it is part of the path of"
                ),
            );
        }
    }

    /// OpenSSL, Node and .NET build chains up to a root only.
    fn note_missing_roots(&mut self) {
        let notes: Vec<String> = self
            .authorities
            .iter()
            .filter(|authority| !self.authorities.iter().any(|other| other.subject == authority.issuer))
            .map(|authority| {
                format!(
                    "'{}' is there without its issuer '{}': OpenSSL, Node and .NET need the root as well",
                    authority.subject, authority.issuer
                )
            })
            .collect();
        for text in notes {
            self.note(NoteKind::Rootless, text);
        }
    }
}

/// A certificate as PEM, with a line break at the end.
pub fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for (at, character) in text.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END CERTIFICATE-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use super::super::diagnosis::tests::Chain;
    use super::super::pkcs7;
    use super::*;

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn text_of_other_systems_and_old_keys_are_no_broken_pem() {
        let chain = Chain::new();
        let pem = chain.root.pem();
        let read = |bytes: &[u8]| bundle([("a.pem", bytes)], NOW);
        let with_mark = [b"\xef\xbb\xbf", pem.as_bytes()].concat();
        assert_eq!(read(&with_mark).authorities.len(), 1);
        // `openssl rsa -aes128 -traditional`.
        let old = format!(
            "-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-128-CBC,00\r\n\r\nAAAA\r\n-----END RSA PRIVATE KEY-----\r\n{pem}"
        );
        let both = read(old.as_bytes());
        assert_eq!((both.authorities.len(), both.notes.len()), (1, 1));
        assert!(both.notes[0].text.contains("private key"));
        // A key that was cut off takes nothing with it but itself.
        let cut = format!("-----BEGIN PRIVATE KEY-----\nAAAA\n{pem}");
        assert_eq!(read(cut.as_bytes()).authorities.len(), 1);
        let wide: Vec<u8> = std::iter::once(0xfeff)
            .chain(pem.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let (_, why) = read(&wide).unreadable.remove(0);
        assert_eq!(why, "it is text in UTF-16: save it as UTF-8");
    }

    #[test]
    fn pem_and_der_are_read_once_each_and_leaves_and_keys_left_out() {
        let chain = Chain::new();
        let mut mixed = chain.root.pem();
        mixed.push_str(&chain.leaf.pem());
        mixed.push_str("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        let files: [(&str, &[u8]); 3] = [
            ("a.pem", mixed.as_bytes()),
            ("b.der", chain.issuing.der()),
            ("c.der", chain.root.der()),
        ];
        let bundle = bundle(files, NOW);
        let p7b = pkcs7::tests::file(&chain.ders());
        assert_eq!(
            super::bundle([("d.p7b", p7b.as_slice())], NOW).ders(),
            bundle.ders()
        );
        let subjects: Vec<_> = bundle
            .authorities
            .iter()
            .map(|authority| authority.subject.as_str())
            .collect();
        assert_eq!(subjects, ["CN=Corp Root", "CN=Corp Issuing"]);
        assert_eq!(bundle.notes.len(), 2, "{:?}", bundle.notes);
        assert!(
            bundle.notes[0].text.contains("private key")
                && bundle.notes[1].text.contains("server's certificate")
        );
        let behind = [
            chain.root.der().as_ref(),
            chain.issuing.der().as_ref(),
            b"\n",
        ]
        .concat();
        let both = super::bundle([("two.der", behind.as_slice())], NOW);
        assert_eq!(both.ders(), bundle.ders());
        let cut = [chain.root.der().as_ref(), b"rest"].concat();
        let refused = super::bundle([("cut.der", cut.as_slice())], NOW);
        assert!(
            refused.unreadable[0]
                .1
                .contains("something else stands behind")
        );
        let written: String = bundle
            .authorities
            .iter()
            .map(|authority| authority.pem.as_str())
            .collect();
        assert_eq!(
            super::bundle([("x", written.as_bytes())], NOW).ders(),
            bundle.ders()
        );
    }

    #[test]
    fn an_intermediate_without_its_root_and_an_old_one_are_noted() {
        let chain = Chain::new();
        let alone = bundle([("i.der", chain.issuing.der().as_ref())], NOW);
        assert!(
            alone.notes[0]
                .text
                .contains("without its issuer 'CN=Corp Root'"),
            "{:?}",
            alone.notes
        );
        let late = bundle([("r.der", chain.root.der().as_ref())], i64::MAX / 2);
        assert!(
            late.notes[0].text.contains("expired on"),
            "{:?}",
            late.notes
        );
        assert_eq!(
            (alone.notes[0].kind, late.notes[0].kind),
            (NoteKind::Rootless, NoteKind::Expiring)
        );
    }

    #[test]
    fn what_is_no_certificate_says_what_it_is() {
        let of = |bytes: &[u8]| bundle([("f", bytes)], NOW).unreadable[0].1.clone();
        assert!(of(b"").contains("neither PEM nor DER"));
        assert!(of(b"-----BEGIN CERTIFICATE-----\nAAA").contains("broken"));
        assert!(of(b"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n").contains("'PKCS7'"));
        assert!(of(&pkcs7::tests::file(&[])).contains("PKCS#7 without a certificate"));
        assert!(
            of(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
                .contains("private key")
        );
        assert!(
            of(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
                .contains("broken")
        );
    }
}
