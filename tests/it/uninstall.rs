//! `uninstall` by the program itself: every object of the cluster before `init` and after it.

mod census;
mod existing;
mod half_done;
mod manager;
mod namesakes;
mod site;

use arc_setup::object::ObjectRef;
use serde_json::{Value, json};

use crate::control_plane::eventually;
use census::Census;
use manager::Manager;
use site::Site;

const YES: &[&str] = &["--yes"];

fn deployment(before: &Census, after: &Census) -> ObjectRef {
    let mut new = after
        .iter()
        .filter(|(key, object)| !before.contains_key(*key) && object["kind"] == "Deployment");
    let (_, object) = new.next().unwrap();
    assert!(new.next().is_none(), "one controller");
    ObjectRef::from_value(object)
}

async fn manager(site: &Site, before: &Census, runners: &str) -> Manager {
    Manager {
        deployment: deployment(before, &site.census().await),
        runners: runners.to_owned(),
        keeps: &[],
    }
}

#[tokio::test]
async fn a_scale_set_install_leaves_nothing_and_touches_nothing_of_others() {
    let site = Site::scale_set().await;
    // The runners' namespace was there before, and somebody has something in it.
    site.namespace("arc-runners").await;
    site.foreign(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": "arc-runners"}, "data": {"a": "1"}}))
        .await;
    let before = site.census().await;
    site.init(&[]).await;
    // What a killed init left behind of its pull test.
    site.foreign(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "left-behind", "namespace": "arc-runners",
        "labels": {"app.kubernetes.io/managed-by": "arc-setup", "arc-setup.dev/install": "arc", "arc-setup.dev/pull-test": "x"}},
        "spec": {"containers": [{"name": "runner", "image": "x:1"}]}}))
        .await;
    let manager = manager(&site, &before, "arc-runners").await;
    manager.populate(&site.cluster).await;
    let running = manager.start(&site.plane);
    let installed = site.census().await;

    let outcome = site
        .run("uninstall", &["--dry-run", "-o", "json"])
        .await
        .expect_code(0);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["kind"], "Uninstall");
    assert_eq!(answer["apiVersion"], "arc-setup/v1");
    assert_eq!(answer["dryRun"], true);
    let text = answer["plan"].to_string();
    assert!(text.contains("AutoscalingRunnerSet"), "{text}");
    for part in [
        "context site, server https://",
        " to delete\n",
        ". Namespace arc-runners is kept: this install did not make it\n",
        "nothing was removed; the same command without --dry-run does it",
    ] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    assert!(
        !outcome.stderr.contains("part of this install"),
        "said once, by the heading"
    );
    let unchanged = census::difference(&installed, &site.census().await);
    assert!(
        unchanged.is_empty(),
        "a dry run removes nothing: {unchanged:?}"
    );

    let outcome = site.run("uninstall", YES).await.expect_code(0);
    assert_eq!(
        running.released(),
        [
            "AutoscalingListener",
            "EphemeralRunner",
            "EphemeralRunnerSet",
            "AutoscalingRunnerSet"
        ]
    );
    let said = &outcome.stderr;
    assert!(
        said.contains("ephemeralrunner.actions.github.com/finalizer"),
        "it says what it waits for: {said}"
    );
    assert!(
        said.ends_with(
            "  kept: Namespace arc-runners: this install did not make it\narc is removed from site\n"
        ),
        "{said}"
    );
    let namespaces = site
        .cluster
        .list("v1", "Namespace", None, None)
        .await
        .unwrap();
    assert!(
        !Value::from(namespaces).to_string().contains("arc-systems"),
        "it waits until the namespaces are gone"
    );
    site.is_again(&before).await;

    let outcome = site.run("uninstall", YES).await.expect_code(0);
    let nothing = "nothing to do: there is no install named arc in site\n";
    assert!(outcome.stderr.ends_with(nothing), "{outcome:?}");
    let outcome = site
        .run("uninstall", &["--yes", "-o", "json"])
        .await
        .expect_code(0);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["plan"]["waves"], json!([]));
}

#[tokio::test]
async fn a_legacy_install_leaves_nothing_and_keeps_what_was_there() {
    let site = Site::legacy().await;
    // A definition that somebody else put there, and the controller's namespace.
    site.namespace("actions-runner-system").await;
    site.foreign(json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "runners.actions.summerwind.dev"},
        "spec": {"group": "actions.summerwind.dev", "scope": "Namespaced",
            "names": {"plural": "runners", "singular": "runner", "kind": "Runner", "listKind": "RunnerList"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}))
        .await;
    let before = site.census().await;
    site.init(&[]).await;
    let installed = site.census().await;
    assert!(
        census::difference(&before, &installed).len() > 10,
        "there is something to remove"
    );
    site.run("uninstall", YES).await.expect_code(0);
    site.is_again(&before).await;
    let outcome = site.run("uninstall", YES).await.expect_code(0);
    assert!(outcome.stderr.contains("nothing to do"), "{outcome:?}");
}

/// From 0.22 on the legacy manager holds the pods of runners, until it has taken them off GitHub's list.
#[tokio::test]
async fn the_manager_stays_as_long_as_it_holds_a_pod() {
    let site = Site::legacy().await;
    site.init(&[]).await;
    let runner = "actions.summerwind.dev/v1alpha1";
    let runner = ObjectRef::new(runner, "Runner", Some("actions-runners"), "gh-runner");
    let owner = site.cluster.get(&runner).await.unwrap().unwrap();
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "gh-runner", "namespace": "actions-runners", "finalizers": ["actions.summerwind.dev/runner-pod"],
            "ownerReferences": [{"apiVersion": owner["apiVersion"], "kind": "Runner", "name": "gh-runner", "uid": owner["metadata"]["uid"]}]},
        "spec": {"containers": [{"name": "runner", "image": "registry.example.com/runner:1"}]}});
    site.cluster.create(&pod, false).await.unwrap();
    let outcome = site
        .run("uninstall", &["--yes", "--timeout", "2s"])
        .await
        .expect_code(124);
    let kept = "Pod actions-runners/gh-runner (finalizer actions.summerwind.dev/runner-pod)";
    assert!(outcome.stderr.contains(kept), "{}", outcome.stderr);
    let name = "arc-controller-manager";
    let manager = ObjectRef::new("apps/v1", "Deployment", Some("actions-runner-system"), name);
    let manager = async || site.cluster.get(&manager).await.unwrap();
    assert!(manager().await.is_some(), "{}", outcome.stderr);

    let released = json!({"metadata": {"finalizers": null}});
    let pod = ObjectRef::from_value(&pod);
    let patched = site.cluster.merge_patch(&pod, &released, "test", false);
    patched.await.unwrap();
    site.run("uninstall", YES).await.expect_code(0);
    assert!(manager().await.is_none());
}

#[tokio::test]
async fn what_others_have_of_any_kind_keeps_a_namespace() {
    let site = Site::scale_set().await;
    let group = "external-secrets.example";
    site.foreign(json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("externalsecrets.{group}")},
        "spec": {"group": group, "scope": "Namespaced",
            "names": {"plural": "externalsecrets", "singular": "externalsecret", "kind": "ExternalSecret", "listKind": "ExternalSecretList"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}))
        .await;
    site.init(&[]).await;
    let theirs = json!({"apiVersion": format!("{group}/v1"), "kind": "ExternalSecret",
        "metadata": {"name": "login", "namespace": "arc-systems"}});
    let theirs = eventually("the kind is served", async || {
        site.cluster.create(&theirs, false).await.ok()
    })
    .await
    .object;
    site.foreign(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": "arc-systems",
        "ownerReferences": [{"apiVersion": format!("{group}/v1"), "kind": "ExternalSecret", "name": "login",
            "uid": theirs["metadata"]["uid"]}]}}))
        .await;

    let outcome = site.run("uninstall", YES).await.expect_code(0);
    let kept = "kept: Namespace arc-systems: 1 object of others is in it, such as ExternalSecret arc-systems/login";
    assert!(outcome.stderr.contains(kept), "{}", outcome.stderr);
    let theirs = ObjectRef::from_value(&theirs);
    assert!(site.cluster.get(&theirs).await.unwrap().is_some());
    let runners = ObjectRef::new("v1", "Namespace", None, "arc-runners");
    assert!(
        site.cluster.get(&runners).await.unwrap().is_none(),
        "nobody has anything there"
    );
}

#[tokio::test]
async fn a_finalizer_that_never_clears_ends_the_wait_and_the_next_run_goes_on() {
    let site = Site::scale_set().await;
    let before = site.census().await;
    site.init(&[]).await;
    let mut manager = manager(&site, &before, "arc-runners").await;
    manager.populate(&site.cluster).await;
    manager.keeps = &["EphemeralRunner"];
    let controller = manager.deployment.clone();
    let running = manager.clone().start(&site.plane);
    let outcome = site
        .run("uninstall", &["--yes", "--timeout", "2s"])
        .await
        .expect_code(124);
    for part in [
        "EphemeralRunner arc-runners/",
        "ephemeralrunner.actions.github.com/runner-registration-finalizer",
        "see whether the controller runs",
        "kubectl patch EphemeralRunner",
        "finalizers",
    ] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
    assert!(
        site.cluster.get(&controller).await.unwrap().is_some(),
        "the controller stays as long as somebody needs it"
    );
    drop(running);
    manager.keeps = &[];
    let _running = manager.start(&site.plane);
    site.run("uninstall", YES).await.expect_code(0);
    site.is_again(&before).await;
}

#[tokio::test]
async fn of_two_installs_the_other_stays_whole() {
    let site = Site::scale_set().await;
    let before = site.census().await;
    site.init(&[]).await;
    let one = site.census().await;
    let second = [
        "--name",
        "second",
        "--controller-namespace",
        "second-systems",
        "--runner-namespace",
        "second-runners",
    ];
    site.init(&second).await;
    assert!(census::difference(&one, &site.census().await).len() > 10);
    let remove_second = [&second[..], YES].concat();
    site.run("uninstall", &remove_second).await.expect_code(0);
    site.is_again(&one).await;

    site.init(&second).await;
    let both = site.census().await;
    site.run("uninstall", YES).await.expect_code(0);
    let left = census::difference(&both, &site.census().await);
    let others = left
        .iter()
        .filter(|line| line.contains("second") || line.contains("CustomResourceDefinition"));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&String>::new());
    // Of that name elsewhere: it says where.
    let elsewhere = ["--name", "second", "--controller-namespace", "arc-systems"];
    let outcome = site.run("uninstall", &[&elsewhere, YES].concat()).await;
    let nothing = "nothing to do: there is no install named second in namespace arc-systems of site; \
                   there is second in second-systems (--name, --controller-namespace)\n";
    assert!(outcome.stderr.ends_with(nothing), "{outcome:?}");
    site.run("uninstall", &remove_second).await.expect_code(0);
    site.is_again(&before).await;
}
