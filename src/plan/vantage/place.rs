//! From where it is tried, one column of the grid each, and what a place must reach.

use std::fmt;

use serde::Serialize;

use super::target::{Asked, Target};

/// The kind of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spot {
    /// The machine that this program runs on.
    Host,
    /// The nodes: their kubelets pull images, and nothing else is asked of them.
    Node,
    /// The controller's namespace and account; its listeners are there too.
    Controller,
    /// A runner.
    Runner,
    /// The Docker daemon beside a runner.
    Dind,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Its kind.
    pub spot: Spot,
    /// The runner set, where several differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// True where the runner starts pods of its own, and so speaks to the Kubernetes API.
    #[serde(skip)]
    pub starts_pods: bool,
}

impl Place {
    /// The only place of its kind.
    pub fn of(spot: Spot) -> Self {
        Self {
            spot,
            set: None,
            starts_pods: false,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spot = match self.spot {
            Spot::Host => "this host",
            Spot::Node => "node",
            Spot::Controller => "controller",
            Spot::Runner => "runner",
            Spot::Dind => "dind",
        };
        match &self.set {
            Some(set) => write!(formatter, "{spot} {set}"),
            None => formatter.write_str(spot),
        }
    }
}

/// Whether a place must reach a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing works without it.
    Needed,
    /// It is tried, and nothing fails by it: the program that does it is somewhere else.
    Extra,
    /// It is not tried: nothing in this place ever goes there.
    Never,
}

/// Whether `place` must reach `target`; `is_scale_set` tells the generation of ARC.
pub fn need(place: &Place, target: &Target, is_scale_set: bool) -> Need {
    use Asked::{Codeload, Github, GithubApi, Kubernetes, Proxy, Registry, Results, Uploads};
    let only_pulls = matches!(place.spot, Spot::Node | Spot::Dind);
    if target.asked == Registry && only_pulls {
        return Need::Needed;
    }
    // What a rule keeps is reached by a mirror that only nodes and daemons have.
    if only_pulls || (target.asked == Registry && target.is_kept) {
        return Need::Never;
    }
    let is_needed = match (place.spot, target.asked) {
        (_, Registry) => false,
        (Spot::Controller, asked) => {
            matches!(asked, Kubernetes | GithubApi | Proxy) || (asked == Results && is_scale_set)
        }
        (Spot::Runner, Kubernetes) => place.starts_pods,
        (Spot::Runner, Github | GithubApi | Uploads | Codeload | Results | Proxy) => true,
        // From here is not from there: what an administrator's machine reaches decides nothing.
        _ => false,
    };
    if is_needed { Need::Needed } else { Need::Extra }
}
