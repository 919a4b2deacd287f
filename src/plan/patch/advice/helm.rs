//! What is told where Helm owns an object: values of its chart, else a kustomization that a post-renderer runs.

use serde_json::{Map, Value, json};

use super::Change;
use crate::config::validate::{is_dns_label, is_dns_subdomain};

/// The file in which the post-renderer puts what Helm has rendered.
const RENDERED: &str = "rendered.yaml";

/// What to do, and the kustomization where no values are known.
pub(super) fn advised(change: &Change) -> (String, Option<Value>) {
    if change.values.is_some() {
        let how =
            "commit these values, and upgrade the release with them: values.yaml holds them here";
        return (how.to_owned(), None);
    }
    if change.is_hook {
        let how = "it is a hook of a chart, and Helm 3 keeps hooks from a post-renderer: find the chart's values that set these images, or change the chart";
        return (how.to_owned(), None);
    }
    let how = "this chart's values are not known: find the ones that set these images, or let Helm send what it renders through the kustomization.yaml below, in a directory of its own";
    let mut kustomization = Map::new();
    kustomization.insert("resources".to_owned(), json!([RENDERED]));
    kustomization.append(&mut change.kustomization.fields(&change.object));
    (how.to_owned(), Some(Value::Object(kustomization)))
}

/// What to run beside the file: each line is a command of a shell as it stands. Release and namespace come from
/// annotations that anybody may write: what is no name does not get into a command.
pub(super) fn commands(release: &str, namespace: &str, change: &Change) -> Vec<String> {
    if change.is_bare_hook() {
        return Vec::new();
    }
    let release = if is_dns_subdomain(release) {
        release
    } else {
        "RELEASE"
    };
    let namespace = if is_dns_label(namespace) {
        namespace
    } else {
        "NAMESPACE"
    };
    let upgrade = format!("helm upgrade {release} CHART -n {namespace} --reuse-values");
    if change.values.is_some() {
        return vec![format!("{upgrade} -f values.yaml")];
    }
    let script = format!(
        "#!/bin/sh\\ncd \"$(dirname \"$0\")\" && cat > {RENDERED} && kubectl kustomize .\\n"
    );
    vec![
        format!("printf '{script}' > kustomize.sh"),
        "chmod +x kustomize.sh".to_owned(),
        format!("{upgrade} --post-renderer ./kustomize.sh"),
    ]
}
