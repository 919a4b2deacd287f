use ::kube::Client;
use ::kube::client::Body;
use http::{Request, Response};
use serde_json::json;

use super::*;
use crate::clients::kube::{Identity, Scope};
use crate::config::Origin;
use crate::object::{Credential, LateForm, Pointer, Source};

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

/// A cluster that holds one Secret, `ns/there`, of resourceVersion 7.
fn cluster() -> Cluster {
    let service = tower::service_fn(async |request: Request<Body>| {
        let there = request.uri().path() == "/api/v1/namespaces/ns/secrets/there";
        let (status, body) = if there {
            let data = json!({"ca.crt": STANDARD.encode("authority")});
            (
                200,
                json!({"kind": "Secret", "metadata": {"resourceVersion": "7"}, "data": data}),
            )
        } else {
            (
                404,
                json!({"kind": "Status", "reason": "NotFound", "message": "not found"}),
            )
        };
        let body = Body::from(body.to_string().into_bytes());
        Ok::<_, tower::BoxError>(Response::builder().status(status).body(body).unwrap())
    });
    let cluster = Cluster::new(Client::new(service, "default"), Identity::default());
    cluster.seed("v1", "Secret", "secrets", Scope::Namespaced);
    cluster
}

fn manifest(kind: &str, name: &str, lates: Vec<(&str, LateSource)>) -> Manifest {
    let object =
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "ns"}});
    let mut manifest = Manifest::new(object, Source::Pass("test".to_owned()));
    for (pointer, from) in lates {
        let pointer = Pointer::new(pointer);
        manifest = manifest.with_late(Late { pointer, from });
    }
    manifest
}

fn serving() -> Manifest {
    let part = |key: &str| LateSource::ServingCertificate {
        key: key.to_owned(),
        dns_names: vec!["webhook.ns.svc".to_owned()],
    };
    manifest(
        "Secret",
        "serving",
        vec![
            ("/data/tls.crt", part("tls.crt")),
            ("/data/tls.key", part("tls.key")),
            ("/data/ca.crt", part("ca.crt")),
        ],
    )
}

fn bundle_of(name: &str) -> Manifest {
    let from = LateSource::CaBundleOf(SecretKey {
        namespace: "ns".to_owned(),
        name: name.to_owned(),
        key: "ca.crt".to_owned(),
    });
    manifest(
        "MutatingWebhookConfiguration",
        "w",
        vec![("/webhooks/0/clientConfig/caBundle", from)],
    )
}

fn decoded(object: &Value, pointer: &str) -> Vec<u8> {
    STANDARD
        .decode(object.pointer(pointer).unwrap().as_str().unwrap())
        .unwrap()
}

#[tokio::test]
async fn a_sound_certificate_is_kept_and_an_old_one_replaced_while_both_are_trusted() {
    let (cluster, none) = (cluster(), Credentials::default());
    let first = Resolver::new(&none, NOW);
    let stored = first
        .resolve(&cluster, &serving(), None, false)
        .await
        .unwrap();
    assert!(first.renewed().is_empty(), "nothing was in use");

    let again = Resolver::new(&none, NOW + 300 * DAY);
    let kept = again
        .resolve(&cluster, &serving(), Some(&stored), false)
        .await
        .unwrap();
    assert_eq!(kept, stored);

    let late = Resolver::new(&none, NOW + 350 * DAY);
    let renewed = late
        .resolve(&cluster, &serving(), Some(&stored), false)
        .await
        .unwrap();
    assert_ne!(renewed["data"], stored["data"]);
    assert_eq!(
        late.renewed(),
        [ObjectRef::new("v1", "Secret", Some("ns"), "serving")]
    );
    // The same issue is sent at apply, where nothing that lives is handed in.
    assert_eq!(
        late.resolve(&cluster, &serving(), None, false)
            .await
            .unwrap(),
        renewed
    );

    let pointer = "/webhooks/0/clientConfig/caBundle";
    let alone = late
        .resolve(&cluster, &bundle_of("serving"), None, false)
        .await
        .unwrap();
    let (old, new) = (
        decoded(&stored, "/data/ca.crt"),
        decoded(&renewed, "/data/ca.crt"),
    );
    assert_eq!(decoded(&alone, pointer), new);
    let both = late
        .resolve(&cluster, &bundle_of("serving"), None, true)
        .await
        .unwrap();
    assert_eq!(decoded(&both, pointer), [new, old].concat());
}

#[tokio::test]
async fn a_bundle_and_a_version_come_from_a_secret_of_someone_else() {
    let (cluster, none) = (cluster(), Credentials::default());
    let resolver = Resolver::new(&none, NOW);
    let made = resolver
        .resolve(&cluster, &bundle_of("there"), None, false)
        .await
        .unwrap();
    assert_eq!(
        decoded(&made, "/webhooks/0/clientConfig/caBundle"),
        b"authority"
    );
    let failure = resolver
        .resolve(&cluster, &bundle_of("absent"), None, false)
        .await
        .unwrap_err();
    assert_eq!(failure.code(), "secret-missing");

    let version = |name: &str| {
        let from = LateSource::ResourceVersionOf {
            namespace: "ns".to_owned(),
            name: name.to_owned(),
        };
        manifest("ConfigMap", "c", vec![("/data/version", from)])
    };
    let made = resolver
        .resolve(&cluster, &version("there"), None, false)
        .await
        .unwrap();
    assert_eq!(made["data"]["version"], json!("7"));
    // One that this run writes has none until then.
    let ours = ObjectRef::new("v1", "Secret", Some("ns"), "ours");
    resolver.note_version(&ours, None);
    let made = resolver
        .resolve(&cluster, &version("ours"), None, false)
        .await
        .unwrap();
    assert_eq!(made["data"]["version"], json!(AFTER_APPLY));
    resolver.note_version(&ours, Some("9"));
    let made = resolver
        .resolve(&cluster, &version("ours"), None, false)
        .await
        .unwrap();
    assert_eq!(made["data"]["version"], json!("9"));
}

#[tokio::test]
async fn a_credential_is_encoded_in_a_secret_and_missing_by_name() {
    let cluster = cluster();
    let token = LateSource::Credential(LateForm::Text(Credential::GithubToken));
    let secret = manifest("Secret", "s", vec![("/data/token", token)]);
    let mut credentials = Credentials::default();
    let failure = Resolver::new(&credentials, NOW)
        .resolve(&cluster, &secret, None, false)
        .await
        .unwrap_err();
    assert_eq!(failure.exit(), Exit::Usage);
    credentials.insert(
        Credential::GithubToken,
        Secret::new(b"x\n".to_vec()),
        Origin::Default,
    );
    let resolver = Resolver::new(&credentials, NOW);
    let made = resolver
        .resolve(&cluster, &secret, None, false)
        .await
        .unwrap();
    assert_eq!(decoded(&made, "/data/token"), b"x");
    assert!(
        !format!("{resolver:?}").contains("eA"),
        "its Debug shows no value"
    );
}
