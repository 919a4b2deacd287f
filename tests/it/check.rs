//! `check`: what `init` checks, and what each place of the cluster reaches. On a real API server; what the probes' containers
//! run is run here, by a real shell with a real curl.

mod node;
mod servers;

use serde_json::{Value, json};

use crate::control_plane::eventually;
use crate::init::site::Site;
use crate::support::arc_setup::Outcome;
use node::ProbeNode;

/// The story, in the second generation of ARC: a Docker daemon beside the runner.
const STORY: &str = "examples/locked-down-rancher-scale-set/arc-setup.yaml";
const NAMESPACES: [&str; 2] = ["arc-systems", "arc-runners"];

/// The story, installed.
async fn site() -> Site {
    let site = Site::start(STORY).await;
    site.installed().await;
    site
}

async fn check(site: &Site, more: &[&str]) -> Outcome {
    let arguments = ["check", "--config", &site.config, "--context", "site"];
    let arguments = [&arguments[..], more].concat();
    site.program.run(&arguments).await.unwrap()
}

/// From the cluster, asking nothing.
async fn look(site: &Site, more: &[&str]) -> Outcome {
    let look = ["--from-cluster", "--yes", "--timeout", "20s", "-o", "json"];
    check(site, &[&look[..], more].concat()).await
}

fn probes(site: &Site) -> Vec<Value> {
    let list = site.get(&["pods", "-A", "-l", "arc-setup.dev/probe"]);
    list["items"].as_array().unwrap().clone()
}

/// No pod stays, and no lock.
async fn nothing_is_left(site: &Site) {
    eventually("the probes' end", async || {
        probes(site).is_empty().then_some(())
    })
    .await;
    let leases = site.get(&["leases", "-n", "arc-systems"]);
    assert_eq!(leases["items"].as_array().unwrap().len(), 0);
}

/// What is needed, asked and not reached: place, target and how it fails.
fn red(outcome: &Outcome) -> Vec<(String, String, String)> {
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let cells = answer["grid"]["cells"].as_array().unwrap().clone();
    let text = |cell: &Value, key: &str| cell[key].as_str().unwrap_or_default().to_owned();
    cells
        .iter()
        .filter(|cell| cell["state"] == "blocked" && cell["isNeeded"] == true)
        .map(|cell| {
            (
                text(cell, "place"),
                text(cell, "target"),
                text(cell, "brief"),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_probes_it_is_what_init_checks_and_makes_nothing() {
    let site = Site::start(STORY).await;
    let before = site.world().await;
    let outcome = check(&site, &["-o", "json"]).await.expect_code(0);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["kind"], "Check");
    assert_eq!(answer.get("grid"), None);
    let findings = answer["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["id"] == "rights"));
    let refused = check(&site, &["--runner-image", "ghcr.io/corp/none:1"])
        .await
        .expect_code(3);
    assert!(refused.stderr.contains("check found"), "{}", refused.stderr);
    let after = site.world().await;
    assert_eq!(
        crate::init::world::versions(&before),
        crate::init::world::versions(&after)
    );
    // Nothing is installed: there is no place to look from, and it says what to do.
    let early = look(&site, &[]).await.expect_code(3);
    assert!(
        early.stderr.contains("run arc-setup init first"),
        "{}",
        early.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_place_is_looked_from_and_one_that_is_blocked_is_told() {
    let site = site().await;
    let _node = ProbeNode::follow(&site, &["curl"]).unwrap();
    let outcome = look(&site, &[]).await.expect_code(0);
    assert_eq!(red(&outcome), []);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let places: Vec<&str> = answer["grid"]["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| place["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        places,
        ["this host", "node", "controller", "runner", "dind"]
    );
    let state = |place: &str, target: &str| {
        let cells = answer["grid"]["cells"].as_array().unwrap();
        let cell = cells
            .iter()
            .find(|cell| cell["place"] == place && cell["target"] == target);
        cell.unwrap()["state"].as_str().unwrap().to_owned()
    };
    for place in ["controller", "runner"] {
        for target in ["GitHub API", "GitHub results", "GitHub codeload"] {
            assert_eq!(state(place, target), "ok", "{place} {target}");
        }
    }
    let registry = "registry registry.artifactory.mydomain.com";
    assert_eq!(state("node", registry), "ok");
    assert_eq!(state("node", "registry docker.io"), "ok");
    assert_eq!(state("node", "GitHub API"), "never");
    // This machine has no Docker daemon: not proven is not green.
    assert_eq!(state("dind", "registry docker.io"), "unproven");
    let strict = look(&site, &["--strict"]).await.expect_code(4);
    assert!(
        strict.stderr.contains("vantage-unproven"),
        "{}",
        strict.stderr
    );
    nothing_is_left(&site).await;

    // One namespace has another authority: there alone, GitHub is not trusted.
    let patch = ["patch", "configmap", "arc-ca", "--type=json", "-p"];
    let live = site.get(&["configmap", "arc-ca", "-n", "arc-systems"]);
    let keys = live["data"].as_object().unwrap().keys();
    let emptied: Vec<Value> = keys
        .map(|key| json!({"op": "remove", "path": format!("/data/{key}")}))
        .collect();
    let emptied = Value::from(emptied).to_string();
    site.kubectl(&[&patch[..], &[&emptied, "-n", "arc-systems"]].concat());
    let outcome = look(&site, &[]).await.expect_code(3);
    let untrusted = |target: &str| {
        [(
            "controller".to_owned(),
            target.to_owned(),
            "tls: untrusted".to_owned(),
        )]
    };
    assert_eq!(red(&outcome), untrusted("GitHub API"));
    for said in [
        "controller → GitHub API",
        "vantage-untrusted",
        "arc-setup ca doctor HOST",
    ] {
        assert!(outcome.stderr.contains(said), "{said}: {}", outcome.stderr);
    }
    nothing_is_left(&site).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_without_curl_proves_nothing_and_is_no_failure() {
    let site = site().await;
    let _node = ProbeNode::follow(&site, &[]).unwrap();
    let outcome = check(&site, &["--from-cluster", "--yes", "--timeout", "20s"])
        .await
        .expect_code(0);
    let said = "runner: not proven: the runner's image has no curl: nothing was asked";
    assert!(outcome.stdout.contains(said), "{}", outcome.stdout);
    nothing_is_left(&site).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_are_restricted_and_shown_before_they_are_made() {
    let site = site().await;
    let shown = check(&site, &["--from-cluster", "--dry-run", "-o", "json"])
        .await
        .expect_code(0);
    assert_eq!(probes(&site).len(), 0);
    let answer: Value = serde_json::from_str(&shown.stdout).unwrap();
    let pods = answer["pods"].as_array().unwrap();
    assert_eq!(pods.len(), 3, "{pods:#?}");
    let mut place = Vec::new();
    for pod in pods {
        let spec = &pod["spec"];
        assert_eq!(spec["automountServiceAccountToken"], false);
        assert_eq!(spec.get("hostNetwork"), None);
        assert_eq!(spec["activeDeadlineSeconds"], 600);
        let text = pod.to_string();
        assert!(!text.contains("serviceAccountToken\""), "{text}");
        for container in spec["containers"].as_array().unwrap() {
            assert!(container["resources"]["limits"].is_object(), "{container}");
        }
        let kind = pod["metadata"]["labels"]["arc-setup.dev/probe"].as_str();
        place.push(kind.unwrap());
        // The account is the real one, and the pull secret too.
        assert!(spec["serviceAccountName"].is_string());
        assert_eq!(spec["imagePullSecrets"][0]["name"], "arc-pull");
        let namespace = pod["metadata"]["namespace"].as_str().unwrap();
        let label = "pod-security.kubernetes.io/enforce=restricted";
        site.kubectl(&["label", "namespace", namespace, label, "--overwrite"]);
        let file = site.program.file("pod.json", &text).unwrap();
        let file = file.display().to_string();
        let create = ["create", "--dry-run=server", "-f", &file];
        let output = site.plane.kubectl(&create).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if kind == Some("dind") {
            assert!(said.contains("violates PodSecurity"), "{said}");
        } else {
            assert!(output.status.success(), "{said}");
            // What the passes gave to the workload, the probe has.
            for name in ["HTTPS_PROXY", "no_proxy", "SSL_CERT_DIR"] {
                assert!(text.contains(&format!("\"{name}\"")), "{name}: {text}");
            }
        }
        // The controller's own token is not for another image.
        assert!(!text.contains("github_token"), "{text}");
    }
    place.sort_unstable();
    assert_eq!(place, ["controller", "dind", "runner"]);

    // A namespace that refuses privileged pods has no daemon to look from; the others are looked from.
    let _node = ProbeNode::follow(&site, &["curl"]).unwrap();
    let outcome = look(&site, &[]).await.expect_code(3);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let places = answer["grid"]["places"].as_array().unwrap();
    let failed: Vec<&Value> = places
        .iter()
        .filter(|place| place["failure"].is_object())
        .collect();
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert_eq!(failed[0]["name"], "dind");
    assert_eq!(failed[0]["failure"]["code"], "pod-security");
    nothing_is_left(&site).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_run_left_goes_with_the_next_and_with_uninstall() {
    let site = site().await;
    let arguments = [
        "check",
        "--config",
        &site.config,
        "--context",
        "site",
        "--from-cluster",
        "--yes",
    ];
    let killed = async || {
        // Nobody plays the node: the pods run and do not end. Dropped is killed.
        let running = site.program.start(&arguments).unwrap();
        eventually("probes that run", async || {
            (probes(&site).len() == 3).then_some(())
        })
        .await;
        drop(running);
        assert_eq!(probes(&site).len(), 3);
        // As if the lock of the dead run had expired.
        site.kubectl(&["delete", "lease", "--all", "-n", "arc-systems"]);
    };
    killed().await;
    let interrupted = site.program.start(&arguments).unwrap();
    let old = probes(&site);
    eventually("the old probes' end", async || {
        let now = probes(&site);
        let is_old = |pod: &&Value| {
            old.iter()
                .any(|old| old["metadata"]["uid"] == pod["metadata"]["uid"])
        };
        (now.len() == 3 && now.iter().filter(is_old).count() == 0).then_some(())
    })
    .await;
    interrupted.interrupt().unwrap();
    interrupted.wait().await.unwrap().expect_code(130);
    nothing_is_left(&site).await;

    killed().await;
    let uninstall = [
        "uninstall",
        "--config",
        &site.config,
        "--context",
        "site",
        "--yes",
    ];
    site.program.run(&uninstall).await.unwrap().expect_code(0);
    eventually("the probes' end", async || {
        probes(&site).is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_missing_is_named_before_a_pod_is_made() {
    let mut site = site().await;
    let reads = "--verb=get,list,watch";
    site.kubectl(&["create", "clusterrole", "reader", reads, "--resource=*.*"]);
    let binding = ["create", "clusterrolebinding", "reader"];
    site.kubectl(&[&binding[..], &["--clusterrole=reader", "--user=reader"]].concat());
    let kubeconfig = site.plane.kubeconfig_for("reader", &[], "site").unwrap();
    site.program.env("KUBECONFIG", kubeconfig);
    let outcome = look(&site, &[]).await.expect_code(3);
    for namespace in NAMESPACES {
        let said = format!("no right to create pods in namespace {namespace}");
        assert!(outcome.stderr.contains(&said), "{}", outcome.stderr);
    }
    assert!(
        outcome.stderr.contains("code: probe-forbidden"),
        "{}",
        outcome.stderr
    );
    assert_eq!(probes(&site).len(), 0);
}
