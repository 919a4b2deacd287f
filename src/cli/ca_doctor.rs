//! `ca doctor`: one handshake on each way to a server, and what follows from the chain that it sends.

mod look;
mod text;

use serde::Serialize;

use crate::cli::config_args::{Part, PartArgs};
use crate::cli::server::{Server, server};
use crate::cli::session::NoCluster;
use crate::cli::{Session, clock, config_load};
use crate::config::load::{SecretReading, load_partial};
use crate::config::problem;
use crate::facts;
use crate::failure::{Exit, Failure};
use crate::pki::doctor::{Examination, Fetched, ProgramVerdict, Remedy};
use crate::ui::{foreign, output};
use look::Doctor;

/// Arguments of `ca doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The server: registry.example.com, or with a port
    #[arg(value_name = "HOST[:PORT]", value_parser = server)]
    server: Server,
    /// Fetch authorities that the server does not send from where its certificates say that they lie
    #[arg(long)]
    aia: bool,
    #[command(flatten)]
    config: PartArgs<Trust>,
    #[command(flatten)]
    no_cluster: NoCluster,
}

/// What decides whom is trusted, and which way is gone.
#[derive(Debug, Clone)]
struct Trust;

impl Part for Trust {
    const FIELDS: &'static [&'static str] = &["caBundle", "pinSha256", "proxy"];
    // It starts no runner.
    const EXCEPT: &'static [&'static str] = &["proxy.runners", "proxy.runnersExistingSecret"];
}

/// What is said of a server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    server: String,
    /// How many authorities the bundle has.
    bundle: usize,
    ways: Vec<Way>,
    /// The issuer of the server's certificate directly and through the proxy, where they differ: the proxy looks into TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    interception: Option<Interception>,
    /// True where the two ways end at two certificates of one issuer: more than one server, or a renewal under way.
    has_two_certificates: bool,
}

#[derive(Debug, Serialize)]
struct Interception {
    directly: String,
    proxied: String,
}

/// One way to the server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Way {
    /// The proxy; absent for the direct way.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    /// The way that an install goes: by it the exit code is decided.
    is_used: bool,
    /// Why nothing was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(flatten)]
    seen: Option<Seen>,
}

/// What was seen.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    #[serde(flatten)]
    examination: Examination,
    /// The root of this machine's own that the chain ends in.
    #[serde(skip_serializing_if = "Option::is_none")]
    machine_root: Option<String>,
    /// Authorities that were fetched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fetched: Vec<Fetched>,
    /// What each program would make of the chain with those in the bundle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verdicts_with_fetched: Vec<ProgramVerdict>,
    remedies: Vec<Remedy>,
}

impl Way {
    /// True where nothing was seen, or a program refuses what was.
    fn is_refused(&self) -> bool {
        let seen = self.seen.as_ref();
        seen.is_none_or(|seen| seen.examination.refused().next().is_some())
    }
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    NoCluster::tell(session);
    let sources = config_load::sources(&args.config.config, SecretReading::Read, session);
    let partial = load_partial(&sources).map_err(|problems| problem::failure(&problems))?;
    config_load::warn(&partial.warnings);
    let now = clock::now();
    let bundle = match &partial.ca_bundle {
        Some(path) => facts::host::read_authorities(path, now)?,
        None => facts::host::Authorities::default(),
    };
    for note in &bundle.notes {
        output::talk(&foreign::line(&format!("note: {}", note.text)));
    }
    let trust = facts::Trust {
        bundle: &bundle.pems,
        pins: &partial.pins,
    };
    let route = facts::route_by(partial.proxy.as_ref(), &partial.credentials, &trust, now);
    let doctor = Doctor {
        server: &args.server,
        route: &route,
        bundle: &bundle.ders,
        fetches: args.aia,
    };
    let answer = Box::pin(doctor.answer()).await?;
    output::answer(session.format, "CertificateReport", &answer, || {
        text::text(&answer, now)
    })?;
    let mut used = answer.ways.iter().filter(|way| way.is_used);
    Ok(if used.any(Way::is_refused) {
        Exit::Preflight
    } else {
        Exit::Done
    })
}
