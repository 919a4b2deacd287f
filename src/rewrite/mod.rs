//! Passes over rendered manifests: podTemplate merge → names → images → trust → proxy → gate → content hashes.
//!
//! Pure. A pass is `fn(&mut Vec<Manifest>, &Context) -> Vec<Change>` and may add ConfigMaps and Secrets.

mod additions;
mod edit;
mod gate;
mod hashes;
pub mod images;
mod names;
mod passes;
mod pod_template;
mod proxy;
mod strategic;
#[cfg(test)]
mod tests;
pub mod text;
mod trust;

use crate::config::Config;
use crate::facts::Facts;

pub use passes::{merge_pod_templates, run};
pub use proxy::no_proxy;

/// What a pass may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What the user wants.
    pub config: &'a Config,
    /// What is true outside.
    pub facts: &'a Facts,
}
