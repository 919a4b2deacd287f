//! Objects that move between the list and the write, on the real API server: each is decided again, as it is now.

use arc_setup::object::ObjectRef;
use serde_json::{Value, json};

use super::watched::{NAMESPACE, PATCH, RECEIPT, UNDO, Watched, deployment, reference, told};
use crate::support::recording_proxy::Hold;

const BEFORE: &str = "quay.io/shop/web:1.0.0";
const PATCHED: &str = "registry.artifactory.mydomain.com/shop/web:1.0.0";
const IMAGE: &str = "/spec/template/spec/containers/0/image";

fn containers() -> Value {
    json!([{"name": "web", "image": BEFORE}])
}

fn add(path: &str, value: &Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

async fn create(watched: &Watched, names: &[&str]) {
    for name in names {
        let object = deployment(name, &containers());
        watched.cluster.create(&object, false).await.unwrap();
    }
}

async fn live(watched: &Watched, name: &str) -> Option<Value> {
    watched.cluster.get(&reference(name)).await.unwrap()
}

async fn gone(watched: &Watched, object: &ObjectRef) {
    watched.cluster.delete(object, None).await.unwrap();
    crate::control_plane::eventually("its end", async || {
        let live = watched.cluster.get(object).await.unwrap();
        live.is_none().then_some(())
    })
    .await;
}

/// What others do to them while the first patches wait for their answers.
async fn meddle(watched: &Watched) {
    let upgraded = add(IMAGE, &json!("quay.io/shop/web:2.0.0"));
    watched.change("upgraded", &[upgraded]).await;
    watched
        .change("fixed", &[add(IMAGE, &json!(PATCHED))])
        .await;
    watched
        .change("scaled", &[add("/spec/replicas", &json!(3))])
        .await;
    let first = json!({"name": "first", "image": "r.example.com/first:1.0.0"});
    let moved = add("/spec/template/spec/containers/0", &first);
    watched.change("moved", &[moved]).await;
    let noted = add("/metadata/annotations", &json!({"example.com/mine": "x"}));
    watched.change("noted", &[noted]).await;
    let owned = add(
        "/metadata/annotations",
        &json!({"meta.helm.sh/release-name": "shop"}),
    );
    watched.change("owned", &[owned]).await;
    gone(watched, &reference("deleted")).await;
    gone(watched, &reference("remade")).await;
    let remade = deployment(
        "remade",
        &json!([{"name": "other", "image": "quay.io/shop/other:3.0.0"}]),
    );
    watched.cluster.create(&remade, false).await.unwrap();
}

#[tokio::test]
async fn what_moves_between_list_and_write_is_decided_again_as_it_is_then() {
    let watched = Watched::new().await;
    let names = [
        "upgraded", "fixed", "scaled", "moved", "noted", "owned", "deleted", "remade",
    ];
    create(&watched, &names).await;
    // So many are under way before the first is answered; the others are of the same page and wait for their turn.
    let held = watched.held(PATCH, Hold::Before(1), 4).await;
    meddle(&watched).await;
    // The one that a tool owns now is left.
    let outcome = held.release().await.expect_code(22);

    let image = async |name: &str, container: usize| {
        let object = live(&watched, name).await.unwrap();
        let image = &object["spec"]["template"]["spec"]["containers"][container]["image"];
        let receipt = object["metadata"]["annotations"][RECEIPT].as_str();
        (
            image.as_str().unwrap().to_owned(),
            receipt.unwrap_or_default().to_owned(),
        )
    };
    let (now, receipt) = image("upgraded", 0).await;
    assert_eq!(now, PATCHED.replace("1.0.0", "2.0.0"));
    assert!(receipt.contains("quay.io/shop/web:2.0.0"), "{receipt}");
    assert_eq!(image("fixed", 0).await, (PATCHED.to_owned(), String::new()));
    assert_eq!(image("scaled", 0).await.0, PATCHED);
    assert_eq!(
        live(&watched, "scaled").await.unwrap()["spec"]["replicas"],
        3
    );
    assert_eq!(image("moved", 0).await.0, "r.example.com/first:1.0.0");
    let (now, receipt) = image("moved", 1).await;
    assert!(
        now == PATCHED && receipt.contains("/containers/1/image"),
        "{now} {receipt}"
    );
    assert_eq!(image("noted", 0).await.0, PATCHED);
    let noted = live(&watched, "noted").await.unwrap();
    assert_eq!(noted["metadata"]["annotations"]["example.com/mine"], "x");
    assert_eq!(image("owned", 0).await, (BEFORE.to_owned(), String::new()));
    let (now, receipt) = image("remade", 0).await;
    assert_eq!(now, "registry.artifactory.mydomain.com/shop/other:3.0.0");
    assert!(receipt.contains("quay.io/shop/other:3.0.0"), "{receipt}");
    assert_eq!(live(&watched, "deleted").await, None);

    let told = told(&outcome);
    let treatment = |name: &str| told.get(name).map(|object| object["treatment"].clone());
    assert_eq!(treatment("owned"), Some(json!("owned")));
    assert_eq!(treatment("deleted"), Some(json!("gone")));
    assert_eq!(treatment("fixed"), None, "nothing is left to do there");
    for name in ["upgraded", "scaled", "moved", "noted", "remade"] {
        assert_eq!(treatment(name), Some(json!("patched")), "{name}");
    }
    assert_eq!(
        told["upgraded"]["slots"][0]["before"],
        "quay.io/shop/web:2.0.0"
    );
}

#[tokio::test]
async fn an_image_that_is_upgraded_while_the_undo_is_on_its_way_stays() {
    let watched = Watched::new().await;
    create(&watched, &["plain", "raced"]).await;
    let before = watched.stored().await;
    watched.run(PATCH).await.expect_code(0);
    let held = watched.held(UNDO, Hold::Before(1), 2).await;
    watched
        .change("raced", &[add(IMAGE, &json!("mine.example.com/web:2.0.0"))])
        .await;
    let outcome = held.release().await.expect_code(0);
    let mut wanted = before;
    let raced = wanted["raced"].replace(BEFORE, "mine.example.com/web:2.0.0");
    wanted.insert("raced".to_owned(), raced);
    assert_eq!(watched.stored().await, wanted, "in {NAMESPACE}");
    let notes = told(&outcome)["raced"]["notes"].to_string();
    assert!(notes.contains("mine.example.com/web:2.0.0"), "{notes}");
}
