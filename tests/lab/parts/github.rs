//! Two GitHub Enterprise Servers beyond the lab, each the stand-in of tests/it, run in this process. One is reached
//! through the proxy only, one directly only, so that both set-ups are there at the same time.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, Result, anyhow};

use crate::directory::Directory;
use crate::support::github::{App, Github, Setup};

use super::namespaces::{GITHUB_DIRECT, GITHUB_OUTSIDE, Namespace};
use super::pki::Pki;

/// The one behind the proxy; in the lab its name does not even resolve.
pub(crate) const OUTSIDE_HOST: &str = "github.outside.lab";
/// The one that a route reaches; the proxy refuses its name.
pub(crate) const DIRECT_HOST: &str = "github.direct.lab";

/// A personal token that both know.
pub(crate) const TOKEN: &str = "ghp_lab00000000000000000000000000000000";
/// The organization that both know; a proof adds its own scopes with `add_scope`.
pub(crate) const ORGANIZATION: &str = "acme";
/// A repository that both know.
pub(crate) const REPOSITORY: &str = "acme/app";

/// The App of [`App::PRIVATE_KEY`], as both know it.
pub(crate) fn app() -> App {
    App {
        id: "12".to_owned(),
        installation_id: "34".to_owned(),
    }
}

/// The running servers.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) outside: Github,
    pub(crate) direct: Github,
}

/// Starts both. Must be called in the runtime that is to serve them.
pub(crate) fn start(directory: &Directory, pki: &Pki) -> Result<Servers> {
    let server = |host: &str, address: Ipv4Addr| {
        let tls = pki.server(directory, &[host])?.tls;
        Github::serve(bind(address)?, tls, setup()).with_context(|| format!("cannot start {host}"))
    };
    Ok(Servers {
        outside: server(OUTSIDE_HOST, GITHUB_OUTSIDE)?,
        direct: server(DIRECT_HOST, GITHUB_DIRECT)?,
    })
}

fn setup() -> Setup {
    Setup {
        enterprise_version: Some("3.17.0".to_owned()),
        token: Some(TOKEN.to_owned()),
        app: Some(app()),
        scopes: [
            format!("orgs/{ORGANIZATION}"),
            format!("repos/{REPOSITORY}"),
        ]
        .into(),
        ..Setup::default()
    }
}

/// A socket stays in the namespace that it was made in, whoever serves it; threads go back and forth, so a new one goes.
fn bind(address: Ipv4Addr) -> Result<TcpListener> {
    let bound = std::thread::spawn(move || {
        Namespace::Outside.enter()?;
        Ok(TcpListener::bind((address, 443))?)
    });
    bound
        .join()
        .map_err(|_| anyhow!("the thread that was to bind {address} panicked"))?
}
