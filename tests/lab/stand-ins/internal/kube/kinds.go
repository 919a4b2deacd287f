// Package kube is what the controllers know of Kubernetes: kinds, reading and writing, caches and queues, with the
// verbs and the scopes that controller-runtime uses.
package kube

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is a resource that a controller reads or writes.
type Kind struct {
	// Name is the kind's.
	Name string
	schema.GroupVersionResource
	// Clustered is true where it has no namespace.
	Clustered bool
}

// GroupVersionKind is the type written into objects.
func (kind Kind) GroupVersionKind() schema.GroupVersionKind {
	return kind.GroupVersion().WithKind(kind.Name)
}

// describe is the name that reflectors log: the Go type of the original.
func (kind Kind) describe() string {
	return "*" + kind.Version + "." + kind.Name
}

func kindOf(group, version, resource, name string) Kind {
	return Kind{Name: name, GroupVersionResource: schema.GroupVersionResource{Group: group, Version: version, Resource: resource}}
}

// Kinds of Kubernetes.
var (
	Pods            = kindOf("", "v1", "pods", "Pod")
	Secrets         = kindOf("", "v1", "secrets", "Secret")
	ConfigMaps      = kindOf("", "v1", "configmaps", "ConfigMap")
	ServiceAccounts = kindOf("", "v1", "serviceaccounts", "ServiceAccount")
	Claims          = kindOf("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
	Volumes         = Kind{Name: "PersistentVolume", GroupVersionResource: schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"}, Clustered: true}
	StatefulSets    = kindOf("apps", "v1", "statefulsets", "StatefulSet")
	Roles           = kindOf("rbac.authorization.k8s.io", "v1", "roles", "Role")
	RoleBindings    = kindOf("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
)

// Kinds of the legacy controller.
var (
	Runners           = kindOf("actions.summerwind.dev", "v1alpha1", "runners", "Runner")
	RunnerReplicaSets = kindOf("actions.summerwind.dev", "v1alpha1", "runnerreplicasets", "RunnerReplicaSet")
	RunnerDeployments = kindOf("actions.summerwind.dev", "v1alpha1", "runnerdeployments", "RunnerDeployment")
	RunnerSets        = kindOf("actions.summerwind.dev", "v1alpha1", "runnersets", "RunnerSet")
	Autoscalers       = kindOf("actions.summerwind.dev", "v1alpha1", "horizontalrunnerautoscalers", "HorizontalRunnerAutoscaler")
)

// Kinds of the scale-set controller.
var (
	AutoscalingRunnerSets = kindOf("actions.github.com", "v1alpha1", "autoscalingrunnersets", "AutoscalingRunnerSet")
	AutoscalingListeners  = kindOf("actions.github.com", "v1alpha1", "autoscalinglisteners", "AutoscalingListener")
	EphemeralRunnerSets   = kindOf("actions.github.com", "v1alpha1", "ephemeralrunnersets", "EphemeralRunnerSet")
	EphemeralRunners      = kindOf("actions.github.com", "v1alpha1", "ephemeralrunners", "EphemeralRunner")
)

// OwnedBy makes the object the owner's, as its one controller.
func OwnedBy(object v1.Object, owner v1.Object, kind Kind) {
	object.SetOwnerReferences(append(object.GetOwnerReferences(), *v1.NewControllerRef(owner, kind.GroupVersionKind())))
}

// Controls is true where the owner is the object's controller.
func Controls(owner, object v1.Object) bool {
	return v1.IsControlledBy(object, owner)
}
