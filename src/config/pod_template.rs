//! A `podTemplate` of the file against what Kubernetes knows of pod templates; each problem at its line. Pure.
//!
//! What stands nearly right is refused. A field that nothing here resembles may be one of a Kubernetes that is newer
//! than this program: it is passed on with a warning, and the cluster's dry-run decides.

mod walk;

use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};

use crate::spelling::nearest;
use crate::yaml::Node;

use self::walk::{Note, What, fields, walk};
use super::model::{Mode, Origin};
use super::problem::Problem;

/// Fields that the types here do not have yet: Kubernetes 1.34 to 1.37, per type.
const NEWER: [(&str, &[&str]); 17] = [
    ("ClusterTrustBundleProjection", &["user"]),
    ("ConfigMapVolumeSource", &["defaultUser"]),
    ("Container", &["restartPolicyRules"]),
    ("DownwardAPIVolumeFile", &["user"]),
    ("DownwardAPIVolumeSource", &["defaultUser"]),
    ("EmptyDirVolumeSource", &["mode"]),
    ("EnvVarSource", &["fileKeyRef"]),
    ("GRPCAction", &["mode"]),
    ("HTTPGetAction", &["protocol"]),
    ("KeyToPath", &["user"]),
    (
        "PodSpec",
        &[
            "evictionResponders",
            "hostnameOverride",
            "schedulingGroup",
            "workloadRef",
        ],
    ),
    ("ProjectedVolumeSource", &["defaultUser"]),
    ("SecretVolumeSource", &["defaultUser"]),
    ("ServiceAccountTokenProjection", &["user"]),
    ("VolumeMount", &["bindMountOptions"]),
    ("VolumeProjection", &["podCertificate"]),
    ("EphemeralContainer", &["restartPolicyRules"]),
];

/// Fields of a legacy Runner's spec that a pod has not, or has in its containers (upstream's `RunnerPodSpec` and
/// `RunnerConfig`): what stands there is merged into the Runner itself.
const OF_A_RUNNER: [&str; 18] = [
    "dockerEnabled",
    "dockerEnv",
    "dockerMTU",
    "dockerRegistryMirror",
    "dockerVolumeMounts",
    "dockerdContainerResources",
    "dockerdWithinRunnerContainer",
    "env",
    "envFrom",
    "ephemeral",
    "image",
    "imagePullPolicy",
    "sidecarContainers",
    "volumeMounts",
    "volumeSizeLimit",
    "volumeStorageMedium",
    "workDir",
    "workVolumeClaimTemplate",
];

/// A pod template as it stands in the file.
#[derive(Debug, Clone)]
pub(super) struct Template {
    /// `runnerSets[0].podTemplate`.
    pub(super) path: String,
    /// The file, as the user named it.
    pub(super) file: String,
    pub(super) node: Node,
}

/// What was found in a template.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What cannot be a pod template.
    pub(super) problems: Vec<Problem>,
    /// What no Kubernetes is known to take.
    pub(super) warnings: Vec<Problem>,
}

/// Checks a template; in legacy mode that of a runner set becomes a Runner.
pub(super) fn check(template: &Template, mode: Mode) -> Found {
    let becomes_runner = mode == Mode::Legacy && template.path.starts_with("runnerSets[");
    let mut notes = walk::<PodTemplateSpec>(&template.path, &template.node);
    notes.sort_by_key(|note| (note.line, note.column));
    let mut found = Found::default();
    for note in notes {
        let place = shortened(&note.path);
        let (what, remedy) = match &note.what {
            What::UnknownField { of, key, known } => {
                if is_newer(of, key) || (becomes_runner && is_of_runner(of, key)) {
                    continue;
                }
                let Some(remedy) = correction(template, of, key, known) else {
                    found.warnings.push(unknown(template, &note));
                    continue;
                };
                (format!("unknown key '{place}'"), Some(remedy))
            }
            What::WrongKind(wrong) => (format!("{place} {wrong}"), None),
            What::WithoutKey(key) => (
                format!("{place} has no {key}"),
                Some(format!("add {key}: an item that is rendered with the same {key} is changed, another one is added")),
            ),
            What::Directive => (
                format!("{place} is not understood"),
                Some("the only directive is `$patch: delete`, in an item of a list; null takes a field away".to_owned()),
            ),
        };
        let mut problem = problem("config-pod-template", template, &note, what);
        problem.remedy = remedy;
        found.problems.push(problem);
    }
    found
}

fn is_newer(of: &str, key: &str) -> bool {
    NEWER
        .iter()
        .any(|(newer, fields)| *newer == of && fields.contains(&key))
}

fn is_of_runner(of: &str, key: &str) -> bool {
    of == "PodSpec" && OF_A_RUNNER.contains(&key)
}

/// What the user will have meant; None where nothing is near.
fn correction(template: &Template, of: &str, key: &str, known: &[&str]) -> Option<String> {
    let path = &template.path;
    if of != "PodSpec" && fields::<PodSpec>().contains(&key) {
        return Some(format!(
            "it is a field of the pod: write it under {path}.spec"
        ));
    }
    if matches!(of, "PodSpec" | "PodTemplateSpec") && fields::<Container>().contains(&key) {
        return Some(format!(
            "it is a field of a container: write it under {path}.spec.containers, with the container's name"
        ));
    }
    if let Some(near) = nearest(key, known) {
        return Some(format!("did you mean '{near}'?"));
    }
    // Nothing was ever added here.
    (of == "PodTemplateSpec").then(|| "pod fields stand under spec".to_owned())
}

fn unknown(template: &Template, note: &Note) -> Problem {
    let what = format!(
        "{} is no field that Kubernetes 1.33 to 1.37 is known to have",
        shortened(&note.path)
    );
    problem("config-pod-field", template, note, what)
        .remedy("it is passed on as it is, and the cluster's dry-run decides")
}

fn problem(code: &'static str, template: &Template, note: &Note, what: String) -> Problem {
    let origin = Origin::File {
        path: template.file.clone(),
        line: note.line,
        column: note.column,
    };
    Problem::new(code, &note.path, what, origin)
}

/// A path in messages: keys may be of any length.
fn shortened(path: &str) -> String {
    const LONGEST: usize = 160;
    if path.chars().count() <= LONGEST {
        return path.to_owned();
    }
    path.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, mode: Mode) -> (Vec<String>, Vec<String>) {
        let template = Template {
            path: "runnerSets[0].podTemplate".to_owned(),
            file: "f".to_owned(),
            node: crate::yaml::parse_tree(text, "f").unwrap().unwrap(),
        };
        let lines = |problems: &[Problem]| -> Vec<String> {
            let lines = problems.iter().map(Problem::line);
            lines
                .map(|line| line.replace(&template.path, "T"))
                .collect()
        };
        let found = check(&template, mode);
        (lines(&found.problems), lines(&found.warnings))
    }

    #[track_caller]
    fn problems(text: &str, expected: &[&str]) {
        let (problems, warnings) = found(text, Mode::ScaleSet);
        assert_eq!(problems, expected);
        assert_eq!(warnings, [""; 0]);
    }

    #[test]
    fn what_a_pod_can_have_passes() {
        problems(
            "metadata: {labels: {a: b}}\n\
             spec:\n\
             \x20 nodeSelector: {example.com/pool: runners}\n\
             \x20 tolerations: [{key: a, operator: Exists}]\n\
             \x20 containers:\n\
             \x20 - name: runner\n\
             \x20   env: [{name: A, value: '1'}, {name: B, $patch: delete}, {name: C, valueFrom: {secretKeyRef: {name: s, key: k}}}]\n\
             \x20   resources: {limits: {cpu: 2, memory: 4Gi}}\n\
             \x20   livenessProbe: {httpGet: {port: 8080}}\n\
             \x20   volumeMounts: [{mountPath: /cache, readOnly: true}]\n\
             \x20   tty: null\n\
             \x20   restartPolicyRules: [{action: Restart}]\n\
             \x20 volumes: [{name: cache, emptyDir: {}}]\n\
             \x20 affinity:\n",
            &[],
        );
    }

    #[test]
    fn a_typing_error_is_told_with_its_line_wherever_it_stands() {
        problems(
            "metadata: {lables: {}}\nspec:\n  nodeSelektor: {}\n  containers:\n  - name: runner\n    envv: []\n    resources: {limit: {}}\n",
            &[
                "f:1:12: unknown key 'T.metadata.lables'; did you mean 'labels'?",
                "f:3:3: unknown key 'T.spec.nodeSelektor'; did you mean 'nodeSelector'?",
                "f:6:5: unknown key 'T.spec.containers[0].envv'; did you mean 'env'?",
                "f:7:17: unknown key 'T.spec.containers[0].resources.limit'; did you mean 'limits'?",
            ],
        );
    }

    #[test]
    fn a_field_at_the_wrong_height_is_told_where_it_belongs() {
        problems(
            "nodeSelector: {}\nspec:\n  env: []\n  containers: [{name: a, tolerations: []}]\nextra: 1\n",
            &[
                "f:1:1: unknown key 'T.nodeSelector'; it is a field of the pod: write it under T.spec",
                "f:3:3: unknown key 'T.spec.env'; it is a field of a container: write it under T.spec.containers, with the container's name",
                "f:4:26: unknown key 'T.spec.containers[0].tolerations'; it is a field of the pod: write it under T.spec",
                "f:5:1: unknown key 'T.extra'; pod fields stand under spec",
            ],
        );
    }

    #[test]
    fn kinds_are_checked_and_nothing_hides_what_comes_after() {
        problems(
            "spec:\n  containers: {name: runner}\n  volumes: cache\n  hostNetwork: 'yes'\n  terminationGracePeriodSeconds: 30s\n  nodeSelector: {a: true}\n  initContainers:\n  - name: 7\n    env: [{name: A, value: 1}, B]\n    resources: {limits: {cpu: true}}\n    ports: [{containerPort: 99999999999}]\n",
            &[
                "f:2:15: T.spec.containers takes a list, not a mapping",
                "f:3:12: T.spec.volumes takes a list, not text",
                "f:4:16: T.spec.hostNetwork takes true or false, not text",
                "f:5:34: T.spec.terminationGracePeriodSeconds takes a whole number, not text",
                "f:6:21: T.spec.nodeSelector.a takes text, and YAML reads this word as a boolean: put it in quotes",
                "f:8:11: T.spec.initContainers[0].name takes text, and YAML reads this as a number: put it in quotes",
                "f:9:28: T.spec.initContainers[0].env[0].value takes text, and YAML reads this as a number: put it in quotes",
                "f:9:32: T.spec.initContainers[0].env[1] takes keys of its own, not text",
                "f:10:31: T.spec.initContainers[0].resources.limits.cpu takes a quantity such as 500m or 2Gi, not a boolean",
                "f:11:29: T.spec.initContainers[0].ports[0].containerPort takes a whole number, and this one does not fit",
            ],
        );
    }

    #[test]
    fn an_item_needs_what_items_are_told_apart_by() {
        problems(
            "spec:\n  containers:\n  - image: a\n    volumeMounts: [{name: v}]\n  volumes: [{emptyDir: {}}]\n  imagePullSecrets: [{}]\n",
            &[
                "f:3:5: T.spec.containers[0] has no name; add name: an item that is rendered with the same name is changed, another one is added",
                "f:4:20: T.spec.containers[0].volumeMounts[0] has no mountPath; add mountPath: an item that is rendered with the same mountPath is changed, another one is added",
                "f:5:13: T.spec.volumes[0] has no name; add name: an item that is rendered with the same name is changed, another one is added",
                "f:6:22: T.spec.imagePullSecrets[0] has no name; add name: an item that is rendered with the same name is changed, another one is added",
            ],
        );
    }

    #[test]
    fn other_directives_than_deletion_are_refused() {
        let (problems, _) = found(
            "spec: {$patch: replace, containers: [{name: a, $patch: merge}]}",
            Mode::ScaleSet,
        );
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("f:1:8: T.spec.$patch is not understood"));
    }

    #[test]
    fn a_field_of_no_known_kubernetes_is_passed_on_with_a_warning() {
        let (problems, warnings) = found("spec:\n  quantumEntanglement: {}\n", Mode::ScaleSet);
        assert_eq!(problems, [""; 0]);
        assert_eq!(
            warnings,
            [
                "f:2:3: T.spec.quantumEntanglement is no field that Kubernetes 1.33 to 1.37 is known to have; it is passed on as it is, and the cluster's dry-run decides"
            ]
        );
    }

    #[test]
    fn a_legacy_runner_has_fields_of_its_own() {
        let text = "spec: {dockerEnv: [{name: A, value: b}], env: [], dockerEnabled: true}";
        assert_eq!(found(text, Mode::Legacy), (Vec::new(), Vec::new()));
        let (problems, warnings) = found(text, Mode::ScaleSet);
        assert_eq!(
            (problems.len(), warnings.len()),
            (1, 2),
            "{problems:?} {warnings:?}"
        );
    }
}
