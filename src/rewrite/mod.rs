//! Passes over rendered manifests: podTemplate merge → names → images → trust → preparation of runners' files →
//! proxy → job pods → gate → content hashes.
//!
//! Pure. A pass is `fn(&mut Vec<Manifest>, &Context) -> Vec<Change>` and may add ConfigMaps and Secrets.

mod additions;
mod edit;
mod gate;
mod hashes;
pub mod images;
pub mod injection;
mod job_pods;
mod names;
mod passes;
mod pod_template;
mod preparation;
mod proxy;
mod strategic;
#[cfg(test)]
mod tests;
pub mod text;
mod trust;

use crate::config::Config;
use crate::facts::Facts;

pub use passes::{merge_pod_templates, run};
pub use preparation::PREPARATION;
pub use proxy::no_proxy;

/// What a pass may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What the user wants.
    pub config: &'a Config,
    /// What is true outside.
    pub facts: &'a Facts,
}
