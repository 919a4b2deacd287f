package autoscaling

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// removeSet takes a deleted set apart: its listener, its runners, the scale set at GitHub, the protection of what it
// needed, itself. Each step waits for the one before.
func (manager *Manager) removeSet(ctx context.Context, set *Set, log logging.Logger) (kube.Result, error) {
	if !isHeld(set, setFinalizer) {
		return kube.Result{}, nil
	}
	log.Info("Deleting resources")
	done, err := manager.removeListener(ctx, set, log)
	if err != nil || !done {
		return kube.Result{}, err
	}
	if done, err = manager.removeRunnerSets(ctx, set, log); err != nil || !done {
		return kube.Result{}, err
	}
	if err := manager.unregister(ctx, set, log); err != nil {
		log.Error(err, "Failed to delete runner scale set")
		return kube.Result{}, err
	}
	if changed, err := manager.unprotect(ctx, set, log); err != nil || changed {
		return kube.Result{Requeue: changed}, err
	}
	log.Info("Removing finalizer")
	err = manager.hold(ctx, kube.AutoscalingRunnerSets, set, copied(set), setFinalizer, false)
	if err != nil {
		log.Error(err, "Failed to update autoscaling runner set without finalizer")
		return kube.Result{}, err
	}
	log.Info("Successfully removed finalizer")
	return kube.Result{}, nil
}

func (manager *Manager) removeListener(ctx context.Context, set *Set, log logging.Logger) (bool, error) {
	var listener Listener
	err := manager.client.Get(ctx, kube.AutoscalingListeners, types.NamespacedName{Namespace: manager.Namespace, Name: listenerOf(set, manager.Version)}, &listener)
	if kerrors.IsNotFound(err) {
		log.Info("The listener is deleted")
		return true, nil
	}
	if err == nil && listener.DeletionTimestamp.IsZero() {
		log.Info("Deleting the listener")
		err = kube.IgnoreNotFound(manager.client.Delete(ctx, kube.AutoscalingListeners, &listener))
	}
	log.Info("Waiting for listener to be deleted before deleting ephemeral runner sets")
	return false, err
}

func (manager *Manager) removeRunnerSets(ctx context.Context, set *Set, log logging.Logger) (bool, error) {
	existing, err := manager.runnerSetsOf(ctx, set)
	if err != nil || len(existing) == 0 {
		return err == nil, err
	}
	for index := range existing {
		if existing[index].DeletionTimestamp.IsZero() {
			log.Info("Deleting ephemeral runner set", "name", existing[index].Name)
			if err := manager.client.Delete(ctx, kube.EphemeralRunnerSets, &existing[index]); err != nil && !kerrors.IsNotFound(err) {
				return false, err
			}
		}
	}
	log.Info("Waiting for ephemeral runner sets to be deleted", "count", len(existing))
	return false, nil
}

// unregister deletes the scale set at GitHub. One that never was registered is well.
func (manager *Manager) unregister(ctx context.Context, set *Set, log logging.Logger) error {
	text, isSet := set.Annotations[scaleSetID]
	if !isSet {
		return nil
	}
	log.Info("Deleting the runner scale set from Actions service")
	id, err := strconv.Atoi(text)
	if err != nil {
		log.Info("Runner scale set ID is not a number, skip deleting", "err", err.Error())
		return nil
	}
	client, err := manager.services.get(ctx, set.Namespace, set.Spec.Connection)
	if err != nil {
		log.Error(err, "Failed to initialize Actions service client for updating a existing runner scale set")
		return err
	}
	err = client.Call(ctx, http.MethodDelete, fmt.Sprintf("%s/%d", setsPath, id), nil, http.StatusNoContent, nil)
	if err != nil && !isKind(err, "RunnerScaleSetNotFoundException") {
		log.Error(err, "Failed to delete runner scale set", "runnerScaleSetId", id)
		return err
	}
	log.Info("Deleted the runner scale set from Actions service")
	return nil
}

// unprotect takes the protection off exactly the objects that the set's annotations name, in the original's order. True
// means that something was changed.
func (manager *Manager) unprotect(ctx context.Context, set *Set, log logging.Logger) (bool, error) {
	for _, one := range []struct {
		annotation string
		kind       kube.Kind
		object     v1.Object
	}{
		{"cleanup-kubernetes-mode-role-binding-name", kube.RoleBindings, &rbac.RoleBinding{}},
		{"cleanup-kubernetes-mode-role-name", kube.Roles, &rbac.Role{}},
		{"cleanup-kubernetes-mode-service-account-name", kube.ServiceAccounts, &corev1.ServiceAccount{}},
		{"cleanup-no-permission-service-account-name", kube.ServiceAccounts, &corev1.ServiceAccount{}},
		{"cleanup-github-secret-name", kube.Secrets, &corev1.Secret{}},
		{"cleanup-manager-role-binding", kube.RoleBindings, &rbac.RoleBinding{}},
		{"cleanup-manager-role-name", kube.Roles, &rbac.Role{}},
	} {
		name, isSet := set.Annotations["actions.github.com/"+one.annotation]
		if !isSet {
			continue
		}
		err := manager.client.Get(ctx, one.kind, types.NamespacedName{Namespace: set.Namespace, Name: name}, one.object)
		if kerrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return false, err
		}
		if !isHeld(one.object, cleanupFinalizer) {
			continue
		}
		log.Info("Removing finalizer from "+one.kind.Name, "name", name)
		after := deepCopy(one.object)
		if err := manager.hold(ctx, one.kind, one.object, after, cleanupFinalizer, false); err != nil {
			log.Error(err, "Failed to patch "+one.kind.Name+" without finalizer", "name", name)
			return false, err
		}
		return true, nil
	}
	return false, nil
}

// deepCopy is a copy to make a patch of the difference with.
func deepCopy(object v1.Object) v1.Object {
	switch one := object.(type) {
	case *rbac.RoleBinding:
		return one.DeepCopy()
	case *rbac.Role:
		return one.DeepCopy()
	case *corev1.ServiceAccount:
		return one.DeepCopy()
	case *corev1.Secret:
		return one.DeepCopy()
	}
	return object
}
