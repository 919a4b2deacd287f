//! An `init` that was killed somewhere in the middle.

use arc_setup::object::ObjectRef;
use serde_json::json;

use super::YES;
use super::site::Site;
use crate::support::recording_proxy::{Hold, RecordingProxy};

#[tokio::test]
async fn whatever_a_killed_init_left_is_removed() {
    let mut site = Site::scale_set().await;
    let before = site.census().await;
    let proxy = RecordingProxy::start(site.plane.client().unwrap())
        .await
        .unwrap();
    let direct = site.plane.kubeconfig("site").unwrap();
    let through = site
        .program
        .file("through.json", proxy.kubeconfig("site"))
        .unwrap();

    site.program.env("KUBECONFIG", &through);
    site.init(&[]).await;
    let writes = proxy.take().iter().filter(|one| one.writes()).count();
    assert!(writes > 20, "{writes}");
    site.program.env("KUBECONFIG", &direct);
    site.run("uninstall", YES).await.expect_code(0);
    site.is_again(&before).await;

    // The first writes are a namespace, the lock and the receipt; the last is its last copy.
    for allowed in [1, 2, writes / 2, writes - 3] {
        site.program.env("KUBECONFIG", &through);
        proxy.hold(Hold::After(allowed));
        let arguments = site.arguments("init", &["--yes", "--wait", "none"]);
        let mut running = site.program.start(&arguments).unwrap();
        while !proxy.is_held() {
            assert!(running.poll().unwrap().is_none(), "it waits for an answer");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        // Dropped is killed.
        drop(running);
        proxy.cut();

        site.program.env("KUBECONFIG", &direct);
        expire_lock(&site).await;
        site.run("uninstall", YES).await.expect_code(0);
        site.is_again(&before).await;
        let outcome = site.run("uninstall", YES).await.expect_code(0);
        assert!(outcome.stderr.contains("nothing to do"), "{outcome:?}");
    }
}

/// As if the dead run's time had passed.
async fn expire_lock(site: &Site) {
    let lock = ObjectRef::new(
        "coordination.k8s.io/v1",
        "Lease",
        Some("arc-systems"),
        "arc-setup-arc",
    );
    let expired = json!({"op": "replace", "path": "/spec/leaseDurationSeconds", "value": 1});
    site.cluster
        .json_patch(&lock, &[expired], "test", false)
        .await
        .ok();
}
