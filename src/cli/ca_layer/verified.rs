//! Whether what is in a registry is what comes of a base and a bundle; nothing is written.

use serde_json::Value;

use super::answer::{Answer, Done};
use super::failed;
use super::made::{Bundle, Image, Product};
use crate::clients::registry::{Document, Registry, Repository, Trouble};
use crate::failure::{Exit, Failure};
use crate::image_ref::ImageReference;
use crate::oci::{BASE_DIGEST, BASE_NAME, Base, Made, Manifest, differences, read_base};
use crate::ui::foreign;

/// What is to be verified.
pub(super) struct Subject<'a> {
    repository: Repository,
    target: &'a ImageReference,
    found: Document,
}

impl<'a> Subject<'a> {
    pub(super) async fn read(
        registry: Registry,
        target: &'a ImageReference,
    ) -> Result<Self, Failure> {
        let repository = Repository::to_read(registry, target.path());
        let reference = target.digest().or(target.tag()).unwrap_or("latest");
        let found = repository.manifest(reference).await;
        Ok(Self {
            found: found.map_err(|trouble| failed::reading(&target.canonical(), trouble))?,
            repository,
            target,
        })
    }

    /// By which name its base was pulled, as it says itself: whoever verifies may pull the same by another one.
    pub(super) fn base_name(&self) -> Option<String> {
        annotation(&self.found, BASE_NAME)
    }

    /// The answer where it is what it should be; the failure says what differs.
    pub(super) async fn verified(
        &self,
        product: &Product,
        bundle: &Bundle,
    ) -> Result<Answer, Failure> {
        let (name, found) = (self.target.canonical(), &self.found);
        let wanted = product.top().map(|top| top.digest.clone());
        if Some(&found.digest) == wanted.as_ref() {
            let digest = &found.digest;
            return Ok(Answer::new(
                product,
                bundle,
                self.target,
                digest,
                Done::Same,
            ));
        }
        let what = format!("{name} is not what comes of the image and this bundle");
        let failure = Failure::new("layer-differs", Exit::Preflight, what).why(format!(
            "it is {}, and {} is wanted",
            found.digest,
            wanted.unwrap_or_default()
        ));
        let comparison = Comparison {
            repository: &self.repository,
            product,
        };
        let said = comparison.said(found).await;
        let said = said.map_err(|trouble| failed::reading(&name, trouble))?;
        let said = said.into_iter();
        let failure = said.fold(failure, |failure, line| failure.why(foreign::line(&line)));
        Err(failure.remedy("verify with the base's digest, the bundle, --merged and --certs-for that it was made with, or make it again with --push"))
    }
}

fn annotation(document: &Document, name: &str) -> Option<String> {
    let value: Value = serde_json::from_slice(&document.bytes).ok()?;
    let annotations = value.get("annotations")?;
    annotations.get(name)?.as_str().map(str::to_owned)
}

struct Comparison<'a> {
    repository: &'a Repository,
    product: &'a Product,
}

impl Comparison<'_> {
    async fn said(&self, found: &Document) -> Result<Vec<String>, Trouble> {
        let mut said = Vec::new();
        if let Some(of) = annotation(found, BASE_DIGEST)
            && of != self.product.origin.digest
        {
            said.push(format!(
                "it was made from {of}, and {} is {} now",
                self.product.origin.name, self.product.origin.digest
            ));
        }
        match read_base(&found.media_type, &found.bytes)? {
            Base::Image if self.product.index.is_some() => {
                said.push("it is one image, and the base is an index of images".to_owned());
            }
            Base::Image => {
                for image in &self.product.images {
                    said.extend(self.image(image, found).await?);
                }
            }
            Base::Index { .. } if self.product.index.is_none() => {
                said.push("it is an index of images, and the base is one image".to_owned());
            }
            Base::Index { children, left_out } => {
                for image in &self.product.images {
                    let child = children
                        .iter()
                        .find(|child| child.platform == image.platform);
                    let Some(child) = child else {
                        said.push(format!("{}: it is missing", image.platform));
                        continue;
                    };
                    let document = self.repository.manifest(&child.descriptor.digest).await?;
                    said.extend(self.image(image, &document).await?);
                }
                let is_known = |platform: &String| {
                    let mut images = self.product.images.iter();
                    images.any(|image| image.platform == *platform)
                };
                let others = children.iter().map(|child| &child.platform);
                let others = others.filter(|platform| !is_known(platform));
                said.extend(
                    others.map(|platform| format!("{platform}: the base does not have it")),
                );
                said.extend(
                    left_out
                        .iter()
                        .map(|one| format!("{} is in it: {}", one.digest, one.why)),
                );
            }
        }
        Ok(said)
    }

    async fn image(&self, image: &Image, found: &Document) -> Result<Vec<String>, Trouble> {
        if found.bytes == image.edited.manifest.bytes {
            return Ok(Vec::new());
        }
        let manifest = Manifest::read(&found.media_type, &found.bytes)?;
        let config = self.repository.small_blob(&manifest.config).await?;
        let made = Made {
            platform: &image.platform,
            wanted: &image.edited,
            base: &image.base,
        };
        Ok(differences(
            &made,
            &found.media_type,
            &found.bytes,
            &config,
        )?)
    }
}
