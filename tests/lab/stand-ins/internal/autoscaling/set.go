package autoscaling

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// reconcileSet takes an AutoscalingRunnerSet one step further.
func (manager *Manager) reconcileSet(ctx context.Context, key types.NamespacedName) (kube.Result, error) {
	log := manager.log(kube.AutoscalingRunnerSets, key)
	var set Set
	if err := manager.client.Get(ctx, kube.AutoscalingRunnerSets, key, &set); err != nil {
		return kube.Result{}, kube.IgnoreNotFound(err)
	}
	if !set.DeletionTimestamp.IsZero() {
		return manager.removeSet(ctx, &set, log)
	}
	if label := set.Labels[versionLabel]; !allowed(label, manager.Version) {
		err := manager.client.Delete(ctx, kube.AutoscalingRunnerSets, &set)
		if err != nil {
			log.Error(err, "Failed to delete autoscaling runner set on version mismatch", "buildVersion", manager.Version.String(), "autoscalingRunnerSetVersion", label)
			return kube.Result{}, nil
		}
		log.Info("Autoscaling runner set version doesn't match the build version. Deleting the resource.", "buildVersion", manager.Version.String(), "autoscalingRunnerSetVersion", label)
		return kube.Result{}, nil
	}
	if !isHeld(&set, setFinalizer) {
		log.Info("Adding finalizer")
		err := manager.hold(ctx, kube.AutoscalingRunnerSets, &set, copied(&set), setFinalizer, true)
		if err != nil {
			log.Error(err, "Failed to update autoscaling runner set with finalizer added")
		}
		return kube.Result{}, err
	}
	id, err := strconv.Atoi(set.Annotations[scaleSetID])
	if err != nil || id <= 0 {
		return kube.Result{}, manager.register(ctx, &set, log)
	}
	if done, err := manager.followChanges(ctx, &set, id, log); !done || err != nil {
		return kube.Result{}, err
	}
	var secret corev1.Secret
	name := types.NamespacedName{Namespace: set.Namespace, Name: set.Spec.ConfigSecret}
	if err := manager.client.Get(ctx, kube.Secrets, name, &secret); err != nil {
		log.Error(err, "Failed to find GitHub config secret.", "namespace", set.Namespace, "name", set.Spec.ConfigSecret)
		return kube.Result{}, err
	}
	return manager.followRunners(ctx, &set, id, log)
}

// register makes the set known at GitHub and writes what it is called there.
func (manager *Manager) register(ctx context.Context, set *Set, log logging.Logger) error {
	log.Info("Creating a new runner scale set")
	client, err := manager.services.get(ctx, set.Namespace, set.Spec.Connection)
	if err != nil {
		log.Error(err, "Failed to initialize Actions service client for creating a new runner scale set")
		return err
	}
	group, err := groupOf(ctx, client, set.Spec.RunnerGroup)
	if err != nil {
		log.Error(err, "Failed to get runner group by name", "runnerGroup", set.Spec.RunnerGroup)
		return err
	}
	made, err := registered(ctx, client, group, set.scaleSetName(), set.Spec.ScaleSetLabels)
	if err != nil {
		log.Error(err, "Failed to create a new runner scale set on Actions service")
		return err
	}
	log.Info("Created/Reused a runner scale set", "id", made.ID, "runnerGroupName", made.GroupName)
	updated := copied(set)
	updated.Annotations = merged(set.Annotations, map[string]string{
		scaleSetID: strconv.Itoa(made.ID), groupAnnotation: made.GroupName, scaleSetAnnotation: made.Name,
	})
	updated.Labels = merged(set.Labels, scopeLabels(set.Spec.ConfigURL))
	if err := manager.client.Patch(ctx, kube.AutoscalingRunnerSets, set, updated); err != nil {
		log.Error(err, "Failed to add runner scale set ID, name and runner group name as an annotation")
		return err
	}
	log.Info("Updated with runner scale set ID, name and runner group name as an annotation", "id", made.ID)
	return nil
}

func (set *Set) scaleSetName() string {
	if set.Spec.ScaleSetName != "" {
		return set.Spec.ScaleSetName
	}
	return set.Name
}

// followChanges tells GitHub another name or group. False means that the next event goes on.
func (manager *Manager) followChanges(ctx context.Context, set *Set, id int, log logging.Logger) (bool, error) {
	isGroup := set.Spec.RunnerGroup == "" || set.Annotations[groupAnnotation] == set.Spec.RunnerGroup
	isName := set.Annotations[scaleSetAnnotation] == set.scaleSetName()
	if isGroup && isName {
		return true, nil
	}
	client, err := manager.services.get(ctx, set.Namespace, set.Spec.Connection)
	if err != nil {
		log.Error(err, "Failed to initialize Actions service client for updating a existing runner scale set")
		return false, err
	}
	group, err := groupOf(ctx, client, set.Spec.RunnerGroup)
	if err != nil {
		return false, err
	}
	var made scaleSet
	wanted := scaleSet{Name: set.scaleSetName(), GroupID: group}
	wanted.Setting.DisableUpdate = true
	if err := client.Call(ctx, http.MethodPatch, fmt.Sprintf("%s/%d", setsPath, id), wanted, http.StatusOK, &made); err != nil {
		log.Error(err, "Failed to update runner scale set", "runnerScaleSetId", id)
		return false, err
	}
	updated := copied(set)
	updated.Annotations = merged(set.Annotations, map[string]string{groupAnnotation: made.GroupName, scaleSetAnnotation: made.Name})
	log.Info("Updated runner scale set with match runner group", "runnerGroup", made.GroupName)
	return false, manager.client.Patch(ctx, kube.AutoscalingRunnerSets, set, updated)
}

// followRunners keeps one EphemeralRunnerSet of the current template and the listener that scales it.
func (manager *Manager) followRunners(ctx context.Context, set *Set, id int, log logging.Logger) (kube.Result, error) {
	existing, err := manager.runnerSetsOf(ctx, set)
	if err != nil {
		log.Error(err, "Failed to list existing ephemeral runner sets")
		return kube.Result{}, err
	}
	if len(existing) == 0 {
		log.Info("Latest runner set does not exist. Creating a new runner set.")
		return kube.Result{}, manager.createRunnerSet(ctx, set, id, log)
	}
	latest := &existing[0]
	var listener Listener
	err = manager.client.Get(ctx, kube.AutoscalingListeners, types.NamespacedName{Namespace: manager.Namespace, Name: listenerOf(set, manager.Version)}, &listener)
	if err != nil && !kerrors.IsNotFound(err) {
		log.Error(err, "Failed to get AutoscalingListener resource")
		return kube.Result{}, err
	}
	hasListener := err == nil
	if latest.Annotations[specHash] != set.runnerHash() {
		if manager.UpdateStrategy == "eventual" && latest.Status.Running+latest.Status.Pending > 0 {
			log.Info("Waiting for the running and pending runners to finish")
			if hasListener && listener.DeletionTimestamp.IsZero() {
				return kube.Result{}, manager.client.Delete(ctx, kube.AutoscalingListeners, &listener)
			}
			return kube.Result{}, nil
		}
		log.Info("Latest runner set spec hash does not match the current autoscaling runner set. Creating a new runner set")
		return kube.Result{}, manager.createRunnerSet(ctx, set, id, log)
	}
	for index := range existing[1:] {
		old := &existing[1+index]
		if !old.DeletionTimestamp.IsZero() {
			continue
		}
		if err := manager.client.Delete(ctx, kube.EphemeralRunnerSets, old); err != nil && !kerrors.IsNotFound(err) {
			return kube.Result{}, err
		}
	}
	if hasListener && manager.isStale(set, &listener, latest) {
		if listener.DeletionTimestamp.IsZero() {
			log.Info("RunnerScaleSetListener is out of date. Deleting it so that it is recreated", "name", listener.Name)
			if err := manager.client.Delete(ctx, kube.AutoscalingListeners, &listener); err != nil && !kerrors.IsNotFound(err) {
				log.Error(err, "Failed to delete AutoscalingListener resource")
				return kube.Result{}, err
			}
		}
		return kube.Result{}, nil
	}
	if !hasListener {
		log.Info("Creating a new AutoscalingListener for the runner set", "ephemeralRunnerSetName", latest.Name)
		return kube.Result{}, manager.createListener(ctx, set, latest, id, log)
	}
	return kube.Result{}, manager.writeSetStatus(ctx, set, latest, log)
}

// isStale is true where a listener was made for other values. Another image alone makes none stale.
func (manager *Manager) isStale(set *Set, listener *Listener, latest *RunnerSet) bool {
	return listener.Annotations[valuesHash] != set.Annotations[valuesHash] ||
		listener.Annotations[specHash] != set.listenerHash() || listener.Spec.RunnerSetName != latest.Name
}

func (manager *Manager) runnerSetsOf(ctx context.Context, set *Set) ([]RunnerSet, error) {
	all, err := kube.List[RunnerSet](ctx, manager.client, kube.EphemeralRunnerSets, set.Namespace, labels.Everything())
	if err != nil {
		return nil, err
	}
	owned := slices.DeleteFunc(all, func(one RunnerSet) bool { return !kube.Controls(set, &one) })
	slices.SortFunc(owned, func(left, right RunnerSet) int { return right.CreationTimestamp.Compare(left.CreationTimestamp.Time) })
	return owned, nil
}

func (manager *Manager) writeSetStatus(ctx context.Context, set *Set, latest *RunnerSet, log logging.Logger) error {
	updated := copied(set)
	updated.Status = SetStatus{
		Current: latest.Status.Current, Pending: latest.Status.Pending, Running: latest.Status.Running, Failed: latest.Status.Failed,
	}
	if manager.Version.AtLeast(0, 13, 0) {
		updated.Status.Phase = running
		if latest.Status.Phase == outdated {
			updated.Status.Phase = outdated
		}
	}
	if updated.Status == set.Status {
		return nil
	}
	err := manager.client.Patch(ctx, kube.AutoscalingRunnerSets, set, updated, "status")
	if err != nil {
		log.Error(err, "Failed to update autoscaling runner set status with current runner count")
	}
	return err
}
