//! Who made an object, and who would write it back: read from the marks that they leave.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::object::pods::SCALE_SET_GROUP;

/// A controller that makes an object from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Maker {
    /// The source's kind; empty where only the kind of the object says that it is made.
    pub kind: String,
    /// The source's name.
    pub name: String,
}

impl fmt::Display for Maker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "made by a controller from {} {}, whose images are rewritten there",
            self.kind, self.name
        )
    }
}

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
            Self::Flux { kind, name } => return write!(formatter, "Flux {kind} {name}"),
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

/// The controller that makes this object, if one does.
pub fn maker(object: &Value) -> Option<Maker> {
    let text = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let references = object
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array);
    let controlled = references.into_iter().flatten().find(|reference| {
        reference.get("controller").and_then(Value::as_bool) == Some(true)
            // OLM's are marks of an owner that a person can edit.
            && text(reference, "kind") != "ClusterServiceVersion"
    });
    if let Some(reference) = controlled {
        return Some(Maker {
            kind: text(reference, "kind"),
            name: text(reference, "name"),
        });
    }
    let api_version = text(object, "apiVersion");
    let is_scale_set = api_version.split('/').next() == Some(SCALE_SET_GROUP);
    let source = object
        .pointer("/spec/autoscalingRunnerSetName")
        .and_then(Value::as_str);
    let is_made = matches!(
        object.get("kind").and_then(Value::as_str),
        Some("AutoscalingListener" | "EphemeralRunnerSet" | "EphemeralRunner")
    );
    (is_scale_set && is_made).then(|| Maker {
        kind: "AutoscalingRunnerSet".to_owned(),
        name: source.unwrap_or_default().to_owned(),
    })
}

/// True for a pod that a kubelet shows of a file on its node; the API server cannot change it.
pub(super) fn is_mirror_pod(object: &Value) -> bool {
    mark(
        object,
        "/metadata/annotations",
        "kubernetes.io/config.mirror",
    )
    .is_some()
}

/// The tool that owns this object, if one left its marks. A GitOps tool comes before the Helm that it uses.
pub fn owner(object: &Value) -> Option<Owner> {
    let marks = Marks { object };
    marks
        .olm()
        .or_else(|| marks.argo_cd())
        .or_else(|| marks.flux())
        .or_else(|| marks.fleet())
        .or_else(|| marks.helm())
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
        self.object
            .pointer(place)
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
        let is_marked = ["fleet.cattle.io/", "objectset.rio.cattle.io/"]
            .iter()
            .any(|prefix| self.has_label_of(prefix) || self.has_annotation_of(prefix));
        let bundle = || {
            self.label("fleet.cattle.io/bundle-name")
                .or_else(|| self.annotation("fleet.cattle.io/bundle-id"))
                .or_else(|| self.annotation("objectset.rio.cattle.io/id"))
                .unwrap_or_default()
        };
        is_marked.then(|| Owner::Fleet { bundle: bundle() })
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

fn mark(object: &Value, place: &str, key: &str) -> Option<String> {
    object.pointer(place)?.get(key)?.as_str().map(str::to_owned)
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
    fn what_a_controller_makes_names_its_source() {
        let runner = json!({"kind": "Runner", "metadata": {"ownerReferences": [
            {"kind": "RunnerReplicaSet", "name": "r-1", "controller": true}]}});
        assert_eq!(maker(&runner).unwrap().name, "r-1");
        let listener = json!({"apiVersion": "actions.github.com/v1alpha1", "kind": "AutoscalingListener",
            "spec": {"autoscalingRunnerSetName": "linux"}});
        assert_eq!(maker(&listener).unwrap().name, "linux");
        let alone = json!({"apiVersion": "actions.summerwind.dev/v1alpha1", "kind": "Runner"});
        assert_eq!(maker(&alone), None);
    }
}
