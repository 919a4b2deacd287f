//! Manifests, configurations and indexes, with one layer more.

use serde_json::{Value, json};

use super::{PINNED, company};
use crate::oci::{
    Base, Blob, CaFiles, Edited, Family, Hasher, Made, Manifest, Origin, Problem, bundle_of,
    differences, read_base, with_children,
};

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

fn digest(text: &str) -> String {
    Hasher::digest_like("sha256:", text.as_bytes())
}

fn origin() -> Origin {
    Origin {
        name: "registry.corp/library/docker:29-dind".to_owned(),
        digest: digest("base"),
    }
}

fn files() -> CaFiles {
    CaFiles::additive(&[PINNED.to_owned()], &[]).unwrap()
}

fn manifest(family: Family) -> Value {
    let (own, config, layer) = match family {
        Family::Oci => (
            OCI,
            "application/vnd.oci.image.config.v1+json",
            "application/vnd.oci.image.layer.v1.tar+zstd",
        ),
        Family::Docker => (
            DOCKER,
            "application/vnd.docker.container.image.v1+json",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
        ),
    };
    json!({
        "x-before": 1, "schemaVersion": 2, "mediaType": own,
        "config": {"mediaType": config, "digest": digest("config"), "size": 6, "data": "e30="},
        "layers": [{"size": 3, "mediaType": layer, "digest": digest("one")}],
        "x-after": {"b": 1, "a": 2},
    })
}

fn config() -> Value {
    json!({
        "z": "first", "os": "linux", "rootfs": {"diff_ids": [digest("unpacked")], "type": "layers", "x": 1},
        "history": [{"created_by": "RUN x", "x": true}, {"empty_layer": true}], "a": "last",
    })
}

fn edited(manifest: &Value, config: &Value) -> Result<Edited, Problem> {
    let manifest = Manifest::read("", manifest.to_string().as_bytes())?;
    manifest.with_layer(config.to_string().as_bytes(), &files(), &origin())
}

#[test]
fn all_that_nobody_knows_stays_where_it_is() {
    let edited = edited(&manifest(Family::Oci), &config()).unwrap();
    let layer = &edited.layer.blob.digest;
    let sha256 = files().bundle_sha256();
    let wanted = config().to_string()
        .replace("],\"type\"", &format!(",\"{layer}\"],\"type\""))
        .replace("{\"empty_layer\":true}]", &format!("{{\"empty_layer\":true}},{{\"created\":\"1970-01-01T00:00:00Z\",\"created_by\":\"arc-setup ca-layer {sha256}\"}}]"));
    assert_eq!(
        String::from_utf8(edited.config.bytes.clone()).unwrap(),
        wanted
    );
    assert_eq!(bundle_of(&edited.config.bytes), Some(sha256));
    let text = String::from_utf8(edited.manifest.bytes.clone()).unwrap();
    assert!(
        text.starts_with("{\"x-before\":1,") && text.contains("\"x-after\":{\"b\":1,\"a\":2}"),
        "{text}"
    );
    let made: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(made["config"]["digest"], edited.config.digest);
    assert_eq!(made["config"]["size"], edited.config.bytes.len());
    assert_eq!(
        made["config"].get("data"),
        None,
        "it would be the old configuration"
    );
    assert_eq!(made["layers"][1]["digest"], *layer);
    assert_eq!(
        made["annotations"]["org.opencontainers.image.base.digest"],
        origin().digest
    );
    assert_eq!(
        made["annotations"]["org.opencontainers.image.base.name"],
        origin().name
    );
}

#[test]
fn the_families_are_never_mixed() {
    let edited = edited(&manifest(Family::Docker), &config()).unwrap();
    let text = String::from_utf8(edited.manifest.bytes).unwrap();
    assert!(
        !text.contains("oci") && !text.contains("annotations"),
        "{text}"
    );
    assert_eq!(edited.manifest.media_type, DOCKER);
}

#[test]
fn a_configuration_that_does_not_fit_gets_no_layer() {
    let of = |change: &dyn Fn(&mut Value)| {
        let mut config = config();
        change(&mut config);
        edited(&manifest(Family::Oci), &config)
    };
    let more = of(&|config| config["history"][1] = json!({"created_by": "COPY"}));
    let said = more.unwrap_err().to_string();
    assert!(
        said.contains("1 layers in the manifest, 2 in the history"),
        "{said}"
    );
    let more = of(&|config| config["rootfs"]["diff_ids"] = json!([]));
    let said = more.unwrap_err().to_string();
    assert!(
        said.contains("1 layers in the manifest, 0 in the configuration"),
        "{said}"
    );
    assert!(matches!(
        of(&|config| config["rootfs"] = json!({})),
        Err(Problem::NoImage(_))
    ));
    assert!(of(&|config| *config = json!([])).is_err());
    // A history is not obligatory.
    let without = of(&|config| drop(config.as_object_mut().unwrap().remove("history")));
    assert_eq!(bundle_of(&without.unwrap().config.bytes), None);
}

#[test]
fn what_is_no_image_is_told() {
    let refused =
        |media_type: &str, value: Value| read_base(media_type, value.to_string().as_bytes());
    assert_eq!(
        refused(
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            json!({"schemaVersion": 1})
        ),
        Err(Problem::Schema1)
    );
    for value in [
        json!([]),
        json!({}),
        json!({"schemaVersion": 2, "mediaType": "text/html"}),
    ] {
        assert!(matches!(
            refused("text/html", value),
            Err(Problem::NoImage(_))
        ));
    }
    assert!(matches!(
        read_base(OCI, b"<html>"),
        Err(Problem::Malformed { .. })
    ));
    // Charts and signatures are manifests, too.
    let mut chart = manifest(Family::Oci);
    chart["config"]["mediaType"] = json!("application/vnd.cncf.helm.config.v1+json");
    assert!(matches!(
        Manifest::read(OCI, chart.to_string().as_bytes()),
        Err(Problem::NoImage(_))
    ));
    let mut broken = manifest(Family::Oci);
    broken["layers"][0]["digest"] = json!("sha256:../../x");
    assert!(matches!(
        Manifest::read(OCI, broken.to_string().as_bytes()),
        Err(Problem::Malformed { .. })
    ));
}

fn index(own: &str, child: &str) -> Value {
    let item = |name: &str, os: &str, architecture: &str| {
        json!({"mediaType": child, "digest": digest(name), "size": 1,
            "platform": {"os": os, "architecture": architecture}, "x-kept": name})
    };
    let mut attestation = item("attestation", "unknown", "unknown");
    attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let mut signature = item("signature", "linux", "amd64");
    signature["artifactType"] = json!("application/vnd.dev.cosign");
    json!({"schemaVersion": 2, "mediaType": own, "x": 1, "manifests": [
        item("amd64", "linux", "amd64"), attestation, item("arm64", "linux", "arm64"),
        item("windows", "windows", "amd64"), signature,
    ]})
}

#[test]
fn an_index_keeps_what_runs_and_says_what_it_leaves_out() {
    for (own, child, has_annotations) in [(OCI_INDEX, OCI, true), (DOCKER_INDEX, DOCKER, false)] {
        let bytes = index(own, child).to_string();
        let Base::Index { children, left_out } =
            read_base("application/json", bytes.as_bytes()).unwrap()
        else {
            panic!("no index");
        };
        let platforms: Vec<&str> = children
            .iter()
            .map(|child| child.platform.as_str())
            .collect();
        assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
        let said: Vec<String> = left_out.iter().map(|one| one.why.clone()).collect();
        assert_eq!(
            said,
            [
                "an attestation of an image without the layer".to_owned(),
                "an image for windows: the layer is for Linux".to_owned(),
                format!("{child} is no image"),
            ]
        );
        let edited = edited(&manifest(Family::Oci), &config()).unwrap();
        let pairs: Vec<_> = children.iter().map(|child| (child, &edited)).collect();
        let made = with_children("", bytes.as_bytes(), &pairs, &origin()).unwrap();
        assert_eq!(made.media_type, own);
        let made: Value = serde_json::from_slice(&made.bytes).unwrap();
        assert_eq!(made["manifests"].as_array().unwrap().len(), 2);
        assert_eq!(made["manifests"][1]["x-kept"], "arm64");
        assert_eq!(made["manifests"][1]["digest"], edited.manifest.digest);
        assert_eq!(made.get("annotations").is_some(), has_annotations);
    }
    let empty = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []});
    assert!(matches!(
        read_base("", empty.to_string().as_bytes()),
        Err(Problem::NoImage(_))
    ));
}

#[test]
fn what_differs_is_named() {
    let base = Manifest::read("", manifest(Family::Oci).to_string().as_bytes()).unwrap();
    let bytes = config().to_string();
    let with = |pems: &[String], hosts: &[String]| {
        let files = CaFiles::additive(pems, hosts).unwrap();
        base.with_layer(bytes.as_bytes(), &files, &origin())
            .unwrap()
    };
    let ours = [PINNED.to_owned()];
    let wanted = with(&ours, &[]);
    let said = |manifest: &Blob, config: &[u8]| {
        let made = Made {
            platform: "linux/amd64",
            wanted: &wanted,
            base: &base,
        };
        differences(&made, "", &manifest.bytes, config)
            .unwrap()
            .join("\n")
    };
    let of = |edited: &Edited| said(&edited.manifest, &edited.config.bytes);
    assert_eq!(of(&wanted), "");
    assert!(of(&with(&company(), &[])).contains("the bundle in it has SHA-256"));
    let other_host = of(&with(&ours, &["registry.corp".to_owned()]));
    assert!(
        other_host.contains("its layer is sha256:") && !other_host.contains("SHA-256"),
        "{other_host}"
    );
    let plain = Blob::new(OCI, manifest(Family::Oci).to_string().into_bytes());
    assert!(said(&plain, bytes.as_bytes()).contains("it has no layer over the base"));
    let mut moved = manifest(Family::Oci);
    moved["layers"][0]["digest"] = json!(digest("other"));
    let moved = Blob::new(OCI, moved.to_string().into_bytes());
    assert!(said(&moved, b"{}").contains("does not stand on the layers of this base"));
}
