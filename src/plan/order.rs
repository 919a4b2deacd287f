//! The order of kinds: what others need comes first.

use crate::object::ObjectRef;
use crate::object::pods::{LEGACY_GROUP, SCALE_SET_GROUP};

/// Waves of objects, in the order of apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// Everything else lives in them.
    Namespaces,
    /// The kinds of the runner objects.
    Definitions,
    /// ServiceAccounts and RBAC.
    Rights,
    /// ConfigMaps, Secrets, certificates, quotas: before the first pod.
    Configuration,
    /// Workloads and their Services.
    Controller,
    /// Admission webhooks.
    Webhooks,
    /// Runner sets.
    Runners,
    /// What scales them: a controller that meets an autoscaler before its target looks again only after a whole
    /// sync period, 10 minutes in the first releases.
    Autoscalers,
}

impl Rank {
    /// Every rank, in order.
    pub const ALL: [Self; 8] = [
        Self::Namespaces,
        Self::Definitions,
        Self::Rights,
        Self::Configuration,
        Self::Controller,
        Self::Webhooks,
        Self::Runners,
        Self::Autoscalers,
    ];

    /// The rank of an object.
    pub fn of(object: &ObjectRef) -> Self {
        match object.kind.as_str() {
            "HorizontalRunnerAutoscaler" => Self::Autoscalers,
            _ if is_runner_object(object) => Self::Runners,
            // Of a pull test.
            "Pod" => Self::Runners,
            "Namespace" => Self::Namespaces,
            "CustomResourceDefinition" => Self::Definitions,
            "ServiceAccount" | "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
                Self::Rights
            }
            "Deployment"
            | "StatefulSet"
            | "DaemonSet"
            | "Service"
            | "PodDisruptionBudget"
            | "ServiceMonitor"
            | "PodMonitor" => Self::Controller,
            "MutatingWebhookConfiguration"
            | "ValidatingWebhookConfiguration"
            | "MutatingAdmissionPolicy"
            | "MutatingAdmissionPolicyBinding"
            | "ValidatingAdmissionPolicy"
            | "ValidatingAdmissionPolicyBinding" => Self::Webhooks,
            _ => Self::Configuration,
        }
    }

    /// What a person reads as the wave's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Definitions => "custom resource definitions",
            Self::Rights => "service accounts and rights",
            Self::Configuration => "configuration and secrets",
            Self::Controller => "controller",
            Self::Webhooks => "admission webhooks",
            Self::Runners => "runner sets",
            Self::Autoscalers => "autoscalers",
        }
    }
}

/// True for ARC's own kinds, whose finalizers the controller must clear.
pub fn is_runner_object(object: &ObjectRef) -> bool {
    matches!(object.group(), LEGACY_GROUP | SCALE_SET_GROUP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_wave() {
        let rank = |api_version: &str, kind: &str| {
            Rank::of(&ObjectRef::new(api_version, kind, Some("ns"), "a"))
        };
        assert_eq!(rank("v1", "Namespace"), Rank::Namespaces);
        assert_eq!(
            rank("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            Rank::Definitions
        );
        assert_eq!(
            rank("rbac.authorization.k8s.io/v1", "RoleBinding"),
            Rank::Rights
        );
        assert_eq!(rank("v1", "Secret"), Rank::Configuration);
        assert_eq!(
            rank("cert-manager.io/v1", "Certificate"),
            Rank::Configuration
        );
        assert_eq!(rank("apps/v1", "Deployment"), Rank::Controller);
        assert_eq!(
            rank(
                "admissionregistration.k8s.io/v1",
                "MutatingWebhookConfiguration"
            ),
            Rank::Webhooks
        );
        assert_eq!(
            rank("actions.github.com/v1alpha1", "AutoscalingRunnerSet"),
            Rank::Runners
        );
        assert_eq!(
            rank("actions.summerwind.dev/v1alpha1", "Runner"),
            Rank::Runners
        );
        assert_eq!(
            rank(
                "actions.summerwind.dev/v1alpha1",
                "HorizontalRunnerAutoscaler"
            ),
            Rank::Autoscalers
        );
        assert!(Rank::ALL.is_sorted());
    }
}
