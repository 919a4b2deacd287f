package autoscaling

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// removeRunnerObjects takes a deleted runner off the service's list, then its pod, its Secret and what container hooks
// left, then lets it go.
func (manager *Manager) removeRunnerObjects(ctx context.Context, runner *Runner, log logging.Logger) (kube.Result, error) {
	if isHeld(runner, registrationFinalizer) {
		return manager.forget(ctx, runner, log)
	}
	if !isHeld(runner, runnerFinalizer) {
		return kube.Result{}, nil
	}
	log.Info("Finalizing ephemeral runner")
	meta := v1.ObjectMeta{Namespace: runner.Namespace, Name: runner.Name}
	for _, one := range []struct {
		kind   kube.Kind
		object v1.Object
	}{
		{kube.Pods, &corev1.Pod{ObjectMeta: meta}}, {kube.Secrets, &corev1.Secret{ObjectMeta: meta}},
	} {
		err := manager.client.Get(ctx, one.kind, keyOf(runner), one.object)
		if kerrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return kube.Result{}, err
		}
		if one.object.GetDeletionTimestamp().IsZero() {
			log.Info("Deleting the runner "+one.kind.Name, "name", runner.Name)
			if err := manager.client.Delete(ctx, one.kind, one.object); err != nil && !kerrors.IsNotFound(err) {
				return kube.Result{}, err
			}
		}
		log.Info("Waiting for ephemeral runner owned resources to be deleted")
		// A pod's end is an event; a Secret is not watched.
		return kube.Result{Requeue: one.kind == kube.Secrets}, nil
	}
	done, err := manager.removeHookObjects(ctx, runner, log)
	if err != nil {
		log.Error(err, "Failed to clean up container hooks resources")
		return kube.Result{}, err
	}
	if !done {
		return kube.Result{After: 5 * time.Second}, nil
	}
	log.Info("Removing finalizer")
	err = manager.hold(ctx, kube.EphemeralRunners, runner, copied(runner), runnerFinalizer, false)
	return kube.Result{}, kube.IgnoreNotFound(err)
}

// forget takes the runner off the service's list; one that has finished is off it already.
func (manager *Manager) forget(ctx context.Context, runner *Runner, log logging.Logger) (kube.Result, error) {
	if runner.Status.Phase != succeeded {
		client, err := manager.services.get(ctx, runner.Namespace, runner.Spec.Connection)
		if err != nil {
			log.Error(err, "Failed clean up runner from the service")
			return kube.Result{}, err
		}
		removed, err := manager.removeFromService(ctx, client, runner, log)
		if err != nil {
			log.Error(err, "Failed clean up runner from the service")
			return kube.Result{}, err
		}
		if !removed {
			return kube.Result{After: 30 * time.Second}, nil
		}
		log.Info("Successfully removed runner registration from service")
	}
	return kube.Result{}, manager.hold(ctx, kube.EphemeralRunners, runner, copied(runner), registrationFinalizer, false)
}

// removeHookObjects deletes the pods and Secrets of a runner's jobs; true where there are none.
func (manager *Manager) removeHookObjects(ctx context.Context, runner *Runner, log logging.Logger) (bool, error) {
	selector := labels.SelectorFromSet(labels.Set{"runner-pod": runner.Name})
	pods, err := kube.List[corev1.Pod](ctx, manager.client, kube.Pods, runner.Namespace, selector)
	if err != nil {
		return false, err
	}
	for index := range pods {
		if err := manager.client.Delete(ctx, kube.Pods, &pods[index]); err != nil && !kerrors.IsNotFound(err) {
			return false, err
		}
	}
	if len(pods) > 0 {
		log.Info("Deleting container hooks runner-linked pods", "count", len(pods))
		return false, nil
	}
	secrets, err := kube.List[corev1.Secret](ctx, manager.client, kube.Secrets, runner.Namespace, selector)
	if err != nil {
		return false, err
	}
	for index := range secrets {
		if err := manager.client.Delete(ctx, kube.Secrets, &secrets[index]); err != nil && !kerrors.IsNotFound(err) {
			return false, err
		}
	}
	return len(secrets) == 0, nil
}
