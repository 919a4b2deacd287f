//! Custom kinds whose definitions are among the files.

use anyhow::Result;

use super::{rewrite, rewritten};
use crate::support::arc_setup::ArcSetup;

/// Nothing but the schema tells that a pod stands there.
const OBJECT: &str = "\
apiVersion: example.com/v1
kind: Farm
metadata: {name: f}
spec:
  worker:
    containers:
    - {name: w, image: quay.io/a:1}
";

fn definition() -> String {
    let schema = |kind: &str, fields: &[&str]| {
        let fields: Vec<String> = fields
            .iter()
            .map(|field| format!("{field}: {{type: {kind}}}"))
            .collect();
        fields.join(", ")
    };
    let lists = schema(
        "array",
        &["args", "command", "env", "envFrom", "volumeMounts"],
    );
    let texts = schema("string", &["name", "image", "imagePullPolicy"]);
    let others = schema("object", &["resources", "securityContext"]);
    format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: farms.example.com}}
spec:
  group: example.com
  names: {{kind: Farm, plural: farms}}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              worker:
                type: object
                properties:
                  containers:
                    type: array
                    items:
                      type: object
                      properties: {{{lists}, {texts}, {others}}}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_in_a_later_file_is_enough() -> Result<()> {
    let mut arc_setup = ArcSetup::new()?;
    let object = arc_setup.file("object.yaml", OBJECT)?;
    let alone = rewrite(&arc_setup, &[&object.to_string_lossy()]).await?;
    let alone = alone.expect_code(0);
    assert_eq!(alone.stdout, OBJECT);
    assert!(
        alone
            .stderr
            .contains("may be an image (it is called an image"),
        "{}",
        alone.stderr
    );
    let definition = arc_setup.file("z-definition.yaml", definition())?;
    let files = [&object, &definition].map(|file| file.to_string_lossy().into_owned());
    let arguments: Vec<&str> = ["--in-place"]
        .into_iter()
        .chain(files.iter().map(String::as_str))
        .collect();
    rewrite(&arc_setup, &arguments).await?.expect_code(0);
    assert_eq!(std::fs::read_to_string(&object)?, rewritten(OBJECT));
    // Standard input is one text: there too the definition may come last.
    arc_setup.stdin(format!(
        "{OBJECT}---\n{}",
        std::fs::read_to_string(&definition)?
    ));
    let both = rewrite(&arc_setup, &["-"]).await?.expect_code(0);
    assert!(
        both.stdout.starts_with(&rewritten(OBJECT)),
        "{}",
        both.stdout
    );
    Ok(())
}
