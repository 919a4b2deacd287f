//! The webhooks' certificate: kept, renewed, brought along, or made by cert-manager.

use arc_setup::pki::issue::{ServingCertificate, issue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::STORY;
use super::site::Site;
use super::world::versions;

const CONTROLLER: &str = "actions-runner-system";
const SECRET: &str = "arc-controller-manager-serving-cert";
const WEBHOOKS: [&str; 2] = [
    "mutatingwebhookconfiguration/arc-actions-runner-system-mutate",
    "validatingwebhookconfiguration/arc-actions-runner-system-validate",
];

/// A CRD of cert-manager, as far as anyone looks here.
pub(super) fn kind_of_cert_manager(plural: &str, kind: &str) -> Value {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.cert-manager.io")},
        "spec": {"group": "cert-manager.io", "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List")},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": open}}]}})
}

/// Does what cert-manager does: a Secret for each Certificate, and its authority into what asks for it.
pub(super) struct CertManager(JoinHandle<()>);

impl Drop for CertManager {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl CertManager {
    pub(super) fn follow(client: Client) -> Self {
        Self(tokio::spawn(async move {
            loop {
                // What is not there yet is looked at again.
                reconcile(&client).await.ok();
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }))
    }
}

fn resource(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

async fn reconcile(client: &Client) -> kube::Result<()> {
    let certificates = resource("cert-manager.io", "v1", "Certificate");
    for certificate in Api::<DynamicObject>::all_with(client.clone(), &certificates)
        .list(&ListParams::default())
        .await?
    {
        let authority = issued(client, &certificate).await?;
        let namespace = certificate.metadata.namespace.unwrap_or_default();
        let name = certificate.metadata.name.unwrap_or_default();
        inject(client, &format!("{namespace}/{name}"), &authority).await?;
    }
    Ok(())
}

/// The authority of a certificate's Secret, which is made where it is not there.
async fn issued(client: &Client, certificate: &DynamicObject) -> kube::Result<Value> {
    let namespace = certificate.metadata.namespace.clone().unwrap_or_default();
    let spec = &certificate.data["spec"];
    let name = spec["secretName"].as_str().unwrap_or_default();
    let kind = resource("", "v1", "Secret");
    let secrets = Api::<DynamicObject>::namespaced_with(client.clone(), &namespace, &kind);
    if let Some(stored) = secrets.get_opt(name).await? {
        return Ok(stored.data["data"]["ca.crt"].clone());
    }
    let names = serde_json::from_value::<Vec<String>>(spec["dnsNames"].clone());
    let data = data(&issue(&names.unwrap_or_default(), now()).unwrap());
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name}, "data": data});
    let manager = PatchParams::apply("cert-manager").force();
    secrets
        .patch(name, &manager, &Patch::Apply(&secret))
        .await?;
    Ok(data["ca.crt"].clone())
}

/// Puts the authority into every webhook that asks for that of `certificate`.
async fn inject(client: &Client, certificate: &str, authority: &Value) -> kube::Result<()> {
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        let kind = resource("admissionregistration.k8s.io", "v1", kind);
        let api = Api::<DynamicObject>::all_with(client.clone(), &kind);
        for webhook in api.list(&ListParams::default()).await? {
            let asked = webhook.metadata.annotations.clone().unwrap_or_default();
            let from = asked.get("cert-manager.io/inject-ca-from");
            if from.map(String::as_str) != Some(certificate) {
                continue;
            }
            let mut hooks = webhook.data["webhooks"].clone();
            for hook in hooks.as_array_mut().into_iter().flatten() {
                hook["clientConfig"]["caBundle"] = authority.clone();
            }
            if hooks != webhook.data["webhooks"] {
                let name = webhook.metadata.name.unwrap_or_default();
                let patch = Patch::Merge(json!({"webhooks": hooks}));
                api.patch(&name, &PatchParams::default(), &patch).await?;
            }
        }
    }
    Ok(())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn data(made: &ServingCertificate) -> Value {
    json!({"tls.crt": STANDARD.encode(&made.certificate), "tls.key": STANDARD.encode(made.key.expose()), "ca.crt": STANDARD.encode(&made.authority)})
}

/// Every caBundle that the API server uses.
fn bundles(site: &Site) -> Vec<String> {
    let mut bundles = Vec::new();
    for webhook in WEBHOOKS {
        let webhook = site.get(&[webhook]);
        for hook in webhook["webhooks"].as_array().unwrap() {
            bundles.push(
                hook["clientConfig"]["caBundle"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
    }
    bundles.dedup();
    bundles
}

fn secret(site: &Site) -> Value {
    site.get(&["secret", "-n", CONTROLLER, SECRET])["data"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_near_its_end_is_renewed_and_the_webhooks_trust_it_all_the_time() {
    let site = Site::start(STORY).await;
    site.installed().await;
    let names = [
        format!("arc-webhook.{CONTROLLER}.svc"),
        format!("arc-webhook.{CONTROLLER}.svc.cluster.local"),
    ];
    // Valid for another week.
    let old = issue(&names, now() - 358 * 86_400).unwrap();
    let patch = json!({"data": data(&old)}).to_string();
    // As an earlier run of ours would have left it.
    let manager = "--field-manager=arc-setup";
    site.kubectl(&[
        "patch", "secret", SECRET, "-n", CONTROLLER, manager, "-p", &patch,
    ]);
    for webhook in WEBHOOKS {
        let count = site.get(&[webhook])["webhooks"].as_array().unwrap().len();
        let operations: Vec<Value> = (0..count)
            .map(|index| json!({"op": "replace", "path": format!("/webhooks/{index}/clientConfig/caBundle"), "value": STANDARD.encode(&old.authority)}))
            .collect();
        site.kubectl(&[
            "patch",
            webhook,
            manager,
            "--type=json",
            "-p",
            &Value::Array(operations).to_string(),
        ]);
    }
    let deployment = ["deployment", "-n", CONTROLLER, "arc-controller-manager"];
    let before = site.get(&deployment)["metadata"]["generation"].clone();

    // Somebody creates runners all the time.
    let runner = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner",
        "metadata": {"name": "somebodys", "namespace": "actions-runners"}, "spec": {"repository": "a/b"}});
    let file = site
        .program
        .file("runner.json", runner.to_string())
        .unwrap();
    let plane = std::sync::Arc::clone(&site.plane);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let asking = std::thread::spawn(move || {
        let mut untrusted = Vec::new();
        while stopped.try_recv().is_err() {
            let output = plane
                .kubectl(&["create", "--dry-run=server", "-f", file.to_str().unwrap()])
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if said.contains("x509") || said.contains("certificate") {
                untrusted.push(said);
            }
        }
        untrusted
    });
    site.installed().await;
    stop.send(()).unwrap();
    assert_eq!(asking.join().unwrap(), Vec::<String>::new());

    let renewed = secret(&site);
    assert_ne!(renewed["tls.crt"], data(&old)["tls.crt"]);
    assert_eq!(bundles(&site), [renewed["ca.crt"].as_str().unwrap()]);
    assert_ne!(site.get(&deployment)["metadata"]["generation"], before);
    // And it is kept from now on.
    let world = site.world().await;
    site.installed().await;
    assert_eq!(versions(&world), versions(&site.world().await));
}

#[tokio::test]
async fn a_certificate_that_is_there_is_used_and_never_written() {
    let mut site = Site::start(STORY).await;
    site.change_config(|text| format!("{text}\nwebhookCertificate:\n  existingSecret: brought\n"));
    site.plane.create_namespace(CONTROLLER).await.unwrap();
    let made = issue(&[format!("arc-webhook.{CONTROLLER}.svc")], now()).unwrap();
    site.apply(
        &json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "brought", "namespace": CONTROLLER}, "data": data(&made)}),
    );
    let read = |site: &Site| site.get(&["secret", "-n", CONTROLLER, "brought"]);
    let before = read(&site);
    site.installed().await;
    assert_eq!(read(&site), before);
    assert_eq!(bundles(&site), [STANDARD.encode(&made.authority)]);
    let world = site.world().await;
    site.installed().await;
    assert_eq!(versions(&world), versions(&site.world().await));

    // Another certificate in it: the bundle follows, the manager is rolled.
    let other = issue(&[format!("arc-webhook.{CONTROLLER}.svc")], now()).unwrap();
    let patch = json!({"data": data(&other)}).to_string();
    site.kubectl(&["patch", "secret", "brought", "-n", CONTROLLER, "-p", &patch]);
    site.installed().await;
    assert_eq!(bundles(&site), [STANDARD.encode(&other.authority)]);
}

/// A user who may do everything but look into Secrets: their values are for those who run the workloads.
fn user_who_reads_no_secret(site: &Site) -> std::path::PathBuf {
    let every_group = [
        "actions.summerwind.dev",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apps",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "networking.k8s.io",
        "rbac.authorization.k8s.io",
    ];
    let core = [
        "configmaps",
        "events",
        "namespaces",
        "pods",
        "serviceaccounts",
        "services",
    ];
    let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jo"});
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reads-no-secret"});
    site.apply(&json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reads-no-secret"}, "rules": [
            {"apiGroups": every_group, "resources": ["*"], "verbs": ["*"]},
            {"apiGroups": [""], "resources": core, "verbs": ["*"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "patch"]},
        ]},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "reads-no-secret"},
            "subjects": [subject], "roleRef": role},
    ]}));
    site.plane.kubeconfig_for("jo", &[], "site").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_read_secrets_keeps_the_certificate_and_has_nothing_to_do() {
    let mut site = Site::start(STORY).await;
    let kubeconfig = user_who_reads_no_secret(&site);
    site.program.env("KUBECONFIG", kubeconfig);
    site.installed().await;
    let (world, certificate) = (site.world().await, secret(&site));
    let again = site.installed().await;
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    assert_eq!(secret(&site), certificate);
    assert_eq!(versions(&world), versions(&site.world().await));

    // What somebody breaks in it is seen and repaired all the same.
    let patch = json!({"data": {"tls.key": "e30="}}).to_string();
    site.kubectl(&[
        "patch",
        "secret",
        SECRET,
        "-n",
        CONTROLLER,
        "-p",
        &patch,
        "--field-manager=arc-setup",
    ]);
    site.installed().await;
    let repaired = secret(&site);
    assert_ne!(repaired["tls.crt"], certificate["tls.crt"]);
    assert_eq!(bundles(&site), [repaired["ca.crt"].as_str().unwrap()]);
}
