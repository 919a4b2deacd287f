//! The question before anything is written: how much it is about, and what a no is worth.

use std::process::Command;

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
            terminal.press("[y/N]", key).unwrap();
            if key.contains("typo") {
                terminal.see("answer yes or no").unwrap();
                terminal.press("[y/N]", "\r").unwrap();
            }
            terminal.end().unwrap()
        }))
    };
    let Some((code, screen)) = asked("n\r") else {
        return;
    };
    assert_eq!(code, Some(130), "{screen}");
    // A word with a y in it is no yes.
    let (code, screen) = asked("typo\r").unwrap();
    assert_eq!(code, Some(130), "{screen}");
    let after = install.deployment().await;
    assert_eq!(
        after["metadata"]["generation"], before["metadata"]["generation"],
        "{screen}"
    );
    assert_eq!(install.proxy_image().await, PROXY);

    let (code, screen) = asked("y\r").unwrap();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(install.proxy_image().await, super::PATCHED, "{screen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_before_the_question_is_no_answer() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "patch-asked-early").await;
    install.create(marked(&json!({}), &json!({}))).await;
    // It waits for its configuration, so that the keys are there before the question is.
    let file = install.program.home().join("held.yaml");
    let made = Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    let held = [STORY, &["--config", "held.yaml"]].concat();
    let Some(mut terminal) = install.terminal(&held) else {
        return;
    };
    let (code, screen) = tokio::task::block_in_place(|| {
        terminal.press("", "y\r").unwrap();
        // The terminal's own echo.
        terminal.see("y\r\n").unwrap();
        // Opened and closed: whoever reads the pipe goes on.
        let pipe = std::fs::OpenOptions::new().write(true).open(&file);
        drop(pipe.unwrap());
        terminal.press("[y/N]", "n\r").unwrap();
        terminal.end().unwrap()
    });
    assert_eq!(code, Some(130), "{screen}");
    assert_eq!(install.proxy_image().await, PROXY, "{screen}");
}
