//! Which deployment tool would write an object back: read from the marks that it leaves, else from managedFields.
//!
//! Each mark was read in the tool's own source or documentation, which its function names. What a tool only may have
//! left (a label that others write as well) does not outweigh what another one surely did.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::object::{items_at, text_at, value_at};

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
        .or_else(|| marks.chart())
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

    /// Operator Lifecycle Manager, `pkg/lib/ownerutil` (read at 0267187): `olm.owner` on what a ClusterServiceVersion
    /// deploys; `olm.managed` on everything of its own, of which an owner reference may name the version.
    fn olm(self) -> Option<Owner> {
        let name = self.label("olm.owner").or_else(|| {
            let is_managed = self.label("olm.managed").as_deref() == Some("true")
                || self.has_label_of("operators.coreos.com/");
            is_managed.then(|| self.cluster_service_version())
        })?;
        Some(Owner::Olm { name })
    }

    fn cluster_service_version(self) -> String {
        let owners = items_at(self.object, "/metadata/ownerReferences").iter();
        owners
            .filter(|owner| text_at(owner, "/kind") == Some("ClusterServiceVersion"))
            .find_map(|owner| text_at(owner, "/name"))
            .unwrap_or_default()
            .to_owned()
    }

    /// Argo CD 3.3, "Resource Tracking" of its user guide: the annotation `tracking-id`, the default since 3.0. Before,
    /// and with `application.instanceLabelKey` still, a label.
    fn argo_cd(self) -> Option<Owner> {
        const PREFIX: &str = "argocd.argoproj.io/";
        if !self.has_annotation_of(PREFIX) && !self.has_label_of(PREFIX) {
            return None;
        }
        let id = self.annotation("argocd.argoproj.io/tracking-id");
        let label = self.label("argocd.argoproj.io/instance");
        if let (Some(id), None) = (&id, &label)
            && !self.is_tracked_by(id)
        {
            return None;
        }
        let application = id
            .and_then(|id| id.split(':').next().map(str::to_owned))
            .or(label);
        Some(Owner::ArgoCd {
            application: application_name(&application.unwrap_or_default()),
        })
    }

    /// True where `application:group/kind:namespace/name` names this object. Argo CD leaves others alone: the annotation
    /// was copied there along with the rest (its `isSelfReferencedObj`).
    fn is_tracked_by(self, id: &str) -> bool {
        let text = |pointer: &str| text_at(self.object, pointer).unwrap_or_default();
        let group = text("/apiVersion").split_once('/');
        let group = group.map_or("", |(group, _)| group);
        let namespace = text("/metadata/namespace");
        let mut parts = id.split(':').skip(1);
        let (Some(kind), Some(place)) = (parts.next(), parts.next()) else {
            return true;
        };
        let (in_namespace, name) = place.split_once('/').unwrap_or(("", place));
        kind == format!("{group}/{}", text("/kind"))
            && name == text("/metadata/name")
            && (namespace.is_empty() || namespace == in_namespace)
    }

    /// Flux: kustomize-controller labels what it applies, and helm-controller everything of a release (its change 238).
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

    /// Fleet, `internal/helmdeployer/postrender.go` (read at 0e74263): the set's name as an annotation without an owner, beside a label with its hash.
    /// Labels of `fleet.cattle.io/` are on Fleet's own objects.
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

    /// Rancher's own library for desired state names the object that it comes from: wrangler, `pkg/apply`, as K3s and
    /// RKE2 use it for their packaged files (`k3s.cattle.io/v1, Kind=Addon`).
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

    /// Helm 4, `pkg/action/validate.go`: release and namespace as annotations, beside the label, as in Helm 3.
    fn helm(self) -> Option<Owner> {
        self.has_annotation_of("meta.helm.sh/")
            .then(|| self.release())
    }

    /// A chart's own label. Without the annotations it was no release that wrote it, or an old one: a chart that Argo CD
    /// has rendered has it too, and so has one behind `helm template`.
    fn chart(self) -> Option<Owner> {
        let is_helm = self.label("app.kubernetes.io/managed-by").as_deref() == Some("Helm");
        is_helm.then(|| self.release())
    }

    fn release(self) -> Owner {
        let namespace = self
            .annotation("meta.helm.sh/release-namespace")
            .or_else(|| mark(self.object, "/metadata", "namespace"))
            .unwrap_or_default();
        Owner::Helm {
            release: self
                .annotation("meta.helm.sh/release-name")
                .unwrap_or_default(),
            namespace,
            chart: self.label("helm.sh/chart").unwrap_or_default(),
        }
    }
}

/// As its command line takes it: in another namespace than Argo CD's own it is written `namespace_name`.
fn application_name(written: &str) -> String {
    written.replacen('_', "/", 1)
}

/// A tool that left no other mark wrote the spec under its own name. Argo CD tracked by the label that charts write as
/// well (`app.kubernetes.io/instance`, the default before 3.0) is known by it alone.
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
                    application: mark(object, "/metadata/labels", "app.kubernetes.io/instance")
                        .map(|name| application_name(&name))
                        .unwrap_or_default(),
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
mod tests;
