//! The result, pushed: the base's blobs first, then what is new, the tag last. What an interrupted run leaves has no tag.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::answer::{Answer, Blobs, Done};
use super::failed;
use super::made::{Bundle, Product};
use crate::clients::registry::{Carried, Registry, Repository};
use crate::failure::{Exit, Failure};
use crate::image_ref::ImageReference;
use crate::oci::{Blob, Descriptor};

/// Blobs that go at the same time.
const AT_ONCE: usize = 4;

pub(super) struct Push<'a> {
    pub(super) registry: Registry,
    pub(super) target: &'a ImageReference,
    pub(super) product: &'a Product,
    pub(super) base: &'a Repository,
    pub(super) tell: &'a (dyn Fn(String) + Sync),
}

impl Push<'_> {
    /// Pushes, unless it is there already.
    pub(super) async fn run(self, is_dry: bool, bundle: &Bundle) -> Result<Answer, Failure> {
        let (name, tag) = (
            self.target.canonical(),
            self.target.tag().unwrap_or("latest"),
        );
        let product = self.product;
        let Some(top) = product.top() else {
            return Err(Failure::new(
                "internal",
                Exit::Unexpected,
                "nothing was made",
            ));
        };
        let answer = |done| Answer::new(product, bundle, self.target, &top.digest, done);
        let repository = if is_dry {
            Repository::to_read(self.registry.clone(), self.target.path())
        } else {
            let from = [self.base.name()];
            Repository::to_write(self.registry.clone(), self.target.path(), &from)
        };
        let there = repository.digest(tag).await;
        let before = there.map_err(|trouble| {
            if is_dry {
                failed::reading(&name, trouble)
            } else {
                failed::writing(&name, trouble)
            }
        })?;
        if before.as_ref() == Some(&top.digest) {
            return Ok(answer(Done::There));
        }
        if is_dry {
            return Ok(answer(Done::Would { replaced: before }));
        }
        (self.tell)(format!("pushing {name}"));
        let blobs = self.blobs(&repository).await?;
        if product.index.is_some() {
            let images = product.images.iter().map(|image| &image.edited.manifest);
            let manifests = stream::iter(images).map(|manifest| async {
                let put = repository.put_manifest(&manifest.digest, manifest).await;
                put.map_err(|trouble| failed::writing(&name, trouble))
            });
            manifests.buffered(AT_ONCE).try_collect::<()>().await?;
        }
        let put = repository.put_manifest(tag, top).await;
        put.map_err(|trouble| failed::writing(&name, trouble))?;
        Ok(answer(Done::Pushed {
            replaced: before,
            blobs,
        }))
    }

    /// Every blob of the images, each once.
    async fn blobs(&self, repository: &Repository) -> Result<Blobs, Failure> {
        let (mut of_base, mut new) = (BTreeMap::new(), BTreeMap::<_, &Blob>::new());
        for image in &self.product.images {
            let layers = image.base.layers.iter().filter(|layer| !layer.is_foreign());
            of_base.extend(layers.map(|layer| (&layer.digest, layer)));
            for blob in [&image.edited.layer.blob, &image.edited.config] {
                new.insert(&blob.digest, blob);
            }
        }
        let name = self.target.name();
        let carried = stream::iter(of_base.values().copied()).map(|layer: &Descriptor| {
            let what = format!("the layer {} of the base to {name}", layer.digest);
            async move {
                let carried = repository.carry(self.base, layer).await;
                carried.map_err(|trouble| failed::writing(&what, trouble))
            }
        });
        let carried: Vec<Carried> = carried.buffered(AT_ONCE).try_collect().await?;
        let put = stream::iter(new.values().copied()).map(|blob: &Blob| {
            let what = format!("{} to {name}", blob.digest);
            async move {
                let put = repository.put_blob(blob).await;
                put.map_err(|trouble| failed::writing(&what, trouble))
            }
        });
        put.buffered(AT_ONCE).try_collect::<()>().await?;
        let count = |how| carried.iter().filter(|one| **one == how).count();
        Ok(Blobs {
            new: new.len(),
            there: count(Carried::There),
            mounted: count(Carried::Mounted),
            copied: count(Carried::Copied),
        })
    }
}
