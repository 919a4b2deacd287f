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
        spec.get(&patch.after(&object)),
        "{kustomization:#}"
    );
}

/// The real helm renders through the script as it is told, and takes the arguments of its last command.
#[test]
fn the_commands_for_helm_run_as_they_stand() {
    let mut object = deployment("n", "d", &json!([{"name": "c", "image": "quay.io/a/b:1"}]));
    let plain = object.clone();
    object["metadata"]["annotations"] =
        json!({"meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "n"});
    let rules = rules(&["quay.io"], &[]);
    let Verdict::Owned(advice) = decide(&object, &rules, &Wanted::default()).verdict else {
        panic!("owned")
    };
    let program = ArcSetup::new().unwrap();
    let write = |name: &str, text: String| program.file(name, text).unwrap();
    write(
        "chart/Chart.yaml",
        "apiVersion: v2\nname: chart\nversion: 1.0.0\n".to_owned(),
    );
    write("chart/templates/d.yaml", yaml::to_string(&plain));
    let file = write("kustomization.yaml", yaml::to_string(&advice.to_commit()));
    let programs = ["helm", "kubectl"].map(|name| built(name).unwrap());
    let path = programs.map(|file| file.parent().unwrap().display().to_string());
    let run = |command: &str| {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &command.replace("CHART", "./chart")]);
        shell.current_dir(file.parent().unwrap()).env_clear();
        shell.env("HOME", file.parent().unwrap());
        shell.env("PATH", format!("{}:/usr/bin:/bin", path.join(":")));
        let output = shell.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
            said,
        )
    };
    let (upgrade, script) = advice.commands.split_last().unwrap();
    for command in script {
        assert!(run(command).0, "{command}");
    }
    // Without a cluster that is as far as it goes: the arguments are the right ones.
    let (_, _, said) = run(upgrade);
    assert!(said.contains("cluster unreachable"), "{upgrade}: {said}");
    let template = upgrade
        .replace("upgrade", "template")
        .replace("--reuse-values", "");
    let (is_done, rendered, said) = run(&template);
    assert!(is_done, "{template}: {said}");
    let after = format!("image: {}", advice.slots[0].after);
    assert!(
        rendered.contains(&after) && !rendered.contains("quay.io"),
        "{rendered}"
    );
}
