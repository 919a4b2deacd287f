//! Whose pull secrets a pod gets.

use super::*;

/// ServiceAccounts by name, each with one pull secret that is called after it.
fn with_accounts(object: &Value, group: &str, plural: &str) -> (Cluster, Asked, Arc<Mutex<Value>>) {
    let sent = Arc::<Mutex<Value>>::default();
    let (object, at, kept) = (object.clone(), format!("/{plural}"), Arc::clone(&sent));
    let kind = object["kind"].as_str().unwrap().to_owned();
    let (cluster, asked) = cluster(move |method, path, body| match method {
        "GET" if path.contains("/serviceaccounts/") => {
            let name = path.rsplit('/').next().unwrap();
            let name = name.split('?').next().unwrap();
            (
                200,
                json!({"kind": "ServiceAccount", "metadata": {"name": name}, "imagePullSecrets": [{"name": format!("of-{name}")}]}),
            )
        }
        "GET" if path.contains(&at) => list(std::slice::from_ref(&object), ""),
        "PATCH" => {
            *kept.lock().unwrap() = body.clone();
            (200, object.clone())
        }
        _ => status(404, "NotFound"),
    });
    cluster.seed(group, &kind, plural, Scope::Namespaced);
    cluster.seed("v1", "ServiceAccount", "serviceaccounts", Scope::Namespaced);
    (cluster, asked, sent)
}

/// The names that a run appends, by list.
async fn appended(object: &Value, group: &str, plural: &str) -> Vec<(String, String)> {
    let (cluster, _, sent) = with_accounts(object, group, plural);
    let options = PatchOptions {
        pull_secret: Some("mirror".to_owned()),
        timeout: Duration::from_secs(1),
        ..PatchOptions::default()
    };
    run_as(&cluster, &Interrupt::never(), &options)
        .await
        .unwrap();
    let operations = sent.lock().unwrap().clone();
    let mut names = Vec::new();
    for operation in operations.as_array().into_iter().flatten() {
        let path = operation["path"].as_str().unwrap();
        if operation["op"] != "add" || !path.contains("imagePullSecrets") {
            continue;
        }
        let list = path.trim_end_matches("/-").to_owned();
        let value = &operation["value"];
        let items = value
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![value.clone()]);
        names.extend(
            items
                .iter()
                .map(|item| (list.clone(), item["name"].as_str().unwrap().to_owned())),
        );
    }
    names
}

fn pair(list: &str, name: &str) -> (String, String) {
    (list.to_owned(), name.to_owned())
}

#[tokio::test]
async fn a_runner_sets_pod_keeps_its_own_accounts_secrets() {
    let group = "actions.summerwind.dev/v1alpha1";
    let mut object = json!({"apiVersion": group, "kind": "RunnerSet", "metadata": {"name": "r", "namespace": "n"},
        "spec": {"image": "quay.io/a/b:1", "template": {"spec": {"serviceAccountName": "builder", "containers": []}}}});
    let list = "/spec/template/spec/imagePullSecrets";
    assert_eq!(
        appended(&object, group, "runnersets").await,
        [pair(list, "of-builder"), pair(list, "mirror")]
    );
    // The account may stand beside the template, too.
    object["spec"]["template"]["spec"] = json!({"containers": []});
    object["spec"]["serviceAccountName"] = json!("beside");
    assert_eq!(
        appended(&object, group, "runnersets").await,
        [pair(list, "of-beside"), pair(list, "mirror")]
    );
}

#[tokio::test]
async fn each_pod_gets_those_of_its_own_account() {
    let group = "actions.github.com/v1alpha1";
    let object = json!({"apiVersion": group, "kind": "AutoscalingRunnerSet", "metadata": {"name": "r", "namespace": "n"},
        "spec": {"template": {"spec": {"serviceAccountName": "runner", "containers": [{"name": "runner", "image": "quay.io/a/b:1"}]}},
            "listenerTemplate": {"spec": {"containers": [{"name": "listener"}]}}}});
    let (runner, listener) = (
        "/spec/template/spec/imagePullSecrets",
        "/spec/listenerTemplate/spec/imagePullSecrets",
    );
    assert_eq!(
        appended(&object, group, "autoscalingrunnersets").await,
        [
            pair(runner, "of-runner"),
            pair(runner, "mirror"),
            pair(listener, "of-default"),
            pair(listener, "mirror")
        ]
    );
}
