//! The layer itself: which files, which bytes.

use std::io::Read as _;
use std::process::{Command, Stdio};

use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::{PINNED, company};
use crate::oci::{CaFiles, Family, Problem, gzip, tar};

fn pinned() -> CaFiles {
    let hosts = ["registry.corp", "registry.corp:5000"].map(str::to_owned);
    CaFiles::additive(&[PINNED.to_owned()], &hosts).unwrap()
}

/// Whoever signs off a digest must find it again with every later release.
#[test]
fn the_digests_of_a_layer_never_change() {
    let files = pinned();
    let paths: Vec<&str> = files.files().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "etc/docker/certs.d/registry.corp/ca.crt",
            "etc/docker/certs.d/registry.corp:5000/ca.crt",
            "etc/ssl/certs/0a378827.0",
            "usr/local/share/ca-certificates/arc-setup-0a378827-0.crt",
        ]
    );
    let oci = files.layer(Family::Oci).unwrap();
    assert_eq!(oci.blob.digest, oci.diff_id);
    let docker = files.layer(Family::Docker).unwrap();
    assert_eq!(docker.diff_id, oci.diff_id);
    assert_eq!(
        [oci.blob.digest, docker.blob.digest],
        [
            "sha256:7bdb7a644d8bd8358fef67db235515f5dba845d1e0ed483f904aa5c40e8d2873",
            "sha256:938d19c6e37a53fad108c4949fecd40a29683b4c78d1291dca0bc86006584692",
        ]
    );
}

/// GNU tar and gzip, which others read layers with, find files only: owner 0, mode 0644, time 0.
#[test]
fn the_usual_programs_read_it() {
    let layer = pinned().layer(Family::Docker).unwrap();
    let mut child = Command::new("tar")
        .args([
            "--list",
            "--verbose",
            "--verbose",
            "--gzip",
            "--numeric-owner",
            "--utc",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, &layer.blob.bytes).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let listed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(listed.lines().count(), 4);
    for line in listed.lines() {
        assert!(line.starts_with("-rw-r--r-- 0/0 "), "{line}");
        assert!(line.contains(" 1970-01-01 00:00 "), "{line}");
    }
}

#[test]
fn each_authority_has_a_file_of_its_own_and_docker_has_all_in_one() {
    let pems = company();
    let files = CaFiles::additive(&pems, &["registry.corp".to_owned()]).unwrap();
    let with = |start: &str| {
        let files = files.files.iter();
        files
            .filter(|(path, _)| path.starts_with(start))
            .map(|(_, content)| content.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        with("etc/docker/certs.d/registry.corp/"),
        [pems.concat().into_bytes()]
    );
    assert_eq!(with("etc/ssl/certs/").len(), pems.len());
    assert_eq!(with("usr/local/share/ca-certificates/").len(), pems.len());
}

#[test]
fn long_names_are_split_and_those_that_cannot_be_are_refused() {
    let host = |length: usize| format!("{}.corp", "a".repeat(length));
    let layer = |host: String| {
        CaFiles::additive(&[PINNED.to_owned()], &[host])
            .unwrap()
            .layer(Family::Oci)
    };
    assert!(layer(host(120)).is_ok());
    assert!(matches!(layer(host(200)), Err(Problem::NameTooLong(path)) if path.contains("aaa")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_packed_is_unpacked_by_others(bytes in proptest::collection::vec(any::<u8>(), 0..150_000)) {
        let mut unpacked = Vec::new();
        let packed = gzip::stored(&bytes);
        GzDecoder::new(packed.as_slice()).read_to_end(&mut unpacked).unwrap();
        prop_assert_eq!(&unpacked, &bytes);
        prop_assert_eq!(gzip::stored(&bytes), packed);
    }

    #[test]
    fn the_same_files_are_the_same_bytes_in_whatever_order(
        files in proptest::collection::btree_map("[a-z]{1,20}(/[a-z]{1,20}){0,4}", proptest::collection::vec(any::<u8>(), 0..2000), 0..10)
    ) {
        let again = files.clone().into_iter().rev().collect();
        prop_assert_eq!(tar::archive(&files).unwrap(), tar::archive(&again).unwrap());
    }
}
