//! `commonLabels` and `commonAnnotations` on every object and pod; never on selectors.

use std::collections::BTreeMap;

use serde_json::json;

use super::Context;
use super::edit::Editor;
use crate::object::pods::pod_specs;
use crate::object::{Change, Manifest, Pointer};

/// Adds what is not set. CustomResourceDefinitions are left out: every install of the cluster shares them.
pub(super) fn run(manifests: &mut [Manifest], context: &Context<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for manifest in manifests {
        if manifest.kind() == "CustomResourceDefinition" {
            continue;
        }
        let mut places = vec![Pointer::of(["metadata"])];
        places.extend(
            pod_specs(&manifest.object)
                .into_iter()
                .filter_map(|pod| pod.metadata),
        );
        let mut editor = Editor {
            manifest,
            changes: &mut changes,
        };
        for place in places {
            add(
                &mut editor,
                &place.child("labels"),
                &context.config.common_labels,
                "commonLabels",
            );
            add(
                &mut editor,
                &place.child("annotations"),
                &context.config.common_annotations,
                "commonAnnotations",
            );
        }
    }
    changes
}

fn add(editor: &mut Editor<'_>, at: &Pointer, wanted: &BTreeMap<String, String>, rule: &str) {
    for (key, value) in wanted {
        editor.put_absent(&at.child(key), json!(value), rule);
    }
}
