//! The internal registry: Debian's docker-registry over the images that `prepare` made, which it serves and never changes.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::directory::Directory;
use crate::processes::Processes;

use super::namespaces::NODE;
use super::pki::Pki;

/// Its name, on port 443 of the node.
pub(crate) const HOST: &str = "registry.lab.internal";
/// The same registry under a name whose certificates the node does not trust.
pub(crate) const UNTRUSTED_HOST: &str = "untrusted.lab.internal";
/// What `flapping` stands before.
pub(crate) const FLAPPING_HOST: &str = "flapping.lab.internal";

/// A login of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    /// What `htpasswd -B -C 4` makes of it: the only kind that the registry knows, and cheap to verify.
    pub(super) entry: &'static str,
}

/// What pull secrets hold.
pub(crate) const PULLER: Account = Account {
    user: "cluster",
    password: "images-for-the-nodes",
    entry: "cluster:$2y$04$zGRhiYt4jZk.TNtPYhJ3leT9YEZiN57FOPvNJqhEDvV0osD8Qi8v.",
};

/// What stands in the hosts.toml of dind, where every job can read it.
pub(crate) const MIRROR_READER: Account = Account {
    user: "mirror-reader",
    password: "images-for-the-jobs",
    entry: "mirror-reader:$2y$04$AAeReycT019zra1UQv5mzujC05iaSXZEnkFSO/bXJiB0OmFf76jNi",
};

/// What the node asks its mirror of Docker Hub with, whatever the pod's pull secrets are.
pub(crate) const NODE_MIRROR: Account = Account {
    user: "node-mirror",
    password: "images-for-docker-io",
    entry: "node-mirror:$2y$04$9VWQb9ZZo/OLDuNAta8D4ubSaaEEy294a/e8biJDIsELEEUTshc7.",
};

/// The running registry.
#[derive(Debug)]
pub(crate) struct Registry {
    log: PathBuf,
}

/// One request that the registry has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// The node, or the pod that asked.
    pub(crate) client: IpAddr,
    /// The name under which it was asked.
    pub(crate) host: String,
    pub(crate) user_agent: String,
    pub(crate) method: String,
    /// `/v2/actions/actions-runner/manifests/2.330.0`.
    pub(crate) path: String,
    /// The registry that a mirror is asked for: `quay.io`.
    pub(crate) for_registry: Option<String>,
    /// Whose password was right; None where it was wrong, there was none, or nothing was asked that needs one.
    pub(crate) user: Option<String>,
    pub(crate) status: u16,
}

impl Request {
    /// Repository and tag or digest of a manifest that was handed out.
    pub(crate) fn pulled(&self) -> Option<(&str, &str)> {
        let path = self.path.strip_prefix("/v2/")?;
        let is_pull = self.status == 200 && matches!(self.method.as_str(), "GET" | "HEAD");
        path.split_once("/manifests/").filter(|_| is_pull)
    }
}

/// Starts it over a storage directory.
pub(crate) async fn start(processes: &Processes, pki: &Pki, storage: &Path) -> Result<Registry> {
    let directory = processes.directory();
    let server = pki.server(directory, &[HOST, UNTRUSTED_HOST, FLAPPING_HOST])?;
    let accounts = [PULLER, MIRROR_READER, NODE_MIRROR].map(|account| account.entry);
    let accounts = directory.write("registry/htpasswd", accounts.join("\n"))?;
    let address = SocketAddr::new(NODE.into(), 443);
    // YAML reads JSON. Only in its debug lines does it say whose request it was.
    let config = json!({
        "version": "0.1",
        "log": { "level": "debug", "formatter": "json", "accesslog": { "disabled": true } },
        "storage": {
            "filesystem": { "rootdirectory": storage },
            "maintenance": { "uploadpurging": { "enabled": false }, "readonly": { "enabled": true } },
        },
        "http": {
            "addr": address.to_string(),
            "secret": "of one lab",
            "tls": { "certificate": server.certificate, "key": server.key },
        },
        "auth": { "htpasswd": { "realm": "lab", "path": accounts } },
    });
    let config = directory.write("registry/config.yml", config.to_string())?;
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(config);
    processes.spawn("registry", command)?;
    let listens = async || Ok(TcpStream::connect(address).is_ok());
    processes
        .wait("registry", Duration::from_secs(30), listens)
        .await?;
    Ok(Registry {
        log: processes.log_file("registry"),
    })
}

/// Makes the node's containerd trust a registry host, from the next pull on.
pub(crate) fn trust_on_node(directory: &Directory, host: &str, authorities: &Path) -> Result<()> {
    let hosts = format!(
        "server = \"https://{host}\"\n\n[host.\"https://{host}\"]\n  capabilities = [\"pull\", \"resolve\"]\n  ca = \"{}\"\n",
        authorities.display()
    );
    directory
        .write(&format!("certs.d/{host}/hosts.toml"), hosts)
        .map(drop)
}

impl Registry {
    /// Every request that was answered so far.
    pub(crate) fn requests(&self) -> Result<Vec<Request>> {
        // The rest of a line that is being written comes the next time.
        let log = String::from_utf8(std::fs::read(&self.log)?)?;
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let (mut users, mut requests) = (BTreeMap::new(), Vec::new());
        for line in lines {
            let line: Value = line;
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let id = text("http.request.id");
            if let Some(user) = line["auth.user.name"].as_str() {
                users.insert(id.clone(), user.to_owned());
            }
            let Some((status, client)) = status(&line).zip(client(&line)) else {
                continue;
            };
            let target = text("http.request.uri");
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            requests.push(Request {
                client,
                host: text("http.request.host"),
                user_agent: text("http.request.useragent"),
                method: text("http.request.method"),
                path: path.to_owned(),
                for_registry: query.strip_prefix("ns=").map(str::to_owned),
                user: users.get(&id).cloned(),
                status,
            });
        }
        Ok(requests)
    }
}

/// The status that a line tells: an answer, or the refusal of one who is not let in.
fn status(line: &Value) -> Option<u16> {
    let message = line["msg"].as_str().unwrap_or_default();
    if message.starts_with("response completed") {
        return u16::try_from(line["http.response.status"].as_u64()?).ok();
    }
    message
        .starts_with("error authorizing context")
        .then_some(401)
}

fn client(line: &Value) -> Option<IpAddr> {
    let address = line["http.request.remoteaddr"].as_str()?;
    Some(address.parse::<SocketAddr>().ok()?.ip())
}
