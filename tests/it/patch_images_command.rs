//! `patch-images` as somebody types it, without a configuration file.

mod asked;
mod injected;
mod install;
mod killed;
mod many;
mod raced;
mod registry;
mod watched;

use serde_json::{Value, json};

use install::{Install, PROXY, STORY, marked};

use crate::support::arc_setup::ArcSetup;
use crate::support::control_plane::{ControlPlane, Options};

const PATCHED: &str = "registry.artifactory.mydomain.com/brancz/kube-rbac-proxy:v0.8.0";

#[tokio::test]
async fn the_story_is_one_command_and_the_second_run_does_nothing() {
    let plane = ControlPlane::isolated(Options::full()).await.unwrap();
    let install = Install::new(&plane, "actions-runner-system").await;
    let outcome = install.everywhere(&["--yes"]).await.expect_code(0);
    assert!(
        outcome
            .stdout
            .contains("nothing to do: there is no ARC in this cluster"),
        "it says that nothing was found: {}",
        outcome.stdout
    );
    assert!(
        outcome
            .stdout
            .contains("--all-workloads, with -n or -A, looks at everything that has pods"),
        "it says where else to look: {}",
        outcome.stdout
    );

    install.create(marked(&json!({}), &json!({}))).await;
    let before = install.deployment().await;
    let outcome = install
        .everywhere(&["--dry-run", "-o", "json"])
        .await
        .expect_code(0);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    insta::with_settings!({snapshot_path => "../snapshots/patch_images", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("dry_run", format!("{answer:#}"));
    });
    let same = install.deployment().await;
    assert_eq!(same["metadata"]["generation"], 1);
    assert_eq!(same["spec"], before["spec"], "a dry run writes nothing");

    let outcome = install.everywhere(&["--yes"]).await.expect_code(0);
    let line = format!("{PROXY} → {PATCHED}");
    assert!(outcome.stdout.contains(&line), "{}", outcome.stdout);
    let mut wanted = before["spec"].clone();
    wanted["template"]["spec"]["containers"][1]["image"] = json!(PATCHED);
    let after = install.deployment().await;
    assert_eq!(after["spec"], wanted, "nothing else was changed");
    assert_eq!(after["status"]["availableReplicas"], 1);

    let outcome = install.everywhere(&["--yes"]).await.expect_code(0);
    assert!(
        outcome
            .stdout
            .contains("nothing to do: 1 object is as the rules want it"),
        "{}",
        outcome.stdout
    );
    assert_eq!(
        install.deployment().await["metadata"]["generation"],
        after["metadata"]["generation"]
    );
}

#[tokio::test]
async fn all_that_a_run_lacks_is_told_at_once() {
    let program = ArcSetup::new().unwrap();
    let run = async |more: &[&str]| {
        let outcome = program.run(&[&["patch-images"], more].concat()).await;
        outcome.unwrap().expect_code(2).stderr
    };
    let all = [
        "nobody can be asked whether to go on; give --yes",
        "the cluster to write to is not named; give --context NAME",
        "--all-workloads: of which namespaces?; give -n NAMESPACE",
        "there is no rule to rewrite images by; give --registry HOST",
    ];
    let told = run(&["--all-workloads"]).await;
    for said in all
        .iter()
        .chain(&["4 things are missing", "code: no-terminal"])
    {
        assert!(told.contains(said), "{said}: {told}");
    }
    let told = run(&["--all-workloads", "--config", "nosuch.yaml"]).await;
    for said in all[..3].iter().chain(&["nosuch.yaml"]) {
        assert!(told.contains(said), "{said}: {told}");
    }
    // One thing alone has its own code.
    let told = run(&["--dry-run"]).await;
    assert!(told.contains("code: rules-missing"), "{told}");
    let told = run(&["--registry", "r.corp", "--dry-run", "--all-workloads"]).await;
    assert!(told.contains("code: patch-place-missing"), "{told}");
}

#[tokio::test]
async fn what_a_deployment_tool_owns_is_told_and_force_patches_it() {
    let plane = ControlPlane::shared().await.unwrap();
    let helm = json!({"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "actions-runner-controller-0.23.7"});
    let release =
        json!({"meta.helm.sh/release-name": "arc", "meta.helm.sh/release-namespace": "owned-helm"});
    let owners = [
        ("helm", helm, release, "Helm release arc"),
        (
            "argo",
            json!({}),
            json!({"argocd.argoproj.io/tracking-id": "arc:apps/Deployment:owned-argo/controller-manager"}),
            "Argo CD application arc",
        ),
        (
            "flux",
            json!({"kustomize.toolkit.fluxcd.io/name": "arc", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}),
            json!({}),
            "Flux Kustomization flux-system/arc",
        ),
        (
            "fleet",
            json!({}),
            json!({"objectset.rio.cattle.io/id": "default-arc"}),
            "Fleet bundle",
        ),
        (
            "olm",
            json!({"olm.owner": "arc.v0.18.2"}),
            json!({}),
            "OLM arc.v0.18.2",
        ),
    ];
    for (name, labels, annotations, owner) in owners {
        let install = Install::new(plane, &format!("owned-{name}")).await;
        install.create(marked(&labels, &annotations)).await;
        let outcome = install.run(&["--yes"]).await.expect_code(22);
        for part in [owner, "to commit there", PATCHED] {
            assert!(outcome.stdout.contains(part), "{name}: {outcome:?}");
        }
        assert_eq!(install.proxy_image().await, PROXY, "{name}");
        let outcome = install.run(&["--yes", "-o", "json"]).await.expect_code(22);
        let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let object = &answer["objects"][0];
        assert_eq!(object["treatment"], "owned", "{name}");
        let advice = &object["advice"];
        match name {
            "helm" => assert_eq!(
                advice["values"]["metrics"]["proxy"]["image"]["repository"],
                "registry.artifactory.mydomain.com/brancz/kube-rbac-proxy"
            ),
            _ => assert!(advice["patch"].to_string().contains(PATCHED), "{name}"),
        }
        install
            .run(&["--yes", "--force", "--no-wait"])
            .await
            .expect_code(0);
        assert_eq!(install.proxy_image().await, PATCHED, "{name}");
    }
}

#[tokio::test]
async fn a_pull_secret_is_appended_once_and_replaces_none() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "patched-pull-secret").await;
    let mut object = marked(&json!({}), &json!({}));
    object["spec"]["template"]["spec"]["imagePullSecrets"] = json!([{"name": "theirs"}]);
    install.create(object).await;
    let arguments = ["--yes", "--no-wait", "--pull-secret", "artifactory"];
    // Pods that name a Secret that is not there pull without an account.
    let outcome = install.run(&arguments).await.expect_code(20);
    let said = "not patched: Secret patched-pull-secret/artifactory is not there";
    assert!(outcome.stdout.contains(said), "{outcome:?}");
    assert!(
        outcome.stderr.contains("kubectl create secret generic"),
        "{outcome:?}"
    );
    assert_eq!(install.proxy_image().await, PROXY);
    for name in ["artifactory", "another"] {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": r#"{"auths": {}}"#}});
        install.create(secret).await;
    }
    install.run(&arguments).await.expect_code(0);
    let appended = json!([{"name": "theirs"}, {"name": "artifactory"}]);
    let pointer = "/spec/template/spec/imagePullSecrets";
    let patched = install.deployment().await;
    assert_eq!(patched.pointer(pointer), Some(&appended));
    let outcome = install.run(&arguments).await.expect_code(0);
    assert!(outcome.stdout.contains("nothing to do"), "{outcome:?}");
    let again = install.deployment().await;
    assert_eq!(again.pointer(pointer), Some(&appended));
    assert_eq!(
        again["metadata"]["generation"],
        patched["metadata"]["generation"]
    );
    // The Secret alone is reason enough; no rule is needed for it.
    let only = [
        "--yes",
        "--no-wait",
        "--no-verify",
        "--pull-secret",
        "another",
    ];
    install.with(&only).await.expect_code(0);
    let three = install.deployment().await;
    assert_eq!(
        three
            .pointer(pointer)
            .and_then(Value::as_array)
            .map(Vec::len),
        Some(3)
    );
}

#[tokio::test]
async fn a_pod_that_cannot_pull_runs_after_the_patch() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "patched-stuck").await;
    let mut object = marked(&json!({}), &json!({}));
    object["spec"]["template"]["spec"]["containers"][1]["image"] =
        json!("missing.example.com/brancz/kube-rbac-proxy:v0.8.0");
    install.create(object).await;
    install.stuck().await;
    let rule = "missing.example.com=registry.artifactory.mydomain.com";
    install
        .with(&["--registry-map", rule, "--no-verify", "--yes"])
        .await
        .expect_code(0);
    assert_eq!(install.proxy_image().await, PATCHED);
    let status = &install.deployment().await["status"];
    assert_eq!(status["availableReplicas"], 1, "{status}");
}

#[tokio::test]
async fn a_new_image_that_is_missing_too_ends_the_wait_with_its_cause() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "patched-missing").await;
    install.create(marked(&json!({}), &json!({}))).await;
    let rule = [
        "--registry-map",
        "quay.io=missing.example.com",
        "--no-verify",
        "--yes",
    ];
    let outcome = install.with(&rule).await.expect_code(20);
    for part in [
        "code: image-absent",
        "missing.example.com/brancz/kube-rbac-proxy:v0.8.0",
        "patched-missing/controller-manager",
    ] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    assert!(outcome.took.as_secs() < 25, "{:?}", outcome.took);
    // What was written is told all the same: it is in the cluster.
    let line = format!("{PROXY} → missing.example.com/brancz/kube-rbac-proxy:v0.8.0");
    let told = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(told.contains(&line), "{told}");
    // And how to go on, or back.
    for part in [
        "what was patched stays (1 object)",
        "kubectl rollout undo deployment controller-manager -n patched-missing",
    ] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    // Nothing is left to patch, and nothing is well: the second run says so as well.
    let outcome = install.with(&rule).await.expect_code(20);
    assert!(outcome.stderr.contains("code: image-absent"), "{outcome:?}");
    let outcome = install.with(&[&rule[..], &["--no-wait"]].concat()).await;
    outcome.expect_code(0);
}

#[tokio::test]
async fn who_may_not_look_is_told_what_is_needed_and_nothing_was_written() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "patched-forbidden").await;
    install.create(marked(&json!({}), &json!({}))).await;
    let nobody = plane.kubeconfig_for("nobody", &[], "story").unwrap();
    let kubeconfig = ["--yes", "--kubeconfig", nobody.to_str().unwrap()];
    let outcome = install.everywhere(&kubeconfig).await.expect_code(3);
    for part in [
        "in the whole cluster",
        "--namespace NAME",
        "get, list and patch",
    ] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    let outcome = install.run(&kubeconfig).await.expect_code(3);
    assert!(
        !outcome.stderr.contains("--namespace NAME"),
        "{}",
        outcome.stderr
    );
}

#[tokio::test]
async fn only_the_named_namespace_is_looked_into() {
    let plane = ControlPlane::shared().await.unwrap();
    let one = Install::new(plane, "patched-one").await;
    let other = Install::new(plane, "patched-other").await;
    one.create(marked(&json!({}), &json!({}))).await;
    other.create(marked(&json!({}), &json!({}))).await;
    one.run(&["--yes", "--no-wait"]).await.expect_code(0);
    assert_eq!(one.proxy_image().await, PATCHED);
    assert_eq!(other.proxy_image().await, PROXY);
}

#[tokio::test]
async fn without_rules_or_agreement_it_asks_for_them() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "patched-asked").await;
    install.create(marked(&json!({}), &json!({}))).await;
    let outcome = install.with(&["--yes"]).await.expect_code(2);
    assert!(outcome.stderr.contains("--registry-map"), "{outcome:?}");
    let outcome = install.with(STORY).await.expect_code(2);
    assert!(outcome.stderr.contains("--yes"), "{outcome:?}");
    let outcome = install
        .with(&["--registry-map", "quay.io=", "--yes"])
        .await
        .expect_code(2);
    assert!(outcome.stderr.contains("quay.io"), "{outcome:?}");
    assert_eq!(install.proxy_image().await, PROXY);
}

#[tokio::test]
async fn everybodys_workloads_are_looked_at_only_where_somebody_said_where() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "patched-places").await;
    let wrong: [(&[&str], &str); 5] = [
        (&["--all-workloads"], "-n NAMESPACE"),
        (&["--all-workloads", "-n", "kube-system"], "platform"),
        (&["-A", "-n", "default"], "cannot be used with"),
        (&["--kind", "cronjob"], "--all-workloads"),
        (
            &["--owner", "kapp"],
            "helm, argocd, flux, fleet, rancher or olm",
        ),
    ];
    for (arguments, said) in wrong {
        let outcome = install.everywhere(&[arguments, &["--yes"]].concat()).await;
        let outcome = outcome.expect_code(2);
        assert!(outcome.stderr.contains(said), "{said}: {}", outcome.stderr);
    }
}

#[tokio::test]
async fn undo_is_one_command_and_the_answer_says_so() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "patched-undone").await;
    install.create(marked(&json!({}), &json!({}))).await;
    install.run(&["--yes", "--no-wait"]).await.expect_code(0);
    assert_eq!(install.proxy_image().await, PATCHED);
    // It needs no rule: what stood there is written on the object.
    let undo = ["--undo", "--yes", "--no-wait"];
    let outcome = install.with(&undo).await.expect_code(0);
    for part in [
        &format!("{PATCHED} → {PROXY}"),
        "1 object was put back as it was",
    ] {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
    }
    assert_eq!(install.proxy_image().await, PROXY);
    let annotations = &install.deployment().await["metadata"]["annotations"];
    assert!(!annotations.to_string().contains("original-images"));
    let outcome = install.with(&undo).await.expect_code(0);
    assert!(outcome.stdout.contains("nothing to do"), "{outcome:?}");
}
