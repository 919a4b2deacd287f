//! Everything that stands under a rule's target: what is there is done.

use std::fmt;

use crate::image_ref::{canonical_host, is_host, looks_like_host};

use super::Target;

/// All places that a rule sends images to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TargetSet {
    pub(super) host: Hosts,
    /// The path that all of them stand under, cut at `/`; empty for all of the host.
    pub(super) path: String,
}

/// One host, or all that a template can make.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Hosts {
    One(String),
    /// Hosts that begin and end like this, with something between.
    Between {
        before: String,
        after: String,
    },
}

impl Hosts {
    pub(super) fn hold(&self, host: &str) -> bool {
        match self {
            Self::One(one) => one == host,
            Self::Between { before, after } => {
                host.len() > before.len() + after.len()
                    && host.starts_with(before.as_str())
                    && host.ends_with(after.as_str())
            }
        }
    }

    /// Hosts between literal texts. The error is a fragment.
    pub(super) fn between(before: &str, after: &str) -> Result<Self, String> {
        // `*.corp` is told from a source by what it ends with.
        let literal = after.strip_prefix('.').filter(|rest| is_host(rest));
        if literal.is_none() || !looks_like_host(after) {
            return Err(
                "a field within the host needs a domain behind it, such as {host_slug}.registry.corp: \
                 otherwise what is done could not be told from what is not"
                    .to_owned(),
            );
        }
        Ok(Self::Between {
            before: before.to_owned(),
            after: after.to_owned(),
        })
    }

    /// A host of the set, for questions that any of them answers.
    pub(super) fn samples(&self) -> Vec<String> {
        match self {
            Self::One(host) => vec![host.clone()],
            Self::Between { before, after } => ["docker-io", "quay-io", "ghcr-io", "x"]
                .iter()
                .map(|slug| [before.as_str(), slug, after].concat())
                .collect(),
        }
    }
}

impl TargetSet {
    pub(super) fn of(target: &Target) -> Self {
        Self {
            host: Hosts::One(canonical_host(&target.host).to_owned()),
            path: target.path.clone(),
        }
    }

    /// Its host, where it is one.
    pub(super) fn one_host(&self) -> Option<&str> {
        match &self.host {
            Hosts::One(host) => Some(host),
            Hosts::Between { .. } => None,
        }
    }

    /// True where `host/path` stands in it.
    pub(super) fn holds(&self, host: &str, path: &str) -> bool {
        self.host.hold(host) && is_under(path, &self.path)
    }

    /// True where all of `other` stands in it.
    pub(super) fn holds_set(&self, other: &Self) -> bool {
        let hosts = match (&self.host, &other.host) {
            (one, Hosts::One(host)) => one.hold(host),
            (
                Hosts::Between { before, after },
                Hosts::Between {
                    before: other_before,
                    after: other_after,
                },
            ) => other_before.starts_with(before.as_str()) && other_after.ends_with(after.as_str()),
            (Hosts::One(_), Hosts::Between { .. }) => false,
        };
        hosts && (self.path == other.path || is_under(&other.path, &self.path))
    }

    /// The path from here to a place below.
    pub(super) fn rest_of<'a>(&self, below: &'a Self) -> Option<&'a str> {
        let rest = below.path.strip_prefix(self.path.as_str())?;
        let rest = if self.path.is_empty() {
            rest
        } else {
            rest.strip_prefix('/')?
        };
        (self.host == below.host && !rest.is_empty()).then_some(rest)
    }

    /// True where something of the place stands in it.
    pub(super) fn meets(&self, place: &Target) -> bool {
        self.host.hold(&place.host)
            && (self.path == place.path
                || is_under(&self.path, &place.path)
                || is_under(&place.path, &self.path))
    }

    /// False for the glob of a host with a colon where no host of the set has one: a slug is made of letters, digits and
    /// hyphens.
    pub(super) fn can_be_spelled(&self, host: &str) -> bool {
        let colons = |text: &str| text.matches(':').count();
        match &self.host {
            Hosts::One(_) => true,
            Hosts::Between { before, after } => colons(host) <= colons(before) + colons(after),
        }
    }

    /// A glob of whatever stands below it.
    pub(super) fn everything_below(&self) -> Vec<String> {
        let host = match &self.host {
            Hosts::One(host) => host.clone(),
            Hosts::Between { before, after } => format!("{before}*{after}"),
        };
        let path = self.path.split('/').filter(|part| !part.is_empty());
        let below = ["*", "**"];
        let parts = path.chain(below).map(str::to_owned);
        std::iter::once(host).chain(parts).collect()
    }

    /// The same path on a host that nobody has.
    pub(super) fn elsewhere(&self) -> Self {
        Self {
            host: Hosts::One("arc-setup.invalid".to_owned()),
            path: self.path.clone(),
        }
    }
}

impl fmt::Display for TargetSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Hosts::One(host) => formatter.write_str(host)?,
            Hosts::Between { before, after } => write!(formatter, "{before}*{after}")?,
        }
        if self.path.is_empty() {
            return Ok(());
        }
        write!(formatter, "/{}", self.path)
    }
}

/// True where `path` is below `prefix`; everything is below the empty one.
pub(super) fn is_under(path: &str, prefix: &str) -> bool {
    prefix.is_empty()
        || path
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_with_a_field_is_known_by_what_stands_around_it() {
        let hosts = Hosts::between("mirror-", ".reg.corp").unwrap();
        assert!(hosts.hold("mirror-quay-io.reg.corp") && hosts.hold("mirror-a.b.reg.corp"));
        assert!(!hosts.hold("mirror-.reg.corp") && !hosts.hold("quay-io.reg.corp"));
        assert!(!hosts.hold("mirror-x.reg.corp.evil") && !hosts.hold("mirror-x.reg.corp:5000"));
        for after in ["", "reg.corp", ".", ":5000", "-x"] {
            assert!(Hosts::between("", after).is_err(), "{after}");
        }
    }
}
