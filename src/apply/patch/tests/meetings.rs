//! Two images that would become one.

use super::*;
use crate::plan::patch::{Wanted, decide};

fn rules() -> RuleSet {
    let to_corp = |id: &str, host: &str| {
        RuleSpec::new(
            id,
            Matcher::Host(host.into()),
            Action::Rewrite {
                target: "reg.corp".into(),
                drop_library: false,
            },
        )
    };
    RuleSet::compile(&[
        to_corp("map quay", "quay.io"),
        to_corp("map hub", "docker.io"),
    ])
    .unwrap()
}

fn named(name: &str, image: &str) -> Value {
    let mut object = deployment(1, image);
    object["metadata"]["name"] = json!(name);
    object["metadata"]["namespace"] = json!("shop");
    object
}

fn shop(objects: Vec<Value>) -> (Cluster, Asked) {
    cluster(move |method, path, _| match method {
        "GET" if path.contains("/deployments") => list(&objects, ""),
        "PATCH" => (200, json!({"kind": "PartialObjectMetadata"})),
        _ => status(404, "NotFound"),
    })
}

fn everything() -> PatchOptions {
    PatchOptions {
        selection: Selection {
            all_workloads: true,
            ..Selection::default()
        },
        timeout: Duration::from_secs(1),
        ..PatchOptions::default()
    }
}

async fn treatments(cluster: &Cluster, meetings: &Meetings) -> (Vec<ObjectReport>, PatchReport) {
    let objects: Mutex<Vec<ObjectReport>> = Mutex::default();
    let hands = Hands {
        rollouts: &|_, _| Box::pin(async { Ok(()) }),
        sink: &|_| {},
        emit: &|report| {
            objects.lock().unwrap().push(report.clone());
            Ok(())
        },
        targets: None,
        injecting: None,
        meetings,
        interrupt: &Interrupt::never(),
    };
    let patched = patch_images(cluster, &rules(), &everything(), hands).await;
    assert!(patched.failure.is_none());
    (objects.into_inner().unwrap(), patched.report)
}

#[tokio::test]
async fn the_later_of_two_images_that_would_become_one_is_refused() {
    let (cluster, asked) = shop(vec![
        named("a", "quay.io/foo/bar:1"),
        named("b", "foo/bar:1"),
        named("c", "foo/bar:2"),
    ]);
    let (objects, report) = treatments(&cluster, &Meetings::default()).await;
    assert_eq!((report.patched(), report.refused()), (2, 1));
    assert_eq!(report.exit(), Exit::ApplyFailed);
    assert_eq!(patches(&asked), 2);
    let Treatment::Refused { reasons } = &objects[1].treatment else {
        panic!("{objects:?}")
    };
    for part in [
        "docker.io/foo/bar:1 by rule map hub",
        "would become reg.corp/foo/bar:1",
        "quay.io/foo/bar:1 by rule map quay",
        "Deployment shop/a",
    ] {
        assert!(reasons[0].contains(part), "{part}: {reasons:?}");
    }
}

#[tokio::test]
async fn where_it_is_counted_first_neither_is_written() {
    let (cluster, asked) = shop(vec![
        named("a", "quay.io/foo/bar:1"),
        named("b", "foo/bar:1"),
        named("c", "foo/bar:2"),
    ]);
    let meetings = Meetings::default();
    let never = Interrupt::never();
    let counted = preview(
        &cluster,
        &rules(),
        &everything(),
        None,
        None,
        &meetings,
        &never,
    )
    .await;
    let counted = counted.unwrap();
    assert_eq!((counted.patched(), counted.refused()), (1, 2), "as it ends");
    let (objects, report) = treatments(&cluster, &meetings).await;
    assert_eq!((report.patched(), report.refused()), (1, 2));
    assert_eq!(patches(&asked), 1);
    let Treatment::Refused { reasons } = &objects[0].treatment else {
        panic!("{objects:?}")
    };
    assert!(
        reasons[0].contains("docker.io/foo/bar:1 by rule map hub"),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn what_an_earlier_run_wrote_counts_by_its_receipt() {
    let receipt = |was: &str| {
        let mut object = named("a", "reg.corp/foo/bar:1");
        let at = "/spec/template/spec/containers/0/image";
        let text =
            json!({"version": 2, "changes": [{"at": at, "was": was, "now": "reg.corp/foo/bar:1"}]});
        object["metadata"]["annotations"] =
            json!({"arc-setup.dev/original-images": text.to_string()});
        object
    };
    let (cluster, asked) = shop(vec![receipt("quay.io/foo/bar:1"), named("b", "foo/bar:1")]);
    let (_, report) = treatments(&cluster, &Meetings::default()).await;
    assert_eq!(
        (report.patched(), report.refused(), report.unchanged),
        (0, 1, 1)
    );
    assert_eq!(patches(&asked), 0);
    // Also where they stand side by side already.
    let mut other = receipt("docker.io/foo/bar:1");
    other["metadata"]["name"] = json!("z");
    let (cluster, _) = shop(vec![receipt("quay.io/foo/bar:1"), other]);
    let (_, report) = treatments(&cluster, &Meetings::default()).await;
    assert_eq!((report.refused(), report.unchanged), (1, 1));
}

#[tokio::test]
async fn a_compiled_in_image_counts_too() {
    let mut manager = named("b", "reg.corp/arc/actions-runner-controller:1");
    let container = &mut manager["spec"]["template"]["spec"]["containers"][0];
    container["name"] = json!("manager");
    container["command"] = json!(["/manager"]);
    let (cluster, _) = shop(vec![named("a", "quay.io/library/docker:dind"), manager]);
    let (objects, report) = treatments(&cluster, &Meetings::default()).await;
    assert_eq!(report.refused(), 1, "{objects:?}");
}

#[tokio::test]
async fn tags_of_one_repository_may_meet_in_a_digest() {
    let mut pin = RuleSpec::new(
        "pin",
        Matcher::Host("quay.io".into()),
        Action::Rewrite {
            target: "reg.corp/{path}".into(),
            drop_library: false,
        },
    );
    pin.pin = Some(format!("sha256:{}", "0".repeat(64)));
    let rules = RuleSet::compile(&[pin]).unwrap();
    let meetings = Meetings::default();
    for tag in ["1", "2"] {
        let object = named(tag, &format!("quay.io/foo/bar:{tag}"));
        let decided = decide(&object, &rules, &Wanted::default());
        assert_eq!(decided.arrivals.len(), 1);
        assert_eq!(meetings.meet(&decided.arrivals, &object, true), Ok(true));
    }
}
