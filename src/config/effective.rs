//! The configuration in force, written as arc-setup.yaml is: what was given, and the defaults of the rest.
//! Read back it makes the same [`Config`]. Holds no secret, only where each is read from.

use serde_json::{Map, Value as Json, json};

use super::model::{Config, Mode, Origin, Origins, RunnerKind, WebhookCertificate, WorkVolume};
use super::overlay::GIVEN_LISTS;
use super::places::Places;
use super::secrets::hardly_a_path;
use super::settled::{Settled, Value};
use super::table::{self, Field, Kind};

/// What stands in place of a path that may be the secret itself.
const HIDDEN: &str = "***";

/// A configuration in the shape of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// What arc-setup.yaml would hold. Relative paths count from the working directory.
    pub file: Json,
    /// Where each value came from, by its path in `file`.
    pub origins: Origins,
}

/// Writes down what is settled and what `config` filled in.
pub(super) fn effective(config: &Config, mut settled: Settled, places: &Places) -> Effective {
    given_lists_first(&mut settled);
    if settled.length("runnerSets") == 0 {
        settled.set_length("runnerSets", config.runner_sets.len());
    }
    for (path, value) in defaults(config, &settled) {
        if settled.get(&path).is_none() {
            settled.put(&path, value, Origin::Default);
        }
    }
    let mut writer = Writer {
        settled: &settled,
        places,
        origins: Origins::default(),
    };
    let file = Json::Object(writer.mapping("", table::fields()));
    Effective {
        file,
        origins: writer.origins,
    }
}

/// Entries of flags and environment become the first of the file's own list, as they are when rules are made.
fn given_lists_first(settled: &mut Settled) {
    for list in &GIVEN_LISTS {
        let (given, own) = (settled.length(list.given), settled.length(list.path));
        if given == 0 {
            continue;
        }
        let entries: Vec<_> = (0..given)
            .map(|index| members(list.given, index, settled))
            .chain((0..own).map(|index| members(list.path, index, settled)))
            .collect();
        settled.remove(list.given);
        settled.remove(list.path);
        settled.set_length(list.path, entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            for (member, value) in entry {
                settled.put(
                    &format!("{}[{index}].{member}", list.path),
                    value.value,
                    value.origin,
                );
            }
        }
    }
}

fn members(list: &str, index: usize, settled: &Settled) -> Vec<(String, Value<Json>)> {
    let at = format!("{list}[{index}].");
    settled
        .values()
        .filter_map(|(path, value)| Some((path.strip_prefix(&at)?.to_owned(), value.clone())))
        .collect()
}

/// What nobody said and the configuration assumes. Images of a release are no part of it: `images` lists them.
fn defaults(config: &Config, settled: &Settled) -> Vec<(String, Json)> {
    let mut all = vec![
        ("name".to_owned(), json!(config.name)),
        ("mode".to_owned(), json!(config.mode)),
        ("version".to_owned(), json!(config.version)),
        (
            "registry.library".to_owned(),
            json!(config.registry.library),
        ),
        (
            "namespaces.runners".to_owned(),
            json!(config.namespaces.runners),
        ),
        (
            "namespaces.manage".to_owned(),
            json!(config.namespaces.manage),
        ),
    ];
    if config.controller.existing.is_none() {
        all.extend(of_controller(config));
    }
    for (index, set) in config.runner_sets.iter().enumerate() {
        let at = format!("runnerSets[{index}]");
        let mut add = |member: &str, value: Json| all.push((format!("{at}.{member}"), value));
        add("name", json!(set.name));
        add("kind", json!(set.kind));
        add("namespace", json!(set.namespace));
        add("min", json!(set.min));
        if set.kind != RunnerKind::Runner {
            add("max", json!(set.max));
        }
        add("containerMode", json!(set.container_mode));
        if let WorkVolume::Claim { access_mode, .. } = &set.work_volume {
            add("workVolume.claim.accessMode", json!(access_mode));
        }
        if let Some(busy) = &set.scaling.busy {
            add("scaling.busy.upThreshold", json!(busy.up_threshold));
            add("scaling.busy.downThreshold", json!(busy.down_threshold));
            add("scaling.busy.upFactor", json!(busy.up_factor));
            add("scaling.busy.downFactor", json!(busy.down_factor));
        }
        if settled.has(&format!("{at}.scaling.workdays")) {
            let offset = table::field_at("runnerSets[].scaling.workdays.offset");
            let offset = offset.and_then(|field| field.default).unwrap_or_default();
            add("scaling.workdays.offset", json!(offset));
        }
    }
    all
}

/// The controller's own, which does not matter where another is used.
fn of_controller(config: &Config) -> Vec<(String, Json)> {
    let controller = &config.controller;
    let mut all = vec![
        (
            "namespaces.controller".to_owned(),
            json!(config.namespaces.controller),
        ),
        ("controller.watch".to_owned(), json!(controller.watch)),
        ("controller.replicas".to_owned(), json!(controller.replicas)),
        (
            "controller.logLevel".to_owned(),
            json!(controller.log_level),
        ),
    ];
    if config.mode == Mode::Legacy {
        let enabled = config.rbac_proxy.is_some();
        all.push(("rbacProxy.enabled".to_owned(), json!(enabled)));
        let issuer = match config.webhook_certificate {
            WebhookCertificate::Generate => Some("generate"),
            WebhookCertificate::CertManager { .. } => Some("cert-manager"),
            WebhookCertificate::Given | WebhookCertificate::ExistingSecret(_) => None,
        };
        all.extend(issuer.map(|word| ("webhookCertificate.issuer".to_owned(), json!(word))));
    }
    all
}

struct Writer<'a> {
    settled: &'a Settled,
    places: &'a Places,
    origins: Origins,
}

impl Writer<'_> {
    /// The fields of one table, in its order; `base` is the path of what holds them (`runnerSets[0].`).
    fn mapping(&mut self, base: &str, fields: &'static [Field]) -> Map<String, Json> {
        let mut map = Map::new();
        for field in fields {
            let path = format!("{base}{}", field.path);
            if let Some(value) = self.value(&path, field.kind) {
                nest(&mut map, field.path, value);
            }
        }
        map
    }

    fn value(&mut self, path: &str, kind: Kind) -> Option<Json> {
        if let Kind::List(fields) = kind {
            let items: Vec<Json> = (0..self.settled.length(path))
                .map(|index| Json::Object(self.mapping(&format!("{path}[{index}]."), fields)))
                .collect();
            return (!items.is_empty()).then(|| Json::Array(items));
        }
        let found = self.settled.get(path)?.clone();
        self.origins.0.insert(path.to_owned(), found.origin.clone());
        Some(match kind {
            Kind::Path => self.path(found.value.as_str().unwrap_or_default(), &found.origin),
            Kind::Secret => self.secret(&found),
            Kind::ExistingSecret => match found.value.as_object() {
                Some(secret) if secret.len() == 1 => found.value["name"].clone(),
                _ => found.value,
            },
            _ => found.value,
        })
    }

    /// Counted from the working directory, where the answer would be saved.
    fn path(&self, path: &str, origin: &Origin) -> Json {
        json!(self.places.resolve(path, origin).display().to_string())
    }

    fn secret(&self, found: &Value<Json>) -> Json {
        let Some(file) = found.value.get("file").and_then(Json::as_str) else {
            return found.value.clone();
        };
        let place = self.places.resolve(file, &found.origin);
        if hardly_a_path(file) && !place.exists() {
            return json!({ "file": HIDDEN });
        }
        json!({ "file": self.path(file, &found.origin) })
    }
}

/// Puts a value at a dotted path.
fn nest(map: &mut Map<String, Json>, path: &str, value: Json) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), value);
        }
        Some((head, rest)) => {
            let inner = map.entry(head).or_insert_with(|| json!({}));
            if let Json::Object(inner) = inner {
                nest(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
