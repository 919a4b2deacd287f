//! The name under which OpenSSL looks a certificate up in a directory: `5229d903.0`.
//!
//! SHA-1 over the subject in OpenSSL's canonical encoding (`X509_NAME_hash_ex` since 1.0.0): strings as
//! UTF-8, lower case, white space collapsed, without the outer SEQUENCE. No security rests on it.

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use x509_parser::prelude::{FromDer, X509Certificate, parse_x509_pem};
use x509_parser::x509::AttributeTypeAndValue;

/// Why no hash could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubjectHashError {
    /// The text holds no PEM block.
    #[error("no PEM block")]
    Pem,
    /// The block is no certificate.
    #[error("no X.509 certificate")]
    Certificate,
}

/// The eight hexadecimal digits of the subject's hash of the first certificate in `pem`.
pub fn subject_hash(pem: &str) -> Result<String, SubjectHashError> {
    let (_, block) = parse_x509_pem(pem.as_bytes()).map_err(|_| SubjectHashError::Pem)?;
    let (_, certificate) =
        X509Certificate::from_der(&block.contents).map_err(|_| SubjectHashError::Certificate)?;
    let mut canonical = Vec::new();
    for part in certificate.subject().iter_rdn() {
        let mut pairs: Vec<Vec<u8>> = part.iter().map(canonical_pair).collect();
        // DER sorts the elements of a SET OF.
        pairs.sort();
        canonical.extend(tagged(0x31, &pairs.concat()));
    }
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &canonical);
    let first = hash.as_ref().iter().take(4).rev();
    Ok(format!(
        "{:08x}",
        first.fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
    ))
}

fn canonical_pair(pair: &AttributeTypeAndValue<'_>) -> Vec<u8> {
    let value = pair.attr_value();
    let text = match value.tag().0 {
        // UTF8String, PrintableString, IA5String, VisibleString.
        12 | 19 | 22 | 26 => Some(value.data.to_vec()),
        // T61String, which OpenSSL reads as Latin-1.
        20 => Some(
            value
                .data
                .iter()
                .map(|byte| char::from(*byte))
                .collect::<String>()
                .into_bytes(),
        ),
        // BMPString and UniversalString.
        30 => Some(wide(value.data, 2)),
        28 => Some(wide(value.data, 4)),
        _ => None,
    };
    let encoded = match text {
        Some(text) => tagged(12, &collapsed(&text)),
        None => tagged(u8::try_from(value.tag().0).unwrap_or_default(), value.data),
    };
    let mut content = tagged(6, pair.attr_type().as_bytes());
    content.extend(encoded);
    tagged(0x30, &content)
}

fn wide(data: &[u8], width: usize) -> Vec<u8> {
    let units = data.chunks(width);
    let letters = units.filter_map(|unit| {
        char::from_u32(
            unit.iter()
                .fold(0, |code, byte| code << 8 | u32::from(*byte)),
        )
    });
    letters.collect::<String>().into_bytes()
}

/// ASCII only: what is not ASCII stays as it is.
fn collapsed(text: &[u8]) -> Vec<u8> {
    let is_space = |byte: u8| matches!(byte, b' ' | 0x09..=0x0d);
    let words = text.split(|byte| is_space(*byte));
    let words = words.filter(|word| !word.is_empty());
    words
        .map(<[u8]>::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join(&b' ')
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut encoded = vec![tag];
    let length = content.len();
    if length < 0x80 {
        encoded.push(u8::try_from(length).unwrap_or_default());
    } else {
        let bytes = length.to_be_bytes();
        let bytes: Vec<u8> = bytes
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect();
        encoded.push(0x80 | u8::try_from(bytes.len()).unwrap_or_default());
        encoded.extend(bytes);
    }
    encoded.extend_from_slice(content);
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    /// Hashes as `openssl x509 -hash` (3.0) prints them.
    #[test]
    fn hashes_are_those_of_openssl() {
        let printable = |text: &str| DnValue::PrintableString(text.try_into().unwrap());
        let cases: [(&str, Vec<(DnType, DnValue)>); 4] = [
            (
                "5229d903",
                vec![(DnType::CommonName, "Corp Root CA".into())],
            ),
            (
                "f57d42d8",
                vec![
                    (DnType::CountryName, printable("NL")),
                    (DnType::OrganizationName, "  My   Domain  B.V. ".into()),
                    (DnType::CommonName, "Issuing CA 1".into()),
                ],
            ),
            (
                "ad693904",
                vec![(DnType::CommonName, "Größe ÄÖ Root".into())],
            ),
            (
                "6f45f8cb",
                vec![
                    (
                        DnType::OrganizationName,
                        printable("x".repeat(140).as_str()),
                    ),
                    (
                        DnType::CommonName,
                        DnValue::BmpString("Bmp Root".try_into().unwrap()),
                    ),
                ],
            ),
        ];
        let key = KeyPair::generate().unwrap();
        for (hash, subject) in cases {
            let mut params = CertificateParams::default();
            params.distinguished_name = DistinguishedName::new();
            for (attribute, value) in subject {
                params.distinguished_name.push(attribute, value);
            }
            let pem = params.self_signed(&key).unwrap().pem();
            assert_eq!(subject_hash(&pem).unwrap(), hash);
        }
    }

    #[test]
    fn what_is_no_certificate_is_told() {
        assert_eq!(subject_hash("x"), Err(SubjectHashError::Pem));
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(subject_hash(pem), Err(SubjectHashError::Certificate));
    }
}
