//! Which deployment tool would write an object back: read from the marks that it leaves, else from managedFields.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::object::{items_at, value_at};

/// A tool that holds an object's desired state somewhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "tool")]
pub enum Owner {
    /// The Operator Lifecycle Manager.
    Olm {
        /// The ClusterServiceVersion.
        name: String,
    },
    /// Argo CD.
    ArgoCd {
        /// The Application; may be empty.
        application: String,
    },
    /// Flux.
    Flux {
        /// `Kustomization` or `HelmRelease`.
        kind: String,
        /// `namespace/name`.
        name: String,
    },
    /// Rancher's Fleet.
    Fleet {
        /// The bundle; may be empty.
        bundle: String,
    },
    /// What Rancher, RKE2 or K3s deploys itself: files of a server node, charts of the cluster.
    Rancher {
        /// `Addon`, `HelmChart`, …; may be empty.
        kind: String,
        /// `namespace/name`; may be empty.
        name: String,
    },
    /// Helm.
    Helm {
        /// The release; may be empty.
        release: String,
        /// Its namespace.
        namespace: String,
        /// Chart and version; may be empty.
        chart: String,
    },
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tool, name) = match self {
            Self::Olm { name } => ("OLM", name),
            Self::ArgoCd { application } => ("Argo CD application", application),
            Self::Flux { kind, name } if name.is_empty() => {
                return write!(formatter, "Flux {kind} (name unknown)");
            }
            Self::Flux { kind, name } => return write!(formatter, "Flux {kind} {name}"),
            Self::Rancher { kind, name } if !kind.is_empty() => {
                return write!(formatter, "Rancher {kind} {name}");
            }
            Self::Rancher { name, .. } => ("Rancher", name),
            Self::Fleet { bundle } => ("Fleet bundle", bundle),
            Self::Helm { release, .. } => ("Helm release", release),
        };
        write!(formatter, "{tool} {name}")?;
        if name.is_empty() {
            formatter.write_str("(name unknown)")?;
        }
        Ok(())
    }
}

/// The tool that owns this object, if one left its marks. A GitOps tool comes before the Helm that it uses.
pub fn owner(object: &Value) -> Option<Owner> {
    let marks = Marks { object };
    marks
        .olm()
        .or_else(|| marks.argo_cd())
        .or_else(|| marks.flux())
        .or_else(|| marks.fleet())
        .or_else(|| marks.rancher())
        .or_else(|| marks.helm())
        .or_else(|| by_manager(object))
}

/// Labels and annotations that deployment tools leave.
#[derive(Clone, Copy)]
struct Marks<'a> {
    object: &'a Value,
}

impl Marks<'_> {
    fn label(self, key: &str) -> Option<String> {
        mark(self.object, "/metadata/labels", key)
    }

    fn annotation(self, key: &str) -> Option<String> {
        mark(self.object, "/metadata/annotations", key)
    }

    fn has_label_of(self, prefix: &str) -> bool {
        self.has("/metadata/labels", prefix)
    }

    fn has_annotation_of(self, prefix: &str) -> bool {
        self.has("/metadata/annotations", prefix)
    }

    fn has(self, place: &str, prefix: &str) -> bool {
        value_at(self.object, place)
            .and_then(Value::as_object)
            .is_some_and(|marks| marks.keys().any(|key| key.starts_with(prefix)))
    }

    fn olm(self) -> Option<Owner> {
        let name = self
            .label("olm.owner")
            .or_else(|| self.has_label_of("operators.coreos.com/").then(String::new))?;
        Some(Owner::Olm { name })
    }

    fn argo_cd(self) -> Option<Owner> {
        const PREFIX: &str = "argocd.argoproj.io/";
        if !self.has_annotation_of(PREFIX) && !self.has_label_of(PREFIX) {
            return None;
        }
        // `application:group/kind:namespace/name`
        let application = self
            .annotation("argocd.argoproj.io/tracking-id")
            .and_then(|id| id.split(':').next().map(str::to_owned))
            .or_else(|| self.label("argocd.argoproj.io/instance"))
            .unwrap_or_default();
        Some(Owner::ArgoCd { application })
    }

    fn flux(self) -> Option<Owner> {
        [
            ("helm.toolkit.fluxcd.io", "HelmRelease"),
            ("kustomize.toolkit.fluxcd.io", "Kustomization"),
        ]
        .into_iter()
        .find_map(|(prefix, kind)| {
            let name = self.label(&format!("{prefix}/name"))?;
            let namespace = self
                .label(&format!("{prefix}/namespace"))
                .unwrap_or_default();
            Some(Owner::Flux {
                kind: kind.to_owned(),
                name: format!("{namespace}/{name}"),
            })
        })
    }

    fn fleet(self) -> Option<Owner> {
        const PREFIX: &str = "fleet.cattle.io/";
        let id = self
            .annotation("objectset.rio.cattle.io/id")
            .filter(|_| !self.has_annotation_of("objectset.rio.cattle.io/owner-"));
        if !self.has_label_of(PREFIX) && !self.has_annotation_of(PREFIX) && id.is_none() {
            return None;
        }
        let bundle = self
            .label("fleet.cattle.io/bundle-name")
            .or_else(|| self.annotation("fleet.cattle.io/bundle-id"))
            .or(id)
            .unwrap_or_default();
        Some(Owner::Fleet { bundle })
    }

    /// Rancher's own library for desired state names the object that it comes from.
    fn rancher(self) -> Option<Owner> {
        const PREFIX: &str = "objectset.rio.cattle.io/";
        if !self.has_label_of(PREFIX) && !self.has_annotation_of(PREFIX) {
            return None;
        }
        let text = |key: &str| {
            self.annotation(&format!("{PREFIX}{key}"))
                .unwrap_or_default()
        };
        // `k3s.cattle.io/v1, Kind=Addon`
        let kind = text("owner-gvk");
        let kind = kind.rsplit("Kind=").next().unwrap_or_default().to_owned();
        let (namespace, name) = (text("owner-namespace"), text("owner-name"));
        let name = if namespace.is_empty() {
            name
        } else {
            format!("{namespace}/{name}")
        };
        Some(Owner::Rancher { kind, name })
    }

    fn helm(self) -> Option<Owner> {
        let is_helm = self.label("app.kubernetes.io/managed-by").as_deref() == Some("Helm");
        if !is_helm && !self.has_annotation_of("meta.helm.sh/") {
            return None;
        }
        let namespace = self
            .annotation("meta.helm.sh/release-namespace")
            .or_else(|| mark(self.object, "/metadata", "namespace"))
            .unwrap_or_default();
        Some(Owner::Helm {
            release: self
                .annotation("meta.helm.sh/release-name")
                .unwrap_or_default(),
            namespace,
            chart: self.label("helm.sh/chart").unwrap_or_default(),
        })
    }
}

/// A tool that left no other mark wrote the spec under its own name.
fn by_manager(object: &Value) -> Option<Owner> {
    items_at(object, "/metadata/managedFields")
        .iter()
        .filter(|entry| value_at(entry, "/fieldsV1/f:spec").is_some())
        .filter(|entry| entry.get("subresource").is_none_or(|name| name == ""))
        .filter_map(|entry| entry.get("manager").and_then(Value::as_str))
        .find_map(|manager| {
            let flux = |kind: &str| Owner::Flux {
                kind: kind.to_owned(),
                name: String::new(),
            };
            match manager {
                "argocd-controller" | "argocd-application-controller" => Some(Owner::ArgoCd {
                    application: String::new(),
                }),
                "kustomize-controller" => Some(flux("Kustomization")),
                "helm-controller" => Some(flux("HelmRelease")),
                "fleetagent" | "fleet-agent" => Some(Owner::Fleet {
                    bundle: String::new(),
                }),
                "helm" => Some(Owner::Helm {
                    release: String::new(),
                    namespace: mark(object, "/metadata", "namespace").unwrap_or_default(),
                    chart: String::new(),
                }),
                _ => None,
            }
        })
}

pub(super) fn mark(object: &Value, place: &str, key: &str) -> Option<String> {
    value_at(object, place)?
        .get(key)?
        .as_str()
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_tool_is_known_by_its_marks() {
        let with = |labels: Value, annotations: Value| {
            owner(&json!({"metadata": {"namespace": "n", "labels": labels, "annotations": annotations}}))
                .map(|owner| owner.to_string())
        };
        assert_eq!(with(json!({}), json!({})), None);
        assert_eq!(
            with(
                json!({"app.kubernetes.io/managed-by": "Helm"}),
                json!({"meta.helm.sh/release-name": "arc"})
            ),
            Some("Helm release arc".into())
        );
        assert_eq!(
            with(
                json!({"app.kubernetes.io/managed-by": "Helm"}),
                json!({"argocd.argoproj.io/tracking-id": "ci:apps/Deployment:n/x"})
            ),
            Some("Argo CD application ci".into())
        );
        assert_eq!(
            with(
                json!({"helm.toolkit.fluxcd.io/name": "arc", "helm.toolkit.fluxcd.io/namespace": "flux-system"}),
                json!({"meta.helm.sh/release-name": "arc"})
            ),
            Some("Flux HelmRelease flux-system/arc".into())
        );
        assert_eq!(
            with(
                json!({}),
                json!({"objectset.rio.cattle.io/id": "default-arc"})
            ),
            Some("Fleet bundle default-arc".into())
        );
        assert_eq!(
            with(json!({"olm.owner": "arc.v1"}), json!({})),
            Some("OLM arc.v1".into())
        );
    }

    #[test]
    fn a_tool_without_marks_is_known_by_what_it_wrote() {
        let written = |manager: &str, field: &str| {
            let entry = json!({"manager": manager, "operation": "Apply", "fieldsV1": {field: {}}});
            owner(&json!({"metadata": {"namespace": "n", "managedFields": [entry]}}))
                .map(|owner| owner.to_string())
        };
        assert_eq!(
            written("argocd-controller", "f:spec"),
            Some("Argo CD application (name unknown)".into())
        );
        assert_eq!(
            written("kustomize-controller", "f:spec"),
            Some("Flux Kustomization (name unknown)".into())
        );
        // Who only labels an object does not write its images back.
        assert_eq!(written("argocd-controller", "f:metadata"), None);
        assert_eq!(written("kubectl-client-side-apply", "f:spec"), None);
    }

    #[test]
    fn rancher_names_what_it_deploys_from() {
        let object = json!({"metadata": {"labels": {"objectset.rio.cattle.io/hash": "x"}, "annotations": {
            "objectset.rio.cattle.io/id": "", "objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon",
            "objectset.rio.cattle.io/owner-name": "coredns", "objectset.rio.cattle.io/owner-namespace": "kube-system"}}});
        assert_eq!(
            owner(&object).unwrap().to_string(),
            "Rancher Addon kube-system/coredns"
        );
    }
}
