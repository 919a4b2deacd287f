//! What the examples render to, on a real API server: taken as it is, not written twice, and removed without a rest.

use std::path::Path;

use arc_setup::config::load::{Sources, load};
use arc_setup::event::Outcome;
use arc_setup::object::{Manifest, ObjectRef};
use arc_setup::rules::RuleSet;
use arc_setup::{facts, plan, render, rewrite};

use super::session::{Session, eventually_gone, everything, now};
use crate::support::control_plane::{ControlPlane, Options, WebhookBackend};

/// An example's manifests, rendered for this cluster, and a session for its install.
async fn example(plane: &ControlPlane, name: &str) -> (Session, Vec<Manifest>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
        .join("arc-setup.yaml");
    let loaded = load(&Sources {
        file: Some(file),
        ..Sources::default()
    })
    .unwrap();
    let mut session = Session::new(plane);
    session.install.clone_from(&loaded.config.name);
    session.namespace = loaded.config.controller_namespace().to_owned();
    session.credentials = loaded.credentials;
    let config = loaded.config;
    let mut facts = facts::read(&session.cluster, &config, now()).await.unwrap();
    facts::host::read_into(&config, &mut facts).unwrap();
    let rules = RuleSet::compile(&config.registry.rules).unwrap();
    let mut manifests = render::render(&config, &facts).unwrap();
    let context = rewrite::Context {
        config: &config,
        facts: &facts,
    };
    rewrite::run(&mut manifests, &context, &rules).unwrap();
    plan::strip_moved(&mut manifests);
    (session, manifests)
}

async fn made_kept_and_removed(plane: &ControlPlane, name: &str) {
    let before = everything(&Session::new(plane)).await;
    let (session, manifests) = example(plane, name).await;
    session.init(&manifests).await.unwrap();
    assert_eq!(
        session.outcomes(Outcome::Created).len(),
        manifests.len(),
        "{name}"
    );
    let versions = session.versions(&manifests).await;

    let (session, manifests) = example(plane, name).await;
    let plan = session.init(&manifests).await.unwrap();
    assert!(!plan.writes(), "{name}: {:#?}", plan::describe(&plan));
    assert_eq!(session.versions(&manifests).await, versions, "{name}");

    session.uninstall().await;
    let namespaces: Vec<String> = manifests
        .iter()
        .filter(|one| one.kind() == "Namespace")
        .map(|one| one.reference().name)
        .collect();
    eventually_gone(
        &session,
        &namespaces.iter().map(String::as_str).collect::<Vec<_>>(),
    )
    .await;
    assert_eq!(everything(&session).await, before, "{name}");
}

#[tokio::test]
async fn the_story_of_both_generations_is_made_kept_and_removed() {
    let plane = ControlPlane::isolated(Options::full()).await.unwrap();
    made_kept_and_removed(&plane, "locked-down-rancher-scale-set").await;

    let (_, manifests) = example(&plane, "locked-down-rancher").await;
    let find = |kind: &str, part: &str| -> ObjectRef {
        let mut all = manifests.iter().map(Manifest::reference);
        all.find(|object| object.kind == kind && object.name.contains(part))
            .unwrap()
    };
    plane.webhooks().unwrap().serve(WebhookBackend {
        namespace: find("Deployment", "").namespace.unwrap(),
        service: find("Service", "webhook").name,
        secret: find("Secret", "serving").name,
        deployment: find("Deployment", "").name,
    });
    made_kept_and_removed(&plane, "locked-down-rancher").await;
}
