package legacy

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// reconcileReplicaSet keeps as many Runners as the set says.
func (manager *Manager) reconcileReplicaSet(ctx context.Context, key types.NamespacedName) (kube.Result, error) {
	log := manager.Log.WithName("runnerreplicaset").With("runnerreplicaset", key)
	var set ReplicaSet
	if err := manager.Client.Get(ctx, kube.RunnerReplicaSets, key, &set); err != nil {
		return kube.Result{}, kube.IgnoreNotFound(err)
	}
	// Its Runners are owned: the garbage collector deletes them.
	if !set.DeletionTimestamp.IsZero() {
		return kube.Result{}, nil
	}
	runners, err := manager.runnersOf(ctx, &set)
	if err != nil {
		return kube.Result{}, err
	}
	runners, err = manager.dropFinished(ctx, runners, log)
	if err != nil {
		return kube.Result{}, err
	}
	desired := 1
	if set.Spec.Replicas != nil {
		desired = *set.Spec.Replicas
	}
	switch {
	case len(runners) < desired:
		err = manager.addRunners(ctx, &set, desired-len(runners), log)
	case len(runners) > desired:
		err = manager.removeRunners(ctx, runners, len(runners)-desired, log)
	}
	if err != nil {
		return kube.Result{}, err
	}
	return kube.Result{}, manager.countRunners(ctx, &set, runners, log)
}

func (manager *Manager) runnersOf(ctx context.Context, set *ReplicaSet) ([]Runner, error) {
	selector, err := v1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		return nil, err
	}
	if set.Spec.Selector == nil {
		selector = labels.Everything()
	}
	all, err := kube.List[Runner](ctx, manager.Client, kube.Runners, set.Namespace, selector)
	return without(all, func(one Runner) bool { return !kube.Controls(set, &one) }), err
}

// dropFinished deletes the Runners whose pod has ended, from 0.22 on: a runner works once.
func (manager *Manager) dropFinished(ctx context.Context, runners []Runner, log logging.Logger) ([]Runner, error) {
	if !manager.since(0, 22, 0) {
		return runners, nil
	}
	var kept []Runner
	for index := range runners {
		runner := &runners[index]
		hasEnded := runner.Status.Phase == string(corev1.PodSucceeded) || runner.Status.Phase == string(corev1.PodFailed)
		if !hasEnded || !runner.DeletionTimestamp.IsZero() {
			kept = append(kept, *runner)
			continue
		}
		if err := manager.Client.Delete(ctx, kube.Runners, runner); err != nil && !kerrors.IsNotFound(err) {
			return nil, err
		}
		log.Info("Deleted completed runner", "runner", runner.Name)
	}
	return kept, nil
}

func (manager *Manager) addRunners(ctx context.Context, set *ReplicaSet, count int, log logging.Logger) error {
	for range count {
		template := set.Spec.Template
		runner := &Runner{Spec: template.Spec}
		runner.GenerateName, runner.Namespace = set.Name+"-", set.Namespace
		runner.Labels, runner.Annotations = template.Labels, template.Annotations
		kube.OwnedBy(runner, set, kube.RunnerReplicaSets)
		if err := manager.Client.Create(ctx, kube.Runners, runner); err != nil {
			log.Error(err, "Failed to create runner")
			return err
		}
		log.Info("Created runner(s)", "created", 1, "runner", runner.Name)
	}
	return nil
}

// removeRunners deletes surplus Runners; the first releases leave those alone that GitHub says are busy.
func (manager *Manager) removeRunners(ctx context.Context, runners []Runner, count int, log logging.Logger) error {
	for index := range runners {
		runner := &runners[index]
		if count == 0 {
			return nil
		}
		if !manager.since(0, 22, 0) {
			found, err := manager.GitHub.Find(ctx, runner.Spec.Scope(), runner.Name)
			if err != nil {
				log.Error(err, "Failed to check if runner is busy")
				return err
			}
			if found != nil && found.Busy {
				continue
			}
		}
		count--
		if !runner.DeletionTimestamp.IsZero() {
			continue
		}
		if err := manager.Client.Delete(ctx, kube.Runners, runner); err != nil && !kerrors.IsNotFound(err) {
			log.Error(err, "Failed to delete runner resource")
			return err
		}
		log.Info("Deleted runner", "runner", runner.Name)
	}
	return nil
}

// countRunners writes the status where it has changed.
func (manager *Manager) countRunners(ctx context.Context, set *ReplicaSet, runners []Runner, log logging.Logger) error {
	var status ReplicaStatus
	for index := range runners {
		status.Available++
		if runners[index].Status.Phase == string(corev1.PodRunning) {
			status.Ready++
		}
	}
	if manager.since(0, 20, 0) {
		// Available are from then on those whose pod runs.
		replicas := len(runners)
		status.Replicas, status.Available = &replicas, status.Ready
	}
	return manager.writeReplicaStatus(ctx, kube.RunnerReplicaSets, set, status, log)
}

func (manager *Manager) writeReplicaStatus(ctx context.Context, kind kube.Kind, set *ReplicaSet, status ReplicaStatus, log logging.Logger) error {
	if kube.Digest(set.Status) == kube.Digest(status) && !set.statusIsNew() {
		return nil
	}
	updated := copied(set)
	updated.Status = status
	err := manager.writeStatus(ctx, kind, set, updated)
	if err != nil {
		log.Info("Failed to update status. Retrying immediately", "error", err.Error())
	}
	return err
}

// statusIsNew is true shortly after the object was made: a status of zeros is then written too, once.
func (set *ReplicaSet) statusIsNew() bool {
	return set.Status.Replicas == nil && set.Status.Desired == nil && time.Since(set.CreationTimestamp.Time) < time.Second
}

// newest sorts sets by age, the newest first.
func newest(sets []ReplicaSet) {
	slices.SortFunc(sets, func(left, right ReplicaSet) int {
		return right.CreationTimestamp.Compare(left.CreationTimestamp.Time)
	})
}
