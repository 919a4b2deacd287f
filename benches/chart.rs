//! A chart of the same objects that arc-setup renders, and the same objects as files for kubectl.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::support::arc_setup::ArcSetup;

/// The rendered objects, in the order in which they are applied.
pub(crate) async fn objects(
    program: &ArcSetup,
    config: &str,
    extra: &[&str],
) -> Result<Vec<Value>> {
    let config = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(config)
        .display()
        .to_string();
    let arguments = [&["render", "--config", &config], extra].concat();
    let outcome = program.run(&arguments).await?;
    ensure!(
        outcome.code == Some(0),
        "render ended with {:?}: {}",
        outcome.code,
        outcome.stderr
    );
    let objects: Vec<Value> =
        serde_yaml::from_multiple(&outcome.stdout).context("what render wrote is no YAML")?;
    let objects: Vec<Value> = objects.into_iter().filter(Value::is_object).collect();
    ensure!(!objects.is_empty(), "render wrote no object");
    Ok(objects)
}

/// Writes a chart whose templates are these objects, one file each, and returns its directory.
pub(crate) fn write(program: &ArcSetup, objects: &[Value]) -> Result<PathBuf> {
    let meta = "apiVersion: v2\nname: same-objects\nversion: 1.0.0\n";
    let chart = program.file("chart/Chart.yaml", meta)?;
    for (index, object) in objects.iter().enumerate() {
        // What looks like a template in an object is text there.
        let text = serde_yaml::to_string(object)?.replace("{{", "{{ \"{{\" }}");
        program.file(&format!("chart/templates/{index:03}.yaml"), text)?;
    }
    Ok(chart
        .parent()
        .context("a chart without a directory")?
        .to_owned())
}

/// Writes the objects into two files: what must be there first (namespaces and CRDs), and the rest.
pub(crate) fn write_waves(program: &ArcSetup, objects: &[Value]) -> Result<[PathBuf; 2]> {
    let is_first = |object: &&Value| {
        matches!(
            object["kind"].as_str(),
            Some("Namespace" | "CustomResourceDefinition")
        )
    };
    let file = |name: &str, objects: Vec<&Value>| -> Result<PathBuf> {
        program.file(
            name,
            serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string(),
        )
    };
    let first = file("first.json", objects.iter().filter(is_first).collect())?;
    let rest = file(
        "rest.json",
        objects.iter().filter(|object| !is_first(object)).collect(),
    )?;
    Ok([first, rest])
}
