mod edited;
mod layers;
mod read;
mod stores;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

use super::tar::archive;
use crate::pki::chain::pem;

/// An authority that is the same in every run.
const PINNED: &str = include_str!("pinned.pem");

/// Authorities of a company, made anew.
fn company() -> Vec<String> {
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let made = params.self_signed(&KeyPair::generate().unwrap());
        pem(made.unwrap().der())
    };
    ["Corp Issuing", "Corp Root"].map(authority).to_vec()
}

/// An entry of a layer as `tar` writes it.
enum Entry<'a> {
    Directory(&'a str),
    File(&'a str, &'a [u8]),
    Symlink(&'a str, &'a str),
    Link(&'a str, &'a str),
}

/// A tar of these entries in this order.
fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut whole = Vec::new();
    for entry in entries {
        let (name, flag, link, content): (_, _, _, &[u8]) = match entry {
            Entry::Directory(name) => (*name, b'5', "", &[]),
            Entry::File(name, content) => (*name, b'0', "", content),
            Entry::Symlink(name, target) => (*name, b'2', *target, &[]),
            Entry::Link(name, target) => (*name, b'1', *target, &[]),
        };
        whole.extend(header(name, flag, link, content.len() as u64));
        whole.extend(content);
        whole.resize(whole.len().next_multiple_of(512), 0);
    }
    whole.resize(whole.len() + 1024, 0);
    whole
}

fn header(name: &str, flag: u8, link: &str, size: u64) -> Vec<u8> {
    // One of ours, with what differs written over it.
    let files = [(name.to_owned(), Vec::new())].into();
    let mut header = archive(&files).unwrap()[..512].to_vec();
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[156] = flag;
    header[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}
