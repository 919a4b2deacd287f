//! Passes over rendered manifests: podTemplate merge → names → images → trust → proxy → gate → content hashes.
//!
//! Pure. A pass is `fn(&mut Vec<Manifest>, &Context) -> Vec<Change>` and may add ConfigMaps and Secrets.

use crate::config::Config;
use crate::facts::Facts;

/// What a pass may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What the user wants.
    pub config: &'a Config,
    /// What is true outside.
    pub facts: &'a Facts,
}
