//! What a deployment tool is told does what the patch would have done: shown with the real `kubectl kustomize`.

use std::process::Command;

use arc_setup::object::Pointer;
use arc_setup::plan::patch::{Verdict, Wanted, decide};
use arc_setup::yaml;
use serde_json::{Value, json};

use super::{deployment, rules};
use crate::rewrite_command::built;
use crate::support::arc_setup::ArcSetup;

#[test]
fn a_kustomization_has_the_effect_of_the_patch() {
    let mut object = deployment(
        "n",
        "d",
        &json!([{"name": "c", "image": "quay.io/a/b:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "args": ["--v=1", "--helper-image=quay.io/h/h:1"], "env": [{"name": "RELATED_IMAGE_X", "value": "quay.io/x/y:2"}]},
            {"name": "d", "image": "nginx:1"}]),
    );
    let plain = object.clone();
    object["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "r"});
    let rules = rules(&["quay.io", "docker.io"], &[]);
    let verdict = |force: bool| {
        let wanted = Wanted {
            force,
            pull_secret: Some("mirror"),
            ..Wanted::default()
        };
        decide(&object, &rules, &wanted).verdict
    };
    let (Verdict::Owned(advice), Verdict::Patch(patch)) = (verdict(false), verdict(true)) else {
        panic!("owned, and patched by force")
    };
    let mut kustomization = advice.to_commit();
    kustomization["resources"] = json!(["object.yaml"]);
    let program = ArcSetup::new().unwrap();
    program
        .file("object.yaml", yaml::to_string(&plain))
        .unwrap();
    let file = program
        .file("kustomization.yaml", yaml::to_string(&kustomization))
        .unwrap();
    let output = Command::new(built("kubectl").unwrap())
        .arg("kustomize")
        .arg(file.parent().unwrap())
        .env_clear()
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{kustomization:#} {error}");
    let made = String::from_utf8(output.stdout).unwrap();
    let made: Vec<Value> = yaml::parse_documents(&made, "kustomize").unwrap();
    let spec = Pointer::new("/spec/template/spec");
    assert_eq!(
        spec.get(&made[0]),
        spec.get(&patch.after),
        "{kustomization:#}"
    );
}
