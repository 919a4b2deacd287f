//! The command lines of the control plane. Says how each program is started, never when.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::credentials::Credentials;
use super::process::Home;

/// The first address of the service range, which the API server gives to the Service `kubernetes`.
pub(super) const KUBERNETES_SERVICE_ADDRESS: &str = "10.96.0.1";
const SERVICE_RANGE: &str = "10.96.0.0/16";

/// etcd on a Unix socket in its home: no port to lose to somebody else.
pub(super) fn etcd(binaries: &Path, home: &Home) -> (Command, String) {
    let endpoint = format!("unix://{}", home.path("etcd.sock").display());
    let mut command = Command::new(binaries.join("etcd"));
    command
        .arg("--name=etcd")
        .arg(format!("--data-dir={}", home.path("etcd").display()))
        .arg(format!("--listen-client-urls={endpoint}"))
        // Nobody asks for these, but etcd insists on the form host:port: sockets in its directory.
        .args([
            "--advertise-client-urls=unix://client:1",
            "--listen-peer-urls=unix://peer:1",
        ])
        .args([
            "--initial-advertise-peer-urls=unix://peer:1",
            "--initial-cluster=etcd=unix://peer:1",
        ])
        .args(["--unsafe-no-fsync", "--log-level=warn"]);
    (command, endpoint)
}

/// Where an API server keeps its objects and where it listens.
pub(super) struct ApiServer<'a> {
    pub(super) etcd: &'a str,
    pub(super) prefix: &'a str,
    pub(super) port: u16,
    pub(super) flags: &'a [String],
}

pub(super) fn kube_apiserver(
    binaries: &Path,
    home: &Home,
    credentials: &Credentials,
    server: &ApiServer<'_>,
) -> Result<Command> {
    let mut command = Command::new(binaries.join("kube-apiserver"));
    let files = [
        (
            "tls-cert-file",
            "serving.crt",
            &credentials.serving.certificate,
        ),
        (
            "tls-private-key-file",
            "serving.key",
            &credentials.serving.key,
        ),
        ("client-ca-file", "ca.crt", &credentials.authority_pem()),
        (
            "service-account-key-file",
            "service-account.pub",
            &credentials.service_account_public_key,
        ),
        (
            "service-account-signing-key-file",
            "service-account.key",
            &credentials.service_account_key,
        ),
    ];
    for (flag, name, content) in files {
        command.arg(format!("--{flag}={}", home.write(name, content)?.display()));
    }
    command
        .arg(format!("--etcd-servers={}", server.etcd))
        .arg(format!("--etcd-prefix={}", server.prefix))
        .arg(format!("--secure-port={}", server.port))
        .arg(format!(
            "--cert-dir={}",
            home.path("certificates").display()
        ))
        .arg(format!("--service-cluster-ip-range={SERVICE_RANGE}"))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        // A loopback address is no valid Endpoints address.
        .arg("--endpoint-reconciler-type=none")
        .arg("--service-account-issuer=https://kubernetes.default.svc.cluster.local")
        .args([
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            "--profiling=false",
        ])
        .args(server.flags);
    Ok(command)
}

pub(super) fn kube_controller_manager(binaries: &Path, home: &Home, kubeconfig: &Path) -> Command {
    let mut command = Command::new(binaries.join("kube-controller-manager"));
    command
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .arg(format!(
            "--service-account-private-key-file={}",
            home.path("service-account.key").display()
        ))
        .arg(format!("--root-ca-file={}", home.path("ca.crt").display()))
        .args([
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--secure-port=0",
        ])
        .args(["--kube-api-qps=200", "--kube-api-burst=400"]);
    command
}

pub(super) fn kube_scheduler(binaries: &Path, kubeconfig: &Path) -> Command {
    let mut command = Command::new(binaries.join("kube-scheduler"));
    command
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .args(["--leader-elect=false", "--secure-port=0"]);
    command
}

pub(super) fn kwok(binaries: &Path, kubeconfig: &Path, stages: &Path) -> Command {
    let mut command = Command::new(binaries.join("kwok"));
    command
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .arg(format!("--config={}", stages.display()))
        .arg("--manage-all-nodes=false")
        .arg(format!(
            "--manage-nodes-with-annotation-selector={}",
            super::kwok::NODE_ANNOTATION
        ))
        .args(["--node-lease-duration-seconds=40", "--cidr=10.244.0.0/16"]);
    command
}

/// Tells the API server to reach webhooks through a CONNECT proxy on `socket`.
pub(super) fn egress_selector(socket: &Path) -> String {
    serde_json::json!({
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [{ "name": "cluster", "connection": {
            "proxyProtocol": "HTTPConnect",
            "transport": { "uds": { "udsName": socket } },
        }}],
    })
    .to_string()
}
