//! Checks of the proxy.

use crate::config::model::{Mode, ProxyRunners};

use super::Validator;
use super::install::ACCOUNT;

impl Validator<'_> {
    pub(super) fn no_proxy(&mut self) {
        let Some(proxy) = &self.config.proxy else {
            return;
        };
        let bad = |entry: &String| {
            entry.is_empty()
                || entry.contains("://")
                || entry.contains(char::is_whitespace)
                || (entry.contains('*') && entry != "*")
        };
        if proxy.no_proxy.iter().any(bad) {
            self.problem(
                "config-no-proxy",
                "proxy.noProxy",
                "proxy.noProxy has an entry that is no host, .domain, address or range",
                "write entries such as .example.com, 10.0.0.0/8 or registry.example.com:5000; '*' within a name is not understood",
            );
        }
    }

    /// What runners' pods get of the account.
    pub(super) fn proxy_runners(&mut self) {
        let config = self.config;
        let Some(proxy) = &config.proxy else {
            return;
        };
        if let ProxyRunners::ExistingSecret(own) = &proxy.runners {
            self.existing_secret("proxy.runnersExistingSecret", own, ACCOUNT, false);
        }
        if proxy.credentials.is_none() {
            for path in ["proxy.runners", "proxy.runnersExistingSecret"] {
                if config.origins.0.contains_key(path) {
                    self.warn(
                        "config-unused",
                        path,
                        format!(
                            "{path} has no effect: without proxy.credentials nobody gets an account"
                        ),
                        "remove it, or give the account with proxy.credentials",
                    );
                }
            }
        } else if config.mode == Mode::ScaleSet
            && config.controller.existing.is_some()
            && !proxy.is_the_same_for_runners()
        {
            let path = match proxy.runners {
                ProxyRunners::ExistingSecret(_) => "proxy.runnersExistingSecret",
                _ => "proxy.runners",
            };
            self.warn(
                "config-proxy-controller",
                path,
                "the controller that is there already gets no proxy from these runner sets: what it would get, their runners would get too",
                "have its own Deployment set HTTPS_PROXY and NO_PROXY, unless it reaches GitHub without the proxy",
            );
        }
    }
}
