//! The certificates and keys of one control plane, made in memory with one authority.

use anyhow::{Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use serde_json::json;

/// `id-at-organizationName`, spelled out: under its own name rcgen keeps only one value.
const SECOND_ORGANIZATION: &[u64] = &[2, 5, 4, 10];

/// What in-cluster clients and our own call the API server by.
const SERVER_NAMES: &[&str] = &[
    "127.0.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    super::components::KUBERNETES_SERVICE_ADDRESS,
];

/// A certificate with its key, both PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

pub(crate) struct Credentials {
    authority: CertifiedIssuer<'static, KeyPair>,
    pub(crate) serving: Pair,
    pub(crate) admin: Pair,
    pub(crate) service_account_key: String,
    pub(crate) service_account_public_key: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Credentials")
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// `further` are names and addresses that the API server is called by beside the usual ones.
    pub(crate) fn generate(further: &[&str]) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name("arc-setup test authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let names = SERVER_NAMES.iter().chain(further);
        let names: Vec<String> = names.map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = name("kube-apiserver", &[]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let serving = sign(params, &authority)?;
        let admin = client(&authority, "arc-setup-test-admin", &["system:masters"])?;

        let service_accounts = KeyPair::generate()?;
        Ok(Self {
            authority,
            serving,
            admin,
            service_account_key: service_accounts.serialize_pem(),
            service_account_public_key: service_accounts.public_key_pem(),
        })
    }

    pub(crate) fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// A certificate by which the API server knows `user` in `groups` (at most two).
    pub(crate) fn client(&self, user: &str, groups: &[&str]) -> Result<Pair> {
        client(&self.authority, user, groups)
    }

    /// A kubeconfig with one context, as JSON, which every reader of YAML accepts.
    pub(crate) fn kubeconfig(&self, server: &str, context: &str, client: &Pair) -> String {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [{ "name": context, "cluster": {
                "server": server,
                "certificate-authority-data": STANDARD.encode(self.authority_pem()),
            }}],
            "users": [{ "name": context, "user": {
                "client-certificate-data": STANDARD.encode(&client.certificate),
                "client-key-data": STANDARD.encode(&client.key),
            }}],
            "contexts": [{ "name": context, "context": { "cluster": context, "user": context } }],
        })
        .to_string()
    }
}

fn client(
    authority: &CertifiedIssuer<'static, KeyPair>,
    user: &str,
    groups: &[&str],
) -> Result<Pair> {
    ensure!(
        groups.len() <= 2,
        "a client certificate here holds at most two groups"
    );
    let mut params = CertificateParams::default();
    params.distinguished_name = name(user, groups);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    sign(params, authority)
}

fn name(common: &str, organizations: &[&str]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    let kinds = [
        DnType::OrganizationName,
        DnType::CustomDnType(SECOND_ORGANIZATION.to_vec()),
    ];
    for (kind, organization) in kinds.into_iter().zip(organizations) {
        name.push(kind, *organization);
    }
    name.push(DnType::CommonName, common);
    name
}

fn sign(
    mut params: CertificateParams,
    authority: &CertifiedIssuer<'static, KeyPair>,
) -> Result<Pair> {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    Ok(Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}
