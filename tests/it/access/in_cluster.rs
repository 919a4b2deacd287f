//! In a pod: the ServiceAccount's files and the server's address. The directory of a pod is fixed: the program gets one
//! in a mount namespace of its own, which Linux gives to everyone who may have a user namespace.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arc_setup::clients::kube::{Cluster, ClusterOptions, EnvironmentProxy, InCluster};
use arc_setup::object::ObjectRef;

use super::kubeconfig::{look, refused};
use crate::init::site::Site;
use crate::support::arc_setup::{ArcSetup, skipped};
use crate::support::control_plane::{Component, ControlPlane, Options};

/// Starts what follows with `$0` mounted where a pod has its ServiceAccount's files.
const MOUNTED: &str = r#"
run=$(readlink -f /var/run) && mount -t tmpfs tmpfs "$run" &&
mkdir -p "$run/secrets/kubernetes.io/serviceaccount" &&
mount --bind "$0" "$run/secrets/kubernetes.io/serviceaccount" && exec "$@"
"#;

/// The command line that mounts `files`; None where this machine allows no user namespaces.
fn pod_with(files: &Path) -> Option<Vec<String>> {
    let words = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "--",
        "sh",
        "-c",
        MOUNTED,
    ];
    let mut words: Vec<String> = words.map(str::to_owned).to_vec();
    words.push(files.display().to_string());
    let is_allowed = Command::new(&words[0])
        .args(&words[1..])
        .arg("true")
        .output()
        .is_ok_and(|tried| tried.status.success());
    is_allowed.then_some(words)
}

/// An administrator of the cluster, as a job of one's own pipeline often is.
const ADMINISTRATOR: [&str; 4] = [
    "create",
    "clusterrolebinding",
    "installer",
    "--clusterrole=cluster-admin",
];

async fn pod() -> InCluster {
    let plane = ControlPlane::untouched().await.unwrap();
    let files = plane.in_cluster_files("default", "default").await.unwrap();
    InCluster {
        host: files.host,
        port: files.port,
        directory: files.directory,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_is_its_service_account_and_goes_direct_whatever_the_environment_says() {
    let dead = EnvironmentProxy {
        https: Some("http://127.0.0.1:9".to_owned()),
        ..EnvironmentProxy::default()
    };
    let options = ClusterOptions {
        in_cluster: Some(pod().await),
        proxy: dead,
        ..ClusterOptions::default()
    };
    let cluster = Cluster::connect(&options).await.unwrap();
    assert_eq!(
        (
            cluster.identity.context.as_str(),
            cluster.identity.user.as_str()
        ),
        ("in-cluster", "system:serviceaccount:default:default")
    );
    // It may read nothing, and the server says so.
    let secret = ObjectRef::new("v1", "Secret", Some("default"), "any");
    let error = cluster.get(&secret).await.unwrap_err();
    assert!(error.message().contains("forbidden"), "{}", error.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubeconfig_beats_the_pod_and_a_context_is_never_looked_for_in_it() {
    let plane = ControlPlane::untouched().await.unwrap();
    let options = ClusterOptions {
        in_cluster: Some(pod().await),
        kubeconfig: Some(plane.kubeconfig("beats").unwrap()),
        ..ClusterOptions::default()
    };
    let cluster = Cluster::connect(&options).await.unwrap();
    assert_eq!(cluster.identity.user, "arc-setup-test-admin");
    let options = ClusterOptions {
        in_cluster: Some(pod().await),
        context: Some("production".to_owned()),
        ..ClusterOptions::default()
    };
    let failure = Cluster::connect(&options).await.unwrap_err();
    assert_eq!(failure.code(), "kubeconfig-missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_pod_with_a_kubeconfig_at_home_the_context_must_be_named() {
    const CONFIG: &str = "github: {url: https://github.com, organization: o, existingSecret: s}\nrunnerSets: [{name: a, max: 1}]\n";
    const PLACES: &str = "apiVersion: v1\nkind: Config\ncurrent-context: production\n";
    let mut program = ArcSetup::new().unwrap();
    program
        .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        .env("KUBERNETES_SERVICE_PORT", "443");
    program.file("arc-setup.yaml", CONFIG).unwrap();
    let init = ["init", "--yes"];
    // Without one, the pod's own access is what is tried.
    let pod = program.run(&init).await.unwrap();
    assert!(!pod.stderr.contains("--context"), "{}", pod.stderr);
    // Such as a login to a cloud leaves: whatever is current there is not meant.
    program.file(".kube/config", PLACES).unwrap();
    let refused = program.run(&init).await.unwrap().expect_code(2);
    assert!(
        refused.stderr.contains("give --context NAME"),
        "{}",
        refused.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_without_a_mounted_token_is_told_what_to_set() {
    if std::path::Path::new(InCluster::DIRECTORY).exists() {
        return;
    }
    let mut program = ArcSetup::new().unwrap();
    program
        .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        .env("KUBERNETES_SERVICE_PORT", "443");
    refused(
        look(&program, &[]).await,
        2,
        "in-cluster",
        &[InCluster::DIRECTORY, "automountServiceAccountToken"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_installs_from_within_a_pod_as_its_service_account() {
    let options = Options {
        components: vec![Component::ControllerManager, Component::Webhooks],
        ..Options::default()
    };
    let plane = Arc::new(ControlPlane::isolated(options).await.unwrap());
    let files = plane.in_cluster_files("default", "default").await.unwrap();
    let Some(pod) = pod_with(&files.directory) else {
        skipped("the program in a pod: this machine allows no user namespaces");
        return;
    };
    let config = "examples/locked-down-rancher-scale-set/arc-setup.yaml";
    let mut site = Site::on(Arc::clone(&plane), config).await;
    site.program
        .without_env("KUBECONFIG")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("KUBERNETES_SERVICE_HOST", &files.host)
        .env("KUBERNETES_SERVICE_PORT", files.port.to_string())
        .through(&pod);
    // The credentials are the answer to which cluster is meant: no --context is needed beside --yes.
    let init = [
        "init", "--config", config, "--yes", "--wait", "none", "-o", "json",
    ];
    let refused = site.program.run(&init).await.unwrap().expect_code(3);
    let user = "system:serviceaccount:default:default";
    assert!(refused.stderr.contains(user), "{}", refused.stderr);

    site.kubectl(&[&ADMINISTRATOR[..], &["--serviceaccount=default:default"]].concat());
    let installed = site.program.run(&init).await.unwrap().expect_code(0);
    let answer: serde_json::Value = serde_json::from_str(&installed.stdout).unwrap();
    let server = format!("https://{}:{}", files.host, files.port);
    assert_eq!(
        [&answer["context"], &answer["user"], &answer["server"]],
        ["in-cluster", user, server.as_str()]
    );
    let set = [
        "autoscalingrunnersets.actions.github.com",
        "rancher-dind",
        "-n",
        "arc-runners",
    ];
    assert_eq!(site.get(&set)["spec"]["maxRunners"], 10);
    let removal = ["uninstall", "--yes", "--timeout", "20s"];
    site.program.run(&removal).await.unwrap().expect_code(0);
}
