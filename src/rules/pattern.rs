//! A compiled matcher over canonical references.

use crate::image_ref::{ImageReference, canonical_host, is_host, looks_like_host};

use super::expression::Expression;
use super::glob::{component_matches, matches as glob_matches};
use super::reach::{Asked, Destination};
use super::target_set::TargetSet;
use super::{Matcher, Target};

/// What a rule applies to, ready to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    Exact {
        /// [`ImageReference::pulled`].
        pulled: String,
        host: String,
        path: String,
    },
    Repository {
        host: String,
        path: String,
    },
    /// Everything below a host and path; an empty path is the whole host.
    Below(Target),
    Glob(Vec<String>),
    Regex(Box<Expression>),
    Any,
}

impl Pattern {
    /// Compiles a matcher. The error is a fragment.
    pub(super) fn compile(matcher: &Matcher) -> Result<Self, String> {
        let parse = |text: &str| ImageReference::parse(text).map_err(|error| error.to_string());
        Ok(match matcher {
            Matcher::Exact(text) => {
                let reference = parse(text)?;
                Self::Exact {
                    pulled: reference.pulled(),
                    host: reference.host().to_owned(),
                    path: reference.path().to_owned(),
                }
            }
            Matcher::Repository(text) => {
                let reference = parse(text)?;
                if !reference.suffix().is_empty() {
                    return Err(format!("'{text}' names a tag or digest; use exact"));
                }
                lower_case(reference.host())?;
                Self::Repository {
                    host: reference.host().to_owned(),
                    path: reference.path().to_owned(),
                }
            }
            Matcher::Host(text) => {
                let host = text.trim_end_matches('/');
                if !is_host(host) || !looks_like_host(host) {
                    return Err(format!("'{text}' is no registry host"));
                }
                lower_case(host)?;
                Self::Below(Target {
                    host: canonical_host(host).to_owned(),
                    path: String::new(),
                })
            }
            Matcher::Prefix(text) => Self::Below(prefix(text)?),
            Matcher::Glob(text) => Self::Glob(glob(text)?),
            Matcher::Regex(text) => Self::Regex(Box::new(Expression::compile(text)?)),
            Matcher::Any => Self::Any,
        })
    }

    /// True where the pattern takes this reference.
    pub(super) fn matches(&self, reference: &ImageReference) -> bool {
        match self {
            Self::Exact { pulled, path, .. } => {
                path == reference.path() && *pulled == reference.pulled()
            }
            Self::Repository { host, path } => host == reference.host() && path == reference.path(),
            Self::Below(place) => place.holds(reference.host(), reference.path()),
            Self::Glob(components) => {
                let host = Some(reference.host()).filter(|host| !host.is_empty());
                let name = host.into_iter().chain(reference.path().split('/'));
                glob_matches(components, &name.collect::<Vec<_>>())
            }
            Self::Regex(expression) => reference
                .spellings()
                .iter()
                .any(|spelling| expression.matches(spelling)),
            Self::Any => true,
        }
    }

    /// True where the pattern takes some reference under the targets. The catch-all takes none by definition.
    pub(super) fn reaches(&self, targets: &TargetSet) -> bool {
        match self {
            Self::Exact { host, path, .. } | Self::Repository { host, path } => {
                targets.holds(host, path)
            }
            Self::Below(place) => targets.meets(place),
            Self::Glob(_) | Self::Regex(_) => {
                Asked::of(self).reaches(&Destination::of(targets.clone()))
            }
            Self::Any => false,
        }
    }

    /// True where the pattern takes images of whatever host.
    pub(super) fn takes_every_host(&self) -> bool {
        let anywhere = Target {
            host: "arc-setup.invalid".to_owned(),
            path: String::new(),
        };
        *self == Self::Any || self.reaches(&TargetSet::of(&anywhere))
    }

    /// True where the pattern takes every image of a host that no target holds.
    pub(super) fn covers_host(&self, host: &str) -> bool {
        match self {
            Self::Below(place) => place.host == host && place.path.is_empty(),
            Self::Glob(components) => match components.as_slice() {
                [first, rest] => {
                    rest == "**"
                        && (first == "**" || component_matches(first.as_bytes(), host.as_bytes()))
                }
                [only] => only == "**",
                _ => false,
            },
            Self::Any => true,
            Self::Exact { .. } | Self::Repository { .. } | Self::Regex(_) => false,
        }
    }

    /// The host that the pattern names, where it names one.
    pub(super) fn host(&self) -> Option<String> {
        match self {
            Self::Exact { host, .. } | Self::Repository { host, .. } => Some(host.clone()),
            Self::Below(place) => Some(place.host.clone()),
            Self::Glob(components) => components
                .first()
                .filter(|first| !first.contains('*'))
                .cloned(),
            Self::Regex(_) | Self::Any => None,
        }
    }
}

/// Hosts of references are compared as they are spelled, and nobody spells them so: a rule for `QUAY.io` would pass by
/// all that is meant.
fn lower_case(host: &str) -> Result<(), String> {
    if host.chars().any(|letter| letter.is_ascii_uppercase()) {
        return Err(format!(
            "the host '{host}' would take only images that are spelled so: write it in lower case"
        ));
    }
    Ok(())
}

fn prefix(text: &str) -> Result<Target, String> {
    let first = text.split('/').next().unwrap_or_default();
    if looks_like_host(first) {
        lower_case(first)?;
        Target::parse(text)
    } else {
        Target::parse(&format!("{}/{text}", crate::image_ref::DOCKER_HUB))
    }
}

fn glob(text: &str) -> Result<Vec<String>, String> {
    let mut components: Vec<String> = text.split('/').map(str::to_owned).collect();
    if components.iter().any(String::is_empty) {
        return Err(format!("the glob '{text}' has an empty component"));
    }
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "*._-:[]".contains(letter);
    if !text.chars().all(|letter| allowed(letter) || letter == '/') {
        return Err(format!(
            "the glob '{text}' has a letter that no image name has"
        ));
    }
    if components
        .iter()
        .any(|component| component.contains("**") && component != "**")
    {
        return Err(format!(
            "in the glob '{text}' `**` is not a whole component"
        ));
    }
    let first = &components[0];
    if !first.contains('*') && !looks_like_host(first) {
        return Err(format!(
            "the glob '{text}' does not begin with a host; Docker Hub is docker.io"
        ));
    }
    lower_case(first)?;
    let first = canonical_host(first).to_owned();
    components[0] = first;
    if components.len() == 1 && components[0] != "**" {
        // Hosts alone: everything of them.
        components.push("**".to_owned());
    }
    Ok(components)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(matcher: &Matcher, image: &str) -> bool {
        let reference = ImageReference::parse(image).unwrap();
        Pattern::compile(matcher).unwrap().matches(&reference)
    }

    #[test]
    fn matchers_work_on_the_canonical_reference() {
        assert!(matches(
            &Matcher::Exact("nginx:1".into()),
            "docker.io/library/nginx:1"
        ));
        assert!(!matches(&Matcher::Exact("nginx:1".into()), "nginx:2"));
        for (rule, image) in [("nginx", "nginx:latest"), ("nginx:latest", "nginx")] {
            assert!(matches(&Matcher::Exact(rule.into()), image));
            let rule = format!("docker\\.io/library/{rule}");
            assert!(matches(&Matcher::Regex(rule), image));
        }
        assert!(matches(
            &Matcher::Repository("docker".into()),
            "docker:dind"
        ));
        assert!(!matches(
            &Matcher::Repository("quay.io/a".into()),
            "quay.io/a/b"
        ));
        assert!(matches(
            &Matcher::Prefix("quay.io/brancz".into()),
            "quay.io/brancz/x:1"
        ));
        assert!(!matches(
            &Matcher::Prefix("quay.io/brancz".into()),
            "quay.io/brancz2/x"
        ));
        assert!(matches(
            &Matcher::Prefix("summerwind".into()),
            "summerwind/x"
        ));
        assert!(matches(&Matcher::Host("index.docker.io".into()), "nginx"));
        assert!(!matches(&Matcher::Host("quay.io".into()), "quay.io.evil/x"));
    }

    #[test]
    fn globs_stay_within_components() {
        let glob = |pattern: &str, image| matches(&Matcher::Glob(pattern.into()), image);
        assert!(glob("*.gcr.io/**", "eu.gcr.io/a/b:1"));
        assert!(!glob("*.gcr.io/**", "gcr.io/a"));
        assert!(glob(
            "quay.io/*/kube-*",
            "quay.io/brancz/kube-rbac-proxy:v1"
        ));
        assert!(!glob("quay.io/*", "quay.io/a/b"));
        assert!(glob("**/x", "nginx/x"));
        assert!(glob("*.gcr.io", "eu.gcr.io/a/b"));
        assert!(!component_matches(b"a*b*c", b"axbx"));
        assert!(component_matches(b"a*b*c", b"abbcbc"));
    }

    #[test]
    fn what_matches_nothing_is_refused() {
        for matcher in [
            Matcher::Host("registry".into()),
            Matcher::Host("QUAY.io".into()),
            Matcher::Prefix("Quay.io/brancz".into()),
            Matcher::Glob("QUAY.io/**".into()),
            Matcher::Repository("QUAY.io/a".into()),
            Matcher::Repository("a:1".into()),
            Matcher::Exact("A/B".into()),
            Matcher::Glob("library/*".into()),
            Matcher::Glob("quay.io//x".into()),
            Matcher::Glob("quay.io/a**".into()),
            Matcher::Prefix("quay.io/".to_owned() + "A"),
        ] {
            assert!(Pattern::compile(&matcher).is_err(), "{matcher:?}");
        }
    }
}
