//! The question before anything is written: how much it is about, and what a no is worth.

use serde_json::json;

use super::install::{Install, PROXY, STORY, marked};
use crate::support::control_plane::ControlPlane;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_question_counts_and_a_no_writes_nothing() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "patch-asked").await;
    install.create(marked(&json!({}), &json!({}))).await;
    let before = install.deployment().await;
    let asked = |key: &str| {
        let mut terminal = install.terminal(STORY)?;
        Some(tokio::task::block_in_place(|| {
            terminal
                .see("1 object would be patched: 1 Deployment")
                .unwrap();
            terminal.press("Patch 1 object in", key).unwrap();
            terminal.end().unwrap()
        }))
    };
    let Some((code, screen)) = asked("n") else {
        return;
    };
    assert_eq!(code, Some(130), "{screen}");
    let after = install.deployment().await;
    assert_eq!(
        after["metadata"]["generation"], before["metadata"]["generation"],
        "{screen}"
    );
    assert_eq!(install.proxy_image().await, PROXY);

    let (code, screen) = asked("y").unwrap();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(install.proxy_image().await, super::PATCHED, "{screen}");
}
