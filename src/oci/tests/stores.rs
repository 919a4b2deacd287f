//! The trust stores of distributions, as their images lay them out in layers, with a company's authorities added.

use super::Entry::{Directory, File, Link, Symlink};
use super::{Entry, PINNED, company, tar};
use crate::oci::{Descriptor, Hasher, LayerReader, Merged, Problem, Tree, merged};

fn tree(layers: &[&[Entry<'_>]]) -> Tree {
    layers.iter().fold(Tree::default(), |tree, entries| {
        let bytes = tar(entries);
        let descriptor = Descriptor {
            media_type: "application/vnd.oci.image.layer.v1.tar".to_owned(),
            digest: Hasher::digest_like("sha256:", &bytes),
            size: 0,
        };
        let mut reader = LayerReader::new(tree, &descriptor).unwrap();
        reader.take(&bytes).unwrap();
        reader.finish().unwrap()
    })
}

fn with(layers: &[&[Entry<'_>]], pems: &[String]) -> Result<Merged, Problem> {
    merged(&tree(layers), pems, &["registry.corp".to_owned()])
}

fn content<'a>(merged: &'a Merged, path: &str) -> &'a str {
    std::str::from_utf8(&merged.files.files[path]).unwrap()
}

fn public() -> &'static [u8] {
    PINNED.as_bytes()
}

const DEBIAN: &[Entry<'static>] = &[
    Directory("etc/"),
    Directory("etc/ssl/"),
    Directory("etc/ssl/certs/"),
    File("etc/ssl/certs/ca-certificates.crt", PINNED.as_bytes()),
    Symlink("etc/ssl/certs/0a378827.0", "Public_Root.pem"),
    Directory("usr/local/share/ca-certificates/"),
];

#[test]
fn debian_keeps_its_own_and_gets_the_companys() {
    let pems = company();
    let merged = with(&[DEBIAN, &[File("usr/bin/x", b"x")]], &pems).unwrap();
    assert_eq!(merged.rewritten, ["etc/ssl/certs/ca-certificates.crt"]);
    let bundle = content(&merged, "etc/ssl/certs/ca-certificates.crt");
    assert_eq!(bundle, [PINNED, &pems.concat()].concat());
    assert!(
        merged
            .files
            .files
            .contains_key("etc/docker/certs.d/registry.corp/ca.crt")
    );
}

/// Alpine has one bundle and two names for it.
#[test]
fn a_bundle_with_many_names_is_written_once_where_it_is() {
    let layers: &[Entry<'_>] = &[
        File("etc/ssl/certs/ca-certificates.crt", public()),
        Symlink("etc/ssl/cert.pem", "certs/ca-certificates.crt"),
    ];
    let merged = with(&[layers], &company()).unwrap();
    assert_eq!(merged.rewritten, ["etc/ssl/certs/ca-certificates.crt"]);
}

/// RHEL: every usual name is a link, and so is the directory. A file whose directory is a link would take its place.
#[test]
fn nothing_is_written_through_a_link() {
    let rhel: &[Entry<'_>] = &[
        Directory("etc/ssl/"),
        Symlink("etc/ssl/certs", "../pki/tls/certs"),
        Symlink(
            "etc/pki/tls/certs/ca-bundle.crt",
            "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        ),
        Symlink("etc/pki/tls/cert.pem", "certs/ca-bundle.crt"),
        Symlink("etc/pki/tls/certs/ca-certificates.crt", "ca-bundle.crt"),
        File("etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", public()),
        Directory("etc/pki/ca-trust/source/anchors/"),
    ];
    let pems = company();
    let merged = with(&[rhel], &pems).unwrap();
    assert_eq!(
        merged.rewritten,
        ["etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"]
    );
    for (path, _) in merged.files.files() {
        let places = [
            "etc/pki/tls/certs/",
            "etc/pki/ca-trust/",
            "etc/docker/certs.d/",
        ];
        assert!(places.iter().any(|place| path.starts_with(place)), "{path}");
    }
    let anchors = merged
        .files
        .files()
        .filter(|(path, _)| path.contains("source/anchors/"));
    assert_eq!(anchors.count(), pems.len());
}

/// SUSE keeps it where nobody else does.
#[test]
fn suses_bundle_lies_elsewhere() {
    let suse: &[Entry<'_>] = &[
        Symlink(
            "etc/ssl/ca-bundle.pem",
            "../../var/lib/ca-certificates/ca-bundle.pem",
        ),
        Symlink("etc/ssl/certs", "../../var/lib/ca-certificates/pem"),
        File("var/lib/ca-certificates/ca-bundle.pem", public()),
        Directory("var/lib/ca-certificates/pem/"),
    ];
    let merged = with(&[suse], &company()).unwrap();
    assert_eq!(merged.rewritten, ["var/lib/ca-certificates/ca-bundle.pem"]);
    assert!(
        merged
            .files
            .files()
            .any(|(path, _)| path.starts_with("var/lib/ca-certificates/pem/"))
    );
}

#[test]
fn the_top_most_bundle_counts() {
    let newer = company().concat();
    let pems = company();
    let bundle = "etc/ssl/certs/ca-certificates.crt";
    let upper: &[Entry<'_>] = &[File(
        "./etc/ssl/certs/ca-certificates.crt",
        newer.as_bytes(),
    )];
    let merged = with(&[DEBIAN, upper], &pems).unwrap();
    assert_eq!(
        content(&merged, bundle),
        [newer.as_str(), &pems.concat()].concat()
    );
    // A link over it, to a file of another layer.
    let moved: &[Entry<'_>] = &[
        File("etc/ssl/other/cert.pem", newer.as_bytes()),
        Symlink("etc/ssl/certs/ca-certificates.crt", "../other/cert.pem"),
    ];
    let merged = with(&[DEBIAN, moved], &pems).unwrap();
    assert_eq!(merged.rewritten, ["etc/ssl/other/cert.pem"]);
    // Another name of a file, made by linking it.
    let linked: &[Entry<'_>] = &[Link(
        "etc/ssl/cert.pem",
        "etc/ssl/certs/ca-certificates.crt",
    )];
    assert_eq!(with(&[DEBIAN, linked], &pems).unwrap().rewritten.len(), 2);
}

#[test]
fn what_upper_layers_take_away_is_gone() {
    let pems = company();
    for taken in [
        "etc/ssl/certs/.wh.ca-certificates.crt",
        "etc/ssl/certs/.wh..wh..opq",
        "etc/ssl/.wh.certs",
        "etc/.wh.ssl",
        "./.wh.etc",
        ".wh..wh..opq",
    ] {
        let upper: &[Entry<'_>] = &[File(taken, b"")];
        assert!(
            matches!(with(&[DEBIAN, upper], &pems), Err(Problem::NoStore(_))),
            "{taken}"
        );
        // What the same layer brings stays, whichever comes first.
        let again = File("etc/ssl/certs/ca-certificates.crt", public());
        let and_back: &[Entry<'_>] = &[again, File(taken, b"")];
        let merged = with(&[DEBIAN, and_back], &pems).unwrap();
        assert_eq!(
            content(&merged, "etc/ssl/certs/ca-certificates.crt"),
            [PINNED, &pems.concat()].concat(),
            "{taken}"
        );
    }
    // A file or a link in the place of the directory.
    let file: &[Entry<'_>] = &[File("etc/ssl", b"")];
    assert!(with(&[DEBIAN, file], &pems).is_err());
    let link: &[Entry<'_>] = &[Symlink("etc/ssl/certs", "/opt/certs")];
    let refused = with(&[DEBIAN, link], &pems).unwrap_err().to_string();
    assert!(
        refused.contains("is a link to /opt/certs/ca-certificates.crt"),
        "{refused}"
    );
    let round: &[Entry<'_>] = &[Symlink("etc/ssl/certs", "certs")];
    assert!(with(&[DEBIAN, round], &pems).is_err());
}

#[test]
fn the_company_alone_is_never_the_bundle() {
    let empty: &[Entry<'_>] = &[File("etc/ssl/certs/ca-certificates.crt", b"# nothing\n")];
    let pems = company();
    assert!(matches!(with(&[empty], &pems), Err(Problem::NoStore(_))));
    assert!(matches!(with(&[&[]], &pems), Err(Problem::NoStore(_))));
}

#[test]
fn what_is_there_already_is_not_written_twice() {
    let pems = company();
    let both = [PINNED, &pems[0]].concat();
    let bundle = "etc/ssl/certs/ca-certificates.crt";
    // Without a line break at its end.
    let layer: &[Entry<'_>] = &[File(bundle, both.trim_end().as_bytes())];
    let merged = with(&[layer], &pems).unwrap();
    assert_eq!(
        content(&merged, bundle),
        [both.as_str(), &pems[1..].concat()].concat()
    );
    let all = [PINNED, &pems.concat()].concat();
    let layer: &[Entry<'_>] = &[File(bundle, all.as_bytes())];
    let merged = with(&[layer], &pems).unwrap();
    assert_eq!(
        (merged.rewritten.len(), merged.complete),
        (0, vec![bundle.to_owned()])
    );
    assert!(!merged.files.files.contains_key(bundle));
    // Of two authorities of one name the image's keeps its own file.
    let merged = with(&[DEBIAN], &[PINNED.to_owned()]).unwrap();
    assert!(merged.files.files.contains_key("etc/ssl/certs/0a378827.1"));
}
