package legacy

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"

	"arc-setup/tests/lab/stand-ins/internal/github"
	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// Manager holds what its controllers share.
type Manager struct {
	Client   *kube.Client
	GitHub   *github.Client
	Account  github.Account
	Defaults Defaults
	Events   record.EventRecorder
	Log      logging.Logger
}

// Watched are the kinds that the release holds in its caches. Nothing is done until all of them are there.
func (manager *Manager) Watched() []kube.Kind {
	kinds := []kube.Kind{kube.Runners, kube.RunnerReplicaSets, kube.RunnerDeployments, kube.Autoscalers, kube.Pods}
	if manager.since(0, 20, 0) {
		kinds = append(kinds, kube.RunnerSets, kube.StatefulSets)
	}
	if manager.since(0, 22, 0) {
		kinds = append(kinds, kube.Volumes, kube.Claims)
	}
	return kinds
}

func (manager *Manager) since(major, minor, patch int) bool {
	return manager.Defaults.Version.AtLeast(major, minor, patch)
}

// Controllers are those of the release, subscribed to the cache.
func (manager *Manager) Controllers(cache *kube.Cache) ([]*kube.Controller, error) {
	make := func(name string, kind kube.Kind, log string, reconcile func(context.Context, types.NamespacedName) (kube.Result, error)) *kube.Controller {
		return &kube.Controller{Kind: kind, Name: name, Reconcile: reconcile, Log: manager.Log.WithName(log)}
	}
	runners := make("runner-controller", kube.Runners, "runner", manager.reconcileRunner)
	sets := make("runnerreplicaset-controller", kube.RunnerReplicaSets, "runnerreplicaset", manager.reconcileReplicaSet)
	deployments := make("runnerdeployment-controller", kube.RunnerDeployments, "runnerdeployment", manager.reconcileDeployment)
	autoscalers := make("horizontalrunnerautoscaler-controller", kube.Autoscalers, "horizontalrunnerautoscaler", manager.reconcileAutoscaler)
	all := []*kube.Controller{runners, sets, deployments, autoscalers}
	owned := map[*kube.Controller][]kube.Kind{runners: {kube.Pods}, sets: {kube.Runners}, deployments: {kube.RunnerReplicaSets}}
	if manager.since(0, 20, 0) {
		runnerSets := make("runnerset-controller", kube.RunnerSets, "runnerset", manager.reconcileRunnerSet)
		owned[runnerSets] = []kube.Kind{kube.StatefulSets}
		pods := make("runnerpod-controller", kube.Pods, "runnerpod", manager.reconcilePod)
		all = append(all, runnerSets, pods)
	}
	for _, controller := range all {
		if err := controller.Prepare(cache, owned[controller]...); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// client is the one for a runner: the controller's, or one with the login of a Secret (from 0.26 on).
func (manager *Manager) client(ctx context.Context, namespace string, credentials *CredentialsFrom) (*github.Client, error) {
	if credentials == nil {
		return manager.GitHub, nil
	}
	if manager.Client == nil {
		return nil, errors.New("the cache is not started, can not read objects")
	}
	var secret corev1.Secret
	name := types.NamespacedName{Namespace: namespace, Name: credentials.SecretRef.Name}
	if err := manager.Client.Get(ctx, kube.Secrets, name, &secret); err != nil {
		return nil, err
	}
	account, err := github.FromSecret(secret.Data, manager.Account)
	if err != nil {
		return nil, err
	}
	return github.New(manager.Defaults.Version, account)
}

// tell writes an event on an object.
func (manager *Manager) tell(kind kube.Kind, object v1.Object, class, reason, format string, arguments ...any) {
	manager.Events.Event(&corev1.ObjectReference{
		Kind: kind.Name, APIVersion: kind.GroupVersion().String(), Namespace: object.GetNamespace(), Name: object.GetName(),
		UID: object.GetUID(), ResourceVersion: object.GetResourceVersion(),
	}, class, reason, fmt.Sprintf(format, arguments...))
}

// writeStatus replaces the status in the first releases and patches it later.
func (manager *Manager) writeStatus(ctx context.Context, kind kube.Kind, before, after v1.Object) error {
	if manager.since(0, 20, 0) {
		return manager.Client.Patch(ctx, kind, before, after, "status")
	}
	return manager.Client.Update(ctx, kind, after, "status")
}

func keyOf(object v1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// copied is a copy that shares only what is not changed in place.
func copied[T any](object *T) *T {
	duplicate := *object
	return &duplicate
}
