//! What is said of a result.

use serde::Serialize;

use super::made::{Bundle, Image, Product};
use crate::image_ref::ImageReference;
use crate::oci::LeftOut;
use crate::plan::counted;
use crate::ui::foreign;

/// The answer of every task.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    base: BaseShown,
    bundle: BundleShown,
    mode: &'static str,
    /// Registries for which Docker in the image trusts the bundle.
    certs_for: Vec<String>,
    images: Vec<ImageShown>,
    /// What the base has and the result has not.
    left_out: Vec<LeftOut>,
    /// Where it is under a name.
    reference: String,
    /// The digest: what to use.
    digest: String,
    #[serde(rename = "use")]
    used: String,
    #[serde(flatten)]
    done: Done,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub(super) enum Done {
    /// Nothing: it is there.
    There,
    /// Nothing: it was only asked what would be.
    Would {
        /// The digest that the tag names now.
        #[serde(skip_serializing_if = "Option::is_none")]
        replaced: Option<String>,
    },
    /// It was pushed.
    Pushed {
        /// The digest that the tag named before.
        #[serde(skip_serializing_if = "Option::is_none")]
        replaced: Option<String>,
        blobs: Blobs,
    },
    /// It is what comes of base and bundle.
    Same,
}

/// How many blobs went which way.
#[derive(Debug, Serialize)]
pub(super) struct Blobs {
    /// Made here.
    pub(super) new: usize,
    pub(super) there: usize,
    pub(super) mounted: usize,
    pub(super) copied: usize,
}

#[derive(Debug, Serialize)]
struct BaseShown {
    name: String,
    digest: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BundleShown {
    /// That of the PEM which `ca bundle` writes.
    sha256: String,
    authorities: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageShown {
    platform: String,
    base: String,
    digest: String,
    config: String,
    layer: LayerShown,
    files: Vec<FileShown>,
    /// The image's own bundles that got the authorities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bundles_rewritten: Vec<String>,
    /// Those that have them already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bundles_complete: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerShown {
    digest: String,
    diff_id: String,
    media_type: String,
    size: usize,
}

#[derive(Debug, Serialize)]
struct FileShown {
    path: String,
    size: usize,
}

impl Answer {
    pub(super) fn new(
        product: &Product,
        bundle: &Bundle,
        target: &ImageReference,
        digest: &str,
        done: Done,
    ) -> Self {
        Self {
            base: BaseShown {
                name: product.origin.name.clone(),
                digest: product.origin.digest.clone(),
            },
            bundle: BundleShown {
                sha256: product.bundle_sha256.clone(),
                authorities: bundle.pems.len(),
            },
            mode: if bundle.is_merged {
                "merged"
            } else {
                "additive"
            },
            certs_for: bundle.hosts.clone(),
            images: product.images.iter().map(shown).collect(),
            left_out: product.left_out.clone(),
            reference: target.canonical(),
            digest: digest.to_owned(),
            used: format!("{}@{digest}", target.name()),
            done,
        }
    }

    /// For a person.
    pub(super) fn text(&self) -> String {
        let mut lines = Vec::new();
        let mut line = |word: &str, text: String| {
            lines.push(foreign::own_line(&format!("{word:<12}{text}")));
        };
        line("base", format!("{}@{}", self.base.name, self.base.digest));
        let authorities = counted(self.bundle.authorities, "authority");
        line(
            "bundle",
            format!("{authorities}, SHA-256 {}", self.bundle.sha256),
        );
        for image in &self.images {
            let layer = &image.layer;
            line("image", format!("{} {}", image.platform, image.digest));
            line(
                "",
                format!(
                    "layer {}, {} bytes, {}",
                    layer.digest,
                    layer.size,
                    counted(image.files.len(), "file")
                ),
            );
            for path in &image.bundles_rewritten {
                line(
                    "",
                    format!("/{path}: the authorities were added to the image's own"),
                );
            }
            for path in &image.bundles_complete {
                line("", format!("/{path}: has every authority already"));
            }
        }
        if let Some(first) = self.images.first() {
            for file in &first.files {
                line(
                    if file.path == first.files[0].path {
                        "files"
                    } else {
                        ""
                    },
                    format!("/{}", file.path),
                );
            }
        }
        for left_out in &self.left_out {
            line("left out", format!("{}: {}", left_out.digest, left_out.why));
        }
        let (word, more) = self.done();
        line(word, format!("{}{more}", self.reference));
        line("use", self.used.clone());
        lines.push(String::new());
        lines.join("\n")
    }

    fn done(&self) -> (&'static str, String) {
        let moved = |replaced: &Option<String>| {
            let replaced = replaced.as_ref();
            replaced.map_or(String::new(), |digest| format!(" (until now {digest})"))
        };
        match &self.done {
            Done::There => (
                "there",
                ", as it would be pushed: nothing was done".to_owned(),
            ),
            Done::Would { replaced } => ("would push", moved(replaced)),
            Done::Pushed { replaced, blobs } => {
                let Blobs {
                    new,
                    there,
                    mounted,
                    copied,
                } = blobs;
                let blobs = format!(
                    "; blobs: {new} new, {there} there, {mounted} mounted, {copied} copied"
                );
                ("pushed", moved(replaced) + &blobs)
            }
            Done::Same => (
                "verified",
                " is what comes of this base and this bundle".to_owned(),
            ),
        }
    }
}

fn shown(image: &Image) -> ImageShown {
    let layer = &image.edited.layer;
    let files = image.files.files();
    ImageShown {
        platform: image.platform.clone(),
        base: image.base_digest.clone(),
        digest: image.edited.manifest.digest.clone(),
        config: image.edited.config.digest.clone(),
        layer: LayerShown {
            digest: layer.blob.digest.clone(),
            diff_id: layer.diff_id.clone(),
            media_type: layer.blob.media_type.clone(),
            size: layer.blob.bytes.len(),
        },
        files: files
            .map(|(path, size)| FileShown {
                path: path.to_owned(),
                size,
            })
            .collect(),
        bundles_rewritten: image.rewritten.clone(),
        bundles_complete: image.complete.clone(),
    }
}
