//! `images`: the allow-list ticket, without a cluster.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::support::examples::{Example, arc_setup, examples};

async fn listing(example: &Example) -> Result<Value> {
    let arguments = example.arguments("images", &["-o", "json"]);
    let outcome = arc_setup()?.run(&arguments).await?.expect_code(0);
    Ok(serde_json::from_str(&outcome.stdout)?)
}

fn pairs(document: &Value) -> BTreeMap<String, String> {
    let text = |image: &Value, key: &str| image[key].as_str().unwrap_or_default().to_owned();
    let images = document["images"].as_array().into_iter().flatten();
    images
        .map(|image| (text(image, "before"), text(image, "after")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_asks_for_four_images_and_relabels_only_the_one_of_quay() -> Result<()> {
    let story = examples()?
        .into_iter()
        .find(|example| example.name == "locked-down-rancher");
    let document = listing(&story.context("the story")?).await?;
    let expected = [
        ("docker:dind", "docker:dind"),
        (
            "quay.io/brancz/kube-rbac-proxy:v0.8.0",
            "registry.artifactory.mydomain.com/brancz/kube-rbac-proxy:v0.8.0",
        ),
        (
            "summerwind/actions-runner-controller:v0.18.2",
            "summerwind/actions-runner-controller:v0.18.2",
        ),
        (
            "summerwind/actions-runner:v0.18.2",
            "summerwind/actions-runner:v0.18.2",
        ),
    ];
    let expected = expected.map(|(before, after)| (before.to_owned(), after.to_owned()));
    assert_eq!(pairs(&document), BTreeMap::from(expected));
    Ok(())
}

/// Every image that a rendered pod may pull is on the list, and the list says why.
#[tokio::test(flavor = "multi_thread")]
async fn every_example_lists_every_image_of_its_objects() -> Result<()> {
    for example in examples()? {
        let document = listing(&example).await?;
        let listed = pairs(&document);
        let after: Vec<&String> = listed.values().collect();
        let rendered = arc_setup()?
            .run(&example.arguments("render", &["-o", "json"]))
            .await?
            .expect_code(0);
        let objects: Value = serde_json::from_str(&rendered.stdout)?;
        let mut images = Vec::new();
        let items = objects["items"].as_array().context("items")?;
        for object in items
            .iter()
            .filter(|object| object["kind"] != "CustomResourceDefinition")
        {
            named(object, &mut images);
        }
        assert!(!images.is_empty());
        for image in images {
            assert!(
                after.contains(&&image),
                "{}: {image} is not listed",
                example.name
            );
        }
        for image in document["images"].as_array().into_iter().flatten() {
            assert!(
                image["why"].is_string() && image["pointer"].is_string(),
                "{image}"
            );
            assert_eq!(image["refused"], false, "{image}");
        }
    }
    Ok(())
}

fn named(value: &Value, images: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(image)) = map.get("image") {
                images.push(image.clone());
            }
            map.values().for_each(|inner| named(inner, images));
        }
        Value::Array(items) => items.iter().for_each(|item| named(item, images)),
        Value::String(text) => {
            for flag in ["--docker-image=", "--runner-image="] {
                images.extend(text.strip_prefix(flag).map(str::to_owned));
            }
        }
        _ => {}
    }
}

/// Scripts read this document: its fields and their types are frozen.
#[tokio::test(flavor = "multi_thread")]
async fn the_shape_of_the_document_is_frozen() -> Result<()> {
    let story = examples()?
        .into_iter()
        .find(|example| example.name == "locked-down-rancher");
    let document = listing(&story.context("the story")?).await?;
    assert_eq!(document["apiVersion"], "arc-setup/v1");
    assert_eq!(document["kind"], "Images");
    let mut settings = insta::Settings::clone_current();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/images");
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("story", format!("{document:#}")));
    let arguments = examples()?[0].arguments("images", &["-o", "yaml"]);
    let yaml = arc_setup()?.run(&arguments).await?.expect_code(0).stdout;
    assert!(
        yaml.starts_with("apiVersion: arc-setup/v1\nkind: Images\n"),
        "{yaml}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_one_line_for_each_image_and_purpose() -> Result<()> {
    for example in examples()? {
        let outcome = arc_setup()?
            .run(&example.arguments("images", &[]))
            .await?
            .expect_code(0);
        let mut lines: Vec<&str> = outcome.stdout.lines().collect();
        assert!(lines[0].starts_with("IMAGE "), "{}", outcome.stdout);
        let count = lines.len();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), count, "{}", outcome.stdout);
    }
    Ok(())
}
