//! What the kubelet would give to the Docker daemon of a runner set: read from what `arc-setup render --with-secrets`
//! wrote, so that a daemon outside of any pod stands on the very files of our templates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Files and variables of one daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dind {
    /// Its image, where the set names it: the legacy controller's own containers have that of a flag.
    pub(crate) image: String,
    /// Where a volume of ConfigMaps and Secrets is mounted → its files by their path in it.
    pub(crate) mounts: BTreeMap<PathBuf, BTreeMap<PathBuf, Vec<u8>>>,
    pub(crate) environment: BTreeMap<String, String>,
}

/// Kinds that carry a runner pod, and where in them its specification is.
const CARRIERS: [(&str, &str); 4] = [
    ("AutoscalingRunnerSet", "/spec/template/spec"),
    ("RunnerDeployment", "/spec/template/spec"),
    ("RunnerSet", "/spec/template/spec"),
    ("Runner", "/spec"),
];

/// The rendered objects.
struct Rendered<'a> {
    objects: &'a [Value],
    namespace: &'a str,
}

impl Dind {
    /// Of the first runner set in a List.
    pub(crate) fn of(list: &Value) -> Result<Self> {
        let objects = list["items"].as_array().context("not a List")?;
        let carrier = objects.iter().find_map(|object| {
            let (_, at) = CARRIERS.iter().find(|(kind, _)| object["kind"] == *kind)?;
            Some((object, object.pointer(at)?))
        });
        let (object, pod) = carrier.context("no runner set was rendered")?;
        let rendered = Rendered {
            objects,
            namespace: object["metadata"]["namespace"].as_str().unwrap_or_default(),
        };
        let daemon = ["initContainers", "containers"]
            .iter()
            .flat_map(|list| items(&pod[*list]))
            .find(|container| container["name"] == "dind" || container["name"] == "docker");
        // Without such a container the controller makes it, out of these fields.
        let (mounts, environment) = match daemon {
            Some(daemon) => (&daemon["volumeMounts"], &daemon["env"]),
            None => (&pod["dockerVolumeMounts"], &pod["dockerEnv"]),
        };
        let image = daemon.and_then(|daemon| daemon["image"].as_str());
        let mut dind = Self {
            image: image.unwrap_or_default().to_owned(),
            mounts: BTreeMap::new(),
            environment: BTreeMap::new(),
        };
        for mount in items(mounts) {
            let volume = items(&pod["volumes"]).find(|volume| volume["name"] == mount["name"]);
            let volume = volume.with_context(|| format!("{} is no volume", mount["name"]))?;
            if let Some(files) = rendered.files(volume)? {
                let path = mount["mountPath"]
                    .as_str()
                    .context("a mount without path")?;
                dind.mounts.insert(path.into(), files);
            }
        }
        for variable in items(environment) {
            let name = variable["name"]
                .as_str()
                .context("a variable without name")?;
            let value = match variable["value"].as_str() {
                Some(value) => value.to_owned(),
                None => rendered.secret_value(&variable["valueFrom"]["secretKeyRef"])?,
            };
            dind.environment.insert(name.to_owned(), value);
        }
        Ok(dind)
    }

    /// The text of a file by its path in the daemon's container.
    pub(crate) fn file(&self, path: &str) -> Option<String> {
        self.mounts.iter().find_map(|(mount, files)| {
            let file = Path::new(path).strip_prefix(mount).ok()?;
            Some(String::from_utf8_lossy(files.get(file)?).into_owned())
        })
    }
}

impl Rendered<'_> {
    /// The files of a volume; None where it begins empty.
    fn files(&self, volume: &Value) -> Result<Option<BTreeMap<PathBuf, Vec<u8>>>> {
        let mut files = BTreeMap::new();
        let alone = std::slice::from_ref(volume);
        let sources = match volume["projected"]["sources"].as_array() {
            Some(sources) => sources.as_slice(),
            None => alone,
        };
        for source in sources {
            let (source, name, kind) = if source["configMap"].is_object() {
                (&source["configMap"], "name", "ConfigMap")
            } else if source["secret"].is_object() {
                let name = if sources.len() == 1 && source["secret"]["secretName"].is_string() {
                    "secretName"
                } else {
                    "name"
                };
                (&source["secret"], name, "Secret")
            } else if volume["emptyDir"].is_object() {
                return Ok(None);
            } else {
                bail!("a source that is not known here: {source}");
            };
            let values = self.values(kind, source[name].as_str().unwrap_or_default())?;
            match source["items"].as_array() {
                None => files.extend(values.into_iter().map(|(key, value)| (key.into(), value))),
                Some(chosen) => {
                    for item in chosen {
                        let key = item["key"].as_str().unwrap_or_default();
                        let value = values.get(key).with_context(|| format!("no key {key}"))?;
                        let path = item["path"].as_str().context("an item without path")?;
                        files.insert(path.into(), value.clone());
                    }
                }
            }
        }
        Ok(Some(files))
    }

    fn secret_value(&self, reference: &Value) -> Result<String> {
        let text = |key: &str| reference[key].as_str().unwrap_or_default();
        let mut values = self.values("Secret", text("name"))?;
        let value = values.remove(text("key"));
        let value = value.with_context(|| format!("{reference} leads nowhere"))?;
        Ok(String::from_utf8(value)?)
    }

    fn values(&self, kind: &str, name: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        let object = self.objects.iter().find(|object| {
            let metadata = &object["metadata"];
            object["kind"] == kind
                && metadata["name"] == name
                && metadata["namespace"] == self.namespace
        });
        let object = object.with_context(|| format!("no {kind} {name} in {}", self.namespace))?;
        let data = object["data"].as_object().into_iter().flatten();
        data.map(|(key, value)| {
            let value = value.as_str().unwrap_or_default();
            let value = match kind {
                "Secret" => STANDARD.decode(value)?,
                _ => value.as_bytes().to_vec(),
            };
            Ok((key.clone(), value))
        })
        .collect()
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
