use serde_json::json;

use super::*;
use crate::config::ProxyRunners;
use crate::facts::{Facts, KubernetesVersion};
use crate::object::pods::containers;
use crate::rewrite::tests::{authority, item, variable};

fn proxy(credentials: Option<ProxyCredentials>) -> Proxy {
    Proxy {
        http: Some("http://proxy.corp:3128".to_owned()),
        https: Some("http://proxy.corp:3128".to_owned()),
        no_proxy: Vec::new(),
        open: Vec::new(),
        credentials,
        runners: ProxyRunners::None,
    }
}

fn cluster() -> ClusterFacts {
    let mut cluster = Facts::assumed(KubernetesVersion::DEFAULT).cluster;
    cluster.service_cidrs = vec!["10.43.0.0/16".to_owned()];
    cluster
}

fn deployment(spec: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "shop"},
        "spec": {"template": {"spec": spec}}})
}

/// The object with all that it lacks.
fn given(injection: &Injection, object: &Value) -> Value {
    let mut object = object.clone();
    for (list, item) in injection.lacking(&object).additions {
        let length = list.get(&object).and_then(Value::as_array).map(Vec::len);
        if length.is_none() {
            list.put(&mut object, json!([])).unwrap();
        }
        list.index(length.unwrap_or_default())
            .put(&mut object, item)
            .unwrap();
    }
    object
}

#[test]
fn every_container_of_a_workload_trusts_the_company_and_keeps_public_roots() {
    let injection = Injection::new(&[authority("Root")], None, &cluster()).unwrap();
    let spec = json!({"initContainers": [{"name": "migrate", "image": "m"}], "containers": [{"name": "app", "image": "a"}]});
    let object = given(&injection, &deployment(&spec));
    for container in containers(&object) {
        let container = container.pointer.get(&object).unwrap();
        let folders = Some("/etc/ssl/certs:/etc/arc-setup/ca");
        assert_eq!(variable(&container["env"], "SSL_CERT_DIR"), folders);
        assert_eq!(variable(&container["env"], "SSL_CERT_FILE"), None);
        assert!(item(&container["volumeMounts"], "mountPath", "/etc/arc-setup/ca").is_some());
        assert_eq!(variable(&container["env"], "NO_PROXY"), None);
    }
    let volumes = &object["spec"]["template"]["spec"]["volumes"];
    assert_eq!(
        volumes,
        &json!([{"name": "arc-setup-ca", "configMap": {"name": "arc-setup-injected-ca", "defaultMode": 420}}])
    );
    // Whoever has it lacks nothing.
    assert_eq!(injection.lacking(&object), Injected::default());
}

#[test]
fn what_is_set_already_stays_and_is_named_without_its_value() {
    let injection = Injection::new(&[], Some(&proxy(None)), &cluster()).unwrap();
    let own = json!([{"name": "https_proxy", "value": "http://user:hunter2@other:1"}]);
    let spec = json!({"containers": [{"name": "app", "image": "a", "env": own}]});
    let injected = injection.lacking(&deployment(&spec));
    let kept: Vec<&str> = injected
        .kept
        .iter()
        .map(|(_, name)| name.as_str())
        .collect();
    assert_eq!(kept, ["https_proxy"]);
    assert!(!format!("{injected:?}").contains("hunter2"));
    let names: Vec<&str> = injected
        .additions
        .iter()
        .filter_map(|(_, item)| item["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "http_proxy",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "no_proxy",
            "NO_PROXY"
        ]
    );
}

/// Keys are the hashes of one bundle: with the next one a pod that names them would not start.
#[test]
fn no_key_of_one_bundle_is_named() {
    let injection = Injection::new(&[authority("Root")], None, &cluster()).unwrap();
    for (api_version, kind) in [
        ("actions.summerwind.dev/v1alpha1", "RunnerDeployment"),
        ("actions.github.com/v1alpha1", "AutoscalingRunnerSet"),
    ] {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "r", "namespace": "r"},
            "spec": {"template": {"spec": {"image": "i", "containers": [{"name": "runner", "image": "i"}]}}}});
        let object = given(&injection, &object);
        let text = object.to_string();
        assert!(
            text.contains("arc-setup-injected-ca") && !text.contains("\"key\":"),
            "{text}"
        );
        assert!(is_injected(&object));
    }
}

#[test]
fn a_pod_that_exists_gets_nothing() {
    let injection = Injection::new(&[authority("Root")], Some(&proxy(None)), &cluster()).unwrap();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "a"}]}});
    assert_eq!(injection.lacking(&pod), Injected::default());
}

#[test]
fn an_account_comes_from_a_secret_and_stands_in_no_object() {
    let injection =
        Injection::new(&[], Some(&proxy(Some(ProxyCredentials::Given))), &cluster()).unwrap();
    let spec = json!({"containers": [{"name": "app", "image": "a"}]});
    let object = given(&injection, &deployment(&spec));
    let env = &object["spec"]["template"]["spec"]["containers"][0]["env"];
    let reference = &item(env, "name", "HTTPS_PROXY").unwrap()["valueFrom"]["secretKeyRef"];
    assert_eq!(
        reference,
        &json!({"name": "arc-setup-injected-proxy", "key": "https"})
    );
    let objects = injection.objects("shop");
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0].object["data"], json!({}));
    assert_eq!(objects[0].lates.len(), 4);
}
