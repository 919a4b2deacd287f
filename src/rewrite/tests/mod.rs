//! The passes over the real output of `render`.

mod identities;
mod images;
mod job_pods;
mod preparation;
mod proxy;
mod templates;
mod trust;
mod whole;

use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::Value;

use super::{Context, run};
use crate::config::{
    Config, ContainerMode, MirrorCredentials, Mode, Proxy, ProxyCredentials, ProxyRunners,
    PullSecret,
};
use crate::facts::Facts;
use crate::failure::Failure;
use crate::object::{Change, Manifest};
use crate::render::fixtures;
use crate::rules::{Action, Matcher, RuleSet, RuleSpec};

pub(super) const TARGET: &str = "registry.artifactory.mydomain.com";

/// A locked-down company: one registry, a proxy with an account, two authorities.
pub(super) fn locked_down(mut config: Config) -> Config {
    config.registry.rules = vec![rule("registry.host", Matcher::Any, to(TARGET))];
    config.registry.pull_secret = Some(PullSecret::DockerConfig);
    config.registry.mirror_credentials = Some(MirrorCredentials::Given);
    config.proxy = Some(Proxy {
        http: Some("http://proxy.corp:3128".to_owned()),
        https: Some("http://proxy.corp:3128".to_owned()),
        no_proxy: vec!["corp.example".to_owned()],
        open: Vec::new(),
        credentials: Some(ProxyCredentials::Given),
        runners: ProxyRunners::Same,
    });
    config
        .common_labels
        .insert("team".to_owned(), "build".to_owned());
    config
}

pub(super) fn rule(id: &str, matcher: Matcher, action: Action) -> RuleSpec {
    RuleSpec::new(id, matcher, action)
}

pub(super) fn to(target: &str) -> Action {
    Action::Rewrite {
        target: target.to_owned(),
        drop_library: false,
    }
}

pub(super) fn authority(name: &str) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap()
        .pem()
}

pub(super) fn facts() -> Facts {
    let mut facts = fixtures::facts();
    facts.ca = vec![authority("Corp Root CA"), authority("Corp Issuing CA")];
    facts.cluster.api_server_hosts = vec!["10.43.0.1".to_owned()];
    facts
}

#[derive(Debug)]
pub(super) struct Done {
    pub(super) manifests: Vec<Manifest>,
    pub(super) changes: Vec<Change>,
}

pub(super) fn try_passes(config: &Config, facts: &Facts) -> Result<Done, Failure> {
    let mut manifests = crate::render::render(config, facts).unwrap();
    let rules = RuleSet::compile(&config.registry.rules).unwrap();
    let context = Context { config, facts };
    let changes = run(&mut manifests, &context, &rules)?;
    Ok(Done { manifests, changes })
}

pub(super) fn passes(config: &Config, facts: &Facts) -> Done {
    try_passes(config, facts).unwrap()
}

/// The passes over a locked-down install of this release.
pub(super) fn install(mode: Mode, release: &str, container_mode: ContainerMode) -> Done {
    passes(
        &locked_down(fixtures::config(mode, release, container_mode)),
        &facts(),
    )
}

impl Done {
    pub(super) fn object(&self, kind: &str, name: &str) -> &Value {
        let found = self.manifests.iter().find(|manifest| {
            let reference = manifest.reference();
            reference.kind == kind && reference.name == name
        });
        match found {
            Some(manifest) => &manifest.object,
            None => panic!("no {kind} {name}"),
        }
    }

    pub(super) fn deployment(&self) -> &Value {
        let found = self
            .manifests
            .iter()
            .find(|manifest| manifest.kind() == "Deployment");
        &found.unwrap().object
    }
}

/// An item of a list by the text of one of its fields.
pub(super) fn item<'a>(list: &'a Value, key: &str, text: &str) -> Option<&'a Value> {
    let mut items = list.as_array()?.iter();
    items.find(|item| item.get(key).and_then(Value::as_str) == Some(text))
}

/// The value of a variable in a list of them.
pub(super) fn variable<'a>(list: &'a Value, name: &str) -> Option<&'a str> {
    item(list, "name", name)?.get("value")?.as_str()
}
