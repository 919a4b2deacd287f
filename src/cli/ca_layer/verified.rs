//! Whether what is in a registry is what comes of a base and a bundle; nothing is written.

use serde_json::Value;

use super::answer::{Answer, Done};
use super::failed;
use super::made::{Bundle, Image, Product};
use crate::clients::registry::{Document, Registry, Repository, Trouble};
use crate::failure::{Exit, Failure};
use crate::image_ref::ImageReference;
use crate::object::text_at;
use crate::oci::{BASE_DIGEST, Base, Made, Manifest, differences, read_base};
use crate::ui::foreign;

/// The answer where it is; the failure says what differs.
pub(super) async fn verified(
    registry: Registry,
    target: &ImageReference,
    product: &Product,
    bundle: &Bundle,
) -> Result<Answer, Failure> {
    let repository = Repository::to_read(registry, target.path());
    let name = target.canonical();
    let reference = target.digest().or(target.tag()).unwrap_or("latest");
    let unread = |trouble| failed::reading(&name, trouble);
    let found = repository.manifest(reference).await.map_err(unread)?;
    let wanted = product.top().map(|top| top.digest.clone());
    if Some(&found.digest) == wanted.as_ref() {
        let digest = &found.digest;
        return Ok(Answer::new(product, bundle, target, digest, Done::Same));
    }
    let failure = Failure::new(
        "layer-differs",
        Exit::Preflight,
        format!(
            "{name} is not what comes of {} and this bundle",
            product.origin.name
        ),
    )
    .why(format!(
        "it is {}, and {} is wanted",
        found.digest,
        wanted.unwrap_or_default()
    ));
    let differences = Comparison {
        repository: &repository,
        product,
    };
    let said = differences.said(&found).await.map_err(unread)?;
    let failure = said
        .into_iter()
        .fold(failure, |failure, line| failure.why(foreign::line(&line)));
    Err(failure.remedy(
        "verify with the base's digest, the bundle, --mode and --certs-for that it was made with, or make it again with --push",
    ))
}

struct Comparison<'a> {
    repository: &'a Repository,
    product: &'a Product,
}

impl Comparison<'_> {
    async fn said(&self, found: &Document) -> Result<Vec<String>, Trouble> {
        let mut said = Vec::new();
        let value: Value = serde_json::from_slice(&found.bytes).unwrap_or_default();
        let annotations = value.get("annotations");
        let of =
            annotations.and_then(|annotations| text_at(annotations, &format!("/{BASE_DIGEST}")));
        if let Some(of) = of
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
