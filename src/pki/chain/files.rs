//! The certificates of a file: DER, PEM, OpenSSL's trusted ones, or PKCS#7.

use std::borrow::Cow;

use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;

use super::pkcs7;

const ON_ONE_LINE: &[u8] = b"----------BEGIN ";

/// What one file holds.
pub(super) struct Contents {
    /// DER of each, whatever it is.
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) private_keys: usize,
    /// Certificates with the word that they are not to be trusted for servers.
    pub(super) distrusted: usize,
}

/// Certificates in DER, one behind the other; None where there is none at the beginning. The error says what stands behind
/// them.
fn der_certificates(bytes: &[u8]) -> Result<Option<Vec<Vec<u8>>>, String> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while !rest.trim_ascii().is_empty() {
        match X509Certificate::from_der(rest) {
            Ok((behind, _)) => {
                found.push(rest[..rest.len() - behind.len()].to_vec());
                rest = behind;
            }
            Err(_) if found.is_empty() => return Ok(None),
            Err(_) => return Err("something else stands behind its certificate".to_owned()),
        }
    }
    Ok((!found.is_empty()).then_some(found))
}

/// A certificate without what stands behind it; what is none stays, and is told where it is read.
fn alone(mut der: Vec<u8>) -> Vec<u8> {
    let rest = X509Certificate::from_der(&der).map_or(0, |(rest, _)| rest.len());
    der.truncate(der.len() - rest);
    der
}

/// True where OpenSSL's trust settings behind a certificate reject it for servers: `[0]`, a list with serverAuth
/// (1.3.6.1.5.5.7.3.1) or anyExtendedKeyUsage (2.5.29.37.0).
fn distrusts(bytes: &[u8]) -> bool {
    const SERVERS: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
    const ANY: [u8; 6] = [0x06, 0x04, 0x55, 0x1d, 0x25, 0x00];
    let Ok((settings, _)) = X509Certificate::from_der(bytes) else {
        return false;
    };
    let rejected = pkcs7::rejected_uses(settings).unwrap_or_default();
    let names = |wanted: &[u8]| rejected.windows(wanted.len()).any(|part| part == wanted);
    names(&SERVERS) || names(&ANY)
}

/// Text without its byte-order mark; the error says that it is UTF-16, which is what PowerShell's `>` writes.
fn readable(bytes: &[u8]) -> Result<&[u8], String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("it is text in UTF-16: save it as UTF-8".to_owned());
    }
    Ok(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}

/// PEM without its private keys, which nobody reads, and how many there were. The headers of encrypted ones of the old
/// form (`Proc-Type: 4,ENCRYPTED`, RFC 1421) are no base64. A key without its end goes up to the next section.
fn without_private_keys(text: &[u8]) -> (Cow<'_, [u8]>, usize) {
    const LABEL: &[u8] = b"PRIVATE KEY-----";
    if !text.windows(LABEL.len()).any(|part| part == LABEL) {
        return (Cow::Borrowed(text), 0);
    }
    let (mut kept, mut keys, mut is_key) = (Vec::new(), 0, false);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let marker = line.trim_ascii();
        if marker.starts_with(b"-----BEGIN ") {
            is_key = marker.ends_with(LABEL);
            keys += usize::from(is_key);
        }
        if !is_key {
            kept.extend_from_slice(line);
        } else if marker.starts_with(b"-----END ") {
            is_key = false;
        }
    }
    (Cow::Owned(kept), keys)
}

/// Reads a file; the error says what it is instead.
pub(super) fn certificates(bytes: &[u8]) -> Result<Contents, String> {
    let mut contents = Contents {
        certificates: Vec::new(),
        private_keys: 0,
        distrusted: 0,
    };
    if let Some(one_behind_the_other) = der_certificates(bytes)? {
        contents.certificates = one_behind_the_other;
        return Ok(contents);
    }
    if let Some(certificates) = pkcs7::certificates(bytes) {
        return if certificates.is_empty() {
            Err("it is PKCS#7 without a certificate".to_owned())
        } else {
            contents.certificates = certificates;
            Ok(contents)
        };
    }
    // Cat of files without a line break at their end: most readers lose the second.
    if bytes
        .windows(ON_ONE_LINE.len())
        .any(|part| part == ON_ONE_LINE)
    {
        return Err(
            "an END and a BEGIN of its PEM stand on one line: put a line break between them"
                .to_owned(),
        );
    }
    let text = readable(bytes)?;
    let (text, private_keys) = without_private_keys(text);
    contents.private_keys = private_keys;
    let mut other = None;
    for section in Pem::iter_from_buffer(&text) {
        let section =
            section.map_err(|_| "its PEM is broken (cut off, or not base64)".to_owned())?;
        match section.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => {
                contents.certificates.push(alone(section.contents));
            }
            // OpenSSL appends its trust settings to the certificate.
            "TRUSTED CERTIFICATE" => {
                if distrusts(&section.contents) {
                    contents.distrusted += 1;
                } else if X509Certificate::from_der(&section.contents).is_ok() {
                    contents.certificates.push(alone(section.contents));
                } else {
                    other = Some(section.label);
                }
            }
            "PKCS7" | "CMS" => match pkcs7::certificates(&section.contents) {
                Some(certificates) => contents.certificates.extend(certificates),
                None => other = Some(section.label),
            },
            _ => other = Some(section.label),
        }
    }
    match (contents.certificates.is_empty(), other) {
        (false, _) => Ok(contents),
        (true, Some(label)) => Err(format!("it holds no certificate but '{label}'")),
        (true, None) if contents.distrusted > 0 => {
            Err("it holds only certificates that are not to be trusted for servers".to_owned())
        }
        (true, None) if contents.private_keys > 0 => {
            Err("it holds a private key and no certificate".to_owned())
        }
        (true, None) => Err("it holds no certificate, neither PEM nor DER".to_owned()),
    }
}

/// Every certificate of a file (DER, PEM or PKCS#7), DER, whatever it is; the error says what the file is instead.
pub fn certificates_of(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    certificates(bytes).map(|contents| contents.certificates)
}
