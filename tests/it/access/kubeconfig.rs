//! Which kubeconfig and which context, and what is said where they cannot be used.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::control_plane::ControlPlane;

/// The least that needs a cluster: looks for images to rewrite, and finds none.
pub(super) async fn look(program: &ArcSetup, more: &[&str]) -> Outcome {
    let own = [
        "patch-images",
        "--registry",
        "registry.example.com",
        "--namespace",
        "default",
        "--dry-run",
    ];
    program.run(&[&own, more].concat()).await.unwrap()
}

/// The administrator's kubeconfig as a value, with one context of that name.
pub(super) async fn admin(context: &str) -> Value {
    let plane = ControlPlane::untouched().await.unwrap();
    let file = plane.kubeconfig(context).unwrap();
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Fails unless it ended with `code`, and its failure has this code and these words.
#[track_caller]
pub(super) fn refused(outcome: Outcome, code: i32, id: &str, words: &[&str]) -> Outcome {
    let outcome = outcome.expect_code(code);
    let last = format!("code: {id} (exit code {code})");
    for words in words.iter().copied().chain([last.as_str()]) {
        assert!(
            outcome.stderr.contains(words),
            "{words} is not in:\n{}",
            outcome.stderr
        );
    }
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_beats_the_variable_whose_files_are_merged_and_home_comes_last() {
    let mut program = ArcSetup::new().unwrap();
    refused(
        look(&program, &[]).await,
        2,
        "kubeconfig-missing",
        &["--kubeconfig", "KUBECONFIG", ".kube/config"],
    );
    let home = admin("at-home").await;
    program.file(".kube/config", home.to_string()).unwrap();
    look(&program, &["--context", "at-home"])
        .await
        .expect_code(0);
    // The first file has the context's cluster, the second the context; a missing one is no matter.
    let (mut one, mut two) = (admin("split").await, admin("split").await);
    one["contexts"] = json!([]);
    two["clusters"] = json!([]);
    let one = program.file("one", one.to_string()).unwrap();
    let two = program.file("two", two.to_string()).unwrap();
    let list = format!("{}:/nowhere:{}", one.display(), two.display());
    program.env("KUBECONFIG", list);
    look(&program, &["--context", "split"]).await.expect_code(0);
    look(&program, &[]).await.expect_code(0);
    let words = ["'at-home'", "contexts there: split"];
    refused(
        look(&program, &["--context", "at-home"]).await,
        2,
        "kubeconfig-context",
        &words,
    );
    let named = program
        .file("named", admin("named").await.to_string())
        .unwrap();
    let named = named.to_str().unwrap();
    look(&program, &["--kubeconfig", named, "--context", "named"])
        .await
        .expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_or_found_is_a_wrong_call() {
    let mut program = ArcSetup::new().unwrap();
    let file = admin("production").await.to_string();
    let file = program.file("kubeconfig", file).unwrap();
    program.env("KUBECONFIG", &file);
    refused(
        look(&program, &["--context", "prodution"]).await,
        2,
        "kubeconfig-context",
        &["did you mean --context production?"],
    );
    refused(
        look(&program, &["--kubeconfig", "/nowhere/config"]).await,
        2,
        "kubeconfig-unreadable",
        &["/nowhere/config"],
    );
    for (name, content) in [
        ("broken", "clusters: [{name: x, cluster: {server: "),
        ("list", "- 1\n- 2\n"),
        ("binary", "\u{0}\u{1}"),
    ] {
        let file = program.file(name, content).unwrap();
        let outcome = look(&program, &["--kubeconfig", file.to_str().unwrap()]).await;
        let outcome = outcome.expect_code(2);
        assert!(
            outcome.stderr.contains("code: kubeconfig-"),
            "{}",
            outcome.stderr
        );
    }
    let mut incomplete = admin("production").await;
    incomplete["clusters"][0]["cluster"]["server"] = json!("not a url");
    let file = program.file("incomplete", incomplete.to_string()).unwrap();
    refused(
        look(&program, &["--kubeconfig", file.to_str().unwrap()]).await,
        2,
        "kubeconfig-context",
        &["not a url"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_or_never_answers_ends_soon() {
    let mut program = ArcSetup::new().unwrap();
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (hangs, refuses) = (silent.local_addr().unwrap(), closed.local_addr().unwrap());
    drop(closed);
    for (server, seconds) in [
        (format!("https://{refuses}"), 5),
        (format!("https://{hangs}"), 15),
        ("https://no-such-host.invalid:6443".to_owned(), 15),
    ] {
        let mut config = admin("gone").await;
        config["clusters"][0]["cluster"]["server"] = json!(server);
        let file = program.file("gone", config.to_string()).unwrap();
        program.env("KUBECONFIG", file);
        let outcome = refused(
            look(&program, &[]).await,
            3,
            "cluster-unreachable",
            &[server.trim_start_matches("https://")],
        );
        assert!(
            outcome.took < Duration::from_secs(seconds),
            "{server}: {:?}",
            outcome.took
        );
    }
}
