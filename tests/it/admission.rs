//! `patch-images --admission` on the API server: pods that nobody patched come out as the rules say.

mod agreement;
mod site;

use serde_json::{Value, json};

use crate::support::arc_setup::ArcSetup;
use crate::support::control_plane::{ControlPlane, Options};
use site::{MIRROR, Site, images, pod};

#[tokio::test]
async fn new_pods_of_runner_namespaces_are_rewritten_and_nothing_else_is() {
    let site = Site::new().await;
    for namespace in ["runners", "more-runners", "other"] {
        site.plane.create_namespace(namespace).await.unwrap();
    }
    site.create("runners", "older", "quay.io/a/old:1").await;
    site.program.file("arc-setup.yaml", CONFIGURATION).unwrap();
    let outcome = site.run(&["--dry-run"]).await.expect_code(0);
    assert!(outcome.stdout.contains("would be created"), "{outcome:?}");
    assert!(
        outcome.stdout.contains("nothing was written"),
        "{outcome:?}"
    );
    assert_eq!(site.policies().await, 0);

    let outcome = site.run(&["--yes"]).await.expect_code(0);
    for namespace in ["runners", "more-runners"] {
        let line = format!(
            "proven in {namespace}: quay.io/arc-setup-probe:1 → {MIRROR}/arc-setup-probe:1"
        );
        assert!(outcome.stdout.contains(&line), "{}", outcome.stdout);
    }
    assert_eq!(site.policies().await, 4);
    let everything = json!({"metadata": {"name": "every-place", "annotations": {"theirs": "kept"}}, "spec": {
        "initContainers": [
            {"name": "first", "image": "quay.io/init", "env": [{"name": "IMAGE", "value": "quay.io/their/own"}]},
            {"name": "sidecar", "image": "quay.io/side:1", "restartPolicy": "Always"},
        ],
        "containers": [
            {"name": "job", "image": "quay.io/job@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
            {"name": "kept", "image": "alpine", "env": [{"name": "ACTIONS_RUNNER_IMAGE", "value": "quay.io/runner:1"}]},
        ],
        "volumes": [{"name": "data", "image": {"reference": "quay.io/data:1"}}],
    }});
    let made = site.make("more-runners", everything.clone()).await;
    let digest = "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(
        images(&made),
        [
            format!("{MIRROR}/job{digest}"),
            "alpine".to_owned(),
            format!("{MIRROR}/init"),
            format!("{MIRROR}/side:1"),
            format!("{MIRROR}/data:1"),
        ]
    );
    let spec = &made["spec"];
    assert_eq!(
        spec["containers"][1]["env"][0]["value"],
        format!("{MIRROR}/runner:1")
    );
    // A job's own variable is none of ours.
    assert_eq!(
        spec["initContainers"][0]["env"][0]["value"],
        "quay.io/their/own"
    );
    let annotations = &made["metadata"]["annotations"];
    assert_eq!(annotations["theirs"], "kept");
    let originals: Value = serde_json::from_str(
        annotations["arc-setup.dev/images-before-admission"]
            .as_str()
            .unwrap(),
    )
    .unwrap();
    assert_eq!(
        originals["/spec/volumes/0/image/reference"],
        "quay.io/data:1"
    );
    assert_eq!(originals.as_object().unwrap().len(), 5);

    let untouched = site.make("other", everything).await;
    assert_eq!(
        untouched["spec"]["initContainers"][0]["image"],
        "quay.io/init"
    );
    assert_eq!(
        untouched["metadata"]["annotations"],
        json!({"theirs": "kept"})
    );
    site.changes_of_an_older_pod_restart_nothing().await;
    again_and_undone(&site).await;
}

async fn again_and_undone(site: &Site) {
    let outcome = site.run(&["--yes"]).await.expect_code(0);
    assert_eq!(
        outcome.stdout.matches(": as wanted").count(),
        4,
        "{outcome:?}"
    );
    // Another rule: the same objects, changed.
    let more = ["--yes", "--registry-map", "ghcr.io=mirror.corp:5000/ghcr"];
    let outcome = site.run(&more).await.expect_code(0);
    assert!(
        outcome
            .stdout
            .contains("ghcr.io/arc-setup-probe:1 → mirror.corp:5000/ghcr/arc-setup-probe:1"),
        "{outcome:?}"
    );
    assert_eq!(site.policies().await, 4);

    let outcome = site.run(&["--undo", "--dry-run"]).await.expect_code(0);
    assert_eq!(
        outcome.stdout.matches("would be removed").count(),
        4,
        "{outcome:?}"
    );
    assert_eq!(site.policies().await, 4);
    site.run(&["--undo", "--yes"]).await.expect_code(0);
    assert_eq!(site.policies().await, 0);
    let outcome = site.run(&["--undo", "--yes"]).await.expect_code(0);
    assert!(outcome.stdout.contains("nothing to do"), "{outcome:?}");

    // Whoever removes the install removes them too.
    site.run(&["--yes"]).await.expect_code(0);
    assert_eq!(site.policies().await, 4);
    site.plane.create_namespace("arc-systems").await.unwrap();
    let uninstall = ["uninstall", "--context", "story", "--yes"];
    let outcome = site.program.run(&uninstall).await.unwrap();
    outcome.expect_code(0);
    assert_eq!(site.policies().await, 0);
}

/// Two runner sets in two namespaces.
const CONFIGURATION: &str = "
github: {url: https://github.com, organization: o, token: {env: T}}
registry: {map: [{source: quay.io, target: registry.artifactory.mydomain.com}, {source: docker.io, target: keep}]}
namespaces: {runners: runners}
runnerSets: [{name: one, max: 1}, {name: two, namespace: more-runners, max: 1}]
";

#[tokio::test]
async fn closed_refuses_what_cannot_be_rewritten_and_open_tells_it() {
    let site = Site::new().await;
    site.plane.create_namespace("runners").await.unwrap();
    let long = format!("docker.io=mirror.corp/{}", vec!["long"; 50].join("/"));
    let rules = [
        "-n",
        "runners",
        "--yes",
        "--registry-map",
        "quay.io=mirror.corp/quay",
        "--registry-map",
        "ghcr.io=deny",
        "--registry-map",
        &long,
    ];
    site.run(&rules).await.expect_code(0);
    let denied = pod("denied", "ghcr.io/a/b:1");
    let overlong = pod("overlong", "docker.io/a/long/name:1");
    for (pod, what) in [
        (
            &denied,
            "images that a rule denies: ghcr.io/a/b:1 (--registry-map ghcr.io=deny)",
        ),
        (&overlong, "longer than 255 bytes: docker.io/a/long/name:1"),
    ] {
        let applied = site.try_out("runners", pod).await.unwrap();
        let warnings = applied.warnings.join("\n");
        assert!(warnings.contains(what), "{warnings}");
        assert_eq!(images(&applied.object), images(pod), "left alone");
    }
    let fine = site
        .try_out("runners", &pod("fine", "quay.io/a"))
        .await
        .unwrap();
    assert_eq!(fine.warnings, Vec::<String>::new());

    let closed = [&rules[..], &["--admission-fail", "closed"]].concat();
    let outcome = site.run(&closed).await.expect_code(0);
    assert!(
        outcome.stdout.contains("proven in runners: quay.io/"),
        "{outcome:?}"
    );
    for (pod, what) in [
        (&denied, "ghcr.io/a/b:1"),
        (&overlong, "docker.io/a/long/name:1"),
    ] {
        let error = site.refused("runners", pod).await;
        assert!(error.contains(what), "{error}");
    }
    let fine = site
        .try_out("runners", &pod("fine", "quay.io/a"))
        .await
        .unwrap();
    assert_eq!(images(&fine.object), ["mirror.corp/quay/a"]);
}

#[tokio::test]
async fn who_may_not_write_them_hands_them_over() {
    let site = Site::new().await;
    site.plane.create_namespace("runners").await.unwrap();
    let nobody = site.plane.kubeconfig_for("nobody", &[], "story").unwrap();
    let rules = [
        "-n",
        "runners",
        "--registry-map",
        "quay.io=mirror.corp/quay",
    ];
    let of_nobody = [&rules[..], &["--kubeconfig", nobody.to_str().unwrap()]].concat();
    let outcome = site
        .run(&[&of_nobody[..], &["--yes"]].concat())
        .await
        .expect_code(3);
    for part in [
        "code: admission-rights",
        "mutatingadmissionpolicies",
        "--dry-run -o yaml",
    ] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    let outcome = site
        .run(&[&of_nobody[..], &["--dry-run"]].concat())
        .await
        .expect_code(0);
    assert_eq!(
        outcome.stdout.matches("you may not write it").count(),
        4,
        "{outcome:?}"
    );
    let yaml = site
        .run(&[&of_nobody[..], &["--dry-run", "-o", "yaml"]].concat())
        .await
        .expect_code(0);
    let file = site.program.file("admission.yaml", &yaml.stdout).unwrap();
    let apply = [
        "apply",
        "--server-side",
        "--field-manager=arc-setup",
        "-f",
        file.to_str().unwrap(),
    ];
    let applied = site.plane.kubectl(&apply).unwrap();
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    let outcome = site
        .run(&[&rules[..], &["--yes"]].concat())
        .await
        .expect_code(0);
    assert_eq!(
        outcome.stdout.matches(": as wanted").count(),
        4,
        "{outcome:?}"
    );
    assert!(
        outcome.stdout.contains("proven in runners: quay.io/"),
        "{outcome:?}"
    );
    // No cluster is needed to read them.
    let none = [
        "--dry-run",
        "-o",
        "yaml",
        "--kubernetes-version",
        "1.36",
        "--kubeconfig",
        "/nowhere",
    ];
    let without = site.run(&[&rules[..], &none].concat()).await.expect_code(0);
    assert_eq!(without.stdout, yaml.stdout);
    let old = ["--dry-run", "--kubernetes-version", "1.33"];
    let outcome = site.run(&[&rules[..], &old].concat()).await.expect_code(3);
    assert!(
        outcome.stderr.contains("code: admission-unsupported"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn what_is_of_somebody_else_or_of_the_cluster_is_left_alone() {
    let site = Site::new().await;
    let rules = ["--registry-map", "quay.io=mirror.corp/quay"];
    let outcome = site
        .run(&[&rules[..], &["--yes"]].concat())
        .await
        .expect_code(2);
    assert!(
        outcome.stderr.contains("code: admission-namespaces"),
        "{outcome:?}"
    );
    let system = ["--yes", "-n", "kube-system"];
    let outcome = site
        .run(&[&rules[..], &system].concat())
        .await
        .expect_code(2);
    assert!(outcome.stderr.contains("kube-system"), "{outcome:?}");
    let keep = ["--yes", "-n", "runners", "--registry-map", "quay.io=keep"];
    let outcome = site.run(&keep).await.expect_code(2);
    assert!(
        outcome.stderr.contains("code: rules-missing"),
        "{outcome:?}"
    );
    let foreign = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "arc-arc-systems-images"},
        "spec": {"policyName": "theirs", "validationActions": ["Audit"]}});
    site.cluster.create(&foreign, false).await.unwrap();
    let outcome = site
        .run(&[&rules[..], &["--yes", "-n", "runners"]].concat())
        .await
        .expect_code(22);
    assert!(
        outcome.stderr.contains("code: admission-foreign"),
        "{outcome:?}"
    );
    assert_eq!(site.policies().await, 1, "nothing was written");
}

/// A server that behaves as an older release: what it serves, and which expressions it takes.
async fn emulating(version: &str, more: &[&str]) -> Site {
    let mut apiserver_flags = vec![format!("--emulated-version={version}")];
    apiserver_flags.extend(more.iter().map(|flag| (*flag).to_owned()));
    let options = Options {
        apiserver_flags,
        ..Options::default()
    };
    Site::on(ControlPlane::isolated(options).await.unwrap())
}

#[tokio::test]
async fn the_beta_is_used_where_it_is_turned_on_and_told_to_be_missing_elsewhere() {
    let rules = [
        "-n",
        "runners",
        "--registry-map",
        "quay.io=mirror.corp/quay",
    ];
    let beta = [
        "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
        "--feature-gates=kube:MutatingAdmissionPolicy=true",
        // It would wait for v1, which it does not serve.
        "--disable-admission-plugins=MutatingAdmissionPolicy",
    ];
    let site = emulating("1.34", &beta).await;
    // The server compiles every expression as 1.34 does, and would refuse one that it does not know.
    let outcome = site
        .run(&[&rules[..], &["--dry-run", "-o", "yaml"]].concat())
        .await
        .expect_code(0);
    let version = "apiVersion: admissionregistration.k8s.io/v1beta1\n";
    assert_eq!(
        outcome.stdout.matches(version).count(),
        2,
        "{}",
        outcome.stdout
    );
    drop(site);

    let site = emulating("1.35", &[]).await;
    let outcome = site
        .run(&[&rules[..], &["--yes"]].concat())
        .await
        .expect_code(3);
    for part in ["code: admission-unsupported", "1.36", "--runtime-config"] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    assert_eq!(site.policies().await, 0);
}

/// A server of 1.36 that serves the beta too: what is written for 1.34 does its work, as an administrator applies it.
#[tokio::test]
async fn what_is_written_in_the_beta_rewrites_pods() {
    let site = Site::with(&["--runtime-config=admissionregistration.k8s.io/v1beta1=true"]).await;
    site.plane.create_namespace("runners").await.unwrap();
    let arguments = [
        "-n",
        "runners",
        "--registry-map",
        "quay.io=mirror.corp/quay",
        "--dry-run",
        "--kubernetes-version",
        "1.34",
        "-o",
        "yaml",
    ];
    let written = site.run(&arguments).await.expect_code(0).stdout;
    let version = "apiVersion: admissionregistration.k8s.io/v1beta1\n";
    assert_eq!(written.matches(version).count(), 2, "{written}");
    let file = site.program.file("beta.yaml", &written).unwrap();
    let applied = site
        .plane
        .kubectl(&["apply", "--server-side", "-f", &file.to_string_lossy()])
        .unwrap();
    let said = String::from_utf8_lossy(&applied.stderr);
    assert!(applied.status.success(), "{said}");
    let wanted = pod("job", "quay.io/a/b:1");
    let image = crate::control_plane::eventually("a rewritten pod", async || {
        let made = site.try_out("runners", &wanted).await.ok()?;
        images(&made.object)
            .into_iter()
            .find(|image| !image.starts_with("quay.io/"))
    })
    .await;
    assert_eq!(image, "mirror.corp/quay/a/b:1");
}

#[tokio::test]
async fn one_namespace_alone_is_not_undone() {
    let program = ArcSetup::new().unwrap();
    let undo = ["patch-images", "--admission", "--undo", "--yes"];
    let of_one = [&undo[..], &["-n", "team-a"]].concat();
    let outcome = program.run(&of_one);
    let outcome = outcome.await.unwrap().expect_code(2);
    assert!(
        outcome
            .stderr
            .contains("from every namespace, not from one"),
        "{outcome:?}"
    );
    let closed = ["--admission-fail", "closed"];
    let outcome = program.run(&[&undo[..], &closed].concat()).await.unwrap();
    assert!(outcome.expect_code(2).stderr.contains("--undo"));
}

#[tokio::test]
async fn what_is_about_patching_alone_is_no_word_of_admission() {
    let program = ArcSetup::new().unwrap();
    for flag in [
        "--force",
        "--no-verify",
        "--require-verified",
        "--use-cluster-pull-secrets",
        "--no-wait",
    ] {
        let arguments = ["patch-images", "--admission", "--dry-run", flag];
        let outcome = program.run(&arguments).await.unwrap().expect_code(2);
        assert!(
            outcome.stderr.contains("cannot be used with") && outcome.stderr.contains(flag),
            "{outcome:?}"
        );
    }
}
