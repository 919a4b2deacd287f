//! What comes of an image and a bundle: read from the registry, made here, nothing written.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::failed;
use crate::clients::registry::{Document, Registry, Repository, Trouble};
use crate::failure::Failure;
use crate::image_ref::ImageReference;
use crate::object::text_at;
use crate::oci::{
    Base, Blob, CaFiles, Child, Edited, LeftOut, Manifest, Origin, Problem, Tree, bundle_of,
    merged, read_base, with_children,
};
use crate::ui::foreign;

/// Platforms that are read at the same time. Of the layers of each, where they are read, one at a time.
const AT_ONCE: usize = 4;

/// What goes into the layer.
pub(super) struct Bundle {
    /// The authorities.
    pub(super) pems: Vec<String>,
    /// Registries for Docker.
    pub(super) hosts: Vec<String>,
    /// The image's own bundles are written again.
    pub(super) is_merged: bool,
}

/// The result.
pub(super) struct Product {
    pub(super) origin: Origin,
    pub(super) bundle_sha256: String,
    pub(super) images: Vec<Image>,
    /// Of several images.
    pub(super) index: Option<Blob>,
    pub(super) left_out: Vec<LeftOut>,
}

/// One image of it.
pub(super) struct Image {
    pub(super) platform: String,
    pub(super) base: Manifest,
    pub(super) base_digest: String,
    pub(super) edited: Edited,
    pub(super) files: CaFiles,
    pub(super) rewritten: Vec<String>,
    pub(super) complete: Vec<String>,
    /// The bundle in the base's own top layer, where that is one of ours.
    stacked: Option<String>,
}

impl Product {
    /// What a tag names.
    pub(super) fn top(&self) -> Option<&Blob> {
        let only = self.images.first().map(|image| &image.edited.manifest);
        self.index.as_ref().or(only)
    }

    /// The bundle of a layer of ours that the base has already.
    pub(super) fn stacked(&self) -> Option<&str> {
        self.images
            .iter()
            .find_map(|image| image.stacked.as_deref())
    }
}

pub(super) struct Maker<'a> {
    repository: Repository,
    reference: &'a ImageReference,
    bundle: &'a Bundle,
    tell: &'a (dyn Fn(String) + Sync),
    /// What the result says that it was made of.
    base_name: String,
}

impl<'a> Maker<'a> {
    pub(super) fn new(
        registry: Registry,
        reference: &'a ImageReference,
        bundle: &'a Bundle,
        tell: &'a (dyn Fn(String) + Sync),
    ) -> Self {
        Self {
            repository: Repository::to_read(registry, reference.path()),
            base_name: reference.pulled(),
            reference,
            bundle,
            tell,
        }
    }

    /// Has the result say another name of the same base.
    pub(super) fn named(mut self, base_name: Option<String>) -> Self {
        self.base_name = base_name.unwrap_or(self.base_name);
        self
    }

    pub(super) fn repository(&self) -> &Repository {
        &self.repository
    }

    pub(super) async fn make(&self) -> Result<Product, Failure> {
        let name = self.reference.pulled();
        let wanted = self.reference.digest().or(self.reference.tag());
        let top = self.repository.manifest(wanted.unwrap_or("latest")).await;
        let top = top.map_err(|trouble| failed::reading(&name, trouble))?;
        let unusable = |problem| failed::content(problem, &format!("{name} cannot get a layer"));
        let additive = CaFiles::additive(&self.bundle.pems, &self.bundle.hosts);
        let additive = additive.map_err(unusable)?;
        let origin = Origin {
            name: self.base_name.clone(),
            digest: top.digest.clone(),
        };
        let base = read_base(&top.media_type, &top.bytes).map_err(unusable)?;
        let bundle_sha256 = additive.bundle_sha256();
        let Base::Index { children, left_out } = base else {
            let image = self.image(&top, None, &additive, &name).await?;
            return Ok(Product {
                origin,
                bundle_sha256,
                images: vec![image],
                index: None,
                left_out: Vec::new(),
            });
        };
        let images = stream::iter(&children).map(|child| self.child(child, &additive));
        let images: Vec<Image> = images.buffered(AT_ONCE).try_collect().await?;
        let edited: Vec<(&Child, &Edited)> = children
            .iter()
            .zip(images.iter().map(|image| &image.edited))
            .collect();
        let index = with_children(&top.media_type, &top.bytes, &edited, &origin);
        Ok(Product {
            index: Some(index.map_err(unusable)?),
            origin,
            bundle_sha256,
            images,
            left_out,
        })
    }

    async fn child(&self, child: &Child, additive: &CaFiles) -> Result<Image, Failure> {
        let name = format!("{}@{}", self.reference.name(), child.descriptor.digest);
        let what = format!("{name} ({})", child.platform);
        let document = self.repository.manifest(&child.descriptor.digest).await;
        let document = document.map_err(|trouble| failed::reading(&what, trouble))?;
        let platform = Some(child.platform.clone());
        self.image(&document, platform, additive, &name).await
    }

    /// One image with the layer. `platform` is what its index says.
    async fn image(
        &self,
        document: &Document,
        platform: Option<String>,
        additive: &CaFiles,
        name: &str,
    ) -> Result<Image, Failure> {
        let what = format!("{name} cannot get a layer");
        let unusable = |problem| failed::content(problem, &what);
        let unread = |trouble: Trouble| match trouble {
            Trouble::Content(problem) => failed::content(problem, &what),
            trouble => failed::reading(name, trouble),
        };
        let base = Manifest::read(&document.media_type, &document.bytes).map_err(unusable)?;
        let config = self
            .repository
            .small_blob(&base.config)
            .await
            .map_err(unread)?;
        let platform = match platform {
            Some(platform) => platform,
            None => platform_of(&config).map_err(unusable)?,
        };
        let (files, rewritten, complete) = if self.bundle.is_merged {
            (self.tell)(format!("reading the layers of {platform}"));
            let tree = self.tree(&base).await.map_err(unread)?;
            let merged = merged(&tree, &self.bundle.pems, &self.bundle.hosts);
            let merged = merged.map_err(unusable)?;
            (merged.files, merged.rewritten, merged.complete)
        } else {
            (additive.clone(), Vec::new(), Vec::new())
        };
        let origin = Origin {
            name: self.base_name.clone(),
            digest: document.digest.clone(),
        };
        let edited = base
            .with_layer(&config, &files, &origin)
            .map_err(unusable)?;
        Ok(Image {
            platform,
            base_digest: document.digest.clone(),
            base,
            edited,
            files,
            rewritten,
            complete,
            stacked: bundle_of(&config),
        })
    }

    /// What the layers make of the places where certificates lie, the lowest first.
    async fn tree(&self, base: &Manifest) -> Result<Tree, Trouble> {
        let mut tree = Tree::default();
        for layer in base.layers.iter().filter(|layer| !layer.is_foreign()) {
            tree = self.repository.layer(tree, layer).await?;
        }
        Ok(tree)
    }
}

/// What a single image is for, by its configuration.
fn platform_of(config: &[u8]) -> Result<String, Problem> {
    let config: Value = serde_json::from_slice(config).map_err(|error| Problem::Malformed {
        what: "configuration",
        why: error.to_string(),
    })?;
    let text = |pointer: &str| text_at(&config, pointer).unwrap_or("unknown");
    match text("/os") {
        "linux" | "unknown" => {}
        os => {
            let os: String = os.chars().take(100).collect();
            return Err(Problem::NoImage(format!(
                "it is for {os}, and the layer is for Linux"
            )));
        }
    }
    let parts = [text("/os"), text("/architecture")];
    let variant = text_at(&config, "/variant");
    // Whoever made the image may have written anything there.
    let parts = parts.into_iter().chain(variant);
    let parts = parts.map(foreign::value);
    Ok(parts.collect::<Vec<_>>().join("/"))
}
