package autoscaling

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
	"arc-setup/tests/lab/stand-ins/internal/release"
	"arc-setup/tests/lab/stand-ins/internal/scaleset"
)

// Settings are the flags and variables that the controllers work by.
type Settings struct {
	Version release.Version
	// Namespace is the controller's own: listeners run there.
	Namespace string
	// Image is the listener's too.
	Image            string
	ImagePullSecrets []string
	Entrypoint       string
	MetricsAddress   string
	MetricsEndpoint  string
	LogLevel         string
	LogFormat        string
	UpdateStrategy   string
	HiddenPrefixes   []string
	Workers          int
}

// Manager holds what its controllers share.
type Manager struct {
	Settings
	Log      logging.Logger
	client   *kube.Client
	services *services
}

// Watched are the kinds that are held in caches. Secrets and ConfigMaps are always asked for one by one.
func Watched() []kube.Kind {
	return []kube.Kind{
		kube.AutoscalingRunnerSets, kube.AutoscalingListeners, kube.EphemeralRunnerSets, kube.EphemeralRunners,
		kube.Pods, kube.ServiceAccounts, kube.Roles, kube.RoleBindings,
	}
}

// Controllers are the four of the group, subscribed to the cache.
func (manager *Manager) Controllers(cache *kube.Cache, client *kube.Client) ([]*kube.Controller, error) {
	manager.client = client
	manager.services = &services{client: client, version: manager.Version, known: map[string]*scaleset.Client{}}
	sets := manager.controller(kube.AutoscalingRunnerSets, manager.reconcileSet)
	listeners := manager.controller(kube.AutoscalingListeners, manager.reconcileListener)
	runnerSets := manager.controller(kube.EphemeralRunnerSets, manager.reconcileRunnerSet)
	runners := manager.controller(kube.EphemeralRunners, manager.reconcileRunner)
	runners.Workers = manager.Workers
	for _, one := range []struct {
		controller *kube.Controller
		owned      []kube.Kind
	}{
		{sets, []kube.Kind{kube.EphemeralRunnerSets}},
		{listeners, []kube.Kind{kube.Pods, kube.ServiceAccounts}},
		{runnerSets, []kube.Kind{kube.EphemeralRunners}},
		{runners, []kube.Kind{kube.Pods}},
	} {
		if err := one.controller.Prepare(cache, one.owned...); err != nil {
			return nil, err
		}
	}
	if err := manager.crossNamespaces(cache, sets, listeners); err != nil {
		return nil, err
	}
	return []*kube.Controller{sets, listeners, runnerSets, runners}, nil
}

func (manager *Manager) controller(kind kube.Kind, reconcile func(context.Context, types.NamespacedName) (kube.Result, error)) *kube.Controller {
	return &kube.Controller{Kind: kind, Name: kind.Resource[:len(kind.Resource)-1], Reconcile: reconcile, Log: manager.Log}
}

// crossNamespaces follows what no owner reference can: listeners and their Roles live in different namespaces.
func (manager *Manager) crossNamespaces(cache *kube.Cache, sets, listeners *kube.Controller) error {
	err := cache.On(kube.AutoscalingListeners, func(object *unstructured.Unstructured) {
		namespace, _, _ := unstructured.NestedString(object.Object, "spec", "autoscalingRunnerSetNamespace")
		name, _, _ := unstructured.NestedString(object.Object, "spec", "autoscalingRunnerSetName")
		sets.Enqueue(namespace, name)
	})
	for _, kind := range []kube.Kind{kube.Roles, kube.RoleBindings} {
		if err == nil {
			err = cache.On(kind, func(object *unstructured.Unstructured) {
				labels := object.GetLabels()
				if labels[listenerName] != "" {
					listeners.Enqueue(labels[listenerNamespace], labels[listenerName])
				}
			})
		}
	}
	return err
}

func (manager *Manager) pullSecrets() []corev1.LocalObjectReference {
	var secrets []corev1.LocalObjectReference
	for _, name := range manager.ImagePullSecrets {
		secrets = append(secrets, corev1.LocalObjectReference{Name: name})
	}
	return secrets
}

func (manager *Manager) log(kind kube.Kind, key types.NamespacedName) logging.Logger {
	name := kind.Resource[:len(kind.Resource)-1]
	return manager.Log.WithName(kind.Name).With("version", manager.Version.String(), name, key)
}

func keyOf(object v1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// hold adds a finalizer by a patch, or takes it off.
func (manager *Manager) hold(ctx context.Context, kind kube.Kind, before, after v1.Object, finalizer string, held bool) error {
	finalizers := slices.Clone(before.GetFinalizers())
	if held {
		finalizers = append(finalizers, finalizer)
	} else {
		finalizers = slices.DeleteFunc(finalizers, func(one string) bool { return one == finalizer })
	}
	after.SetFinalizers(finalizers)
	return manager.client.Patch(ctx, kind, before, after)
}

func isHeld(object v1.Object, finalizer string) bool {
	return slices.Contains(object.GetFinalizers(), finalizer)
}

// copied is a copy that shares only what is not changed in place.
func copied[T any](object *T) *T {
	duplicate := *object
	return &duplicate
}
