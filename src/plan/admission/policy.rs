//! The four objects.

use serde_json::{Value, json};

use super::expressions;
use super::table::{Table, Unspeakable};
use crate::object::labels::{INSTALL_LABEL, MANAGED_BY};
use crate::object::{Common, Manifest, Source};
use crate::rules::RuleSet;

const GROUP: &str = "admissionregistration.k8s.io";

/// The version in which a server has mutating policies. Validating ones are older, and always `v1` beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// From Kubernetes 1.36.
    V1,
    /// In 1.34 and 1.35 where it is turned on.
    V1Beta1,
}

impl Api {
    /// Both, the better one first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V1Beta1];

    /// `admissionregistration.k8s.io/v1`.
    pub fn version(self) -> String {
        match self {
            Self::V1 => format!("{GROUP}/v1"),
            Self::V1Beta1 => format!("{GROUP}/v1beta1"),
        }
    }
}

/// What happens to a pod whose images cannot be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// It is made as it is, with a warning and a note in the audit log.
    Open,
    /// It is refused.
    Closed,
}

/// What the policies are made of.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// The install that they belong to.
    pub install: &'a str,
    /// The namespace that tells its objects from those of a namesake.
    pub home: &'a str,
    /// What the user wants on every object.
    pub common: &'a Common,
    /// The only namespaces that they see.
    pub namespaces: &'a [String],
    /// What decides.
    pub rules: &'a RuleSet,
    /// What happens to a pod whose images cannot be rewritten.
    pub failing: Failing,
    /// The version of the mutating kinds.
    pub api: Api,
}

impl Admission<'_> {
    /// The name of each of the objects.
    pub fn name(&self) -> String {
        format!("{}-{}-images", self.install, self.home)
    }
}

/// The policies with their bindings, in the order in which they are applied: what tells first what it would refuse is
/// there last. The errors are rules that cannot be said.
pub fn policies(admission: &Admission<'_>) -> Result<Vec<Manifest>, Vec<Unspeakable>> {
    let table = Table::of(admission.rules, admission.namespaces)?;
    let variables = expressions::variables(&table);
    let unusable = expressions::can_be_unusable(&table);
    let manifests = [
        mutating(admission, &variables),
        mutating_binding(admission),
        validating(admission, &variables, unusable),
        validating_binding(admission),
    ];
    let source = || Source::Pass("admission".to_owned());
    Ok(manifests
        .into_iter()
        .map(|object| Manifest::new(object, source()))
        .collect())
}

fn mutating(admission: &Admission<'_>, variables: &[(&'static str, String)]) -> Value {
    let mut all = declared(variables);
    all.push(json!({"name": "originals", "expression": expressions::originals()}));
    json!({
        "apiVersion": admission.api.version(),
        "kind": "MutatingAdmissionPolicy",
        "metadata": metadata(admission),
        "spec": {
            "failurePolicy": failure_policy(admission.failing),
            "reinvocationPolicy": "IfNeeded",
            "matchConstraints": {"resourceRules": resource_rules()},
            "variables": all,
            "mutations": [{
                "patchType": "JSONPatch",
                "jsonPatch": {"expression": expressions::patch()},
            }],
        },
    })
}

fn mutating_binding(admission: &Admission<'_>) -> Value {
    json!({
        "apiVersion": admission.api.version(),
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": metadata(admission),
        "spec": {
            "policyName": admission.name(),
            "matchResources": {"namespaceSelector": selector(admission.namespaces)},
        },
    })
}

fn validating(
    admission: &Admission<'_>,
    variables: &[(&'static str, String)],
    unusable: bool,
) -> Value {
    let told = |list: &str, texts: &str, what: &str| {
        json!({
            "expression": format!("size(variables.{list}) == 0"),
            "messageExpression": format!("'{what}: ' + variables.{texts}.join(', ')"),
            "message": what,
        })
    };
    let mut validations = vec![
        told("denied", "denied", "images that a rule denies"),
        told(
            "overlong",
            "overlong",
            "images whose rewritten name is longer than 255 bytes",
        ),
    ];
    if unusable {
        let what = "images of which a rule makes nothing that can be written";
        validations.push(told("unusable", "unusable", what));
    }
    validations.push(told(
        "rewritten",
        "rewritten.map(p, p.image + ' -> ' + p.to + ' (' + p.rule + ')')",
        "images that were not rewritten",
    ));
    json!({
        "apiVersion": Api::V1.version(),
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata(admission),
        "spec": {
            "failurePolicy": failure_policy(admission.failing),
            "matchConstraints": {"resourceRules": resource_rules()},
            "variables": declared(variables),
            "validations": validations,
        },
    })
}

fn validating_binding(admission: &Admission<'_>) -> Value {
    let actions = match admission.failing {
        Failing::Open => json!(["Warn", "Audit"]),
        Failing::Closed => json!(["Deny"]),
    };
    json!({
        "apiVersion": Api::V1.version(),
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata(admission),
        "spec": {
            "policyName": admission.name(),
            "validationActions": actions,
            "matchResources": {"namespaceSelector": selector(admission.namespaces)},
        },
    })
}

/// Pods as they are made, and ephemeral containers as they are added. Changes of a pod that is there are left alone: a
/// controller that sets a label must not restart the containers of a pod that is older than the policy.
fn resource_rules() -> Value {
    let rule = |operation: &str, resource: &str| json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": [operation], "resources": [resource]});
    json!([
        rule("CREATE", "pods"),
        rule("UPDATE", "pods/ephemeralcontainers")
    ])
}

fn selector(namespaces: &[String]) -> Value {
    json!({"matchExpressions": [{
        "key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces,
    }]})
}

fn failure_policy(failing: Failing) -> &'static str {
    match failing {
        Failing::Open => "Ignore",
        Failing::Closed => "Fail",
    }
}

fn declared(variables: &[(&'static str, String)]) -> Vec<Value> {
    variables
        .iter()
        .map(|(name, expression)| json!({"name": name, "expression": expression}))
        .collect()
}

fn metadata(admission: &Admission<'_>) -> Value {
    let name = admission.name();
    let labels = [
        ("app.kubernetes.io/name", name.as_str()),
        ("app.kubernetes.io/instance", admission.install),
        ("app.kubernetes.io/component", "admission"),
        (MANAGED_BY, "arc-setup"),
        (INSTALL_LABEL, admission.install),
    ];
    let mut metadata = admission.common.metadata(&name, "", &labels);
    if let Some(fields) = metadata.as_object_mut() {
        fields.shift_remove("namespace");
    }
    metadata
}
