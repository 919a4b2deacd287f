//! The company's proxy: Debian's squid beyond the lab, with basic authentication. It knows one name.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::processes::Processes;

use super::github::OUTSIDE_HOST;
use super::namespaces::{GITHUB_OUTSIDE, Namespace, PROXY};

/// Its name, which resolves in the lab.
pub(crate) const HOST: &str = "proxy.lab.internal";
pub(crate) const PORT: u16 = 3128;

/// The login. In a URL most of this password must be percent-encoded.
pub(crate) const USER: &str = "jane";
pub(crate) const PASSWORD: &str = "p@ss:w/rd %#?+&";
/// What `htpasswd -B -C 4` makes of it.
const PASSWORDS: &str = "jane:$2y$04$Rp0h2qbIMXDGOA.HC7uXX.CFW0SDFd9.Rjaa5k57/su2ypo77GHzm\n";

/// Writes a line for every request that was let in, when it begins: squid's own log has it when the tunnel ends.
const LEDGER: &str =
    "#!/bin/sh\nwhile read -r line; do printf '%s\\n' \"${line% -}\" >>\"$1\"; echo OK; done\n";

/// The running proxy.
#[derive(Debug)]
pub(crate) struct Squid {
    access: PathBuf,
    ledger: PathBuf,
}

/// One request to the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The pod, or the node.
    pub(crate) client: IpAddr,
    /// Whose password was right.
    pub(crate) user: Option<String>,
    /// Mostly `CONNECT`.
    pub(crate) method: String,
    /// `github.outside.lab:443`; a URL where the method is another.
    pub(crate) target: String,
    /// 200 for a tunnel that was let in, however it went on; 407 without the right password; 403 for any other name.
    pub(crate) status: u16,
}

/// Starts it in the namespace beyond the lab.
pub(crate) async fn start(processes: &Processes) -> Result<Squid> {
    let directory = processes.directory();
    let logs = directory.make("squid/logs")?;
    // It gives its rights up and then writes there.
    fs::set_permissions(&logs, fs::Permissions::from_mode(0o777))?;
    let squid = Squid {
        access: logs.join("access.log"),
        ledger: logs.join("ledger"),
    };
    let hosts = directory.publish("squid/hosts", format!("{GITHUB_OUTSIDE} {OUTSIDE_HOST}\n"))?;
    let passwords = directory.publish("squid/passwords", PASSWORDS)?;
    let ledger = directory.publish("squid/ledger.sh", LEDGER)?;
    let config = format!(
        r"http_port {PROXY}:{PORT}
visible_hostname {HOST}
pid_filename none
cache deny all
memory_cache_shared off
pinger_enable off
max_filedescriptors 4096
shutdown_lifetime 0 seconds
cache_log /dev/null
coredump_dir none

logformat lab %>a %un %rm %ru %>Hs
access_log stdio:{access} logformat=lab

# Names come from one file; what is not in it is refused before anybody looks it up.
hosts_file {hosts}
dns_nameservers 127.0.0.1
acl outside dstdomain -n {OUTSIDE_HOST}

auth_param basic program /usr/lib/squid/basic_ncsa_auth {passwords}
# All helpers from the start, and room for many who come at once.
auth_param basic children 2 startup=2 idle=1 queue-size=4096
auth_param basic realm {HOST}
acl logged_in proxy_auth REQUIRED

external_acl_type ledger ttl=0 negative_ttl=0 cache=0 children-max=1 children-startup=1 children-idle=1 queue-size=4096 %>a %ul %>rm %>ru /bin/sh {ledger} {written}
acl written external ledger

acl https port 443
http_access deny !logged_in
http_access deny !outside
http_access deny !https
http_access allow written
http_access deny all
",
        access = squid.access.display(),
        hosts = hosts.display(),
        passwords = passwords.display(),
        ledger = ledger.display(),
        written = squid.ledger.display(),
    );
    let config = directory.publish("squid/squid.conf", config)?;
    let mut command = Namespace::Outside.command("squid");
    // What would stand in its own log goes to ours.
    command.args(["-N", "-d", "1", "-f"]).arg(config);
    processes.spawn("squid", command)?;
    let address = SocketAddr::new(PROXY.into(), PORT);
    let listens = async || Ok(TcpStream::connect(address).is_ok());
    processes
        .wait("squid", Duration::from_secs(30), listens)
        .await?;
    Ok(squid)
}

impl Squid {
    /// Requests that were let in, in their order. A tunnel is here from its beginning.
    pub(crate) fn let_in(&self) -> Result<Vec<Entry>> {
        let lines = lines(&self.ledger)?;
        lines
            .iter()
            .map(|line| entry(&format!("{line} 200")))
            .collect()
    }

    /// Requests that were refused, in their order.
    pub(crate) fn refused(&self) -> Result<Vec<Entry>> {
        let lines = lines(&self.access)?;
        let entries = lines.iter().map(|line| entry(line));
        // Somebody who connects and says nothing, as our own look at the port does, has no target.
        let is_refused = |entry: &Entry| entry.status >= 400 && entry.method != "-";
        let mut refused = entries.collect::<Result<Vec<_>>>()?;
        refused.retain(is_refused);
        Ok(refused)
    }
}

/// Whole lines; there is no file before the first.
fn lines(file: &PathBuf) -> Result<Vec<String>> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    Ok(whole.lines().map(str::to_owned).collect())
}

fn entry(line: &str) -> Result<Entry> {
    let parse = || {
        let [client, user, method, target, status] = line.split(' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        Some(Entry {
            client: client.parse().ok()?,
            user: (user != "-").then(|| user.to_owned()),
            method: method.to_owned(),
            target: target.to_owned(),
            status: status.parse().ok()?,
        })
    };
    parse().with_context(|| format!("squid wrote {line:?}"))
}
