//! Where `ca bundle` reads certificates: files, this machine's anchors, the cluster, servers.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Args;
use crate::cli::server::Server;
use crate::cli::{Session, clock, config_load};
use crate::config::Partial;
use crate::config::load::{SecretReading, load_partial};
use crate::config::problem;
use crate::facts::host::read_certificate_files;
use crate::facts::{self, ChainOutcome};
use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;
use crate::pki::chain::{Note, NoteKind};
use crate::pki::doctor::Shown;
use crate::ui::{foreign, output, prompt};

/// A ConfigMap or Secret, or one key of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InCluster {
    namespace: String,
    name: String,
    key: Option<String>,
}

/// `NAMESPACE/NAME` or `NAMESPACE/NAME/KEY`.
pub(super) fn in_cluster(text: &str) -> Result<InCluster, String> {
    let mut parts = text.splitn(3, '/').map(str::to_owned);
    let (namespace, name, key) = (parts.next(), parts.next(), parts.next());
    match (namespace, name) {
        (Some(namespace), Some(name))
            if ![Some(&namespace), Some(&name), key.as_ref()].contains(&Some(&String::new())) =>
        {
            Ok(InCluster {
                namespace,
                name,
                key,
            })
        }
        _ => Err("it is written NAMESPACE/NAME, or NAMESPACE/NAME/KEY".to_owned()),
    }
}

/// What was read. No Debug: a private key may be among it.
#[derive(Default)]
pub(super) struct Found {
    /// Name and content.
    pub(super) contents: Vec<(String, Vec<u8>)>,
    /// Names of those that were asked for one by one: what cannot be read of them is a failure.
    pub(super) asked_for: BTreeSet<String>,
    pub(super) notes: Vec<Note>,
}

pub(super) struct Sources<'a> {
    args: &'a Args,
    session: &'a Session,
    partial: Partial,
}

impl<'a> Sources<'a> {
    pub(super) fn new(args: &'a Args, session: &'a Session) -> Result<Self, Failure> {
        let sources = config_load::sources(&args.config.config, SecretReading::Read, session);
        let partial = load_partial(&sources).map_err(|problems| problem::failure(&problems))?;
        config_load::warn(&partial.warnings);
        Ok(Self {
            args,
            session,
            partial,
        })
    }

    pub(super) async fn read(&self) -> Result<Found, Failure> {
        let mut found = Found::default();
        for path in self.paths()? {
            let files = read_certificate_files(&path)?;
            if !files.is_directory {
                let names = files.contents.iter().map(|(name, _)| name.clone());
                found.asked_for.extend(names);
            }
            found.contents.extend(files.contents);
            found.notes.extend(files.passed_over);
        }
        self.read_cluster(&mut found).await?;
        let mut sent = BTreeSet::new();
        for server in &self.args.hosts {
            sent.extend(self.read_server(server, &mut found).await?);
        }
        for digits in self.args.sha256.iter().filter(|one| !sent.contains(*one)) {
            found.notes.push(Note {
                kind: NoteKind::LeftOut,
                text: format!("--sha256 {digits}: no server sends that one"),
            });
        }
        Ok(found)
    }

    /// The files that are meant.
    fn paths(&self) -> Result<Vec<PathBuf>, Failure> {
        let args = self.args;
        let mut paths = args.paths.clone();
        if args.anchors {
            paths.extend(facts::host::anchors());
        }
        let others = args.hosts.len() + args.config_maps.len() + args.secrets.len();
        if paths.is_empty() && others == 0 {
            paths.extend(self.partial.ca_bundle.clone());
        }
        if paths.is_empty() && others == 0 {
            let why = if args.anchors {
                "this machine has no directory of anchors"
            } else {
                "nothing says where the certificates are"
            };
            return Err(Failure::new("ca-bundle", Exit::Usage, why).remedy(
                "name files or directories, or --anchors, --host, --config-map, --secret",
            ));
        }
        Ok(paths)
    }

    async fn read_cluster(&self, found: &mut Found) -> Result<(), Failure> {
        let args = self.args;
        if args.config_maps.is_empty() && args.secrets.is_empty() {
            return Ok(());
        }
        let cluster = self.session.connect().await?;
        let config_maps = args.config_maps.iter().map(|one| ("ConfigMap", one));
        let secrets = args.secrets.iter().map(|one| ("Secret", one));
        for (kind, one) in config_maps.chain(secrets) {
            let object = ObjectRef::new("v1", kind, Some(&one.namespace), &one.name);
            let read = cluster.get(&object).await;
            let value = read
                .map_err(|error| error.failure(format!("cannot read {object}"), Exit::Usage))?
                .ok_or_else(|| {
                    Failure::new("ca-bundle", Exit::Usage, format!("{object} is not there"))
                })?;
            let before = found.contents.len();
            for (key, bytes) in data(&value) {
                if one.key.as_ref().is_none_or(|wanted| *wanted == key) {
                    found.contents.push((format!("{object} {key}"), bytes));
                }
            }
            if found.contents.len() == before {
                let missing = one.key.as_deref().unwrap_or("any key");
                let what = format!("{object} does not have {}", foreign::value(missing));
                return Err(Failure::new("ca-bundle", Exit::Usage, what));
            }
            if one.key.is_some() {
                let name = found.contents.last().map(|(name, _)| name.clone());
                found.asked_for.extend(name);
            }
        }
        Ok(())
    }

    /// The authorities that a server sends, after somebody has said that they are right; their SHA-256.
    async fn read_server(
        &self,
        server: &Server,
        found: &mut Found,
    ) -> Result<Vec<String>, Failure> {
        let route = facts::route_by(
            self.partial.proxy.as_ref(),
            &self.partial.credentials,
            &facts::Trust::default(),
            clock::now(),
        );
        let seen = facts::read_chain(&route, &server.host, server.port).await;
        let name = server.to_string();
        let failed = |why: String| {
            Failure::new(
                "tls-unreachable",
                Exit::Preflight,
                format!("{name} shows no certificates"),
            )
            .why(why)
        };
        let sent = match seen.outcome {
            ChainOutcome::Chain { sent, .. } => sent,
            ChainOutcome::ProxyRefused { status, .. } => {
                return Err(failed(format!("the proxy answers {status}")));
            }
            ChainOutcome::Unreachable { why, .. } => return Err(failed(why)),
        };
        let shown = sent.iter().filter_map(|der| Some((der, Shown::read(der)?)));
        let authorities: Vec<(&Vec<u8>, Shown)> =
            shown.filter(|(_, shown)| shown.is_authority).collect();
        if authorities.is_empty() {
            return Err(
                failed("it sends no authority's certificate".to_owned()).remedy(format!(
                    "arc-setup ca doctor {name} --aia says whose is missing"
                )),
            );
        }
        self.agreed(&name, &authorities)?;
        let mut taken = Vec::new();
        for (der, shown) in authorities {
            let name = format!("{name} ({})", shown.subject);
            found.contents.push((name, der.clone()));
            taken.push(shown.sha256);
        }
        Ok(taken)
    }

    /// Whoever answers on a network may send anything: a person compares, or has said what is right.
    fn agreed(&self, name: &str, authorities: &[(&Vec<u8>, Shown)]) -> Result<(), Failure> {
        let is_known = |shown: &Shown| self.args.sha256.contains(&shown.sha256);
        if authorities.iter().all(|(_, shown)| is_known(shown)) {
            return Ok(());
        }
        let lines = authorities.iter().map(|(_, shown)| {
            format!(
                "{} SHA-256 {}",
                foreign::value(&shown.subject),
                shown.sha256
            )
        });
        let lines: Vec<String> = lines.collect();
        if !self.args.sha256.is_empty() || !self.session.terminal.interactive {
            let failure = Failure::new(
                "ca-fingerprint",
                Exit::Usage,
                if self.args.sha256.is_empty() {
                    format!("nobody has said that what {name} sends is right")
                } else {
                    format!(
                        "{name} sends authorities that --sha256 does not name: each has to be named"
                    )
                },
            );
            let failure = lines.into_iter().fold(failure, Failure::evidence);
            return Err(failure.remedy(
                "compare each SHA-256 with what its owner says, and give it with --sha256",
            ));
        }
        output::talk(&format!("{name} sends"));
        for line in &lines {
            output::talk(&format!("  {line}"));
        }
        if prompt::confirm("Are these what their owner says?")? {
            Ok(())
        } else {
            Err(prompt::declined())
        }
    }
}

/// Every entry of a ConfigMap or Secret, in bytes.
fn data(object: &Value) -> Vec<(String, Vec<u8>)> {
    let is_secret = object["kind"] == "Secret";
    let entries = |field: &str| object[field].as_object().into_iter().flatten();
    let decoded = |text: &str| STANDARD.decode(text).unwrap_or_default();
    let texts = entries("data").map(|(key, value)| {
        let text = value.as_str().unwrap_or_default();
        let bytes = if is_secret {
            decoded(text)
        } else {
            text.as_bytes().to_vec()
        };
        (key.clone(), bytes)
    });
    let binary = entries("binaryData")
        .map(|(key, value)| (key.clone(), decoded(value.as_str().unwrap_or_default())));
    texts.chain(binary).collect()
}
