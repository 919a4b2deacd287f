//! The company's proxy, and who gets its account.

use serde::{Deserialize, Serialize};

use super::{Config, ExistingSecret, Mode};

/// The company's proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proxy {
    /// For http:// destinations; without user information.
    pub http: Option<String>,
    /// For https:// destinations; without user information.
    pub https: Option<String>,
    /// The user's own entries, and what `via: direct` names; what must always be direct is added to them.
    pub no_proxy: Vec<String>,
    /// `host[:port]` of which `via: auto` leaves the way open: through the proxy, until somebody has looked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
    /// The account.
    pub credentials: Option<ProxyCredentials>,
    /// What runners' pods get of it. Says nothing where there is no account.
    pub runners: ProxyRunners,
}

/// The proxy's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyCredentials {
    /// [`Credential::ProxyUsername`] and [`Credential::ProxyPassword`].
    ///
    /// [`Credential::ProxyUsername`]: crate::object::Credential::ProxyUsername
    /// [`Credential::ProxyPassword`]: crate::object::Credential::ProxyPassword
    Given,
    /// A Secret that is there already, with keys `username` and `password`, in each namespace that needs it.
    ExistingSecret(ExistingSecret),
}

/// The account of runners' pods, jobs' pods included: any workflow can read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyRunners {
    /// None: they get the proxy's URL alone.
    None,
    /// The same as controller and listener.
    Same,
    /// One of their own, in a Secret with keys `username` and `password` in each runner namespace.
    ExistingSecret(ExistingSecret),
}

impl Proxy {
    /// The account of runners' pods.
    pub fn runner_credentials(&self) -> Option<ProxyCredentials> {
        let credentials = self.credentials.as_ref()?;
        match &self.runners {
            ProxyRunners::None => None,
            ProxyRunners::Same => Some(credentials.clone()),
            ProxyRunners::ExistingSecret(own) => {
                Some(ProxyCredentials::ExistingSecret(own.clone()))
            }
        }
    }

    /// The proxy as runners' pods know it.
    #[must_use]
    pub fn of_runners(&self) -> Self {
        Self {
            credentials: self.runner_credentials(),
            ..self.clone()
        }
    }

    /// True where runners' pods have no other account than controller and listener, or nobody has one.
    pub fn is_the_same_for_runners(&self) -> bool {
        self.runner_credentials() == self.credentials
    }
}

impl Config {
    /// Where the Secret with `proxy.credentials` is needed, the controller's namespace first; where runners' pods go
    /// without that account, it is not in theirs. None where nothing of this install would read it.
    pub fn proxy_account_namespaces(&self) -> Vec<&str> {
        let Some(proxy) = &self.proxy else {
            return Vec::new();
        };
        if proxy.credentials.is_none() {
            return Vec::new();
        }
        let controller = self.controller_namespace();
        if proxy.is_the_same_for_runners() {
            let runners = self.runner_namespaces().into_iter();
            let others = runners.filter(|namespace| *namespace != controller);
            return std::iter::once(controller).chain(others).collect();
        }
        // Of a legacy controller that is there already nothing is ours; a scale set's listener is, beside any controller.
        if self.mode == Mode::Legacy && self.controller.existing.is_some() {
            return Vec::new();
        }
        vec![controller]
    }
}
