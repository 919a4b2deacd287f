//! tar and gzip of others: in pieces of any size, with bounds, without a panic.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::{Entry, header, tar};
use crate::oci::tree::Found;
use crate::oci::{Descriptor, LayerReader, Problem, Tree};
use crate::oci::{Hasher, tar as archives};

const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";

fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: Hasher::digest_like("sha256:", bytes),
        size: bytes.len() as u64,
    }
}

fn read(media_type: &str, bytes: &[u8], piece: usize, limit: u64) -> Result<Tree, Problem> {
    let mut reader = LayerReader::bounded(Tree::default(), &descriptor(media_type, bytes), limit)?;
    for piece in bytes.chunks(piece) {
        reader.take(piece)?;
    }
    reader.finish()
}

fn content(tree: &Tree) -> Option<Vec<u8>> {
    match tree.find(BUNDLE) {
        Found::File(_, content) => content.map(<[u8]>::to_vec),
        _ => None,
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const PLAIN: &str = "application/vnd.oci.image.layer.v1.tar";
const GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

#[test]
fn pieces_of_every_size_make_the_same() {
    let archive = tar(&[
        Entry::Directory("./etc/"),
        Entry::File("./etc/passwd", b"root"),
        Entry::File("./etc/ssl/certs/ca-certificates.crt", &[b'x'; 700]),
    ]);
    let packed = gzip(&archive);
    for piece in [1, 7, 511, 512, 513, 100_000] {
        assert_eq!(
            content(&read(PLAIN, &archive, piece, 1 << 20).unwrap()),
            Some(vec![b'x'; 700])
        );
        assert_eq!(
            content(&read(GZIP, &packed, piece, 1 << 20).unwrap()),
            Some(vec![b'x'; 700])
        );
    }
    // pigz writes several members.
    let (one, other) = archive.split_at(1000);
    let members = [gzip(one), gzip(other)].concat();
    assert!(content(&read(GZIP, &members, 100, 1 << 20).unwrap()).is_some());
}

#[test]
fn long_names_of_gnu_and_pax_are_followed() {
    let record = |key: &str, value: &str| {
        let rest = format!(" {key}={value}\n");
        let length = (rest.len()..rest.len() + 9)
            .find(|length| length.to_string().len() + rest.len() == *length)
            .unwrap();
        format!("{length}{rest}")
    };
    let padded = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    };
    for (flag, said) in [
        (b'L', format!("{BUNDLE}\0")),
        (b'x', record("mtime", "1.5") + &record("path", BUNDLE)),
    ] {
        let mut archive = header("long", flag, "", said.len() as u64);
        archive.extend(padded(&said));
        archive.extend(header("short", b'0', "", 4));
        archive.extend(padded("that"));
        archive.resize(archive.len() + 1024, 0);
        assert_eq!(
            content(&read(PLAIN, &archive, 100, 1 << 20).unwrap()),
            Some(b"that".to_vec())
        );
    }
    // A link's long target, and a size that only PAX can say.
    let said = record("linkpath", "certs/ca-certificates.crt") + &record("size", "2");
    let mut archive = tar(&[Entry::File(BUNDLE, b"ca")]);
    archive.truncate(archive.len() - 1024);
    archive.extend(header("pax", b'x', "", said.len() as u64));
    archive.extend(padded(&said));
    archive.extend(header("etc/ssl/cert.pem", b'2', "", 0));
    archive.resize(archive.len() + 1024, 0);
    let tree = read(PLAIN, &archive, 100, 1 << 20).unwrap();
    assert!(
        matches!(tree.find("etc/ssl/cert.pem"), Found::File(path, Some(b"ca")) if path == BUNDLE)
    );
}

#[test]
fn what_cannot_be_read_is_refused_and_says_why() {
    let archive = tar(&[Entry::File(BUNDLE, &[b'x'; 2000])]);
    let packed = gzip(&archive);
    let refused = |media_type: &str, bytes: &[u8], limit: u64| {
        read(media_type, bytes, 1000, limit)
            .unwrap_err()
            .to_string()
    };
    let zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
    assert!(
        refused(zstd, &archive, 1 << 20).contains("tar+zstd, which this program does not unpack")
    );
    // A bomb: a MiB of nothing in a KiB.
    let bomb = gzip(&vec![0; 1 << 20]);
    assert!(bomb.len() < 2000);
    assert!(refused(GZIP, &bomb, 1 << 16).contains("is larger than this program unpacks"));
    assert!(refused(PLAIN, &archive, 1000).contains("is larger than this program unpacks"));
    // Cut off, in the tar and in the gzip.
    assert!(refused(PLAIN, &archive[..1000], 1 << 20).contains("ends in the middle of a file"));
    assert!(read(GZIP, &packed[..packed.len() - 9], 1000, 1 << 20).is_err());
    assert!(refused(PLAIN, &[b'x'; 512], 1 << 20).contains("is no tar"));
    assert!(read(GZIP, &archive, 1000, 1 << 20).is_err());
    // A header of which nobody needs a GiB.
    let greedy = header("x", b'x', "", 1 << 30);
    assert!(refused(PLAIN, &greedy, 1 << 40).contains("has a header that is larger"));
    // Not what the manifest says.
    let mut reader = LayerReader::new(Tree::default(), &descriptor(PLAIN, b"other")).unwrap();
    reader.take(&archive).unwrap();
    assert!(matches!(reader.finish(), Err(Problem::WrongDigest { .. })));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..3000),
        at in 0_usize..1500,
        flag in any::<u8>(),
        size in any::<u64>(),
    ) {
        let mut archive = tar(&[Entry::File(BUNDLE, b"ca"), Entry::Symlink("etc/ssl/certs", "../ssl/certs")]);
        archive.splice(at.min(archive.len())..at.min(archive.len()), bytes.iter().copied());
        let _ = read(PLAIN, &archive, 97, 1 << 20);
        let _ = read(GZIP, &bytes, 97, 1 << 20);
        let mut archive = header(BUNDLE, flag, "etc", size % (1 << 33));
        archive.extend(&bytes);
        let _ = read(PLAIN, &archive, 97, 1 << 20);
    }

    #[test]
    fn what_is_written_is_read(
        files in proptest::collection::btree_map("etc/ssl/[a-z]{1,120}(/[a-z]{1,20}){0,2}/cert[.]pem", proptest::collection::vec(any::<u8>(), 0..2000), 0..5)
    ) {
        let Ok(archive) = archives::archive(&files) else { return Ok(()) };
        let tree = read(PLAIN, &archive, 300, 1 << 20).unwrap();
        for (path, content) in &files {
            let found = tree.find(path);
            prop_assert_eq!(found, Found::File(path.clone(), Some(content)));
        }
    }
}
