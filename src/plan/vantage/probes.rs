//! The pods that try it: one for the controller, one for each way that a runner is made, one more where a Docker daemon runs
//! beside it.

use std::time::Duration;

use serde_json::{Value, json};

use super::place::{Need, Place, Spot, need};
use super::pod::{Secrets, kept_labels, restricted_spec};
use super::script::{Question, Run, question, script};
use super::target::Target;
use crate::config::{Config, Mode};
use crate::image_ref::ImageReference;
use crate::object::labels::{INSTALL_LABEL, MANAGED_BY};
use crate::object::pods::{Part, Role, is_daemon, pod_specs, sites, starts_job_pods};
use crate::object::{Manifest, items_at, text_at};
use crate::observe::LegacyManager;
use crate::plan::pull_test::pull_test;

/// On every probe: what it stands for.
pub const PROBE_LABEL: &str = "arc-setup.dev/probe";
/// A probe ends itself after this, should nobody be there to remove it: pulls included.
const DEADLINE: Duration = Duration::from_mins(10);

/// What probes are made of.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The manifests after every pass.
    pub manifests: &'a [Manifest],
    /// The rows.
    pub targets: &'a [Target],
    /// What marks the words of this run.
    pub run: &'a Run,
    /// True where a SecurityContextConstraint chooses the user.
    pub is_openshift: bool,
}

/// One pod.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The column that it fills.
    pub place: Place,
    /// The pod, for `create`: the server completes its name.
    pub pod: Value,
    /// The rows that it is asked about, by their numbers.
    pub asked: Vec<usize>,
    /// In what it differs from the workload that it stands for.
    pub remarks: Vec<String>,
}

/// A place for which there is no pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untried {
    /// The column.
    pub place: Place,
    /// Why.
    pub why: String,
}

/// Every probe, and what has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Probes {
    /// The pods.
    pub probes: Vec<Probe>,
    /// Places without.
    pub untried: Vec<Untried>,
}

impl Probe {
    /// Its namespace.
    pub fn namespace(&self) -> &str {
        text_at(&self.pod, "/metadata/namespace").unwrap_or_default()
    }

    /// The images of its containers.
    pub fn images(&self) -> Vec<&str> {
        let lists = ["/spec/initContainers", "/spec/containers"];
        let containers = lists.iter().flat_map(|list| items_at(&self.pod, list));
        let mut images: Vec<&str> = containers
            .filter_map(|container| text_at(container, "/image"))
            .collect();
        images.sort_unstable();
        images.dedup();
        images
    }

    /// True where one of its containers is privileged.
    pub fn is_privileged(&self) -> bool {
        let lists = ["/spec/initContainers", "/spec/containers"];
        let mut containers = lists.iter().flat_map(|list| items_at(&self.pod, list));
        containers.any(|container| {
            container.pointer("/securityContext/privileged") == Some(&Value::Bool(true))
        })
    }
}

/// The probes of an install.
pub fn probes(wanted: &Wanted<'_>) -> Probes {
    let mut found = Probes::default();
    let mut image = None;
    for set in wanted.manifests {
        let has_runner = pod_specs(&set.object)
            .iter()
            .any(|at| at.part == Part::Runner);
        if has_runner {
            let of_set = of_set(wanted, set, &mut found);
            image = image.or(of_set);
        }
    }
    controller(wanted, image.as_deref(), &mut found);
    pulls_of_nodes(wanted, &mut found);
    name_sets(&mut found);
    found
        .probes
        .sort_by(|one, other| one.place.cmp(&other.place));
    found
}

/// The probes of a runner set; its runner's image.
fn of_set(wanted: &Wanted<'_>, set: &Manifest, found: &mut Probes) -> Option<String> {
    let name = set.reference().name;
    let place = |spot| Place {
        spot,
        set: Some(name.clone()),
        starts_pods: starts_job_pods(&set.object),
    };
    let manager = manager(wanted);
    let install = &wanted.config.name;
    let Some(test) = pull_test(&set.object, &manager, install, DEADLINE) else {
        found.untried.push(Untried {
            place: place(Spot::Runner),
            why: "the images that its controller adds to its pods are not known here".to_owned(),
        });
        return None;
    };
    let spec = test.pod.get("spec")?;
    let runner = items_at(spec, "/containers")
        .iter()
        .find(|container| text_at(container, "/name") == Some("runner"))?;
    let image = text_at(runner, "/image")?.to_owned();
    let restricted = restricted_spec(spec, "runner", &image, Secrets::Kept, wanted.is_openshift)?;
    let mut remarks = Vec::new();
    if spec.get("hostNetwork") == Some(&Value::Bool(true)) {
        remarks.push("its pods use the node's network, and the probe does not".to_owned());
    }
    add(
        found,
        wanted,
        place(Spot::Runner),
        &test.pod,
        restricted,
        remarks,
    );
    let has_daemon = ["/initContainers", "/containers"]
        .iter()
        .flat_map(|list| items_at(spec, list))
        .any(|container| text_at(container, "/name").is_some_and(is_daemon));
    if has_daemon {
        let mut spec = spec.clone();
        if let Some(fields) = spec.as_object_mut() {
            fields.remove("hostNetwork");
        }
        spec["automountServiceAccountToken"] = json!(false);
        ask_for_little(&mut spec);
        add(
            found,
            wanted,
            place(Spot::Dind),
            &test.pod,
            spec,
            Vec::new(),
        );
    }
    Some(image)
}

/// A node that is full of runners has room for it, and so has a quota; the limits stay.
fn ask_for_little(spec: &mut Value) {
    for list in ["initContainers", "containers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            container["resources"]["requests"] = json!({"cpu": "20m", "memory": "64Mi"});
        }
    }
}

/// The manager of this install, whose flags fill in what a legacy runner leaves open.
fn manager(wanted: &Wanted<'_>) -> LegacyManager {
    let own = deployment(wanted.manifests).filter(|_| wanted.config.mode == Mode::Legacy);
    own.map_or_else(LegacyManager::default, |manifest| {
        LegacyManager::of(&manifest.object, wanted.config.version)
    })
}

fn deployment(manifests: &[Manifest]) -> Option<&Manifest> {
    let mut manifests = manifests.iter();
    manifests.find(|manifest| manifest.kind() == "Deployment")
}

/// The controller's place, in its namespace, with its account and what the passes gave to it. Its own image has no shell.
fn controller(wanted: &Wanted<'_>, image: Option<&str>, found: &mut Probes) {
    let place = Place::of(Spot::Controller);
    let mut untried = |why: &str| {
        found.untried.push(Untried {
            place: Place::of(Spot::Controller),
            why: why.to_owned(),
        });
    };
    let Some(deployment) = deployment(wanted.manifests) else {
        return untried("the controller is another team's: what it is given is not known here");
    };
    let Some(image) = image else {
        return untried(
            "there is no image with the tools for it: no runner set has one that is known",
        );
    };
    let all = sites(&deployment.object);
    let site = all.iter().find(|site| site.role == Role::Controller);
    let spec = site.and_then(|site| {
        let spec = site.pod.pointer.get(&deployment.object)?;
        let secrets = Secrets::ProxyOnly;
        restricted_spec(spec, &site.name, image, secrets, wanted.is_openshift)
    });
    let (Some(spec), Some(template)) = (spec, deployment.object.pointer("/spec/template")) else {
        return untried("it has no container that is known");
    };
    let mut pod = template.clone();
    pod["metadata"]["namespace"] = json!(deployment.reference().namespace);
    let remark = format!(
        "it stands for the controller with that one's account, variables and mounts, and runs {image}: the controller's own image has no shell"
    );
    add(found, wanted, place, &pod, spec, vec![remark]);
}

/// What no program has: a container that is told to run it never starts, once its image is there.
const NO_PROGRAM: &str = "/arc-setup/pulled";

/// A pod for each registry that no image of another probe comes from: its node pulls the image, and nothing runs.
fn pulls_of_nodes(wanted: &Wanted<'_>, found: &mut Probes) {
    let Some(from) = found
        .probes
        .iter()
        .find(|probe| !probe.is_privileged())
        .cloned()
    else {
        return;
    };
    let host = |image: &str| {
        ImageReference::parse(image)
            .ok()
            .map(|image| image.host().to_owned())
    };
    let covered: Vec<String> = found
        .probes
        .iter()
        .flat_map(Probe::images)
        .filter_map(host)
        .collect();
    let images = wanted
        .targets
        .iter()
        .filter_map(|target| target.image.as_deref());
    let uncovered = images.filter(|image| host(image).is_some_and(|host| !covered.contains(&host)));
    for image in uncovered {
        let mut pod = from.pod.clone();
        if let Some(container) = pod.pointer_mut("/spec/containers/0") {
            container["image"] = json!(image);
            container["command"] = json!([NO_PROGRAM]);
        }
        pod["metadata"]["labels"][PROBE_LABEL] = json!("node");
        pod["metadata"]["generateName"] = json!(format!("{}-probe-node-", wanted.config.name));
        found.probes.push(Probe {
            place: Place::of(Spot::Node),
            pod,
            asked: Vec::new(),
            remarks: Vec::new(),
        });
    }
}

/// Adds the probe, unless there is one already that is the same.
fn add(
    found: &mut Probes,
    wanted: &Wanted<'_>,
    place: Place,
    from: &Value,
    mut spec: Value,
    remarks: Vec<String>,
) {
    let is_scale_set = wanted.config.mode == Mode::ScaleSet;
    let numbered = wanted.targets.iter().enumerate();
    let questions: Vec<(usize, Question)> = numbered
        .filter(|(_, target)| need(&place, target, is_scale_set) != Need::Never)
        .filter_map(|(number, target)| Some((number, question(place.spot, target)?)))
        .collect();
    let script = script(wanted.run, &questions);
    let containers = spec.get_mut("containers").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        if text_at(container, "/name") == Some("runner") {
            container["command"] = json!(["/bin/sh", "-c", script]);
        }
    }
    spec["restartPolicy"] = json!("Never");
    spec["terminationGracePeriodSeconds"] = json!(1);
    spec["activeDeadlineSeconds"] = json!(DEADLINE.as_secs());
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(wanted.config, &place, from),
        "spec": spec,
    });
    let is_same = |other: &&Probe| {
        other.place.spot == place.spot
            && other.pod["spec"] == pod["spec"]
            && other.pod["metadata"]["namespace"] == pod["metadata"]["namespace"]
    };
    if found.probes.iter().any(|other| is_same(&other)) {
        return;
    }
    found.probes.push(Probe {
        place,
        pod,
        asked: questions.into_iter().map(|(number, _)| number).collect(),
        remarks,
    });
}

/// A name, and labels by which it is found again. Those of the workload stay, since policies may ask for them, but none
/// that a controller or a Service selects by.
fn metadata(config: &Config, place: &Place, from: &Value) -> Value {
    let spot = match place.spot {
        Spot::Controller => "controller",
        Spot::Dind => "dind",
        _ => "runner",
    };
    let mut labels = kept_labels(from);
    let common = config.common_labels.iter();
    labels.extend(common.map(|(key, value)| (key.clone(), json!(value))));
    for (key, value) in [
        ("app.kubernetes.io/component", "probe"),
        (MANAGED_BY, "arc-setup"),
        (INSTALL_LABEL, config.name.as_str()),
        (PROBE_LABEL, spot),
    ] {
        labels.insert(key.to_owned(), json!(value));
    }
    let mut metadata = json!({
        "generateName": format!("{}-probe-{spot}-", config.name),
        "namespace": from.pointer("/metadata/namespace"),
        "labels": labels,
    });
    if let Some(annotations) = from.pointer("/metadata/annotations") {
        metadata["annotations"] = annotations.clone();
    }
    metadata
}

/// A set is named only where there are several of its kind.
fn name_sets(found: &mut Probes) {
    for spot in [Spot::Runner, Spot::Dind] {
        let places = found.probes.iter().map(|probe| &probe.place);
        let untried = found.untried.iter().map(|untried| &untried.place);
        let count = places
            .chain(untried)
            .filter(|place| place.spot == spot)
            .count();
        if count > 1 {
            continue;
        }
        let places = found.probes.iter_mut().map(|probe| &mut probe.place);
        let untried = found.untried.iter_mut().map(|untried| &mut untried.place);
        for place in places.chain(untried).filter(|place| place.spot == spot) {
            place.set = None;
        }
    }
}
