//! Another registry of the company, empty at its start, that takes pushes: Debian's docker-registry at a port of its own,
//! under the name of the other. It sends its own certificate alone, as that one does.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use arc_setup::clients::registry::{DockerConfig, Registry, Repository};
use arc_setup::clients::roots::Roots;
use arc_setup::clients::transport::{Route, Timeouts};
use arc_setup::pki::chain::bundle;
use serde_json::json;

use crate::administrator::logins;
use crate::lab::Lab;
use crate::processes::Processes;

use super::namespaces::NODE;
use super::registry::{HOST, PULLER};

/// A running registry; it is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// `registry.lab.internal:5443`
    pub(crate) host: String,
    name: String,
    authorities: PathBuf,
    /// Accounts of both registries, as `docker login` writes them.
    logins: PathBuf,
    processes: Arc<Processes>,
}

/// Starts it, and has the node trust it; `name` and `port` are those of one proof.
pub(crate) async fn start(lab: &Lab, name: &str, port: u16) -> Result<Shelf> {
    let processes = Arc::clone(&lab.processes);
    let directory = processes.directory();
    let name = format!("shelf-{name}");
    let home = directory.make(&name)?;
    let server = lab.pki.server(directory, &[HOST, name.as_str()])?;
    let accounts = directory.write(&format!("{name}/htpasswd"), PULLER.entry)?;
    let address = SocketAddr::new(NODE.into(), port);
    let config = json!({
        "version": "0.1",
        "log": { "level": "info", "formatter": "json", "accesslog": { "disabled": true } },
        "storage": {
            "filesystem": { "rootdirectory": home.join("data") },
            "maintenance": { "uploadpurging": { "enabled": false } },
        },
        "http": {
            "addr": address.to_string(),
            "secret": "of one proof",
            "tls": { "certificate": server.certificate, "key": server.key },
        },
        "auth": { "htpasswd": { "realm": "shelf", "path": accounts } },
    });
    let config = directory.write(&format!("{name}/config.yml"), config.to_string())?;
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(config);
    processes.spawn(&name, command)?;
    let listens = async || Ok(TcpStream::connect(address).is_ok());
    processes
        .wait(&name, Duration::from_secs(30), listens)
        .await?;
    let host = format!("{HOST}:{port}");
    super::registry::trust_on_node(directory, &host, &lab.pki.bundle())?;
    let mut both: serde_json::Value = serde_json::from_str(&logins(HOST, PULLER))?;
    let own: serde_json::Value = serde_json::from_str(&logins(&host, PULLER))?;
    both["auths"][&host] = own["auths"][&host].clone();
    let authorities = directory.make(&format!("{name}/authorities"))?;
    let bundle = std::fs::read(lab.pki.bundle())?;
    crate::directory::write(&authorities.join("ca.crt"), bundle)?;
    Ok(Shelf {
        logins: directory.write(&format!("{name}/logins.json"), both.to_string())?,
        host,
        name,
        authorities,
        processes,
    })
}

impl Shelf {
    /// `host/PATH`
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.host)
    }

    /// A docker config.json with the accounts of both registries.
    pub(crate) fn logins(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.logins)?)
    }

    /// A repository, to read and write directly.
    pub(crate) fn repository(&self, name: &str) -> Result<Repository> {
        let authorities = std::fs::read(self.authorities.join("ca.crt"))?;
        let route = Route {
            roots: Roots {
                system: false,
                bundle: bundle([("", authorities.as_slice())], 0).ders(),
                pins: Vec::new(),
            },
            proxy: None,
            timeouts: Timeouts::default(),
            retries: 0,
            now: 0,
        };
        let accounts = DockerConfig::parse(self.logins()?.as_bytes())?;
        let account = accounts.account(&self.host, name).cloned();
        let registry = Registry::new(route.client()?, &self.host, account);
        Ok(Repository::to_write(registry, name, &[]))
    }

    /// Copies images with skopeo, which trusts the company: `docker://…` to `docker://…` or `dir:…`.
    pub(crate) async fn copy(&self, more: &[&str], from: &str, to: &str) -> Result<()> {
        let mut command = Command::new("skopeo");
        command.args(["--insecure-policy", "copy", "--quiet"]);
        command.args(more);
        let sides = [("src", from), ("dest", to)];
        for (side, _) in sides.iter().filter(|(_, at)| at.starts_with("docker://")) {
            command.arg(format!("--{side}-cert-dir={}", self.authorities.display()));
            command.arg(format!("--{side}-authfile={}", self.logins.display()));
        }
        command.args([from, to]).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output()).await?;
        let Output { status, stderr, .. } = output.context("cannot run skopeo")?;
        ensure!(
            status.success(),
            "skopeo copy {from} {to}: {}",
            String::from_utf8_lossy(&stderr)
        );
        Ok(())
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        // One that has ended by itself is stopped already.
        self.processes.stop(&self.name).ok();
    }
}
