package legacy

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// afterRefusal is how long later releases wait after GitHub gave no token.
const afterRefusal = 3 * time.Minute

func (manager *Manager) reconcileRunner(ctx context.Context, key types.NamespacedName) (kube.Result, error) {
	log := manager.Log.WithName("runner").With("runner", key)
	var runner Runner
	if err := manager.Client.Get(ctx, kube.Runners, key, &runner); err != nil {
		return kube.Result{}, kube.IgnoreNotFound(err)
	}
	if refused := refusal(runner.Spec.Config); refused != "" && !manager.since(0, 20, 0) {
		log.Info("Failed to validate runner spec", "error", refused)
		return kube.Result{}, nil
	}
	if !runner.DeletionTimestamp.IsZero() {
		return kube.Result{}, manager.releaseRunner(ctx, &runner, log)
	}
	if !slices.Contains(runner.Finalizers, runnerFinalizer) {
		runner.Finalizers = append(runner.Finalizers, runnerFinalizer)
		err := manager.Client.Update(ctx, kube.Runners, &runner)
		if err != nil {
			log.Error(err, "Failed to update runner")
		}
		return kube.Result{}, err
	}
	var pod corev1.Pod
	err := manager.Client.Get(ctx, kube.Pods, key, &pod)
	if kerrors.IsNotFound(err) {
		return manager.startRunner(ctx, &runner, log)
	}
	if err != nil {
		return kube.Result{}, err
	}
	if manager.since(0, 22, 0) {
		return kube.Result{}, manager.followPod(ctx, &runner, &pod, log)
	}
	return manager.followFirstPod(ctx, &runner, &pod, log)
}

// releaseRunner lets a deleted Runner go. The first releases take it off GitHub's list here, later ones when its pod goes.
func (manager *Manager) releaseRunner(ctx context.Context, runner *Runner, log logging.Logger) error {
	if !slices.Contains(runner.Finalizers, runnerFinalizer) {
		return nil
	}
	released := copied(runner)
	released.Finalizers = without(runner.Finalizers, func(one string) bool { return one == runnerFinalizer })
	if manager.since(0, 22, 0) {
		err := manager.Client.Patch(ctx, kube.Runners, runner, released)
		if err != nil {
			log.Error(err, "Unable to remove finalizer")
			return err
		}
		log.Info("Removed finalizer")
		return nil
	}
	if runner.Status.Registration.Token == "" {
		log.Debug("Runner was never registered on GitHub")
	} else if err := manager.unregister(ctx, runner, log); err != nil {
		log.Error(err, "Failed to unregister runner")
		return err
	}
	if err := manager.Client.Update(ctx, kube.Runners, released); err != nil {
		log.Error(err, "Failed to update runner")
		return err
	}
	log.Info("Removed runner from GitHub", "repository", runner.Spec.Repository, "organization", runner.Spec.Organization)
	return nil
}

// startRunner gets a token, writes it into the status, and makes the pod at the next look.
func (manager *Manager) startRunner(ctx context.Context, runner *Runner, log logging.Logger) (kube.Result, error) {
	renewed, err := manager.renewToken(ctx, runner, log)
	switch {
	case err != nil && manager.since(0, 20, 0):
		return kube.Result{After: afterRefusal}, nil
	case err != nil:
		return kube.Result{}, err
	case renewed:
		return kube.Result{Requeue: true}, nil
	}
	client, err := manager.client(ctx, runner.Namespace, runner.Spec.Credentials)
	if err != nil {
		return kube.Result{}, err
	}
	pod, err := runnerPod(runner, client.BaseURL, manager.Defaults)
	if err != nil {
		log.Error(err, "Could not create pod")
		return kube.Result{}, err
	}
	if runner.Spec.ServiceAccountName == "" && needsAccount(runner, manager.Defaults) && !manager.createAccount(ctx, runner, log) {
		return kube.Result{Requeue: true}, nil
	}
	kube.OwnedBy(pod, runner, kube.Runners)
	err = manager.Client.Create(ctx, kube.Pods, pod)
	if kerrors.IsAlreadyExists(err) {
		log.Info("Failed to create pod due to AlreadyExists error; the cache may be late")
		return kube.Result{}, nil
	}
	if err != nil {
		log.Error(err, "Failed to create pod resource")
		return kube.Result{}, err
	}
	manager.tell(kube.Runners, runner, corev1.EventTypeNormal, "PodCreated", "Created pod '%s'", pod.Name)
	log.Info("Created runner pod", "repository", runner.Spec.Repository)
	return kube.Result{}, nil
}

// renewToken is true where the status had none that is still good, and now has one.
func (manager *Manager) renewToken(ctx context.Context, runner *Runner, log logging.Logger) (bool, error) {
	known := runner.Status.Registration
	if known.Repository == runner.Spec.Repository && known.Token != "" && known.ExpiresAt.After(time.Now()) {
		return false, nil
	}
	client, err := manager.client(ctx, runner.Namespace, runner.Spec.Credentials)
	if err != nil {
		return false, err
	}
	token, expires, err := client.RegistrationToken(ctx, runner.Spec.Scope())
	if err != nil {
		manager.tell(kube.Runners, runner, corev1.EventTypeWarning, "FailedUpdateRegistrationToken", "Updating registration token failed")
		log.Error(err, "Failed to get new registration token")
		return false, err
	}
	updated := copied(runner)
	updated.Status.Registration = Registration{
		Organization: runner.Spec.Organization, Repository: runner.Spec.Repository, Labels: runner.Spec.Labels,
		Token: token, ExpiresAt: v1.NewTime(expires),
	}
	if err := manager.writeStatus(ctx, kube.Runners, runner, updated); err != nil {
		log.Error(err, "Failed to update runner status for Registration")
		return false, err
	}
	manager.tell(kube.Runners, updated, corev1.EventTypeNormal, "RegistrationTokenUpdated", "Successfully update registration token")
	log.Info("Updated registration token", "repository", runner.Spec.Repository)
	return true, nil
}

// followPod copies how the pod is into the Runner's status.
func (manager *Manager) followPod(ctx context.Context, runner *Runner, pod *corev1.Pod, log logging.Logger) error {
	phase, ready := string(pod.Status.Phase), isReady(pod)
	if phase == "" {
		phase = "Created"
	}
	isOurs := !manager.Defaults.StatusHook || runner.Status.Phase == ""
	if !isOurs || runner.Status.Phase == phase && runner.Status.Ready == ready {
		return nil
	}
	updated := copied(runner)
	updated.Status.Phase, updated.Status.Ready = phase, ready
	updated.Status.Reason, updated.Status.Message = pod.Status.Reason, pod.Status.Message
	err := manager.writeStatus(ctx, kube.Runners, runner, updated)
	if err != nil {
		log.Error(err, "Failed to update runner status for Phase/Reason/Message")
	}
	return err
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(one corev1.PodCondition) bool {
		return one.Type == corev1.PodReady && one.Status == corev1.ConditionTrue
	})
}

// createAccount makes the account of a runner in container mode kubernetes and its rights. False asks for another look.
func (manager *Manager) createAccount(ctx context.Context, runner *Runner, log logging.Logger) bool {
	meta := v1.ObjectMeta{Name: runner.Name, Namespace: runner.Namespace}
	subject := rbac.Subject{Kind: "ServiceAccount", Name: runner.Name, Namespace: runner.Namespace}
	role := rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "Role", Name: runner.Name}
	for _, one := range []struct {
		kind   kube.Kind
		object v1.Object
	}{
		{kube.ServiceAccounts, &corev1.ServiceAccount{ObjectMeta: meta}},
		{kube.Roles, &rbac.Role{ObjectMeta: meta, Rules: accountRules(runner, manager.Defaults)}},
		{kube.RoleBindings, &rbac.RoleBinding{ObjectMeta: meta, RoleRef: role, Subjects: []rbac.Subject{subject}}},
	} {
		kube.OwnedBy(one.object, runner, kube.Runners)
		err := manager.Client.Create(ctx, one.kind, one.object)
		switch {
		case kerrors.IsAlreadyExists(err):
			log.Info("Failed to create "+one.kind.Name+" as it already exists. Reusing it", "name", runner.Name)
		case err != nil:
			log.Error(err, "Retrying as failed to create "+one.kind.Name+" resource", "name", runner.Name)
			return false
		default:
			manager.tell(kube.Runners, runner, corev1.EventTypeNormal, one.kind.Name+"Created", "Created %s '%s'", one.kind.Name, runner.Name)
			log.Info("Created "+one.kind.Name, "name", runner.Name)
		}
	}
	return true
}
