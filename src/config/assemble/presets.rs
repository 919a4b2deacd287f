//! Presets: how an internal registry names the repositories that stand for other registries.
//!
//! By vendor, as each documents it: Artifactory's repository path, subdomain and port methods, and one virtual
//! repository behind the host; Harbor's proxy cache projects; Nexus's path-based routing, subdomain and port
//! connectors; the repository prefixes of ECR's pull-through cache and of ACR's artifact cache. Docker Hub's official
//! images keep `library/` in all of them, unless `registry.library` says otherwise.

use crate::config::Problem;
use crate::image_ref::is_host;
use crate::rules::RuleSpec;

use super::Assembler;
use super::registry::shown;
use super::rules::rewrite;

/// A preset that was chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Preset {
    pub(super) layout: Layout,
}

/// Where the key of a repository stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `HOST/KEY/…`
    Path,
    /// `KEY.HOST/…`
    Subdomain,
    /// `HOST:KEY/…`
    Port,
    /// `HOST/…`: one repository for everything.
    Virtual,
}

impl Layout {
    fn of(word: &str) -> Self {
        match word {
            "artifactory-subdomain" | "nexus-subdomain" => Self::Subdomain,
            "artifactory-port" | "nexus-port" => Self::Port,
            "artifactory-virtual" => Self::Virtual,
            _ => Self::Path,
        }
    }

    pub(super) fn has_keys(self) -> bool {
        self != Self::Virtual
    }

    /// The target of a key; the error says what the key should be.
    fn target(self, host: &str, key: &str) -> Result<String, &'static str> {
        let label = || {
            let letter = |letter: char| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-'
            };
            is_host(key) && key.chars().all(letter)
        };
        match self {
            Self::Path | Self::Virtual => Ok(format!("{host}/{key}")),
            Self::Subdomain if label() => Ok(format!("{key}.{host}")),
            Self::Subdomain => Err("is no DNS label, which a subdomain is"),
            Self::Port if key.parse::<u16>().is_ok_and(|port| port > 0) => {
                Ok(format!("{host}:{key}"))
            }
            Self::Port => Err("is no port from 1 to 65535"),
        }
    }
}

impl Assembler<'_> {
    /// The chosen preset; what it lacks, or what stands there without one, is a problem.
    pub(super) fn preset(&mut self, host: Option<&str>) -> Option<Preset> {
        let path = "registry.preset";
        let has_keys = self.settled.has("registry.keys") || self.settled.has("--registry-key");
        let Some(word) = self.text(path) else {
            if has_keys && !self.settled.is_broken(path) {
                self.problem(
                    "config-registry-preset",
                    "registry.keys",
                    "registry.keys says nothing without registry.preset",
                    "name the registry's layout with registry.preset or --registry-preset, or use registry.map",
                );
            }
            return None;
        };
        let layout = Layout::of(&word);
        let mut problem = |what: String, remedy: &str| {
            self.problem("config-registry-preset", path, what, remedy);
        };
        match host {
            None => problem(
                format!("the preset {word} needs a host"),
                "give registry.host or --registry",
            ),
            Some(host) => {
                let bare = match layout {
                    Layout::Subdomain => !host.contains('/'),
                    Layout::Port => !host.contains(['/', ':']),
                    Layout::Path | Layout::Virtual => true,
                };
                if !bare {
                    problem(
                        format!("the preset {word} needs a host alone, and registry.host is more"),
                        "write the host without path, and without port where the keys are ports",
                    );
                }
            }
        }
        if layout.has_keys() != has_keys {
            if has_keys {
                problem(
                    format!(
                        "the preset {word} has one repository for everything, and takes no keys"
                    ),
                    "remove the keys, or name another layout",
                );
            } else {
                problem(
                    format!("the preset {word} needs a key for each source registry"),
                    "give registry.keys or --registry-key, such as quay.io=quay-remote",
                );
            }
        }
        Some(Preset { layout })
    }

    pub(super) fn key_entry(
        &mut self,
        at: &str,
        preset: Option<Preset>,
        host: Option<&str>,
        drop_library: bool,
    ) -> Option<RuleSpec> {
        let (source, key) = self.pair(
            at,
            ["source", "key"],
            "config-registry-key",
            "write {source: quay.io, key: quay-remote}",
        )?;
        let (preset, host) = (preset.filter(|preset| preset.layout.has_keys())?, host?);
        let path = format!("{at}.key");
        match preset.layout.target(host, &key) {
            Ok(target) => {
                let action = rewrite(self.location(&path, &target), drop_library);
                Some(self.of_source(at, &source, &key, action))
            }
            Err(what) => {
                let origin = self.settled.nearest_origin(&path);
                let what = format!("the key of {} {what}", shown(at));
                self.problems.push(
                    Problem::new("config-registry-key", &path, what, origin)
                        .remedy("write what the registry's own page shows for docker pull"),
                );
                None
            }
        }
    }
}
