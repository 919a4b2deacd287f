//! A trust store for Java: PKCS#12 (RFC 7292) of authorities, without a password.
//!
//! Authorities are public: nothing is encrypted, and there is no MAC. Java reads such a store where no password is given
//! (`-Djavax.net.ssl.trustStore=FILE` alone), and takes a certificate for an authority by its attribute
//! `trustedKeyUsage`, as keytool writes it.

/// 1.2.840.113549.1.7.1, data.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.12.10.1.3, a bag with a certificate.
const CERTIFICATE_BAG: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x03,
];
/// 1.2.840.113549.1.9.22.1, X.509.
const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
/// 1.2.840.113549.1.9.20, the name of an entry.
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14];
/// 2.16.840.1.113894.746875.1.1, Oracle's mark of a trusted certificate.
const TRUSTED_KEY_USAGE: &[u8] = &[
    0x60, 0x86, 0x48, 0x01, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 0x01, 0x01,
];
/// 2.5.29.37.0, for everything.
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OCTETS: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const BMP_STRING: u8 = 0x1e;
/// `[0]`, explicit.
const FIRST: u8 = 0xa0;

/// The store of these certificates (DER), in that order; the same bytes for the same certificates.
pub fn trust_store(ders: &[Vec<u8>]) -> Vec<u8> {
    let bags: Vec<Vec<u8>> = ders.iter().enumerate().map(bag).collect();
    let bags = sequence(&bags);
    let safe = sequence(&[data(&bags)]);
    sequence(&[vec![0x02, 0x01, 0x03], data(&safe)])
}

/// True for a store of any password: version 3 at its beginning.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.first() == Some(&SEQUENCE)
        && bytes
            .get(2..12)
            .is_some_and(|start| start.windows(3).any(|part| part == [0x02, 0x01, 0x03]))
}

/// A ContentInfo of data.
fn data(content: &[u8]) -> Vec<u8> {
    let octets = element(OCTETS, content);
    sequence(&[identifier(DATA), element(FIRST, &octets)])
}

fn bag((number, der): (usize, &Vec<u8>)) -> Vec<u8> {
    let certificate = sequence(&[
        identifier(X509_CERTIFICATE),
        element(FIRST, &element(OCTETS, der)),
    ]);
    let name: Vec<u8> = format!("authority-{number}")
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    // DER has the items of a set in the order of their bytes; theirs have their lengths first.
    let mut attributes = [
        attribute(FRIENDLY_NAME, &element(BMP_STRING, &name)),
        attribute(TRUSTED_KEY_USAGE, &identifier(ANY_USAGE)),
    ];
    attributes.sort();
    sequence(&[
        identifier(CERTIFICATE_BAG),
        element(FIRST, &certificate),
        element(SET, &attributes.concat()),
    ])
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[identifier(kind), element(SET, value)])
}

fn identifier(bytes: &[u8]) -> Vec<u8> {
    element(OBJECT_IDENTIFIER, bytes)
}

fn sequence(items: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &items.concat())
}

/// Tag, length and content (X.690 section 8.1, the shortest form).
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len().to_be_bytes();
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            let used: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            // A length has at most eight bytes.
            bytes.push(0x80 | u8::try_from(used.len()).unwrap_or(8));
            bytes.extend(used);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_their_shortest_form() {
        assert!(is_one(&trust_store(&[vec![0; 300]])) && is_one(&trust_store(&[])));
        assert!(!is_one(b"-----BEGIN") && !is_one(&[]));
        for (length, head) in [
            (0, vec![0x04, 0x00]),
            (0x7f, vec![0x04, 0x7f]),
            (0x80, vec![0x04, 0x81, 0x80]),
            (0x1234, vec![0x04, 0x82, 0x12, 0x34]),
        ] {
            let bytes = element(OCTETS, &vec![0; length]);
            assert_eq!(bytes[..head.len()], head, "{length}");
            assert_eq!(bytes.len(), head.len() + length);
        }
    }
}
