//! `via`: whether GitHub and the registries are reached through the proxy.

use std::collections::BTreeSet;

use super::Assembler;
use crate::config::model::Config;
use crate::rules::RuleSet;

impl Assembler<'_> {
    /// Puts hosts that are reached directly into `proxy.noProxy`, and notes those of which it is still open.
    pub(super) fn ways(&self, config: &mut Config) {
        let of = [
            ("github.via", config.github.hosts()),
            ("registry.via", registries(config)),
        ];
        let Some(proxy) = &mut config.proxy else {
            return;
        };
        for (path, hosts) in of {
            match self.text(path).as_deref() {
                Some("direct") => proxy.no_proxy.extend(hosts),
                Some("auto") => proxy.open.extend(hosts),
                _ => {}
            }
        }
    }
}

/// `host[:port]` of the internal registry and of what rules send images to.
fn registries(config: &Config) -> Vec<String> {
    let own = config.registry.host.iter();
    let own = own.filter_map(|place| place.split('/').next());
    // Rules that cannot be used are told elsewhere.
    let rules = RuleSet::compile(&config.registry.rules).ok();
    let targets = rules.iter().flat_map(RuleSet::target_hosts);
    let hosts: BTreeSet<String> = own.chain(targets).map(str::to_owned).collect();
    hosts.into_iter().collect()
}
