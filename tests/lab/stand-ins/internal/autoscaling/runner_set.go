package autoscaling

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
	"arc-setup/tests/lab/stand-ins/internal/scaleset"
)

// census is a set's EphemeralRunners by what they do.
type census struct {
	pending, running, done, failed, deleting []*Runner
	// lastPatch is the number of the listener's patch that made the youngest of them.
	lastPatch int
	outdated  bool
}

func take(runners []Runner) census {
	var found census
	for index := range runners {
		runner := &runners[index]
		number, err := strconv.Atoi(runner.Annotations[patchID])
		if err == nil {
			found.lastPatch = max(found.lastPatch, number)
		}
		switch {
		case !runner.DeletionTimestamp.IsZero():
			found.deleting = append(found.deleting, runner)
		case runner.Status.Phase == running:
			found.running = append(found.running, runner)
		case runner.Status.Phase == succeeded:
			found.done = append(found.done, runner)
		case runner.Status.Phase == failed:
			found.failed = append(found.failed, runner)
		case runner.Status.Phase == outdated:
			found.outdated = true
			found.failed = append(found.failed, runner)
		default:
			found.pending = append(found.pending, runner)
		}
	}
	return found
}

// total counts what stands for a wanted runner. A failed one does too, so that it is not replaced for ever.
func (found census) total() int {
	return len(found.pending) + len(found.running) + len(found.failed)
}

// reconcileRunnerSet keeps as many EphemeralRunners as the listener asks for.
func (manager *Manager) reconcileRunnerSet(ctx context.Context, key types.NamespacedName) (kube.Result, error) {
	log := manager.log(kube.EphemeralRunnerSets, key)
	var set RunnerSet
	if err := manager.client.Get(ctx, kube.EphemeralRunnerSets, key, &set); err != nil {
		return kube.Result{}, kube.IgnoreNotFound(err)
	}
	if !set.DeletionTimestamp.IsZero() {
		return manager.removeRunnerSet(ctx, &set, log)
	}
	if !isHeld(&set, runnerFinalizer) {
		log.Info("Adding finalizer")
		return kube.Result{}, manager.hold(ctx, kube.EphemeralRunnerSets, &set, copied(&set), runnerFinalizer, true)
	}
	if set.Spec.RunnerSpec.Proxy != nil {
		if made, err := manager.ensureProxySecret(ctx, &set, log); err != nil || made {
			return kube.Result{Requeue: made}, err
		}
	}
	runners, err := manager.runnersOf(ctx, &set)
	if err != nil {
		log.Error(err, "Unable to list child ephemeral runners")
		return kube.Result{}, err
	}
	found := take(runners)
	log.Info("Ephemeral runner counts", "pending", len(found.pending), "running", len(found.running),
		"finished", len(found.done), "failed", len(found.failed), "deleting", len(found.deleting))
	for _, runner := range found.done {
		if err := manager.client.Delete(ctx, kube.EphemeralRunners, runner); err != nil && !kerrors.IsNotFound(err) {
			return kube.Result{}, err
		}
	}
	if set.Spec.PatchID == 0 || set.Spec.PatchID != found.lastPatch {
		if err := manager.scale(ctx, &set, found, log); err != nil {
			return kube.Result{}, err
		}
	}
	return kube.Result{}, manager.writeRunnerSetStatus(ctx, &set, found, log)
}

func (manager *Manager) scale(ctx context.Context, set *RunnerSet, found census, log logging.Logger) error {
	total := found.total()
	log.Info("Scaling comparison", "current", total, "desired", set.Spec.Replicas)
	switch {
	case found.outdated:
		return nil
	case total < set.Spec.Replicas:
		count := set.Spec.Replicas - total
		log.Info("Creating new ephemeral runners (scale up)", "count", count)
		return manager.createRunners(ctx, set, count, log)
	case total > set.Spec.Replicas:
		count := total - set.Spec.Replicas
		log.Info("Deleting ephemeral runners (scale down)", "count", count)
		return manager.removeIdle(ctx, set, found, count, log)
	}
	return nil
}

func (manager *Manager) createRunners(ctx context.Context, set *RunnerSet, count int, log logging.Logger) error {
	for range count {
		made := &Runner{Spec: set.Spec.RunnerSpec}
		made.GenerateName, made.Namespace = set.Name+"-runner-", set.Namespace
		made.Labels = merged(set.Spec.RunnerMeta.labels(), set.Labels, map[string]string{componentLabel: "runner"})
		made.Annotations = merged(set.Spec.RunnerMeta.annotations(), set.Annotations, map[string]string{patchID: strconv.Itoa(set.Spec.PatchID)})
		if set.Spec.RunnerSpec.Proxy != nil {
			made.Spec.ProxySecretRef = proxySecretOf(set)
		}
		kube.OwnedBy(made, set, kube.EphemeralRunnerSets)
		if err := manager.client.Create(ctx, kube.EphemeralRunners, made); err != nil {
			log.Error(err, "failed to make ephemeral runner")
			return err
		}
		log.Info("Created new ephemeral runner", "runner", made.Name)
	}
	return nil
}

// removeIdle takes runners away that have no job: first at the service, which refuses where one has just begun.
func (manager *Manager) removeIdle(ctx context.Context, set *RunnerSet, found census, count int, log logging.Logger) error {
	client, err := manager.services.get(ctx, set.Namespace, set.Spec.RunnerSpec.Connection)
	if err != nil {
		return err
	}
	for _, runner := range append(append(slices.Clone(found.failed), found.pending...), found.running...) {
		if count == 0 {
			return nil
		}
		if runner.hasJob() {
			continue
		}
		removed, err := manager.removeFromService(ctx, client, runner, log)
		if err != nil {
			return err
		}
		if !removed {
			continue
		}
		if err := manager.client.Delete(ctx, kube.EphemeralRunners, runner); err != nil && !kerrors.IsNotFound(err) {
			return err
		}
		log.Info("Removed the ephemeral runner", "name", runner.Name)
		count--
	}
	return nil
}

// removeFromService is false where a job still runs.
func (manager *Manager) removeFromService(ctx context.Context, client *scaleset.Client, runner *Runner, log logging.Logger) (bool, error) {
	if runner.Status.RunnerID == 0 {
		return true, nil
	}
	err := removeRunner(ctx, client, runner.Status.RunnerID)
	var failure *scaleset.Failure
	if errors.As(err, &failure) && failure.Status == http.StatusBadRequest && failure.Kind == "JobStillRunningException" {
		log.Info("Runner job is still running, cannot remove the runner", "name", runner.Name)
		return false, nil
	}
	return err == nil, err
}

func (manager *Manager) runnersOf(ctx context.Context, set *RunnerSet) ([]Runner, error) {
	all, err := kube.List[Runner](ctx, manager.client, kube.EphemeralRunners, set.Namespace, labels.Everything())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(one Runner) bool { return !kube.Controls(set, &one) }), nil
}

func (manager *Manager) ensureProxySecret(ctx context.Context, set *RunnerSet, log logging.Logger) (bool, error) {
	var secret corev1.Secret
	name := proxySecretOf(set)
	err := manager.client.Get(ctx, kube.Secrets, types.NamespacedName{Namespace: set.Namespace, Name: name}, &secret)
	if !kerrors.IsNotFound(err) {
		return false, err
	}
	data, err := set.Spec.RunnerSpec.Proxy.data(ctx, manager.client, set.Namespace)
	if err != nil {
		log.Error(err, "Unable to create ephemeral runner proxy secret")
		return false, err
	}
	secret = corev1.Secret{Data: data}
	secret.Name, secret.Namespace = name, set.Namespace
	secret.Labels = map[string]string{setNameLabel: set.Labels[setNameLabel], setNamespaceLabel: set.Labels[setNamespaceLabel]}
	kube.OwnedBy(&secret, set, kube.EphemeralRunnerSets)
	log.Info("Creating new proxy secret", "secretName", name)
	return true, manager.client.Create(ctx, kube.Secrets, &secret)
}

// removeRunnerSet waits until the last runner is gone.
func (manager *Manager) removeRunnerSet(ctx context.Context, set *RunnerSet, log logging.Logger) (kube.Result, error) {
	if !isHeld(set, runnerFinalizer) {
		return kube.Result{}, nil
	}
	runners, err := manager.runnersOf(ctx, set)
	if err != nil {
		return kube.Result{}, err
	}
	for index := range runners {
		runner := &runners[index]
		if !runner.DeletionTimestamp.IsZero() {
			continue
		}
		if runner.hasJob() && !runner.isDone() {
			log.Info("Skipping ephemeral runner since it is running a job", "name", runner.Name)
			continue
		}
		if err := manager.client.Delete(ctx, kube.EphemeralRunners, runner); err != nil && !kerrors.IsNotFound(err) {
			return kube.Result{}, err
		}
	}
	if len(runners) > 0 {
		log.Info("Waiting for ephemeral runners to be deleted", "count", len(runners))
		return kube.Result{}, nil
	}
	log.Info("Removing finalizer")
	err = manager.hold(ctx, kube.EphemeralRunnerSets, set, copied(set), runnerFinalizer, false)
	return kube.Result{}, kube.IgnoreNotFound(err)
}

func (manager *Manager) writeRunnerSetStatus(ctx context.Context, set *RunnerSet, found census, log logging.Logger) error {
	updated := copied(set)
	updated.Status = RunnerSetStatus{Current: found.total(), Pending: len(found.pending), Running: len(found.running), Failed: len(found.failed)}
	// A patch says only what has changed, and a status without its required count is none: the phase comes with the first.
	if hasPhases := manager.Version.AtLeast(0, 13, 0); hasPhases && found.outdated {
		updated.Status.Phase = outdated
	} else if hasPhases && updated.Status.Current > 0 {
		updated.Status.Phase = running
	} else {
		updated.Status.Phase = set.Status.Phase
	}
	if updated.Status == set.Status {
		return nil
	}
	log.Info("Updating status with current runners count", "count", updated.Status.Current)
	return manager.client.Patch(ctx, kube.EphemeralRunnerSets, set, updated, "status")
}
