//! What the lab has recorded of one client, from a moment on. The parts record from their start and of everybody; a
//! proof looks at its own time and at its own pod, daemon or node.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use anyhow::Result;

use crate::lab::Lab;
use crate::parts::dns::Query;
use crate::parts::namespaces::{Stray, strays};
use crate::parts::registry::{Account, Request};
use crate::parts::squid::Entry;

/// A moment.
#[derive(Debug)]
pub(crate) struct Since {
    requests: usize,
    let_in: usize,
    refused: usize,
    queries: usize,
    strays: BTreeSet<Stray>,
}

/// What was recorded of one address. Pods keep theirs everywhere; the node is `namespaces::NODE` to the registry and to
/// DNS, and `namespaces::WAY_OUT` to the proxy.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// What the registry has answered.
    pub(crate) requests: Vec<Request>,
    /// What the proxy was asked: what it let in, then what it refused.
    pub(crate) proxied: Vec<Entry>,
    /// Names that were looked up.
    pub(crate) queries: Vec<Query>,
    /// Addresses to which there is no way, and which were never tried before.
    pub(crate) strays: BTreeSet<Stray>,
}

impl Since {
    /// The start of the lab. Addresses of pods are not used a second time.
    pub(crate) fn start() -> Self {
        Self {
            requests: 0,
            let_in: 0,
            refused: 0,
            queries: 0,
            strays: BTreeSet::new(),
        }
    }

    pub(crate) fn now(lab: &Lab) -> Result<Self> {
        Ok(Self {
            requests: lab.registry.requests()?.len(),
            let_in: lab.squid.let_in()?.len(),
            refused: lab.squid.refused()?.len(),
            queries: lab.dns.queries()?.len(),
            strays: strays()?,
        })
    }

    /// What everybody did since.
    pub(crate) fn all(&self, lab: &Lab) -> Result<Evidence> {
        let mut proxied = lab.squid.let_in()?.split_off(self.let_in);
        proxied.extend(lab.squid.refused()?.split_off(self.refused));
        Ok(Evidence {
            requests: lab.registry.requests()?.split_off(self.requests),
            proxied,
            queries: lab.dns.queries()?.split_off(self.queries),
            strays: &strays()? - &self.strays,
        })
    }

    /// What one did since.
    pub(crate) fn of(&self, lab: &Lab, client: Ipv4Addr) -> Result<Evidence> {
        let mut evidence = self.all(lab)?;
        evidence.requests.retain(|one| one.client == client);
        evidence.proxied.retain(|one| one.client == client);
        evidence.queries.retain(|one| one.client == client);
        evidence.strays.retain(|one| one.source == client);
        Ok(evidence)
    }
}

impl Evidence {
    /// `repository:tag` of every manifest that this account was given; digests are left out.
    pub(crate) fn pulled_by(&self, account: Account) -> BTreeSet<String> {
        let requests = self.requests.iter();
        let by_account = requests.filter(|one| one.user.as_deref() == Some(account.user));
        by_account
            .filter_map(Request::pulled)
            .filter(|(_, reference)| !reference.contains(':'))
            .map(|(repository, tag)| format!("{repository}:{tag}"))
            .collect()
    }
}
