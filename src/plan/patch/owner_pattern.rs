//! Which owner's objects somebody means: `helm`, `argocd/shop`, `none`.

use std::fmt;
use std::str::FromStr;

use super::Owner;

/// A deployment tool, and which of its releases; or what no tool owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerPattern {
    /// As [`tool`] names it; None for what no tool owns.
    tool: Option<&'static str>,
    /// The release, application, bundle …; None is every one.
    name: Option<String>,
}

/// As they are typed, and as they are meant.
const TOOLS: [(&str, &str); 7] = [
    ("helm", "helm"),
    ("argocd", "argocd"),
    ("argo-cd", "argocd"),
    ("flux", "flux"),
    ("fleet", "fleet"),
    ("rancher", "rancher"),
    ("olm", "olm"),
];

impl OwnerPattern {
    /// True where this is the owner that is meant.
    pub fn matches(&self, owner: Option<&Owner>) -> bool {
        let Some(owner) = owner else {
            return self.tool.is_none();
        };
        let (tool, names) = known_as(owner);
        self.tool == Some(tool)
            && self
                .name
                .as_ref()
                .is_none_or(|name| names.iter().any(|known| known == name))
    }
}

/// The tool, and every name by which a person calls what owns the object there.
fn known_as(owner: &Owner) -> (&'static str, Vec<String>) {
    match owner {
        Owner::Olm { name } => ("olm", vec![name.clone()]),
        Owner::ArgoCd { application } => ("argocd", vec![application.clone()]),
        Owner::Flux { name, .. } => ("flux", with_short(name)),
        Owner::Rancher { name, .. } => ("rancher", with_short(name)),
        Owner::Fleet { bundle } => ("fleet", vec![bundle.clone()]),
        Owner::Helm {
            release, namespace, ..
        } => (
            "helm",
            vec![release.clone(), format!("{namespace}/{release}")],
        ),
    }
}

/// `namespace/name`, and the name alone.
fn with_short(name: &str) -> Vec<String> {
    let short = name.rsplit('/').next().unwrap_or_default();
    vec![name.to_owned(), short.to_owned()]
}

impl FromStr for OwnerPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (tool, name) = text
            .split_once('/')
            .map_or((text, None), |(tool, name)| (tool, Some(name.to_owned())));
        let wanted = tool.to_lowercase();
        let tool = TOOLS.iter().find(|(typed, _)| *typed == wanted);
        match (tool, name) {
            (Some((_, tool)), name) if name.as_deref() != Some("") => Ok(Self {
                tool: Some(tool),
                name,
            }),
            (None, None) if wanted == "none" => Ok(Self {
                tool: None,
                name: None,
            }),
            _ => Err(
                "an owner is helm, argocd, flux, fleet, rancher or olm, with /NAME of the release, \
                 application, bundle … where only that is meant; none is what no tool owns"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for OwnerPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.tool.unwrap_or("none"))?;
        match &self.name {
            Some(name) => write!(formatter, "/{name}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_meant_by_its_tool_and_by_its_name() {
        let helm = Owner::Helm {
            release: "arc".into(),
            namespace: "ci".into(),
            chart: String::new(),
        };
        let flux = Owner::Flux {
            kind: "Kustomization".into(),
            name: "flux-system/arc".into(),
        };
        for (pattern, owner, expected) in [
            ("Helm", Some(&helm), true),
            ("helm/arc", Some(&helm), true),
            ("helm/ci/arc", Some(&helm), true),
            ("helm/other", Some(&helm), false),
            ("flux/arc", Some(&flux), true),
            ("flux/flux-system/arc", Some(&flux), true),
            ("argocd", Some(&flux), false),
            ("none", None, true),
            ("none", Some(&helm), false),
            ("helm", None, false),
        ] {
            let pattern: OwnerPattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(owner), expected, "{pattern}");
        }
        for wrong in ["", "kapp", "helm/", "none/x"] {
            assert!(wrong.parse::<OwnerPattern>().is_err(), "{wrong}");
        }
    }
}
