//! Templates + configuration + facts → manifests, in apply order.
//!
//! Pure: no network, files, environment or clock. Knows nothing of registries, proxies and authorities: images
//! stand as upstream names them (or as the user wrote them), and the passes of `rewrite` add the rest.

mod context;
mod documents;
mod engine;
#[cfg(test)]
pub(crate) mod fixtures;
mod lates;
mod names;
mod stage;
mod support;
#[cfg(test)]
mod tests;
pub use crate::config::arc_versions::differences as versions;

pub use names::INSTALL_LABEL;
pub use stage::render;
