use super::*;

/// Two Deployments in the namespace `arc`, and what the server says of the Secret there.
async fn appended(secret: (u16, Value)) -> (Ran, Asked) {
    let (cluster, asked) = cluster(move |method, path, _| {
        let mut second = deployment(1, "quay.io/b/kube-rbac-proxy:v1");
        second["metadata"]["uid"] = json!("v");
        match method {
            "GET" if path.contains("/secrets/mirror") => secret.clone(),
            "GET" if path.contains("/deployments?") => {
                list(&[deployment(1, "quay.io/b/kube-rbac-proxy:v1"), second], "")
            }
            "GET" if path.contains("/serviceaccounts/") => status(404, "NotFound"),
            "PATCH" => (200, deployment(2, "mirror.corp/b/kube-rbac-proxy:v1")),
            _ => status(404, "NotFound"),
        }
    });
    cluster.seed("v1", "Secret", "secrets", Scope::Namespaced);
    cluster.seed("v1", "ServiceAccount", "serviceaccounts", Scope::Namespaced);
    let options = PatchOptions {
        pull_secret: Some("mirror".to_owned()),
        ..options()
    };
    let ran = run_as(&cluster, &Interrupt::never(), &options).await;
    (ran.unwrap(), asked)
}

#[tokio::test]
async fn an_object_in_whose_namespace_the_pull_secret_is_not_there_stays_as_it_is() {
    let (ran, asked) = appended(status(404, "NotFound")).await;
    let missing = Treatment::NoPullSecret {
        namespace: "arc".to_owned(),
        name: "mirror".to_owned(),
    };
    assert_eq!(ran.objects.len(), 2);
    for object in &ran.objects {
        assert_eq!(object.treatment, missing);
        assert!(object.slots.is_empty() && object.pull_secrets.is_empty());
    }
    assert_eq!(
        (ran.without_pull_secret(), ran.exit()),
        (2, Exit::ApplyFailed)
    );
    assert_eq!(patches(&asked), 0);
    let asked = asked.lock().unwrap();
    let secrets = asked.iter().filter(|call| call.contains("/secrets/"));
    assert_eq!(secrets.count(), 1, "once for a namespace: {asked:?}");
}

#[tokio::test]
async fn a_pull_secret_that_is_there_or_may_not_be_looked_for_is_appended() {
    let metadata = json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": {"name": "mirror"}});
    for (answer, noted) in [((200, metadata), false), (status(403, "Forbidden"), true)] {
        let (ran, asked) = appended(answer).await;
        assert_eq!((ran.patched(), patches(&asked)), (2, 2), "{ran:?}");
        for object in &ran.objects {
            let notes = object.notes.join("\n");
            assert_eq!(
                notes.contains("not known whether Secret arc/mirror is there"),
                noted,
                "{notes}"
            );
        }
    }
}
