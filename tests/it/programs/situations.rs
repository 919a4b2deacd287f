//! Servers as companies have them: what each sends in its handshake, and what a client could be given to trust.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// The name under which every server is asked for.
pub(super) const HOST: &str = "localhost";

/// A server, and the certificates behind it.
pub(super) struct Situation {
    pub(super) name: &'static str,
    /// What the server sends, DER, its own certificate first.
    pub(super) sent: Vec<Vec<u8>>,
    roots: Vec<Vec<u8>>,
    issuing: Vec<u8>,
    key: Vec<u8>,
}

/// What a client is given to trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    Root,
    Issuing,
    Both,
    Leaf,
}

pub(super) const TRUSTS: [Trust; 4] = [Trust::Root, Trust::Issuing, Trust::Both, Trust::Leaf];

impl Situation {
    /// DER of what a client trusts.
    pub(super) fn trusted(&self, trust: Trust) -> Vec<Vec<u8>> {
        match trust {
            Trust::Root => self.roots.clone(),
            Trust::Issuing => vec![self.issuing.clone()],
            Trust::Both => [vec![self.issuing.clone()], self.roots.clone()].concat(),
            Trust::Leaf => vec![self.sent[0].clone()],
        }
    }

    /// The TLS side of the server.
    pub(super) fn server(&self) -> Arc<ServerConfig> {
        let chain = self
            .sent
            .iter()
            .cloned()
            .map(CertificateDer::from)
            .collect();
        let key = PrivatePkcs8KeyDer::from(self.key.clone());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key.into())
            .unwrap();
        Arc::new(config)
    }
}

/// How the certificates of a situation differ from what they should be.
struct Recipe {
    root: fn(&mut CertificateParams),
    issuing: fn(&mut CertificateParams),
    leaf: fn(&mut CertificateParams),
    sends: fn(&Parts) -> Vec<Vec<u8>>,
}

/// DER of each.
struct Parts {
    root: Vec<u8>,
    issuing: Vec<u8>,
    leaf: Vec<u8>,
    stranger: Vec<u8>,
    /// With the name of the issuing authority, and another key.
    namesake: Vec<u8>,
}

fn as_it_should(_: &mut CertificateParams) {}

fn chain(parts: &Parts) -> Vec<Vec<u8>> {
    vec![parts.leaf.clone(), parts.issuing.clone()]
}

const USUAL: Recipe = Recipe {
    root: as_it_should,
    issuing: as_it_should,
    leaf: as_it_should,
    sends: chain,
};

fn is_over(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
}

fn has_not_begun(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2090, 1, 1);
}

fn says_no_key_usage(params: &mut CertificateParams) {
    params.key_usages.clear();
    params.extended_key_usages.clear();
}

fn names_no_issuer_key(params: &mut CertificateParams) {
    params.use_authority_key_identifier_extension = false;
}

/// Every situation.
pub(super) fn situations() -> Vec<Situation> {
    let recipes = sent_differently()
        .into_iter()
        .chain(for_another_time_or_name())
        .chain(of_another_form())
        .chain(limited());
    let mut situations: Vec<Situation> = recipes
        .map(|(name, recipe)| situation(name, &recipe))
        .collect();
    situations.push(renewed("root renewed with its key", false));
    situations.push(renewed("issuing authority renewed with its key", true));
    situations.push(self_signed("self-signed", IsCa::ExplicitNoCa));
    let unlimited = IsCa::Ca(BasicConstraints::Unconstrained);
    situations.push(self_signed("self-signed authority", unlimited));
    situations
}

type Named = (&'static str, Recipe);

fn sent_differently() -> Vec<Named> {
    let sends = |sends| Recipe { sends, ..USUAL };
    vec![
        ("leaf only", sends(|parts| vec![parts.leaf.clone()])),
        ("chain", USUAL),
        (
            "whole chain",
            sends(|parts| {
                [&parts.leaf, &parts.issuing, &parts.root]
                    .map(Clone::clone)
                    .to_vec()
            }),
        ),
        (
            "wrong order",
            sends(|parts| {
                [&parts.leaf, &parts.root, &parts.issuing]
                    .map(Clone::clone)
                    .to_vec()
            }),
        ),
        (
            "a stranger's certificate behind the leaf",
            sends(|parts| vec![parts.leaf.clone(), parts.stranger.clone()]),
        ),
        (
            "a namesake of the issuing authority behind the leaf",
            sends(|parts| vec![parts.leaf.clone(), parts.namesake.clone()]),
        ),
    ]
}

fn for_another_time_or_name() -> Vec<Named> {
    let leaf = |leaf| Recipe { leaf, ..USUAL };
    vec![
        ("expired", leaf(is_over)),
        ("not valid yet", leaf(has_not_begun)),
        (
            "expired issuing authority",
            Recipe {
                issuing: is_over,
                ..USUAL
            },
        ),
        (
            "expired root",
            Recipe {
                root: is_over,
                ..USUAL
            },
        ),
        (
            "wrong name",
            leaf(|params| {
                params.subject_alt_names = names(&["other.example.com"]);
                common_name(params, "other.example.com");
            }),
        ),
        (
            "common name only",
            leaf(|params| params.subject_alt_names.clear()),
        ),
    ]
}

fn of_another_form() -> Vec<Named> {
    vec![
        (
            "authorities without key usage",
            Recipe {
                root: says_no_key_usage,
                issuing: says_no_key_usage,
                ..USUAL
            },
        ),
        (
            "leaf without key usage",
            Recipe {
                leaf: says_no_key_usage,
                ..USUAL
            },
        ),
        (
            "no authority key identifiers",
            Recipe {
                issuing: names_no_issuer_key,
                leaf: names_no_issuer_key,
                ..USUAL
            },
        ),
        (
            "for clients only",
            Recipe {
                leaf: |params| {
                    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
                },
                ..USUAL
            },
        ),
        (
            "issuing authority that is none",
            Recipe {
                issuing: |params| params.is_ca = IsCa::ExplicitNoCa,
                ..USUAL
            },
        ),
    ]
}

fn limited() -> Vec<Named> {
    let issuing = |issuing| Recipe { issuing, ..USUAL };
    vec![
        (
            "root with a path of none",
            Recipe {
                root: |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)),
                ..USUAL
            },
        ),
        (
            "issuing authority for clients only",
            issuing(|params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }),
        ),
        (
            "issuing authority that may not sign certificates",
            issuing(|params| params.key_usages = vec![KeyUsagePurpose::CrlSign]),
        ),
        (
            "basic constraints that are not critical",
            issuing(|params| {
                params.is_ca = IsCa::NoCa;
                // CA:TRUE
                let content = vec![0x30, 0x03, 0x01, 0x01, 0xff];
                let extension = CustomExtension::from_oid_content(&[2, 5, 29, 19], content);
                params.custom_extensions = vec![extension];
            }),
        ),
        (
            "issuing authority that names no issuer's key",
            issuing(names_no_issuer_key),
        ),
    ]
}

/// An authority whose certificate is over, and was made anew with the same name and key: a bundle may still have the old
/// one. Of the root both are trusted, the old one first; of the issuing authority the old one is trusted, and the server
/// sends the new one.
fn renewed(name: &'static str, is_issuing: bool) -> Situation {
    let root_key = KeyPair::generate().unwrap();
    let mut params = authority("Corp Root CA");
    let root = params.self_signed(&root_key).unwrap().der().to_vec();
    is_over(&mut params);
    let old_root = params.self_signed(&root_key).unwrap().der().to_vec();
    let root_issuer = Issuer::new(authority("Corp Root CA"), root_key);
    let issuing_key = KeyPair::generate().unwrap();
    let mut params = authority("Corp Issuing CA");
    let issuing = params.signed_by(&issuing_key, &root_issuer).unwrap();
    let issuing = issuing.der().to_vec();
    is_over(&mut params);
    let old = params.signed_by(&issuing_key, &root_issuer).unwrap();
    let issuing_issuer = Issuer::new(authority("Corp Issuing CA"), issuing_key);
    let key = KeyPair::generate().unwrap();
    let leaf = server().signed_by(&key, &issuing_issuer).unwrap();
    let (roots, known) = if is_issuing {
        (vec![root], old.der().to_vec())
    } else {
        (vec![old_root, root], issuing.clone())
    };
    Situation {
        name,
        sent: vec![leaf.der().to_vec(), issuing],
        roots,
        issuing: known,
        key: key.serialize_der(),
    }
}

fn situation(name: &'static str, recipe: &Recipe) -> Situation {
    let root_key = KeyPair::generate().unwrap();
    let mut params = authority("Corp Root CA");
    (recipe.root)(&mut params);
    let root = params.self_signed(&root_key).unwrap();
    let root_issuer = Issuer::new(params, root_key);
    let issuing_key = KeyPair::generate().unwrap();
    let mut params = authority("Corp Issuing CA");
    (recipe.issuing)(&mut params);
    let issuing = params.signed_by(&issuing_key, &root_issuer).unwrap();
    let issuing_issuer = Issuer::new(params, issuing_key);
    let key = KeyPair::generate().unwrap();
    let mut params = server();
    (recipe.leaf)(&mut params);
    let leaf = params.signed_by(&key, &issuing_issuer).unwrap();
    let stranger_key = KeyPair::generate().unwrap();
    let stranger = authority("Somebody Else CA").self_signed(&stranger_key);
    let namesake_key = KeyPair::generate().unwrap();
    let namesake = authority("Corp Issuing CA").signed_by(&namesake_key, &root_issuer);
    let parts = Parts {
        namesake: namesake.unwrap().der().to_vec(),
        root: root.der().to_vec(),
        issuing: issuing.der().to_vec(),
        leaf: leaf.der().to_vec(),
        stranger: stranger.unwrap().der().to_vec(),
    };
    Situation {
        name,
        sent: (recipe.sends)(&parts),
        roots: vec![parts.root],
        issuing: parts.issuing,
        key: key.serialize_der(),
    }
}

fn self_signed(name: &'static str, is_ca: IsCa) -> Situation {
    let key = KeyPair::generate().unwrap();
    let mut params = server();
    if matches!(is_ca, IsCa::Ca(_)) {
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    }
    params.is_ca = is_ca;
    let certificate = params.self_signed(&key).unwrap().der().to_vec();
    Situation {
        name,
        sent: vec![certificate.clone()],
        roots: vec![certificate.clone()],
        issuing: certificate,
        key: key.serialize_der(),
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    common_name(&mut params, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn server() -> CertificateParams {
    let mut params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    common_name(&mut params, HOST);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn common_name(params: &mut CertificateParams, name: &str) {
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
}

fn names(names: &[&str]) -> Vec<rcgen::SanType> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    CertificateParams::new(names).unwrap().subject_alt_names
}
