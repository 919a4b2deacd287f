use super::*;
use crate::plan::patch::ORIGINAL_IMAGES;

fn both() -> RuleSet {
    let rule = |host: &str| {
        let to = Action::Rewrite {
            target: "mirror.corp".into(),
            drop_library: false,
        };
        RuleSpec::new(format!("map {host}"), Matcher::Host(host.into()), to)
    };
    RuleSet::compile(&[rule("quay.io"), rule("ghcr.io")]).unwrap()
}

fn second(image: &str) -> Value {
    let mut second = deployment(1, image);
    second["metadata"]["uid"] = json!("v");
    second
}

/// What becomes of these Deployments, in this order.
async fn patched(objects: Vec<Value>) -> (Ran, usize) {
    let (cluster, asked) = cluster(move |method, path, _| match method {
        "GET" if path.contains("/deployments?") => list(&objects, ""),
        "PATCH" => (200, deployment(2, "mirror.corp/b/kube-rbac-proxy:v1")),
        _ => status(404, "NotFound"),
    });
    let ran = run_by(&cluster, &both(), &Interrupt::never(), &options()).await;
    let patches = patches(&asked);
    (ran.unwrap(), patches)
}

#[tokio::test]
async fn the_second_of_two_images_that_would_be_one_is_refused_with_both_rules() {
    let quay = deployment(1, "quay.io/b/kube-rbac-proxy:v1");
    let (ran, patches) = patched(vec![quay.clone(), second("ghcr.io/b/kube-rbac-proxy:v1")]).await;
    assert_eq!(
        (ran.patched(), ran.refused(), patches),
        (1, 1, 1),
        "{ran:?}"
    );
    assert_eq!(ran.exit(), Exit::ApplyFailed);
    let refused = ran
        .objects
        .iter()
        .find_map(|object| match &object.treatment {
            Treatment::Refused { reasons } => Some(reasons.join("\n")),
            _ => None,
        });
    let refused = refused.unwrap();
    assert!(
        refused.starts_with("different images would become mirror.corp/b/kube-rbac-proxy:v1: "),
        "{refused}"
    );
    for part in [
        "quay.io/b/kube-rbac-proxy:v1 by rule map quay.io",
        "ghcr.io/b/kube-rbac-proxy:v1 by rule map ghcr.io",
    ] {
        assert!(refused.contains(part), "{refused}");
    }
    // The same image in two objects, and another tag, are no such images.
    let (ran, _) = patched(vec![quay.clone(), second("quay.io/b/kube-rbac-proxy:v1")]).await;
    assert_eq!((ran.patched(), ran.refused()), (2, 0), "{ran:?}");
    let (ran, _) = patched(vec![quay, second("ghcr.io/b/kube-rbac-proxy:v2")]).await;
    assert_eq!((ran.patched(), ran.refused()), (2, 0), "{ran:?}");
}

#[tokio::test]
async fn what_an_earlier_run_wrote_keeps_its_name() {
    let mut done = deployment(2, "mirror.corp/b/kube-rbac-proxy:v1");
    let pointer = "/spec/template/spec/containers/0/image";
    let receipt = json!({"version": 2, "changes": [{"at": pointer, "names": ["kube-rbac-proxy"],
        "was": "quay.io/b/kube-rbac-proxy:v1", "now": "mirror.corp/b/kube-rbac-proxy:v1"}]});
    done["metadata"]["annotations"] = json!({ORIGINAL_IMAGES: receipt.to_string()});
    let (ran, patches) = patched(vec![done, second("ghcr.io/b/kube-rbac-proxy:v1")]).await;
    assert_eq!((ran.refused(), patches), (1, 0), "{ran:?}");
    let told = format!("{:?}", ran.objects);
    assert!(
        told.contains("quay.io/b/kube-rbac-proxy:v1 by an earlier run"),
        "{told}"
    );
}
