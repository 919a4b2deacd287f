//! Where the certificates of an image lie.

use super::layer::ADDED;

/// Where distributions keep certificates, and on the way to which links lie: Debian, Alpine and Arch; RHEL and Fedora;
/// SUSE; Docker.
pub(super) const PLACES: [&str; 7] = [
    "etc/ssl",
    "etc/pki",
    "usr/local/share/ca-certificates",
    "usr/share/pki",
    "var/lib/ca-certificates",
    "usr/lib/ssl",
    "etc/docker",
];

/// The files that hold every authority, by the distributions' own names; most are links to others of them.
pub(super) const BUNDLES: [&str; 7] = [
    "etc/ssl/certs/ca-certificates.crt",
    "etc/ssl/cert.pem",
    "etc/ssl/ca-bundle.pem",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/pki/tls/cert.pem",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "var/lib/ca-certificates/ca-bundle.pem",
];
/// The last parts of them.
pub(super) const BUNDLE_NAMES: [&str; 5] = [
    "ca-certificates.crt",
    "cert.pem",
    "ca-bundle.pem",
    "ca-bundle.crt",
    "tls-ca-bundle.pem",
];

/// Where administrators put authorities, for the programs that make bundles.
pub(super) const ANCHORS: [&str; 4] = [
    ADDED,
    "etc/pki/ca-trust/source/anchors",
    "etc/pki/trust/anchors",
    "usr/share/pki/trust/anchors",
];
