//! Where the images of a rule come to stand, as a glob over `host/path`: two rules whose globs meet can make one
//! image of two.

use crate::image_ref::DOCKER_HUB;

use super::pattern::Pattern;
use super::rule::{CompiledAction, Rule};
use super::source::{Source, owned};

impl Rule {
    /// Where its images come to stand; None where it sends none away, and where it takes images of every host: one
    /// place for everything is what such a rule is for.
    pub(super) fn results(&self) -> Option<Vec<String>> {
        let source = self.pattern.source()?;
        match &self.action {
            CompiledAction::Rewrite {
                target,
                drop_library,
            } => {
                let mut made = vec![target.host.clone()];
                made.extend(components(&target.path));
                made.extend(if *drop_library {
                    source.path_without_library()
                } else {
                    source.path
                });
                Some(made)
            }
            CompiledAction::Template(template) => Some(template.results(&source)),
            CompiledAction::Keep | CompiledAction::Deny | CompiledAction::Pin => None,
        }
    }
}

impl Pattern {
    /// What it takes; None where that is images of every host.
    fn source(&self) -> Option<Source> {
        if self.takes_every_host() {
            return None;
        }
        let (host, path) = match self {
            Self::Exact { host, path, .. } | Self::Repository { host, path } => {
                (host.clone(), components(path))
            }
            Self::Below(place) => {
                let mut path = components(&place.path);
                path.extend(owned(below(&place.host, path.len())));
                (place.host.clone(), path)
            }
            Self::Glob(parts) => match parts.split_first()? {
                (first, rest) if first != "**" => (first.clone(), rest.to_vec()),
                _ => ("*".to_owned(), parts.clone()),
            },
            Self::Regex(_) | Self::Any => ("*".to_owned(), owned(&["*", "**"])),
        };
        Some(Source { host, path })
    }
}

/// What registries have below so many components of a path: Docker Hub has `NAMESPACE/NAME`, quay.io and ghcr.io
/// have at least that.
fn below(host: &str, depth: usize) -> &'static [&'static str] {
    match (host, depth) {
        (DOCKER_HUB, 0) => &["*", "*"],
        (DOCKER_HUB, _) => &["*"],
        ("quay.io" | "ghcr.io", 0) => &["*", "*", "**"],
        _ => &["*", "**"],
    }
}

fn components(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
