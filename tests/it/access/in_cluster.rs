//! In a pod: the ServiceAccount's files and the server's address. The directory of a pod is fixed, so that the way in
//! is tested at the library, and the program where there are no such files.

use arc_setup::clients::kube::{Cluster, ClusterOptions, EnvironmentProxy, InCluster};
use arc_setup::object::ObjectRef;

use super::kubeconfig::{look, refused};
use crate::support::arc_setup::ArcSetup;
use crate::support::control_plane::ControlPlane;

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
