//! The two network namespaces and what joins them.
//!
//! ```text
//! lab                                              lab-outside
//!   lab0  10.244.0.1/24  node, pods behind it
//!   way-out  10.77.0.1/30  ---------------------  way-in  10.77.0.2/30   squid
//!   sink0    default route: nobody answers        lo      10.88.0.10     github.outside.lab, through squid only
//!                                                         10.89.0.10     github.direct.lab, by a route only
//! ```
//!
//! Both exist in the mount namespace of the lab alone (`isolation`) and end with its last process.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// The node: gateway of its pods, API server, registry and DNS.
pub(crate) const NODE: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 1);
/// A second address of the node, where `flapping` stands before the registry.
pub(crate) const FLAPPING: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 2);
/// Where pods get their addresses.
pub(crate) const PODS: &str = "10.244.0.0/24";
/// The bridge that pods hang on.
pub(crate) const BRIDGE: &str = "lab0";
/// The lab's end of the one way out.
pub(crate) const WAY_OUT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Left to itself a bridge takes the lowest address of its ports and changes it as they come and go: whoever has the
/// old one in its neighbour table then speaks to nobody for half a minute.
const BRIDGE_MAC: &str = "02:00:0a:f4:00:01";
/// Where squid listens, seen from both sides.
pub(crate) const PROXY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
/// The GitHub server that only the proxy reaches.
pub(crate) const GITHUB_OUTSIDE: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 10);
/// The GitHub server that a route reaches, and the proxy does not.
pub(crate) const GITHUB_DIRECT: Ipv4Addr = Ipv4Addr::new(10, 89, 0, 10);

/// Records every packet that has nowhere to go, and refuses it, so that nobody waits for an answer.
const SINK: &str = r#"
table inet sink {
    set tried {
        type ipv4_addr . ipv4_addr . inet_proto . inet_service
        size 65535
        flags dynamic
    }
    chain refuse {
        meta l4proto { tcp, udp } add @tried { ip saddr . ip daddr . meta l4proto . th dport }
        reject with icmpx admin-prohibited
    }
    chain output {
        type filter hook output priority filter
        oifname "sink0" jump refuse
    }
    chain forward {
        type filter hook forward priority filter
        oifname "sink0" jump refuse
    }
}
"#;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// The locked-down side. The runner of the lab is in it, and so is all that it starts.
    Lab,
    /// What stands beyond the proxy.
    Outside,
}

impl Namespace {
    /// Its name in /run/netns, as seen from inside the lab.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Outside => "lab-outside",
        }
    }

    /// A command that runs in it. Not by `ip netns exec`, which mounts /sys anew and hides the cgroups from kubelet.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.name()))
            .arg("--")
            .arg(program);
        command
    }

    /// Moves the calling thread, and the threads that it starts from now on, into it: sockets that
    /// they make are there.
    #[cfg(target_os = "linux")]
    pub(crate) fn enter(self) -> Result<()> {
        use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
        use std::os::fd::AsFd as _;

        let path = format!("/run/netns/{}", self.name());
        let file = std::fs::File::open(&path).with_context(|| format!("cannot open {path}"))?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            .with_context(|| format!("cannot enter {path}"))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn enter(self) -> Result<()> {
        anyhow::bail!("{} needs Linux", self.name())
    }
}

/// What a process of the lab tried to reach and nobody answers for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stray {
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    /// `tcp` or `udp`.
    pub(crate) protocol: String,
    pub(crate) port: u16,
}

/// Makes both out of the namespaces that this process was started in (`isolation`).
pub(crate) fn make() -> Result<()> {
    let (lab, outside) = (Namespace::Lab.name(), Namespace::Outside.name());
    batch(
        Command::new("ip").args(["-batch", "-"]),
        &format!(
            "netns attach {lab} {process}\n\
             netns add {outside}\n\
             link set lo up\n\
             link add {BRIDGE} address {BRIDGE_MAC} type bridge\n\
             address add {NODE}/24 dev {BRIDGE}\n\
             address add {FLAPPING}/24 dev {BRIDGE}\n\
             link set {BRIDGE} up\n\
             link add way-out type veth peer name way-in netns {outside}\n\
             address add {WAY_OUT}/30 dev way-out\n\
             link set way-out up\n\
             link add sink0 type bridge\n\
             link set sink0 up\n",
            process = std::process::id(),
        ),
    )?;
    batch(
        Command::new("ip").args(["-netns", outside, "-batch", "-"]),
        &format!(
            "link set lo up\n\
             address add {PROXY}/30 dev way-in\n\
             link set way-in up\n\
             address add {GITHUB_OUTSIDE}/32 dev lo\n\
             address add {GITHUB_DIRECT}/32 dev lo\n\
             route add {PODS} via {WAY_OUT}\n"
        ),
    )?;
    batch(
        Command::new("ip").args(["-batch", "-"]),
        &format!(
            "route add {GITHUB_DIRECT}/32 via {PROXY} src {NODE}\n\
             route add default dev sink0 src {NODE}\n"
        ),
    )?;
    for (namespace, setting) in [
        (Namespace::Lab, "net.ipv4.ip_forward=1"),
        // Replies between pods of one bridge must pass the rules of Services too.
        (Namespace::Lab, "net.bridge.bridge-nf-call-iptables=1"),
        (Namespace::Lab, "net.ipv6.conf.all.disable_ipv6=1"),
        (Namespace::Outside, "net.ipv6.conf.all.disable_ipv6=1"),
    ] {
        let mut sysctl = namespace.command("sysctl");
        batch(sysctl.args(["--quiet", "--write", setting]), "")?;
    }
    batch(Command::new("nft").args(["-f", "-"]), SINK).map(drop)
}

/// Every address outside that something in the lab tried so far. Each try was refused at once.
pub(crate) fn strays() -> Result<BTreeSet<Stray>> {
    let text = batch(
        Command::new("nft").args(["-j", "-n", "list", "set", "inet", "sink", "tried"]),
        "",
    )?;
    let listed: Value = serde_json::from_str(&text)?;
    let sets = listed["nftables"].as_array().into_iter().flatten();
    let elements = sets.flat_map(|one| one["set"]["elem"].as_array().into_iter().flatten());
    elements
        .map(|element| stray(element).with_context(|| format!("nft wrote {element}")))
        .collect()
}

fn stray(element: &Value) -> Option<Stray> {
    let [source, destination, protocol, port] = element["concat"].as_array()?.as_slice() else {
        return None;
    };
    Some(Stray {
        source: source.as_str()?.parse().ok()?,
        destination: destination.as_str()?.parse().ok()?,
        protocol: match protocol.as_u64()? {
            6 => "tcp".to_owned(),
            17 => "udp".to_owned(),
            other => other.to_string(),
        },
        port: port.as_u64()?.try_into().ok()?,
    })
}

/// Runs it in this namespace and returns what it wrote.
pub(crate) fn batch(command: &mut Command, input: &str) -> Result<String> {
    let program = command.get_program().display().to_string();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    child
        .stdin
        .take()
        .context("no way to write to it")?
        .write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{program} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}
