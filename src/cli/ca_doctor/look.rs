//! From what each way shows to what is said of it.

use crate::checks::{FORWARDER, lacks_basic, wanted_login};
use crate::cli::server::Server;
use crate::clients::roots::Roots;
use crate::clients::transport::Route;
use crate::facts::{self, ChainOutcome};
use crate::failure::Failure;
use crate::object::sha256;
use crate::pki::chain::certificates_of;
use crate::pki::doctor::{Shown, examine, remedies, root_needed, verdicts};
use crate::pki::programs::{Presented, Program};

use super::{Answer, Interception, Seen, Way};

/// How the bundle is called in what is to be done.
const BUNDLE: &str = "caBundle";

/// No container is given one by us.
const CLIENT_CERTIFICATE: &str = "it asks for a client certificate. Where it insists on one, every program is turned away that has none, whatever it trusts: dockerd reads certs.d/HOST/client.cert and client.key, git http.sslCert, and arc-setup itself has none to show";

pub(super) struct Doctor<'a> {
    pub(super) server: &'a Server,
    pub(super) route: &'a Route,
    /// DER of the bundle's authorities.
    pub(super) bundle: &'a [Vec<u8>],
    pub(super) fetches: bool,
}

impl Doctor<'_> {
    pub(super) async fn answer(&self) -> Result<Answer, Failure> {
        let Server { host, port } = self.server;
        let used = self.route.proxy_for(true, host, *port);
        let chains = Box::pin(facts::read_chains(self.route, host, *port)).await;
        let mut ways: Vec<Way> = Vec::new();
        let mut known: Option<(Vec<Vec<u8>>, Seen)> = None;
        for chain in chains {
            let is_used = chain.proxy.as_deref() == used;
            let (failure, seen) = match chain.outcome {
                ChainOutcome::Chain {
                    sent,
                    refusal,
                    wants_client_certificate,
                } => {
                    let mut seen = match &known {
                        Some((same, seen)) if *same == sent => seen.clone(),
                        _ => self.seen(&sent, refusal.as_deref()).await?,
                    };
                    known.get_or_insert_with(|| (sent, seen.clone()));
                    if wants_client_certificate {
                        seen.examination.remarks.push(CLIENT_CERTIFICATE.to_owned());
                    }
                    (None, Some(seen))
                }
                failed => (Some(failure(failed)), None),
            };
            ways.push(Way {
                proxy: chain.proxy,
                is_used,
                failure,
                seen,
            });
        }
        let servers: Vec<&Shown> = ways.iter().filter_map(own_certificate).collect();
        let (interception, has_two_certificates) = match servers.as_slice() {
            [directly, proxied] if directly.issuer != proxied.issuer => {
                let interception = Interception {
                    directly: directly.issuer.clone(),
                    proxied: proxied.issuer.clone(),
                };
                (Some(interception), false)
            }
            [directly, proxied] => (None, directly.sha256 != proxied.sha256),
            _ => (None, false),
        };
        Ok(Answer {
            server: self.server.to_string(),
            bundle: self.bundle.len(),
            ways,
            interception,
            has_two_certificates,
        })
    }

    /// `refusal`: why our own client does not take it.
    async fn seen(&self, sent: &[Vec<u8>], refusal: Option<&str>) -> Result<Seen, Failure> {
        let root = self.public_root(sent);
        let trusted: Vec<Vec<u8>> = self.bundle.iter().cloned().chain(root.clone()).collect();
        let presented = Presented {
            host: &self.server.host,
            sent,
            trusted: &trusted,
            now: self.route.now,
        };
        let mut examination = examine(&presented);
        examination.observed(refusal);
        let fetched = if self.fetches {
            facts::read_issuers(&self.route.client()?, sent, &trusted).await
        } else {
            Vec::new()
        };
        let pems: String = fetched
            .iter()
            .filter_map(|one| one.pem.as_deref())
            .collect();
        let mut verdicts_with_fetched = Vec::new();
        if !pems.is_empty() {
            let added = certificates_of(pems.as_bytes()).unwrap_or_default();
            let trusted = [trusted.clone(), added].concat();
            verdicts_with_fetched = verdicts(&Presented {
                trusted: &trusted,
                ..presented
            });
            if self.is_pinned(sent) {
                verdicts_with_fetched
                    .iter_mut()
                    .filter(|verdict| verdict.program == Program::Rustls)
                    .for_each(|verdict| verdict.refusal = None);
            }
        }
        Ok(Seen {
            remedies: remedies(&examination, BUNDLE, &fetched),
            machine_root: root
                .and_then(|der| Shown::read(&der))
                .map(|root| root.subject),
            examination,
            fetched,
            verdicts_with_fetched,
        })
    }

    fn is_pinned(&self, sent: &[Vec<u8>]) -> bool {
        let own = sent.first().map(|der| sha256(der));
        own.is_some_and(|own| self.route.roots.pins.contains(&own))
    }

    /// The root of this machine's own that a chain needs. A public authority's is in every image; a company's, which an
    /// administrator has put on this machine, is not.
    fn public_root(&self, sent: &[Vec<u8>]) -> Option<Vec<u8>> {
        let own = Roots {
            system: true,
            ..Roots::default()
        };
        let root = root_needed(sent, self.bundle, || own.ders())?;
        let anchored = facts::host::anchored(self.route.now);
        (!anchored.contains(&root)).then_some(root)
    }
}

fn failure(outcome: ChainOutcome) -> String {
    match outcome {
        ChainOutcome::ProxyRefused { schemes, .. } if lacks_basic(&schemes) => {
            format!("{}; {FORWARDER}", wanted_login(&schemes))
        }
        ChainOutcome::ProxyRefused { status: 407, .. } => {
            "the proxy wants a login (407): give proxy.credentials".to_owned()
        }
        ChainOutcome::ProxyRefused { status, .. } => {
            format!("the proxy refuses this destination ({status})")
        }
        ChainOutcome::Unreachable { why, .. } => why,
        ChainOutcome::Chain { .. } => String::new(),
    }
}

fn own_certificate(way: &Way) -> Option<&Shown> {
    way.seen.as_ref()?.examination.sent.first()
}
