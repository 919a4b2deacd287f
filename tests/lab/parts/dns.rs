//! The company's DNS and the cluster's in one: dnsmasq on the node's address. It asks nobody else.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::processes::Processes;

use super::namespaces::{FLAPPING, GITHUB_DIRECT, NODE, PROXY};
use super::{apiserver, github, registry, squid};

/// The running server.
#[derive(Debug)]
pub(crate) struct Dns {
    log: PathBuf,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) client: IpAddr,
    pub(crate) name: String,
    /// `A`, `AAAA`.
    pub(crate) kind: String,
}

/// What resolves. The name of the GitHub server beyond the proxy does not: only squid knows it.
fn records() -> Vec<(String, &'static str)> {
    let of = |address: Ipv4Addr| address.to_string();
    vec![
        (of(NODE), registry::HOST),
        (of(NODE), registry::UNTRUSTED_HOST),
        (of(FLAPPING), registry::FLAPPING_HOST),
        (of(PROXY), squid::HOST),
        (of(GITHUB_DIRECT), github::DIRECT_HOST),
        // Other Services are reached by the API server alone, which needs no name.
        (
            apiserver::SERVICE_ADDRESS.to_owned(),
            "kubernetes.default.svc.cluster.local",
        ),
    ]
}

/// Starts it, and makes it the resolver of the node and of whatever runs beside it.
pub(crate) async fn start(processes: &Processes) -> Result<Dns> {
    let directory = processes.directory();
    let records = records()
        .iter()
        .map(|(address, name)| format!("host-record={name},{address}"))
        .collect::<Vec<_>>()
        .join("\n");
    let config = format!(
        "user=root\nlisten-address={NODE}\nbind-interfaces\nno-resolv\nno-hosts\n\
         # Whatever is not here does not exist, anywhere.\n\
         local=/#/\n\
         log-queries=extra\nlog-facility=-\n{records}\n"
    );
    let config = directory.write("dnsmasq.conf", config)?;
    let mut command = Command::new("dnsmasq");
    command
        .arg("--keep-in-foreground")
        .arg(format!("--conf-file={}", config.display()));
    processes.spawn("dns", command)?;
    // The lab's /etc is an overlay: the machine keeps its own.
    let resolver = Path::new("/etc/resolv.conf");
    crate::directory::write(resolver, format!("nameserver {NODE}\n"))?;
    fs::set_permissions(resolver, fs::Permissions::from_mode(0o644))?;
    let answers = async || {
        let looked_up = tokio::net::lookup_host((registry::HOST, 443)).await?;
        Ok(looked_up.into_iter().any(|address| address.ip() == NODE))
    };
    processes
        .wait("dns", Duration::from_secs(30), answers)
        .await?;
    Ok(Dns {
        log: processes.log_file("dns"),
    })
}

impl Dns {
    /// Every question so far.
    pub(crate) fn queries(&self) -> Result<Vec<Query>> {
        let log = fs::read(&self.log)?;
        let log = String::from_utf8_lossy(&log);
        Ok(log.lines().filter_map(query).collect())
    }
}

/// `dnsmasq: 3 10.244.0.17/4567 query[A] registry.lab.internal from 10.244.0.17`
fn query(line: &str) -> Option<Query> {
    let (_, asked) = line.split_once(" query[")?;
    let (kind, asked) = asked.split_once("] ")?;
    let (name, client) = asked.split_once(" from ")?;
    Some(Query {
        client: client.trim().parse().ok()?,
        name: name.to_owned(),
        kind: kind.to_owned(),
    })
}
