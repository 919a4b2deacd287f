//! What must be made in a runner's pod itself, by an init container of the runner's own image: one bundle of the image's
//! own roots and the company's, and the configuration of Docker's client.
//!
//! Programs that read one file and nothing else (pip and requests, curl by its variable) lose the public roots with a
//! file of ours, and ours with the image's: only the image knows its own. Docker's client hands a proxy to the containers
//! of `docker run` and `docker build` by its configuration alone, and buildx hands authorities and mirrors to a builder of
//! its own by a file beside that.

mod docker_client;

use serde_json::{Map, Value, json};

use super::Context;
use super::edit::{Editor, image_beside};
use super::trust::{BUNDLE_PATH, FOLDER, VOLUME};
use crate::object::pods::{Role, Site, sites};
use crate::object::{Change, Manifest};
use crate::rules::RuleSet;

use docker_client::DockerClient;

const RULE: &str = "preparation";
/// The init container that makes them.
pub const PREPARATION: &str = "arc-setup-prepare";
const BUNDLE_FOLDER: &str = "/etc/arc-setup/bundle";
const BUNDLE: &str = "/etc/arc-setup/bundle/ca-bundle.crt";
/// What reads one file alone.
const VARIABLES: [&str; 3] = ["CURL_CA_BUNDLE", "PIP_CERT", "REQUESTS_CA_BUNDLE"];
/// Where images have their roots as one file: Debian and Alpine, RHEL, SUSE, others.
const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem \
                     /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem";

/// Adds the init container, and what the runner reads of it. The proxy's variables come after it, to both.
pub(super) fn run(
    manifests: &mut Vec<Manifest>,
    context: &Context<'_>,
    rules: &RuleSet,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let client = DockerClient::new(context, rules);
    for manifest in manifests.iter_mut() {
        let all = sites(&manifest.object);
        for site in all.iter().filter(|site| site.role == Role::Runner) {
            let changes = &mut changes;
            let mut editor = Editor { manifest, changes };
            let mut steps = Steps::default();
            if mounts_authorities(&editor, site) {
                bundle(&mut editor, site, &mut steps);
            }
            if all
                .iter()
                .any(|other| other.pod == site.pod && other.runs_docker)
            {
                client.prepare(&mut editor, site, &mut steps);
            }
            if let (false, Some(image)) = (
                steps.script.is_empty(),
                image_beside(&editor.manifest.object, site, &all),
            ) {
                // After the user's own, whose order stays: nothing of theirs waits for it.
                let list = site.pod.pointer.child("initContainers");
                let container = steps.container(&image, &user(&editor, site));
                editor.append_keyed(&list, "name", container, RULE);
            }
        }
    }
    client.insert(manifests, &mut changes);
    changes
}

/// What the init container does and needs for it.
#[derive(Debug, Default)]
struct Steps {
    script: Vec<String>,
    mounts: Vec<Value>,
}

impl Steps {
    /// Runs under pod security `restricted` where the pod itself does.
    fn container(self, image: &Value, user: &Map<String, Value>) -> Value {
        let mut container = json!({
            "name": PREPARATION,
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-ec"],
            "args": [self.script.join("\n")],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": self.mounts,
        });
        for (field, value) in user {
            container["securityContext"][field] = value.clone();
        }
        container
    }
}

/// Who runs the runner's container, where its template says so: what is made must be theirs.
fn user(editor: &Editor<'_>, site: &Site) -> Map<String, Value> {
    let context = site.container.as_ref();
    let context = context.and_then(|at| at.child("securityContext").get(&editor.manifest.object));
    ["runAsUser", "runAsGroup", "runAsNonRoot", "seccompProfile"]
        .into_iter()
        .filter_map(|field| Some((field.to_owned(), context?.get(field)?.clone())))
        .collect()
}

/// Where the user mounts something of their own in that place, it holds what they want.
fn mounts_authorities(editor: &Editor<'_>, site: &Site) -> bool {
    let mounts = site.mounts.get(&editor.manifest.object);
    let mounts = mounts.and_then(Value::as_array);
    mounts.into_iter().flatten().any(|mount| {
        mount.get("mountPath") == Some(&json!(FOLDER)) && mount.get("name") == Some(&json!(VOLUME))
    })
}

fn bundle(editor: &mut Editor<'_>, site: &Site, steps: &mut Steps) {
    let volume = json!({"name": "arc-setup-bundle", "emptyDir": {"sizeLimit": "16Mi"}});
    editor.mount(site, &volume, BUNDLE_FOLDER, RULE);
    for name in VARIABLES {
        editor.variable(site, name, BUNDLE, RULE);
    }
    steps.mounts.extend([
        json!({"name": VOLUME, "mountPath": FOLDER, "readOnly": true}),
        json!({"name": "arc-setup-bundle", "mountPath": BUNDLE_FOLDER}),
    ]);
    steps.script.push(format!(
        "for roots in {ROOTS}; do if [ -s \"$roots\" ]; then break; fi; roots=; done\n\
         if [ -z \"$roots\" ]; then echo 'this image has no file of public roots: the bundle has the company alone' >&2; fi\n\
         {{ if [ -n \"$roots\" ]; then cat \"$roots\"; echo; fi; cat {BUNDLE_PATH}; }} > {BUNDLE}"
    ));
}
