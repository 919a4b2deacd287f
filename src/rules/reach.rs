//! Whether a pattern takes what stands under a target: one pattern is asked for many targets.

use super::expression::Walker;
use super::glob;
use super::pattern::Pattern;
use super::target_set::{Hosts, TargetSet};

/// A target with the texts that patterns are held against, made once.
pub(super) struct Destination {
    pub(super) set: TargetSet,
    /// A glob of whatever stands below it.
    below: Vec<String>,
    /// Host and path of whatever stands below it, up to the last slash; of many hosts what is behind the slug.
    start: String,
}

impl Destination {
    pub(super) fn of(set: TargetSet) -> Self {
        let host = match &set.host {
            Hosts::One(host) => host,
            Hosts::Between { after, .. } => after,
        };
        let start = match set.path.as_str() {
            "" => format!("{host}/"),
            path => format!("{host}/{path}/"),
        };
        Self {
            below: set.everything_below(),
            start,
            set,
        }
    }
}

/// A pattern that is asked for one target after the other.
pub(super) struct Asked<'a> {
    pattern: &'a Pattern,
    walker: Option<Walker<'a>>,
}

impl<'a> Asked<'a> {
    pub(super) fn of(pattern: &'a Pattern) -> Self {
        let walker = match pattern {
            Pattern::Regex(expression) => expression.walker(),
            _ => None,
        };
        Self { pattern, walker }
    }

    /// True where the pattern takes something that stands there.
    pub(super) fn reaches(&mut self, there: &Destination) -> bool {
        match self.pattern {
            Pattern::Glob(components) => {
                there.set.can_be_spelled(&components[0]) && glob::meet(components, &there.below)
            }
            Pattern::Regex(expression) => {
                let Some(walker) = &mut self.walker else {
                    return false;
                };
                let Hosts::Between { before, .. } = &there.set.host else {
                    return walker.reaches(&there.start);
                };
                let told = walker.reaches_between(before, &there.start);
                // Beyond the automaton: hosts that are likely, and the one that it writes out.
                told.unwrap_or_else(|| {
                    let hosts = &there.set.host;
                    let own = expression.host().filter(|host| hosts.hold(host));
                    let below = there.start.find('/').map_or("", |at| &there.start[at..]);
                    let mut likely = hosts.samples().into_iter().chain(own);
                    likely.any(|host| walker.reaches(&[host.as_str(), below].concat()))
                })
            }
            pattern => pattern.reaches(&there.set),
        }
    }
}
