package legacy

import (
	"context"
	"slices"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
)

// reconcileDeployment keeps one RunnerReplicaSet of the current template, and removes older ones once it is ready.
func (manager *Manager) reconcileDeployment(ctx context.Context, key types.NamespacedName) (kube.Result, error) {
	log := manager.Log.WithName("runnerdeployment").With("runnerdeployment", key)
	var deployment ReplicaSet
	if err := manager.Client.Get(ctx, kube.RunnerDeployments, key, &deployment); err != nil {
		return kube.Result{}, kube.IgnoreNotFound(err)
	}
	if !deployment.DeletionTimestamp.IsZero() {
		return kube.Result{}, nil
	}
	all, err := kube.List[ReplicaSet](ctx, manager.Client, kube.RunnerReplicaSets, key.Namespace, labels.Everything())
	if err != nil {
		return kube.Result{}, err
	}
	sets := without(all, func(one ReplicaSet) bool { return !kube.Controls(&deployment, &one) })
	newest(sets)
	wanted := manager.wantedSet(&deployment)
	if len(sets) == 0 || sets[0].Labels[templateHash] != wanted.Labels[templateHash] {
		if err := manager.Client.Create(ctx, kube.RunnerReplicaSets, wanted); err != nil {
			log.Error(err, "Failed to create runnerreplicaset resource")
			return kube.Result{}, err
		}
		log.Info("Created runnerreplicaset", "runnerreplicaset", wanted.Name)
		return kube.Result{Requeue: true}, nil
	}
	current := &sets[0]
	if want := deployment.Spec.Replicas; want != nil && (current.Spec.Replicas == nil || *current.Spec.Replicas != *want) {
		updated := copied(current)
		updated.Spec.Replicas, updated.Spec.EffectiveTime = want, deployment.Spec.EffectiveTime
		if err := manager.Client.Update(ctx, kube.RunnerReplicaSets, updated); err != nil {
			log.Error(err, "Failed to update runnerreplicaset resource")
			return kube.Result{}, err
		}
		return kube.Result{}, nil
	}
	desired := 1
	if current.Spec.Replicas != nil {
		desired = *current.Spec.Replicas
	}
	if current.Status.Ready >= desired {
		for index := range sets[1:] {
			old := &sets[1+index]
			if err := manager.Client.Delete(ctx, kube.RunnerReplicaSets, old); err != nil && !kerrors.IsNotFound(err) {
				log.Error(err, "Failed to delete runnerreplicaset resource")
				return kube.Result{}, err
			}
			log.Info("Deleted runnerreplicaset", "runnerreplicaset", old.Name)
		}
	}
	status := ReplicaStatus{Available: current.Status.Available, Ready: current.Status.Ready}
	if manager.since(0, 20, 0) {
		total := 0
		for _, set := range sets {
			if set.Status.Replicas != nil {
				total += *set.Status.Replicas
			}
		}
		status.Desired, status.Replicas, status.Updated = &desired, &total, current.Status.Replicas
	}
	return kube.Result{}, manager.writeReplicaStatus(ctx, kube.RunnerDeployments, &deployment, status, log)
}

// wantedSet is the RunnerReplicaSet of the current template: the hash of the template is in its name's place.
func (manager *Manager) wantedSet(deployment *ReplicaSet) *ReplicaSet {
	template := deployment.Spec.Template
	template.Spec.Labels = append(slices.Clone(template.Spec.Labels), manager.Defaults.CommonLabels...)
	hash := kube.Digest(template)
	selector := deployment.Spec.Selector
	if manager.since(0, 20, 0) {
		template.Labels = withLabel(template.Labels, deploymentName, deployment.Name)
		if selector == nil {
			selector = &v1.LabelSelector{MatchLabels: map[string]string{deploymentName: deployment.Name}}
		}
	}
	template.Labels = withLabel(template.Labels, templateHash, hash)
	if selector == nil {
		selector = &v1.LabelSelector{MatchLabels: map[string]string{templateHash: hash}}
	} else {
		added := selector.DeepCopy()
		added.MatchLabels = withLabel(added.MatchLabels, templateHash, hash)
		selector = added
	}
	set := &ReplicaSet{Spec: ReplicaSpec{
		Replicas: deployment.Spec.Replicas, EffectiveTime: deployment.Spec.EffectiveTime, Selector: selector, Template: template,
	}}
	set.GenerateName, set.Namespace, set.Labels = deployment.Name+"-", deployment.Namespace, template.Labels
	kube.OwnedBy(set, deployment, kube.RunnerDeployments)
	return set
}
