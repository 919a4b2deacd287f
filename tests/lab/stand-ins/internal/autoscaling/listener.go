package autoscaling

import (
	"context"
	"fmt"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// reconcileListener makes a listener's account, rights, configuration and pod, one after another.
func (manager *Manager) reconcileListener(ctx context.Context, key types.NamespacedName) (kube.Result, error) {
	log := manager.log(kube.AutoscalingListeners, key)
	var listener Listener
	if err := manager.client.Get(ctx, kube.AutoscalingListeners, key, &listener); err != nil {
		return kube.Result{}, kube.IgnoreNotFound(err)
	}
	if !listener.DeletionTimestamp.IsZero() {
		return manager.removeListenerObjects(ctx, &listener, log)
	}
	if !isHeld(&listener, listenerFinalizer) {
		log.Info("Adding finalizer")
		return kube.Result{}, manager.hold(ctx, kube.AutoscalingListeners, &listener, copied(&listener), listenerFinalizer, true)
	}
	var set Set
	if err := manager.client.Get(ctx, kube.AutoscalingRunnerSets, types.NamespacedName{Namespace: listener.Spec.SetNamespace, Name: listener.Spec.SetName}, &set); err != nil {
		log.Error(err, "Failed to find AutoscalingRunnerSet.", "namespace", listener.Spec.SetNamespace, "name", listener.Spec.SetName)
		return kube.Result{}, err
	}
	if created, err := manager.ensureRights(ctx, &listener, log); err != nil || created {
		return kube.Result{Requeue: created}, err
	}
	if created, err := manager.ensureListenerSecrets(ctx, &listener, log); err != nil || created {
		return kube.Result{Requeue: created}, err
	}
	var pod corev1.Pod
	err := manager.client.Get(ctx, kube.Pods, keyOf(&listener), &pod)
	if kerrors.IsNotFound(err) {
		return kube.Result{}, manager.createListenerPod(ctx, &listener, log)
	}
	if err != nil {
		return kube.Result{}, err
	}
	return kube.Result{}, manager.followListenerPod(ctx, &pod, log)
}

// followListenerPod deletes a pod whose listener has ended, so that the next look makes another.
func (manager *Manager) followListenerPod(ctx context.Context, pod *corev1.Pod, log logging.Logger) error {
	ended := pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
	for _, status := range pod.Status.ContainerStatuses {
		ended = ended || status.Name == "listener" && status.State.Terminated != nil
	}
	if !ended || !pod.DeletionTimestamp.IsZero() {
		return nil
	}
	log.Info("Listener pod is terminated", "namespace", pod.Namespace, "name", pod.Name, "reason", pod.Status.Reason, "message", pod.Status.Message)
	return kube.IgnoreNotFound(manager.client.Delete(ctx, kube.Pods, pod))
}

// ensureRights makes the account in the controller's namespace, and Role and RoleBinding in the runners'.
func (manager *Manager) ensureRights(ctx context.Context, listener *Listener, log logging.Logger) (bool, error) {
	account := &corev1.ServiceAccount{}
	account.Name, account.Namespace = listener.Name, listener.Namespace
	account.Labels = merged(listener.Spec.AccountMeta.labels(), listener.setLabels())
	account.Annotations = listener.Spec.AccountMeta.annotations()
	kube.OwnedBy(account, listener, kube.AutoscalingListeners)

	role := &rbac.Role{Rules: listener.rules()}
	role.Name, role.Namespace = listener.Name, listener.Spec.SetNamespace
	role.Labels = merged(listener.Spec.RoleMeta.labels(), listener.setLabels(), listener.backLabels(), map[string]string{"role-policy-rules-hash": kube.Digest(role.Rules)})
	role.Annotations = listener.Spec.RoleMeta.annotations()

	binding := &rbac.RoleBinding{
		RoleRef:  rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "Role", Name: role.Name},
		Subjects: []rbac.Subject{{Kind: "ServiceAccount", Namespace: account.Namespace, Name: account.Name}},
	}
	binding.Name, binding.Namespace = listener.Name, listener.Spec.SetNamespace
	binding.Labels = merged(listener.Spec.RoleBindingMeta.labels(), listener.setLabels(), listener.backLabels(),
		map[string]string{"role-binding-role-ref-hash": kube.Digest(binding.RoleRef), "role-binding-subject-hash": kube.Digest(binding.Subjects)})
	binding.Annotations = listener.Spec.RoleBindingMeta.annotations()

	for _, one := range []struct {
		kind         kube.Kind
		object, seen v1.Object
	}{
		{kube.ServiceAccounts, account, &corev1.ServiceAccount{}},
		{kube.Roles, role, &rbac.Role{}},
		{kube.RoleBindings, binding, &rbac.RoleBinding{}},
	} {
		err := manager.client.Get(ctx, one.kind, keyOf(one.object), one.seen)
		if err == nil && one.kind == kube.Roles {
			if updated, err := manager.updateRole(ctx, one.seen.(*rbac.Role), role, log); err != nil || updated {
				return updated, err
			}
		}
		if err == nil {
			continue
		}
		if !kerrors.IsNotFound(err) {
			return false, err
		}
		log.Info("Creating a "+one.kind.Name+" for the listener pod", "namespace", one.object.GetNamespace(), "name", one.object.GetName())
		if err := manager.client.Create(ctx, one.kind, one.object); err != nil {
			log.Error(err, "Unable to create listener "+one.kind.Name, "namespace", one.object.GetNamespace(), "name", one.object.GetName())
			return false, err
		}
		return true, nil
	}
	return false, nil
}

// updateRole follows another EphemeralRunnerSet: the Role names it.
func (manager *Manager) updateRole(ctx context.Context, seen, wanted *rbac.Role, log logging.Logger) (bool, error) {
	if reflect.DeepEqual(seen.Rules, wanted.Rules) {
		return false, nil
	}
	updated := seen.DeepCopy()
	updated.Rules, updated.Labels = wanted.Rules, merged(seen.Labels, wanted.Labels)
	log.Info("Updating listener role in namespace to have the right rules", "namespace", wanted.Namespace, "name", wanted.Name)
	return true, manager.client.Update(ctx, kube.Roles, updated)
}

func (listener *Listener) setLabels() map[string]string {
	return map[string]string{setNamespaceLabel: listener.Spec.SetNamespace, setNameLabel: listener.Spec.SetName}
}

func (listener *Listener) backLabels() map[string]string {
	return map[string]string{listenerNamespace: listener.Namespace, listenerName: listener.Name}
}

// rules are all that a listener may do.
func (listener *Listener) rules() []rbac.PolicyRule {
	return []rbac.PolicyRule{
		{APIGroups: []string{"actions.github.com"}, Resources: []string{"ephemeralrunnersets"}, ResourceNames: []string{listener.Spec.RunnerSetName}, Verbs: []string{"patch"}},
		{APIGroups: []string{"actions.github.com"}, Resources: []string{"ephemeralrunners", "ephemeralrunners/status"}, Verbs: []string{"patch"}},
	}
}

// removeListenerObjects takes a deleted listener apart: pod, Secrets, RoleBinding, Role, account. It looks again every
// second until all of them are gone.
func (manager *Manager) removeListenerObjects(ctx context.Context, listener *Listener, log logging.Logger) (kube.Result, error) {
	if !isHeld(listener, listenerFinalizer) {
		return kube.Result{}, nil
	}
	secret := func(name string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: v1.ObjectMeta{Namespace: listener.Namespace, Name: name}}
	}
	there := v1.ObjectMeta{Namespace: listener.Spec.SetNamespace, Name: listener.Name}
	here := v1.ObjectMeta{Namespace: listener.Namespace, Name: listener.Name}
	type part struct {
		kind   kube.Kind
		object v1.Object
	}
	parts := []part{
		{kube.Pods, &corev1.Pod{ObjectMeta: here}},
		{kube.Secrets, secret(listener.configName())},
		{kube.RoleBindings, &rbac.RoleBinding{ObjectMeta: there}},
		{kube.Roles, &rbac.Role{ObjectMeta: there}},
		{kube.ServiceAccounts, &corev1.ServiceAccount{ObjectMeta: here}},
	}
	if listener.Spec.Proxy != nil {
		parts = append(parts, part{kube.Secrets, secret(listener.proxyName())})
	}
	left := false
	for _, one := range parts {
		err := manager.client.Get(ctx, one.kind, keyOf(one.object), one.object)
		if kerrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return kube.Result{}, err
		}
		left = true
		if one.object.GetDeletionTimestamp().IsZero() {
			log.Info("Deleting the listener "+one.kind.Name, "name", one.object.GetName())
			if err := manager.client.Delete(ctx, one.kind, one.object); err != nil && !kerrors.IsNotFound(err) {
				return kube.Result{}, fmt.Errorf("failed to delete listener %s: %w", one.kind.Name, err)
			}
		}
	}
	if left {
		log.Info("Waiting for resources to be deleted before removing finalizer")
		return kube.Result{After: time.Second}, nil
	}
	log.Info("Removing finalizer")
	err := manager.hold(ctx, kube.AutoscalingListeners, listener, copied(listener), listenerFinalizer, false)
	return kube.Result{}, kube.IgnoreNotFound(err)
}
