//! However its owner ends, a control plane leaves no process and no file.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and so do its parts"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::control_plane::eventually;
use crate::support::control_plane::{Component, ControlPlane, Options};

#[tokio::test]
async fn a_dropped_control_plane_leaves_no_process_and_no_file() {
    let plane = ControlPlane::isolated(Options::default()).await.unwrap();
    let pid = plane.pid("kube-apiserver").unwrap();
    let kubeconfig = plane.kubeconfig("x").unwrap();
    drop(plane);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    assert!(!kubeconfig.parent().unwrap().exists());
}

/// No test: what the next one runs as a process of its own, to be killed.
#[tokio::test]
#[ignore = "holds a control plane until it is killed"]
#[expect(
    clippy::disallowed_methods,
    reason = "the only way to tell an ignored test something"
)]
async fn hold_a_control_plane() {
    let options = Options {
        components: vec![Component::ControllerManager],
        ..Options::default()
    };
    let plane = ControlPlane::start(options).await.unwrap();
    let kubeconfig = plane.kubeconfig("held").unwrap();
    let mut held = std::fs::File::create(std::env::var_os("HELD").unwrap()).unwrap();
    held.write_all(kubeconfig.parent().unwrap().as_os_str().as_encoded_bytes())
        .unwrap();
    std::future::pending::<()>().await;
}

/// The running processes that name `directory` on their command line.
#[cfg(target_os = "linux")]
fn processes_in(directory: &str) -> Vec<(String, String)> {
    let processes = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            Some((
                entry.file_name().into_string().ok()?,
                String::from_utf8_lossy(&line).into_owned(),
            ))
        });
    processes
        .filter(|(_, line)| line.contains(directory))
        .collect()
}

#[cfg(target_os = "linux")]
async fn kill_a_holder(with_its_watchdog: bool) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let held = scratch.path().join("held");
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "control_plane_end::hold_a_control_plane",
        ])
        .env("HELD", &held)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let directory = eventually("a start", async || {
        std::fs::read_to_string(&held)
            .ok()
            .filter(|it| !it.is_empty())
    })
    .await;
    let processes = processes_in(&directory);
    for program in ["kube-apiserver", "kube-controller-manager", "watchdog"] {
        assert!(
            processes.iter().any(|(_, line)| line.contains(program)),
            "{program} in {processes:?}"
        );
    }
    for (pid, _) in processes
        .iter()
        .filter(|(_, line)| with_its_watchdog && line.contains("watchdog"))
    {
        assert!(
            Command::new("kill")
                .args(["-KILL", pid])
                .status()
                .unwrap()
                .success()
        );
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
    directory
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_killed_process_takes_its_control_plane_with_it() {
    let directory = kill_a_holder(false).await;
    eventually("the end", async || {
        processes_in(&directory).is_empty().then_some(())
    })
    .await;
    eventually("the removal", async || {
        (!Path::new(&directory).exists()).then_some(())
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_predecessor_left_is_cleared_by_the_next_start() {
    let directory = kill_a_holder(true).await;
    let _next = ControlPlane::isolated(Options::default()).await.unwrap();
    eventually("the end", async || {
        processes_in(&directory).is_empty().then_some(())
    })
    .await;
    assert!(!Path::new(&directory).exists());
}
