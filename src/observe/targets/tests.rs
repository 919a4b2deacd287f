//! Against a registry that answers as it is told, and a cluster of two nodes.

mod busy;
mod refused;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use kube::client::Body;
use serde_json::json;

use super::*;
use crate::clients::kube::{Identity, Scope};
use crate::clients::stand_in::{self, Authority};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A cluster whose nodes have these architectures, and whose Secrets hold the account `robot`, in the namespace `stale`
/// with a password that nobody takes any more.
fn cluster(architectures: &'static [&'static str]) -> Cluster {
    let service = tower::service_fn(move |request: Request<Body>| async move {
        let answer = if request.uri().path().ends_with("/nodes") {
            let nodes = architectures.iter().map(|architecture| {
                json!({"metadata": {"name": architecture}, "status": {"nodeInfo": {"operatingSystem": "linux", "architecture": architecture}}})
            });
            json!({"metadata": {}, "items": nodes.collect::<Vec<_>>()})
        } else {
            let old = request.uri().path().contains("/namespaces/stale/");
            let password = if old { "old" } else { "pw" };
            let config =
                json!({"auths": {"registry.corp": {"username": "robot", "password": password}}});
            let config = base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                config.to_string(),
            );
            json!({"kind": "Secret", "data": {".dockerconfigjson": config}})
        };
        let body = Body::from(answer.to_string().into_bytes());
        Ok::<_, Infallible>(Response::new(body))
    });
    let cluster = Cluster::new(kube::Client::new(service, "default"), Identity::default());
    cluster.seed("v1", "Node", "nodes", Scope::Cluster);
    cluster.seed("v1", "Secret", "secrets", Scope::Namespaced);
    cluster
}

/// The registry: what it answers to the head of a request.
type Answers = fn(&str) -> (u16, String, String);

struct Stage {
    targets: Targets,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn stage(answers: Answers, cluster_secrets: bool) -> Stage {
    let authority = Authority::new();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let answer: stand_in::Answer = Arc::new(move |head: &str| {
        seen.lock()
            .unwrap()
            .push(head.lines().next().unwrap_or_default().to_owned());
        answers(head)
    });
    let (server, _) = stand_in::server(&authority, true, answer).await;
    let (proxy, _) = stand_in::proxy(server, None).await;
    let http = stand_in::route(&[&authority.root], proxy, None);
    let http = http.client().unwrap();
    Stage {
        targets: Targets::new(http, DockerConfig::default(), cluster_secrets),
        asked,
    }
}

fn plain_answer(status: u16) -> (u16, String, String) {
    (status, String::new(), "{}".to_owned())
}

fn index(platforms: &[(&str, &str)]) -> (u16, String, String) {
    let manifests: Vec<Value> = platforms
        .iter()
        .map(|(os, architecture)| {
            json!({"digest": format!("sha256:{}", architecture.repeat(8)), "platform": {"os": os, "architecture": architecture}})
        })
        .collect();
    let headers = format!("content-type: {INDEX}\r\n");
    (200, headers, json!({ "manifests": manifests }).to_string())
}

async fn ask(stage: &Stage, cluster: &Cluster, image: &str) -> TargetAnswer {
    stage
        .targets
        .ask(cluster, image, "shop", &["pull".to_owned()])
        .await
}

#[tokio::test]
async fn a_reference_is_asked_for_once_however_many_objects_name_it() {
    let stage = stage(|_| plain_answer(200), false).await;
    let cluster = cluster(&["amd64"]);
    for _ in 0..3 {
        let answer = ask(&stage, &cluster, "registry.corp/shop/web:1").await;
        assert_eq!(answer.presence, ImagePresence::Present { digest: None });
    }
    let asked = stage.asked.lock().unwrap();
    assert_eq!(
        asked.len(),
        3,
        "the registry itself, and the image twice: {asked:?}"
    );
}

#[tokio::test]
async fn a_plain_no_is_absent_and_a_virtual_repositorys_is_unknown() {
    let cluster = cluster(&["amd64"]);
    let plain = stage(
        |head| plain_answer(if head.contains(" /v2/ ") { 200 } else { 404 }),
        false,
    )
    .await;
    let answer = ask(&plain, &cluster, "registry.corp/shop/web:1").await;
    assert!(
        matches!(answer.presence, ImagePresence::Absent { .. }),
        "{answer:?}"
    );
    for (class, is_absent) in [("local", true), ("virtual", false), ("", false)] {
        let answers: Answers = match class {
            "local" => |head| artifactory(head, "local"),
            "virtual" => |head| artifactory(head, "virtual"),
            _ => |head| artifactory(head, ""),
        };
        let stage = stage(answers, false).await;
        let answer = ask(&stage, &cluster, "registry.corp/docker-all/shop/web:1").await;
        let found = matches!(answer.presence, ImagePresence::Absent { .. });
        assert_eq!(found, is_absent, "{class}: {answer:?}");
        if class == "virtual" {
            let ImagePresence::Unknown { reason, why } = answer.presence else {
                panic!("not unknown")
            };
            assert_eq!(reason, "hidden");
            assert!(why.contains("docker-all is a virtual repository"), "{why}");
        }
    }
}

fn artifactory(head: &str, class: &str) -> (u16, String, String) {
    let headers = "x-jfrog-version: Artifactory/7.90.1\r\n".to_owned();
    if head.contains(" /artifactory/api/repositories/docker-all ") && !class.is_empty() {
        return (200, headers, json!({ "rclass": class }).to_string());
    }
    let status = if head.contains(" /v2/ ") { 200 } else { 404 };
    (status, headers, "{}".to_owned())
}

#[tokio::test]
async fn what_is_no_plain_no_is_unknown() {
    let cluster = cluster(&["amd64"]);
    for (status, reason) in [
        (401, "auth-required"),
        (403, "no-answer"),
        (500, "no-answer"),
        (429, "rate-limited"),
    ] {
        let answers: Answers = match status {
            401 => |_| plain_answer(401),
            403 => |_| plain_answer(403),
            429 => |_| plain_answer(429),
            _ => |_| plain_answer(500),
        };
        let stage = stage(answers, false).await;
        let answer = ask(&stage, &cluster, "registry.corp/shop/web:1").await;
        assert!(
            matches!(&answer.presence, ImagePresence::Unknown { reason: found, .. } if found == reason),
            "{status}: {answer:?}"
        );
    }
}

/// A registry that is down is no registry without the image.
#[tokio::test]
async fn a_registry_that_cannot_be_reached_is_unknown() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let http = stand_in::route(&[&Authority::new().root], closed, None);
    let stage = Stage {
        targets: Targets::new(http.client().unwrap(), DockerConfig::default(), false),
        asked: Arc::default(),
    };
    let answer = ask(&stage, &cluster(&["amd64"]), "registry.corp/shop/web:1").await;
    assert!(
        matches!(&answer.presence, ImagePresence::Unknown { reason, .. } if reason == "unreachable"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn case_25_an_index_without_the_nodes_architecture_is_no_image_for_them() {
    let answers: Answers = |head| {
        if head.contains("/manifests/1 ") {
            index(&[("linux", "arm64"), ("linux", "s390x")])
        } else {
            plain_answer(200)
        }
    };
    let amd64 = stage(answers, false).await;
    let answer = ask(&amd64, &cluster(&["amd64"]), "registry.corp/shop/web:1").await;
    let ImagePresence::Absent { why } = answer.presence else {
        panic!("{answer:?}")
    };
    assert_eq!(
        why,
        "its index has linux/arm64, linux/s390x, and the nodes are linux/amd64"
    );
    // Of two architectures one is enough, and the other is told.
    let both = stage(answers, false).await;
    let answer = ask(
        &both,
        &cluster(&["amd64", "arm64"]),
        "registry.corp/shop/web:1",
    )
    .await;
    assert!(matches!(answer.presence, ImagePresence::Present { .. }));
    assert_eq!(answer.notes, ["nothing in it for nodes of linux/amd64"]);
    // Nobody knows the nodes: nobody refuses.
    let none = stage(answers, false).await;
    let answer = ask(&none, &cluster(&[]), "registry.corp/shop/web:1").await;
    assert!(matches!(answer.presence, ImagePresence::Present { .. }));
}

/// A registry with one image for linux/arm64 under the tag 1, whose configuration says `config`.
fn single(head: &str, kind: &str, size: u64, config: (u16, &str)) -> (u16, String, String) {
    let digest = format!("sha256:{}", "c".repeat(64));
    if head.contains("/manifests/1 ") {
        let headers = "content-type: application/vnd.oci.image.manifest.v1+json\r\n".to_owned();
        let manifest = json!({"config": {"mediaType": kind, "digest": digest, "size": size}});
        (200, headers, manifest.to_string())
    } else if head.contains(&format!("/v2/shop/web/blobs/{digest} ")) {
        let headers = "location: https://storage.corp/blob\r\n".to_owned();
        (config.0, headers, config.1.to_owned())
    } else {
        plain_answer(200)
    }
}

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const ARM64: &str = r#"{"os": "linux", "architecture": "arm64", "variant": "v8"}"#;

#[tokio::test]
async fn an_image_for_another_architecture_is_no_image_for_the_nodes() {
    let image = "registry.corp/shop/web:1";
    let answers: Answers = |head| single(head, CONFIG, 99, (200, ARM64));
    let amd64 = stage(answers, false).await;
    let answer = ask(&amd64, &cluster(&["amd64"]), image).await;
    let ImagePresence::Absent { why } = answer.presence else {
        panic!("{answer:?}")
    };
    assert_eq!(why, "it is for linux/arm64, and the nodes are linux/amd64");
    // Of two architectures one is enough, and the other is told.
    let both = stage(answers, false).await;
    let answer = ask(&both, &cluster(&["amd64", "arm64"]), image).await;
    assert!(matches!(answer.presence, ImagePresence::Present { .. }));
    assert_eq!(answer.notes, ["nothing in it for nodes of linux/amd64"]);
    let same = stage(answers, false).await;
    let answer = ask(&same, &cluster(&["arm64"]), image).await;
    assert!(matches!(answer.presence, ImagePresence::Present { .. }));
    assert!(answer.notes.is_empty(), "{answer:?}");
}

#[tokio::test]
async fn a_configuration_that_says_nothing_refuses_nothing() {
    let cluster = cluster(&["amd64"]);
    let silent: [(Answers, bool); 5] = [
        // A chart.
        (
            |head| {
                single(
                    head,
                    "application/vnd.cncf.helm.config.v1+json",
                    99,
                    (200, ARM64),
                )
            },
            false,
        ),
        // Larger than any image's.
        (|head| single(head, CONFIG, 2 << 20, (200, ARM64)), false),
        // In a storage of another name, which nobody named.
        (|head| single(head, CONFIG, 99, (307, "")), true),
        (|head| single(head, CONFIG, 99, (404, "{}")), true),
        (
            |head| single(head, CONFIG, 99, (200, r#"{"os": 7, "architecture": ""}"#)),
            true,
        ),
    ];
    for (at, (answers, asks_for_it)) in silent.into_iter().enumerate() {
        let stage = stage(answers, false).await;
        let answer = ask(&stage, &cluster, "registry.corp/shop/web:1").await;
        assert!(
            matches!(answer.presence, ImagePresence::Present { .. }),
            "{at}: {answer:?}"
        );
        assert!(answer.notes.is_empty(), "{at}: {answer:?}");
        let asked = stage.asked.lock().unwrap();
        let blobs = asked.iter().filter(|line| line.contains("/blobs/")).count();
        assert_eq!(blobs, usize::from(asks_for_it), "{at}: {asked:?}");
    }
}

#[tokio::test]
async fn case_25_a_tag_that_is_another_image_in_the_mirror_is_told() {
    let answers: Answers = |head| {
        let digest = if head.contains("/manifests/1 ") {
            "b"
        } else {
            "a"
        };
        let headers = format!("docker-content-digest: sha256:{}\r\n", digest.repeat(64));
        (200, headers, "{}".to_owned())
    };
    let stage = stage(answers, false).await;
    let cluster = cluster(&["amd64"]);
    let image = format!("registry.corp/shop/web:1@sha256:{}", "a".repeat(64));
    let answer = ask(&stage, &cluster, &image).await;
    assert!(matches!(answer.presence, ImagePresence::Present { .. }));
    assert!(
        answer.notes[0].starts_with("the mirror's 1 is sha256:bbbb"),
        "{answer:?}"
    );
    let image = format!("registry.corp/shop/web:1@sha256:{}", "b".repeat(64));
    assert!(ask(&stage, &cluster, &image).await.notes.is_empty());
}

#[tokio::test]
async fn case_26_attestations_may_be_missing_and_images_may_not() {
    let whole: Answers = |head| {
        if head.contains("/manifests/1 ") {
            index(&[("linux", "amd64"), ("unknown", "unknown")])
        } else if head.contains("unknownunknown") {
            plain_answer(404)
        } else {
            plain_answer(200)
        }
    };
    let cluster = cluster(&["amd64"]);
    let complete = stage(whole, false).await;
    let answer = ask(&complete, &cluster, "registry.corp/shop/web:1").await;
    assert!(
        matches!(answer.presence, ImagePresence::Present { .. }),
        "{answer:?}"
    );
    let broken: Answers = |head| {
        if head.contains("/manifests/1 ") {
            index(&[("linux", "amd64")])
        } else if head.contains("amd64amd64") {
            plain_answer(404)
        } else {
            plain_answer(200)
        }
    };
    let stage = stage(broken, false).await;
    let answer = ask(&stage, &cluster, "registry.corp/shop/web:1").await;
    let ImagePresence::Absent { why } = answer.presence else {
        panic!("{answer:?}")
    };
    assert!(
        why.starts_with("its index is there, but not the image for linux/amd64"),
        "{why}"
    );
    // A virtual repository's 404 is no more of an answer for this image than for its index.
    let hidden: Answers = |head| {
        if head.contains("/manifests/1 ") {
            index(&[("linux", "amd64")])
        } else {
            artifactory(head, "virtual")
        }
    };
    let stage = self::stage(hidden, false).await;
    let answer = ask(&stage, &cluster, "registry.corp/docker-all/shop/web:1").await;
    assert!(
        matches!(&answer.presence, ImagePresence::Unknown { reason, .. } if reason == "hidden"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn one_name_with_two_passwords_is_two_accounts() {
    let answers: Answers = |head| {
        let login = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "robot:pw");
        if head.contains(&login) {
            return plain_answer(200);
        }
        let challenge = "www-authenticate: Basic realm=\"x\"\r\n".to_owned();
        (401, challenge, "{}".to_owned())
    };
    let stage = stage(answers, true).await;
    let cluster = cluster(&["amd64"]);
    let image = "registry.corp/shop/web:1";
    let pull = ["pull".to_owned()];
    let refused = stage.targets.ask(&cluster, image, "stale", &pull).await;
    assert!(
        matches!(refused.presence, ImagePresence::Unknown { .. }),
        "{refused:?}"
    );
    let good = ask(&stage, &cluster, image).await;
    assert!(
        matches!(good.presence, ImagePresence::Present { .. }),
        "{good:?}"
    );
}

#[tokio::test]
async fn the_clusters_pull_secrets_are_used_only_where_somebody_asked_for_it() {
    let answers: Answers = |head| {
        if head.to_lowercase().contains("authorization: basic ") {
            plain_answer(200)
        } else {
            (
                401,
                "www-authenticate: Basic realm=\"x\"\r\n".to_owned(),
                "{}".to_owned(),
            )
        }
    };
    let cluster = cluster(&["amd64"]);
    let without = stage(answers, false).await;
    let answer = ask(&without, &cluster, "registry.corp/shop/web:1").await;
    assert!(
        matches!(answer.presence, ImagePresence::Unknown { .. }),
        "{answer:?}"
    );
    let with = stage(answers, true).await;
    let answer = ask(&with, &cluster, "registry.corp/shop/web:1").await;
    assert!(
        matches!(answer.presence, ImagePresence::Present { .. }),
        "{answer:?}"
    );
}
