//! The certificates of a PKCS#7 file (`.p7b`), as Windows authorities hand them out: a SignedData without signers
//! (RFC 2315 section 9.1, RFC 5652 section 5.1).

/// The object identifier of SignedData, 1.2.840.113549.1.7.2, as DER writes it.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `[0]`, made of others: what ContentInfo holds, and the certificates of a SignedData.
const FIRST: u8 = 0xa0;

/// The certificates, DER; None where it is no such file. Only definite lengths are read, which DER has alone.
pub(super) fn certificates(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (content_info, _) = tagged(bytes, SEQUENCE)?;
    let (kind, rest) = tagged(content_info, OBJECT_IDENTIFIER)?;
    if kind != SIGNED_DATA {
        return None;
    }
    let (explicit, _) = tagged(rest, FIRST)?;
    let (mut rest, _) = tagged(explicit, SEQUENCE)?;
    // Version, digest algorithms, and what is signed.
    for _ in 0..3 {
        (_, rest) = element(rest)?.split();
    }
    let Some((mut rest, _)) = tagged(rest, FIRST) else {
        // It has none: a list of revoked ones alone.
        return Some(Vec::new());
    };
    let mut found = Vec::new();
    while !rest.is_empty() {
        let one = element(rest)?;
        // Other forms than a certificate have tags of their own.
        if one.tag == SEQUENCE {
            found.push(one.whole.to_vec());
        }
        rest = one.rest;
    }
    Some(found)
}

/// What OpenSSL's trust settings (CertAux in its crypto/x509/x_x509a.c) reject, as DER of object identifiers.
pub(super) fn rejected_uses(settings: &[u8]) -> Option<&[u8]> {
    let (mut rest, _) = tagged(settings, SEQUENCE)?;
    while !rest.is_empty() {
        let one = element(rest)?;
        if one.tag == FIRST {
            return Some(one.content);
        }
        rest = one.rest;
    }
    None
}

/// One element of DER.
struct Element<'a> {
    tag: u8,
    /// With tag and length.
    whole: &'a [u8],
    content: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Element<'a> {
    fn split(self) -> (&'a [u8], &'a [u8]) {
        (self.content, self.rest)
    }
}

fn tagged(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let element = element(bytes)?;
    (element.tag == tag).then(|| element.split())
}

/// The first element (X.690 section 8.1); None where it is cut off, or its length is no definite one of four bytes.
fn element(bytes: &[u8]) -> Option<Element<'_>> {
    let (&tag, after_tag) = bytes.split_first()?;
    let (&first, after_length) = after_tag.split_first()?;
    let (length, content) = if first < 0x80 {
        (usize::from(first), after_length)
    } else {
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) {
            return None;
        }
        let (length, content) = after_length.split_at_checked(count)?;
        let length = length
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        (length, content)
    };
    let (content, rest) = content.split_at_checked(length)?;
    let whole = bytes.get(..bytes.len() - rest.len())?;
    Some(Element {
        tag,
        whole,
        content,
        rest,
    })
}

#[cfg(test)]
pub(in crate::pki) mod tests {
    use super::*;
    use crate::pki::chain::tests::Chain;

    /// DER of an element.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], length.as_slice(), content].concat()
    }

    /// A file with these certificates.
    pub(in crate::pki) fn file(certificates: &[Vec<u8>]) -> Vec<u8> {
        let data = der(
            SEQUENCE,
            &der(
                OBJECT_IDENTIFIER,
                &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1],
            ),
        );
        let signed = [
            vec![0x02, 0x01, 0x01],
            der(0x31, &[]),
            data,
            der(FIRST, &certificates.concat()),
            der(0x31, &[]),
        ];
        let kind = der(OBJECT_IDENTIFIER, SIGNED_DATA);
        let explicit = der(FIRST, &der(SEQUENCE, &signed.concat()));
        der(SEQUENCE, &[kind, explicit].concat())
    }

    #[test]
    fn certificates_are_read_and_nothing_else_is_one() {
        let [root, issuing, leaf] = Chain::new().ders();
        let all = vec![root.clone(), issuing, leaf];
        let whole = file(&all);
        assert_eq!(certificates(&whole), Some(all));
        assert_eq!(certificates(&root), None);
        assert_eq!(certificates(b""), None);
        // Cut off anywhere it is none, and nothing panics.
        for end in 0..whole.len() {
            assert_eq!(certificates(&whole[..end]), None, "{end}");
        }
    }
}
