//! A real registry (github.com/distribution/distribution) over TLS on loopback, empty at its start, for what writes to one.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::time::sleep;

use super::authority::Authority;
use super::control_plane::{Home, binaries};

const NAME: &str = "registry";
/// What `htpasswd -B -C 4` makes of them: the only kind that the registry knows, and cheap to verify.
const ENTRY: &str = "cluster:$2y$04$zGRhiYt4jZk.TNtPYhJ3leT9YEZiN57FOPvNJqhEDvV0osD8Qi8v.\n";

/// Whom a registry with accounts lets in, to read and to write.
pub(crate) const ACCOUNT: (&str, &str) = ("cluster", "images-for-the-nodes");

/// A running registry; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Distribution {
    home: Home,
    address: SocketAddr,
}

/// Who may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    /// [`ACCOUNT`] alone.
    Account,
}

/// One request that it has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With the query.
    pub(crate) target: String,
    pub(crate) status: u16,
}

impl Distribution {
    pub(crate) async fn start(authority: &Authority, door: Door) -> Result<Self> {
        let program = binaries().await?.join(NAME);
        let home = Home::create()?;
        let leaf = authority.leaf(&["localhost", "127.0.0.1"])?;
        let chain = leaf.certificate_pem() + &authority.issuing_pem();
        let certificate = home.write("tls.crt", &chain)?;
        let key = home.write("tls.key", &leaf.key_pem())?;
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        // YAML reads JSON.
        let mut config = json!({
            "version": "0.1",
            "log": { "level": "error" },
            "storage": {
                "filesystem": { "rootdirectory": home.path("data") },
                "maintenance": { "uploadpurging": { "enabled": false } },
            },
            "http": {
                "addr": address.to_string(),
                "secret": "of one test",
                "tls": { "certificate": certificate, "key": key },
            },
        });
        if door == Door::Account {
            let path = home.write("htpasswd", ENTRY)?;
            config["auth"] = json!({ "htpasswd": { "realm": "test", "path": path } });
        }
        let config = home.write("config.yml", &config.to_string())?;
        let mut command = Command::new(program);
        command.arg("serve").arg(config);
        home.spawn(NAME, command)?;
        while TcpStream::connect(address).is_err() {
            home.ensure_running(NAME)?;
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { home, address })
    }

    /// `localhost:PORT`
    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Every request that it has answered, up to the first that `last` takes.
    pub(crate) async fn requests(&self, last: impl Fn(&Request) -> bool) -> Result<Vec<Request>> {
        // It writes its log once an answer is on its way.
        for _ in 0..500 {
            let log = std::fs::read_to_string(self.home.path(&format!("{NAME}.log")))?;
            let requests: Vec<Request> = log.lines().filter_map(request).collect();
            if requests.iter().any(&last) {
                return Ok(requests);
            }
            sleep(Duration::from_millis(20)).await;
        }
        ensure!(false, "no such request: {}", self.home.log_end(NAME));
        Ok(Vec::new())
    }
}

/// `127.0.0.1 - - [27/Nov/2026:17:00:00 +0000] "GET /v2/ HTTP/1.1" 200 2 "" "arc-setup/0.1.0"`
fn request(line: &str) -> Option<Request> {
    let mut quoted = line.split("] \"").nth(1)?.split("\" ");
    let mut words = quoted.next()?.split(' ');
    let status = quoted.next()?.split(' ').next()?.parse().ok()?;
    Some(Request {
        method: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        status,
    })
}
