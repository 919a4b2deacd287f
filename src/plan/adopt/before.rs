//! What stood in a place before a person wrote there, from whatever the cluster or ARC's releases still say.

use serde_json::{Value, json};

use crate::image_ref::ImageReference;
use crate::object::pods::{ImageSlot, absent_slots, image_slots};
use crate::object::{LAST_APPLIED, Pointer, text_at};
use crate::observe::Found;
use crate::plan::patch::{original_image, place};

const REVISION: &str = "deployment.kubernetes.io/revision";

/// ARC's images, as its releases name them.
const OF_ARC: [&str; 9] = [
    "quay.io/brancz/kube-rbac-proxy",
    "gcr.io/kubebuilder/kube-rbac-proxy",
    "docker.io/summerwind/actions-runner-controller",
    "docker.io/summerwind/actions-runner",
    "docker.io/summerwind/actions-runner-dind",
    "ghcr.io/actions/gha-runner-scale-set-controller",
    "ghcr.io/actions/actions-runner",
    "ghcr.io/actions-runner-controller/actions-runner-controller",
    "docker.io/library/docker",
];

/// The image of before, and where it is known from. The newest that has another name: of a mere upgrade both have the
/// same one, and what stood there at first is looked for behind it.
pub(super) fn before(found: &Found, slot: &ImageSlot, place: &str) -> Option<(String, String)> {
    let mut known: Vec<(String, String)> = Vec::new();
    if let Some(original) = original_image(&found.object, &slot.pointer) {
        known.push((original, "the receipt of patch-images".to_owned()));
    }
    let last_applied = Pointer::of(["metadata", "annotations", LAST_APPLIED]);
    let applied = last_applied
        .get(&found.object)
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let Some(image) = applied.and_then(|applied| image_at(&applied, place)) {
        known.push((image, "last-applied-configuration".to_owned()));
    }
    known.extend(of_history(found, place));
    let is_another = |(image, _): &&(String, String)| name(image) != name(&slot.text);
    if let Some(another) = known.iter().find(is_another) {
        return Some(another.clone());
    }
    // Nothing but upgrades is known, or nothing at all.
    known.into_iter().next().or_else(|| of_arc(&slot.text))
}

/// The images of earlier revisions, newest first.
fn of_history(found: &Found, place: &str) -> Vec<(String, String)> {
    let current = revision(&found.object);
    let generation = |pointer: &str| found.object.pointer(pointer).and_then(Value::as_u64);
    // Until its controller has seen an edit, the object still names the revision before it.
    let is_numbered =
        generation("/status/observedGeneration") >= generation("/metadata/generation");
    let mut earlier: Vec<(u64, &Value)> = found
        .history
        .iter()
        .filter_map(|past| Some((revision(past)?, past)))
        .filter(|(revision, _)| {
            current
                .is_none_or(|current| *revision < current || (*revision == current && !is_numbered))
        })
        .collect();
    earlier.sort_by_key(|(revision, _)| std::cmp::Reverse(*revision));
    earlier
        .into_iter()
        .filter_map(|(revision, past)| {
            let image = match past.pointer("/data/spec") {
                // A ControllerRevision holds the part of the object that it is about.
                Some(spec) => image_at(
                    &json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": spec}),
                    place,
                ),
                None => image_at(past, place),
            };
            Some((image?, format!("revision {revision}")))
        })
        .collect()
}

fn revision(object: &Value) -> Option<u64> {
    let of_deployment = Pointer::of(["metadata", "annotations", REVISION]);
    let text = of_deployment.get(object).and_then(Value::as_str);
    text.and_then(|text| text.parse().ok())
        .or_else(|| object.get("revision").and_then(Value::as_u64))
}

/// The image in the same place of another state of the object; what is compiled in where the flag was not given.
fn image_at(object: &Value, wanted: &str) -> Option<String> {
    let named = image_slots(object)
        .into_iter()
        .find(|slot| place(object, &slot.pointer) == wanted)
        .map(|slot| slot.text);
    named.or_else(|| {
        absent_slots(object).into_iter().find_map(|absent| {
            let name = absent.name();
            let container = absent.list.parent()?;
            let container = text_at(container.get(object)?, "/name")?.to_owned();
            (format!("container {container} {name}") == wanted).then(|| absent.wanted().to_owned())
        })
    })
}

/// An image of ARC's own by its path, wherever it stands.
fn of_arc(image: &str) -> Option<(String, String)> {
    let now = ImageReference::parse(image).ok()?;
    let mut candidates = OF_ARC.into_iter().filter(|name| {
        let path = name.split_once('/').map_or(*name, |(_, path)| path);
        let short = path.strip_prefix("library/").unwrap_or(path);
        now.path() == short || now.path().ends_with(&format!("/{short}"))
    });
    let original = candidates.next().filter(|_| candidates.next().is_none())?;
    (now.name() != original).then(|| {
        (
            format!("{original}{}", now.suffix()),
            "ARC's releases".to_owned(),
        )
    })
}

/// The name of an image without tag and digest, in its canonical form.
pub(super) fn name(image: &str) -> Option<String> {
    ImageReference::parse(image)
        .ok()
        .map(|reference| reference.name())
}
