//! Places that name no image, so that a binary falls back to a public one that is compiled in.

use serde_json::{Value, json};

use super::survey::{Pod, survey};
use super::{CustomKinds, Part, PodSpecAt, Role, Shape, containers};
use crate::object::Pointer;

/// What is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AbsentKind {
    /// A flag of the legacy manager, with its dashes.
    Argument(String),
    /// An environment variable.
    Environment(String),
}

/// A place that should name an image and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentSlot {
    /// The list (`args` or `env`) that lacks it; it may not exist.
    pub list: Pointer,
    /// What is missing.
    pub kind: AbsentKind,
    /// The image that is used without it.
    pub default: String,
    /// What is set in place of the default, if anything: the runner's own image, which the node has anyway.
    pub instead: Option<String>,
    /// What the image is needed for.
    pub why: Role,
}

impl AbsentSlot {
    /// The flag or variable.
    pub fn name(&self) -> &str {
        let (AbsentKind::Argument(name) | AbsentKind::Environment(name)) = &self.kind;
        name
    }

    /// Where it would stand, as a rule's scope takes it.
    pub fn field(&self) -> Pointer {
        self.list.child(self.name())
    }

    /// The image that is set, before any rule.
    pub fn wanted(&self) -> &str {
        self.instead.as_deref().unwrap_or(&self.default)
    }

    /// Appends the flag or variable with `image` and returns where it now stands, and the new item.
    pub fn fill(&self, object: &mut Value, image: &str) -> Option<(Pointer, Value)> {
        let item = self.item(image);
        let index = self
            .list
            .get(object)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        if index == 0 {
            self.list.put(object, json!([])).ok()?;
        }
        let at = self.list.index(index);
        at.put(object, item.clone()).ok()?;
        Some((at, item))
    }

    /// The item that is appended for `image`.
    pub fn item(&self, image: &str) -> Value {
        match &self.kind {
            AbsentKind::Argument(flag) => json!(format!("{flag}={image}")),
            AbsentKind::Environment(name) => json!({"name": name, "value": image}),
        }
    }
}

/// Flags of the legacy manager with the image that is compiled in.
const LEGACY_FLAGS: [(&str, &str, Role); 2] = [
    ("--docker-image", "docker:dind", Role::Dind),
    (
        "--runner-image",
        "summerwind/actions-runner:latest",
        Role::Runner,
    ),
];
/// What the container hooks use for the job pod's init container.
const HOOK_VARIABLE: &str = "ACTIONS_RUNNER_IMAGE";
const HOOK_DEFAULT: &str = "ghcr.io/actions/actions-runner:latest";

/// Every place of an object that falls back to a compiled-in public image.
pub fn absent_slots(object: &Value) -> Vec<AbsentSlot> {
    let mut found = Vec::new();
    // A RunnerSet says it beside its template.
    let hooked = |pod: &PodSpecAt| {
        pod.part == Part::Runner
            && mode(object.get("spec")) == Some("kubernetes")
            && pod.shape == Shape::PodSpec
    };
    let kinds = CustomKinds::default();
    let survey = survey(object, &kinds);
    // Whether other lists of containers take arguments and variables is not known.
    let pods = || {
        let known = |pod: &&Pod<'_>| pod.at.shape != Shape::Containers;
        survey.pods.iter().filter(known)
    };
    for pod in pods() {
        for container in containers::written(pod) {
            match container.role(pod) {
                Role::Controller if is_legacy_manager(container.value) => {
                    for (flag, default, why) in LEGACY_FLAGS {
                        if !has_flag(container.value, flag) {
                            found.push(AbsentSlot {
                                list: container.pointer(pod).child("args"),
                                kind: AbsentKind::Argument(flag.to_owned()),
                                default: default.to_owned(),
                                instead: None,
                                why,
                            });
                        }
                    }
                }
                Role::Runner if uses_hooks(container.value) || hooked(&pod.at) => {
                    let at = container.pointer(pod);
                    hook_image(pod, &at, container.value, &mut found);
                }
                _ => {}
            }
        }
    }
    for pod in pods() {
        // An earlier run may have said it in a container of the list.
        let is_said = || {
            containers::written(pod).any(|container| {
                container.role(pod) == Role::Runner
                    && variable(container.value, HOOK_VARIABLE).is_some()
            })
        };
        if pod.at.shape == Shape::RunnerSpec
            && (mode(Some(pod.spec)) == Some("kubernetes") || uses_hooks(pod.spec))
            && !is_said()
        {
            hook_image(pod, &pod.at.pointer, pod.spec, &mut found);
        }
    }
    found
}

fn mode(spec: Option<&Value>) -> Option<&str> {
    spec?.get("containerMode")?.as_str()
}

fn hook_image(pod: &Pod<'_>, holder: &Pointer, container: &Value, found: &mut Vec<AbsentSlot>) {
    // A Runner's `env` reaches the same container as that of a container `runner` in its list.
    let set = variable(container, HOOK_VARIABLE).is_some()
        || variable(pod.spec, HOOK_VARIABLE).is_some()
        || found.iter().any(|slot| {
            slot.kind == AbsentKind::Environment(HOOK_VARIABLE.to_owned())
                && slot.list.as_str().starts_with(pod.at.pointer.as_str())
        });
    if set {
        return;
    }
    let image = container.get("image").and_then(Value::as_str);
    found.push(AbsentSlot {
        list: holder.child("env"),
        kind: AbsentKind::Environment(HOOK_VARIABLE.to_owned()),
        default: HOOK_DEFAULT.to_owned(),
        instead: image.map(str::to_owned),
        why: Role::Init,
    });
}

/// True for the legacy manager among the containers of ARC's programs.
fn is_legacy_manager(container: &Value) -> bool {
    !has_flag(container, "--auto-scaling-runner-set-only")
        && !container
            .get("image")
            .and_then(Value::as_str)
            .is_some_and(|image| image.contains("gha-runner-scale-set-controller"))
        && words(container, "command")
            .next()
            .is_none_or(|program| program.ends_with("manager"))
}

fn words<'a>(container: &'a Value, list: &str) -> impl Iterator<Item = &'a str> {
    let items = container.get(list).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str)
}

fn has_flag(container: &Value, flag: &str) -> bool {
    let flag = flag.trim_start_matches('-');
    ["command", "args"]
        .into_iter()
        .flat_map(|list| words(container, list))
        .any(|word| {
            let name = word.split('=').next().unwrap_or_default();
            word.starts_with('-') && name.trim_start_matches('-') == flag
        })
}

fn variable<'a>(container: &'a Value, name: &str) -> Option<&'a Value> {
    let variables = container.get("env").and_then(Value::as_array);
    variables
        .into_iter()
        .flatten()
        .find(|variable| variable.get("name").and_then(Value::as_str) == Some(name))
}

fn uses_hooks(container: &Value) -> bool {
    variable(container, "ACTIONS_RUNNER_CONTAINER_HOOKS").is_some()
}
