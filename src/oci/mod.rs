//! Images as registries keep them: read, and given one more layer, without a daemon.
//!
//! A leaf: no input or output; bytes come in and go out. Each manifest keeps its family of media types, OCI's or
//! Docker's, and every configuration its unknown fields and their order.

mod base;
mod blob;
mod bundles;
mod certificate_places;
mod config;
mod descriptor;
mod difference;
mod gzip;
mod index;
mod layer;
mod layer_reader;
mod manifest;
mod media;
mod problem;
mod tar;
mod tree;

pub use base::{Base, Child, LeftOut, read_base};
pub use blob::{Blob, Hasher};
pub use bundles::{Merged, merged};
pub use config::bundle_of;
pub use descriptor::Descriptor;
pub use difference::{Made, differences};
pub use index::with_children;
pub use layer::{CaFiles, Layer};
pub use layer_reader::LayerReader;
pub use manifest::{BASE_DIGEST, BASE_NAME, Edited, Manifest, Origin};
pub use media::{ACCEPT, Family};
pub use problem::Problem;
pub use tree::Tree;

#[cfg(test)]
mod tests;
