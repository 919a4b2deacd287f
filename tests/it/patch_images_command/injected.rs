//! `--inject`: authorities and the proxy into what already runs, and out of it again.

use serde_json::{Value, json};

use super::install::{Install, marked};
use crate::support::authority::Authority;
use crate::support::control_plane::{ControlPlane, Options};

const CONFIG: &str = "proxy: {url: 'http://proxy.corp:3128', noProxy: [corp.example]}
caBundle: authorities.pem
";

async fn install(plane: &ControlPlane, namespace: &str) -> (Install, Authority) {
    let install = Install::new(plane, namespace).await;
    let authority = Authority::new().unwrap();
    install.program.file("arc-setup.yaml", CONFIG).unwrap();
    let bundle = authority.bundle_pem();
    install.program.file("authorities.pem", bundle).unwrap();
    install.create(marked(&json!({}), &json!({}))).await;
    (install, authority)
}

fn variable<'a>(container: &'a Value, name: &str) -> Option<&'a str> {
    let mut items = container["env"].as_array()?.iter();
    items.find(|item| item["name"] == name)?["value"].as_str()
}

#[tokio::test]
async fn what_runs_gets_authorities_and_proxy_and_loses_them_again() {
    let plane = ControlPlane::isolated(Options::full()).await.unwrap();
    let (install, authority) = install(&plane, "actions-runner-system").await;
    let before = install.deployment().await;
    let inject = ["--inject", "ca,proxy"];
    let dry = install.with(&[&inject[..], &["--dry-run"]].concat()).await;
    let dry = dry.expect_code(0).stdout;
    assert!(
        dry.contains("container manager: gets ") && dry.contains("SSL_CERT_DIR"),
        "{dry}"
    );
    assert_eq!(install.deployment().await["spec"], before["spec"]);
    assert_eq!(install.data("arc-setup-injected-ca").await, None);

    let yes = [&inject[..], &["--yes"]].concat();
    install.with(&yes).await.expect_code(0);
    let after = install.deployment().await;
    let containers = &after["spec"]["template"]["spec"]["containers"];
    for container in containers.as_array().unwrap() {
        assert_eq!(
            variable(container, "SSL_CERT_DIR"),
            Some("/etc/ssl/certs:/etc/arc-setup/ca")
        );
    }
    // kube-rbac-proxy calls nobody outside.
    assert_eq!(variable(&containers[1], "https_proxy"), None);
    let direct = variable(&containers[0], "NO_PROXY").unwrap();
    assert!(
        direct.starts_with("corp.example,.corp.example,localhost")
            && direct.contains("10.96.0.0/16"),
        "the ranges of this cluster are in it: {direct}"
    );
    let data = install.data("arc-setup-injected-ca").await.unwrap();
    let pems = data["ca.crt"].as_str().unwrap();
    assert_eq!(pems.matches("BEGIN").count(), 2, "{pems}");
    drop(authority);
    assert_eq!(after["status"]["availableReplicas"], 1, "its pods start");

    let again = install.with(&yes).await.expect_code(0);
    assert!(
        again
            .stdout
            .contains("nothing to do: 1 object is as the rules want it")
            && !again.stdout.contains("is set already"),
        "{}",
        again.stdout
    );
    // Another bundle: nothing of the workload changes but what it reads.
    let generation = install.deployment().await["metadata"]["generation"].clone();
    let other = Authority::of("Other").unwrap();
    let bundle = other.bundle_pem();
    install.program.file("authorities.pem", bundle).unwrap();
    let renewed = install.with(&yes).await.expect_code(0);
    assert!(
        renewed
            .stdout
            .contains("what was injected was written anew"),
        "{}",
        renewed.stdout
    );
    let data = install.data("arc-setup-injected-ca").await.unwrap();
    assert!(
        data["ca.crt"]
            .as_str()
            .unwrap()
            .contains(other.root_pem().trim().replace("\r\n", "\n").as_str())
    );
    assert_eq!(
        install.deployment().await["metadata"]["generation"],
        generation
    );
    let undone = install.with(&["--undo", "--yes"]).await.expect_code(0);
    assert_eq!(install.deployment().await["spec"], before["spec"]);
    let left =
        "kubectl delete configmap,secret -n actions-runner-system -l arc-setup.dev/injected=true";
    assert!(undone.stdout.contains(left), "{}", undone.stdout);
}

#[tokio::test]
async fn who_may_not_make_what_holds_the_authorities_patches_nothing() {
    let plane = ControlPlane::isolated(Options::full()).await.unwrap();
    let (mut install, _) = install(&plane, "actions-runner-system").await;
    let may = [
        (
            "Role",
            json!({"rules": [
                {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "patch"]},
                {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
            ]}),
        ),
        (
            "RoleBinding",
            json!({
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "patches"},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jo"}],
            }),
        ),
    ];
    for (kind, mut object) in may {
        object["apiVersion"] = json!("rbac.authorization.k8s.io/v1");
        object["kind"] = json!(kind);
        object["metadata"]["name"] = json!("patches");
        install.create(object).await;
    }
    let jo = plane.kubeconfig_for("jo", &[], "story").unwrap();
    install.program.env("KUBECONFIG", jo);
    let before = install.deployment().await;
    let arguments = [
        "--inject",
        "ca",
        "--yes",
        "--kind",
        "deployments",
        "--no-wait",
    ];
    let outcome = install.with(&arguments).await;
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    let reason =
        "not patched: ConfigMap actions-runner-system/arc-setup-injected-ca cannot be made: ";
    assert!(
        outcome.stdout.contains(reason) && outcome.stdout.contains("configmaps"),
        "{outcome:?}"
    );
    assert_eq!(install.deployment().await["spec"], before["spec"]);
}

#[tokio::test]
async fn without_anything_to_inject_nothing_begins() {
    let plane = ControlPlane::shared().await.unwrap();
    let (install, _) = install(plane, "injected-nothing").await;
    install.program.file("arc-setup.yaml", "{}\n").unwrap();
    let lacking = install.with(&["--inject", "ca,proxy", "--yes"]).await;
    let said = lacking.expect_code(2).stderr;
    assert!(
        said.contains("give --ca-bundle FILE") && said.contains("give --proxy URL"),
        "{said}"
    );
}
