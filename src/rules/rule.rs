//! One rule, compiled.

use super::pattern::Pattern;
use super::{Scope, Target};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) pattern: Pattern,
    pub(super) action: CompiledAction,
    pub(super) mirror: Option<Target>,
    pub(super) scope: Scope,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CompiledAction {
    Rewrite { target: Target, drop_library: bool },
    Keep,
    Deny,
}

impl Rule {
    pub(super) fn target(&self) -> Option<&Target> {
        match &self.action {
            CompiledAction::Rewrite { target, .. } => Some(target),
            CompiledAction::Keep | CompiledAction::Deny => None,
        }
    }
}
