use serde_json::json;

use super::*;
use crate::object::{Late, LateSource, Pointer, SecretKey, Source};
use crate::observe::{Live, MANAGED_BY, Receipt};

fn manifest(object: Value) -> Manifest {
    Manifest::new(object, Source::Pass("test".to_owned()))
}

/// A legacy install in small: Secret, Deployment, Service, webhook, runner, and its kind.
fn legacy() -> Vec<Manifest> {
    let bundle = Late {
        pointer: Pointer::new("/webhooks/0/clientConfig/caBundle"),
        from: LateSource::CaBundleOf(SecretKey {
            namespace: "ns".to_owned(),
            name: "cert".to_owned(),
            key: "ca.crt".to_owned(),
        }),
    };
    vec![
        manifest(json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner", "metadata": {"name": "r", "namespace": "ns"}})),
        manifest(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cert", "namespace": "ns"}})),
        manifest(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "m", "namespace": "ns"},
            "spec": {"template": {"metadata": {"labels": {"a": "b"}}}}})),
        manifest(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "ns"}, "spec": {"selector": {"a": "b"}}})),
        manifest(json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "w"},
            "webhooks": [{"clientConfig": {"service": {"namespace": "ns", "name": "s"}},
                "rules": [{"apiGroups": ["actions.summerwind.dev"], "resources": ["runners"]}]}]})).with_late(bundle),
        manifest(json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "runners.x"}})),
        manifest(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}})),
    ]
}

fn observed(manifests: &[Manifest], answer: impl Fn(&ObjectRef) -> (bool, DryRun)) -> Observed {
    let objects = manifests
        .iter()
        .map(|manifest| {
            let object = manifest.reference();
            let (lives, dry_run) = answer(&object);
            ObservedObject {
                live: lives.then(|| Live {
                    resource_version: "1".to_owned(),
                    uid: "u".to_owned(),
                    object: json!({"metadata": {"labels": {MANAGED_BY: "arc-setup"}}}),
                }),
                object,
                dry_run,
                warnings: Vec::new(),
                keys: Vec::new(),
            }
        })
        .collect();
    Observed {
        objects,
        ..Observed::default()
    }
}

fn accepted(changed: bool) -> DryRun {
    DryRun::Accepted {
        changed,
        result: json!({"metadata": {"labels": {MANAGED_BY: "arc-setup"}}}),
    }
}

fn plan(manifests: &[Manifest], observed: &Observed) -> Plan {
    build(&Inputs {
        install: "one",
        namespace: "ns",
        controller_namespace: "ns",
        manifests,
        changes: &[],
        observed,
    })
}

/// `wave: step step …`, each step by its first letter of kind.
fn sketch(plan: &Plan) -> Vec<String> {
    let step = |step: &Step| match step {
        Step::Create { object, .. } => format!("+{}", object.kind),
        Step::Update { object, .. } => format!("~{}", object.kind),
        Step::Unchanged { object } => format!("={}", object.kind),
        Step::Keep { object, .. } => format!(".{}", object.kind),
        Step::TrustBoth { object } => format!("both:{}", object.kind),
        Step::WaitEstablished { definitions } => format!("established:{}", definitions.len()),
        Step::WaitAvailable { object, .. } => format!("available:{}", object.kind),
        Step::Delete { object, .. } => format!("-{}", object.kind),
        Step::WaitGone { objects, .. } => format!("gone:{}", objects.len()),
    };
    plan.waves
        .iter()
        .map(|wave| wave.steps.iter().map(step).collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn a_fresh_install_goes_from_namespaces_to_runners_and_waits_where_it_must() {
    let manifests = legacy();
    let observed = observed(&manifests, |_| (false, accepted(true)));
    assert_eq!(
        sketch(&plan(&manifests, &observed)),
        [
            "+Namespace",
            "+CustomResourceDefinition",
            "established:1",
            "+Secret",
            "+Deployment +Service",
            "+MutatingWebhookConfiguration",
            "available:Deployment",
            "+Runner",
        ]
    );
}

#[test]
fn a_second_run_writes_and_waits_for_nothing() {
    let manifests = legacy();
    let observed = observed(&manifests, |_| (true, accepted(false)));
    let plan = plan(&manifests, &observed);
    assert!(!plan.writes());
    assert!(
        plan.steps()
            .all(|step| matches!(step, Step::Unchanged { .. }))
    );
}

#[test]
fn a_renewal_trusts_both_then_rolls_then_trusts_the_new_one() {
    let manifests = legacy();
    let moving = ["Secret", "Deployment", "MutatingWebhookConfiguration"];
    let mut observed = observed(&manifests, |object| {
        (true, accepted(moving.contains(&object.kind.as_str())))
    });
    observed.renewed = vec![ObjectRef::new("v1", "Secret", Some("ns"), "cert")];
    assert_eq!(
        sketch(&plan(&manifests, &observed)),
        [
            "=Namespace",
            "=CustomResourceDefinition",
            "both:MutatingWebhookConfiguration",
            "~Secret",
            "~Deployment =Service",
            "available:Deployment",
            "~MutatingWebhookConfiguration",
            "=Runner",
        ]
    );
}

#[test]
fn a_renewal_that_was_killed_after_the_secret_goes_on_from_there() {
    let manifests = legacy();
    let moving = ["Deployment", "MutatingWebhookConfiguration"];
    let observed = observed(&manifests, |object| {
        (true, accepted(moving.contains(&object.kind.as_str())))
    });
    let waves = sketch(&plan(&manifests, &observed));
    let at = |text: &str| waves.iter().position(|wave| wave == text).unwrap();
    assert!(at("available:Deployment") < at("~MutatingWebhookConfiguration"));
    assert!(!waves.iter().any(|wave| wave.starts_with("both")));
}

#[test]
fn foreign_definitions_are_kept_and_their_kinds_not_waited_for() {
    let manifests = legacy();
    let observed = observed(&manifests, |object| match object.kind.as_str() {
        "CustomResourceDefinition" => (
            true,
            DryRun::Foreign {
                why: "theirs".to_owned(),
            },
        ),
        _ => (false, accepted(true)),
    });
    let waves = sketch(&plan(&manifests, &observed));
    assert!(waves.contains(&".CustomResourceDefinition".to_owned()));
    assert!(!waves.iter().any(|wave| wave.starts_with("established")));
}

#[test]
fn what_was_adopted_once_stays_adopted() {
    let manifests = legacy();
    let mut observed = observed(&manifests, |_| (true, accepted(true)));
    let secret = ObjectRef::new("v1", "Secret", Some("ns"), "cert");
    let mut receipt = Receipt::new("one", "ns", "");
    receipt.note(&secret, Some("u"), true);
    observed.receipt = Some(receipt);
    let plan = plan(&manifests, &observed);
    let adopted: Vec<&ObjectRef> = plan
        .steps()
        .filter(|step| matches!(step, Step::Update { adopted: true, .. }))
        .filter_map(Step::object)
        .collect();
    assert_eq!(
        adopted,
        [&secret],
        "its label alone would say that we made it"
    );
}

#[test]
fn the_hash_follows_the_manifests() {
    let manifests = legacy();
    let observed = observed(&manifests, |_| (false, accepted(true)));
    let one = plan(&manifests, &observed).inputs;
    assert_eq!(one.len(), 64);
    assert_eq!(one, plan(&manifests, &observed).inputs);
    assert_ne!(one, plan(&manifests[1..], &observed).inputs);
}
