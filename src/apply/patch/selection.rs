//! Which objects a run looks at.

use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::object::{kind_called, text_at};
use crate::observe::workloads::{
    Kind, is_arc_program, is_of_a_platforms_kind, is_of_the_platform, programs, resources,
    workloads,
};
use crate::plan::patch::{OwnerPattern, owner};

/// Which objects a run looks at. The default is ARC's own, in every namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these namespaces; none is all of them.
    pub namespaces: Vec<String>,
    /// Everything that has pods, beside ARC's own; never in a namespace of the platform.
    pub all_workloads: bool,
    /// A label selector as the server reads it.
    pub labels: Option<String>,
    /// Only these kinds: `Deployment`, `cronjobs`, `Rollout.argoproj.io`; none is all of them.
    pub kinds: Vec<String>,
    /// Only what one of these owns; none is everything.
    pub owners: Vec<OwnerPattern>,
}

impl Selection {
    /// ARC's own in one namespace; None is all of them.
    pub fn of(namespace: Option<&str>) -> Self {
        Self {
            namespaces: namespace.map(str::to_owned).into_iter().collect(),
            ..Self::default()
        }
    }

    /// Where ARC's programs run, if that is looked at.
    pub(super) fn programs(&self) -> Option<Kind> {
        Some(programs()).filter(|kind| self.takes_kind(kind))
    }

    /// ARC's own resources that are looked at.
    pub(super) fn resources(&self) -> Vec<Kind> {
        self.among(resources())
    }

    /// True where the ConfigMap of a hook in this namespace is looked at for its runners' sake: not where a label must
    /// choose it or all of the namespace are looked at anyway.
    pub(super) fn takes_hook_templates_of(&self, namespace: &str) -> bool {
        (!self.all_workloads || is_of_the_platform(namespace))
            && self.labels.is_none()
            && self.takes_kind(&Kind::config_map())
    }

    /// The other kinds that are looked at; `custom` are the cluster's own.
    pub(super) fn workloads(&self, custom: &[Kind]) -> Vec<Kind> {
        if self.all_workloads {
            self.among([&workloads(), custom].concat())
        } else {
            Vec::new()
        }
    }

    /// True where the cluster's own kinds are looked at: not where each name is of a built-in one.
    pub(super) fn takes_custom_kinds(&self) -> bool {
        let is_built_in = |name: &String| built_in().iter().any(|kind| is_named(kind, name));
        self.all_workloads && (self.kinds.is_empty() || !self.kinds.iter().all(is_built_in))
    }

    fn among(&self, kinds: Vec<Kind>) -> Vec<Kind> {
        let mut kinds = kinds;
        kinds.retain(|kind| self.takes_kind(kind));
        kinds
    }

    fn takes_kind(&self, kind: &Kind) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|name| is_named(kind, name))
    }

    /// True where the kind of an object was named.
    pub(super) fn names(&self, object: &Value) -> bool {
        let text = |pointer| text_at(object, pointer).unwrap_or_default().to_owned();
        // Asked of every object, and most runs name no kind.
        !self.kinds.is_empty()
            && self.names_kind(&Kind {
                api_version: text("/apiVersion"),
                kind: text("/kind"),
            })
    }

    /// True where this kind was named.
    pub(super) fn names_kind(&self, kind: &Kind) -> bool {
        !self.kinds.is_empty() && self.takes_kind(kind)
    }

    /// Refuses the name of a kind that is not looked at: it would find nothing and look like success.
    pub(super) fn check_kinds(&self, custom: &[Kind]) -> Result<(), Failure> {
        let known = if self.all_workloads {
            [built_in().as_slice(), custom].concat()
        } else {
            arc_kinds()
        };
        let unknown = |name: &&String| !known.iter().any(|kind| is_named(kind, name));
        let Some(name) = self.kinds.iter().find(unknown) else {
            return Ok(());
        };
        let names: Vec<&str> = known.iter().map(|kind| kind.kind.as_str()).collect();
        let failure = Failure::new(
            "patch-kind-unknown",
            Exit::Usage,
            format!("--kind {name}: no such kind is looked at"),
        )
        .remedy(format!("name one of {}", names.join(", ")));
        Err(if self.all_workloads {
            failure
        } else {
            failure.remedy("give --all-workloads to look at other kinds than ARC's")
        })
    }

    /// True for an object that is looked at, of those that the server lists. `is_own` for one of ARC's.
    pub(super) fn takes(&self, object: &Value, is_own: bool) -> bool {
        let namespace = text_at(object, "/metadata/namespace").unwrap_or_default();
        // What lives in no namespace is in none that is named.
        let is_elsewhere = namespace.is_empty() && !self.namespaces.is_empty();
        let is_a_platforms = is_of_the_platform(namespace)
            || (namespace.is_empty() && is_of_a_platforms_kind(object));
        let is_looked_at = is_own || (self.all_workloads && !is_elsewhere && !is_a_platforms);
        is_looked_at && self.takes_owner(object)
    }

    pub(super) fn takes_owner(&self, object: &Value) -> bool {
        if self.owners.is_empty() {
            return true;
        }
        let owner = owner(object);
        self.owners
            .iter()
            .any(|pattern| pattern.matches(owner.as_ref()))
    }

    /// The namespaces to list one by one; None is all of them at once.
    pub(super) fn places(&self) -> Vec<Option<&str>> {
        if self.namespaces.is_empty() {
            return vec![None];
        }
        self.namespaces
            .iter()
            .map(|name| Some(name.as_str()))
            .collect()
    }
}

/// Whose objects a kind has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// ARC's programs among them.
    Programs,
    /// ARC's alone.
    Arc,
    /// Others'.
    Others,
}

impl Whose {
    pub(super) fn of(kind: &Kind) -> Self {
        if *kind == programs() {
            Self::Programs
        } else if resources().contains(kind) {
            Self::Arc
        } else {
            Self::Others
        }
    }

    /// True for an object of ARC's own.
    pub(super) fn is_arc(self, object: &Value) -> bool {
        match self {
            Self::Programs => is_arc_program(object),
            Self::Arc => true,
            Self::Others => false,
        }
    }
}

/// `Deployment`, `deployments`, `deployments.apps`, whatever the case.
fn is_named(kind: &Kind, name: &str) -> bool {
    let (name, group) = name
        .split_once('.')
        .map_or((name, None), |(name, group)| (name, Some(group)));
    let of_group = kind.api_version.split_once('/').map(|(group, _)| group);
    let name = name.to_lowercase();
    let singular = kind.kind.to_lowercase();
    let is_kind = kind_called(&name) == Some(&kind.kind)
        || name == singular
        || name.strip_suffix('s') == Some(&singular);
    let is_of_group = || {
        if let Some(group) = group {
            return of_group == Some(group);
        }
        // `jobs` are Kubernetes' own, as in kubectl; those of another group are `Job.batch.volcano.sh`.
        let mut own = built_in();
        own.retain(|own| own.kind == kind.kind);
        own.is_empty() || own.contains(kind)
    };
    is_kind && is_of_group()
}

/// The kinds that ARC's own objects are of.
fn arc_kinds() -> Vec<Kind> {
    [vec![programs()], resources()].concat()
}

/// Those, and Kubernetes' own.
fn built_in() -> Vec<Kind> {
    [arc_kinds(), workloads()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_namespaces_of_the_platform_are_never_looked_into_but_for_arc() {
        let everything = Selection {
            all_workloads: true,
            ..Selection::default()
        };
        let of = |namespace: &str| json!({"metadata": {"namespace": namespace}});
        for (namespace, is_own, expected) in [
            ("shop", false, true),
            ("kubernetes-apps", false, true),
            ("kube-system", false, false),
            ("cattle-fleet-system", false, false),
            ("openshift-monitoring", false, false),
            ("openshift-monitoring", true, true),
        ] {
            assert_eq!(
                everything.takes(&of(namespace), is_own),
                expected,
                "{namespace}"
            );
        }
        assert!(!Selection::default().takes(&of("shop"), false));
    }

    #[test]
    fn a_kind_is_known_by_its_names_and_an_unknown_one_is_refused() {
        let named = |names: &[&str], all_workloads| Selection {
            kinds: names.iter().map(|name| (*name).to_owned()).collect(),
            all_workloads,
            ..Selection::default()
        };
        let kinds = named(&["cj", "StatefulSet.apps", "Runner"], true);
        assert!(kinds.check_kinds(&[]).is_ok());
        assert!(kinds.programs().is_none());
        let workloads = kinds.workloads(&[]);
        let found: Vec<&str> = workloads.iter().map(|kind| kind.kind.as_str()).collect();
        assert_eq!(found, ["StatefulSet", "CronJob"]);
        assert_eq!(kinds.resources().len(), 1);
        // A name without a group is Kubernetes' own kind, whatever stands beside it.
        let volcano = Kind {
            api_version: "batch.volcano.sh/v1alpha1".to_owned(),
            kind: "Job".to_owned(),
        };
        let takes = |names: &[&str]| named(names, true).takes_kind(&volcano);
        assert!(!takes(&["jobs"]) && !takes(&["jobs", "Rollout.argoproj.io"]));
        assert!(takes(&["Job.batch.volcano.sh"]));
        assert!(!named(&["jobs", "sts"], true).takes_custom_kinds());
        assert!(named(&["jobs", "Job.batch.volcano.sh"], true).takes_custom_kinds());
        let failure = named(&["cronjobs"], false).check_kinds(&[]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(
            named(&["deployments.extensions"], true)
                .check_kinds(&[])
                .is_err()
        );
    }
}
