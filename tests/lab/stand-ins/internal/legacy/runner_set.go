package legacy

import (
	"context"
	"slices"

	apps "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
)

// RunnerSet is runners in StatefulSets.
type RunnerSet struct {
	v1.TypeMeta   `json:",inline"`
	v1.ObjectMeta `json:"metadata,omitempty"`
	Spec          RunnerSetSpec   `json:"spec,omitempty"`
	Status        RunnerSetStatus `json:"status,omitempty"`
}

// RunnerSetSpec is what a runner is, and what a StatefulSet is.
type RunnerSetSpec struct {
	Config             `json:",inline"`
	ServiceAccountName string     `json:"serviceAccountName,omitempty"`
	WorkClaim          *WorkClaim `json:"workVolumeClaimTemplate,omitempty"`
	EffectiveTime      *v1.Time   `json:"effectiveTime,omitempty"`

	Replicas             *int                            `json:"replicas,omitempty"`
	Selector             *v1.LabelSelector               `json:"selector"`
	Template             corev1.PodTemplateSpec          `json:"template"`
	VolumeClaimTemplates []corev1.PersistentVolumeClaim  `json:"volumeClaimTemplates,omitempty"`
	ServiceName          string                          `json:"serviceName"`
	PodManagementPolicy  apps.PodManagementPolicyType    `json:"podManagementPolicy,omitempty"`
	UpdateStrategy       *apps.StatefulSetUpdateStrategy `json:"updateStrategy,omitempty"`
	RevisionHistoryLimit *int32                          `json:"revisionHistoryLimit,omitempty"`
	MinReadySeconds      int32                           `json:"minReadySeconds,omitempty"`
}

// RunnerSetStatus counts pods.
type RunnerSetStatus struct {
	Current  *int `json:"availableReplicas,omitempty"`
	Ready    *int `json:"readyReplicas,omitempty"`
	Updated  *int `json:"updatedReplicas,omitempty"`
	Desired  *int `json:"desiredReplicas,omitempty"`
	Replicas *int `json:"replicas,omitempty"`
}

// reconcileRunnerSet keeps one StatefulSet of all pods, or from 0.22 on as many StatefulSets of one pod each.
func (manager *Manager) reconcileRunnerSet(ctx context.Context, key types.NamespacedName) (kube.Result, error) {
	log := manager.Log.WithName("runnerset").With("runnerset", key)
	var set RunnerSet
	if err := manager.Client.Get(ctx, kube.RunnerSets, key, &set); err != nil {
		return kube.Result{}, kube.IgnoreNotFound(err)
	}
	if !set.DeletionTimestamp.IsZero() {
		return kube.Result{}, nil
	}
	wanted, err := manager.wantedStatefulSet(ctx, &set)
	if err != nil {
		log.Error(err, "Could not create statefulset")
		return kube.Result{}, err
	}
	all, err := kube.List[apps.StatefulSet](ctx, manager.Client, kube.StatefulSets, key.Namespace, labels.Everything())
	if err != nil {
		return kube.Result{}, err
	}
	existing := without(all, func(one apps.StatefulSet) bool { return !kube.Controls(&set, &one) })
	replicas := 1
	if set.Spec.Replicas != nil {
		replicas = *set.Spec.Replicas
	}
	if manager.since(0, 22, 0) {
		err = manager.fillSets(ctx, existing, wanted, replicas)
	} else {
		err = manager.oneSet(ctx, existing, wanted, replicas)
	}
	if err != nil {
		log.Error(err, "Failed to write statefulset resource")
		return kube.Result{}, err
	}
	return kube.Result{}, manager.countSets(ctx, &set, existing, replicas)
}

func (manager *Manager) wantedStatefulSet(ctx context.Context, set *RunnerSet) (*apps.StatefulSet, error) {
	client, err := manager.client(ctx, set.Namespace, set.Spec.Credentials)
	if err != nil {
		return nil, err
	}
	config := set.Spec.Config
	config.Labels = append(slices.Clone(config.Labels), manager.Defaults.CommonLabels...)
	template := &corev1.Pod{ObjectMeta: set.Spec.Template.ObjectMeta, Spec: *set.Spec.Template.Spec.DeepCopy()}
	if set.Spec.ServiceAccountName != "" {
		template.Spec.ServiceAccountName = set.Spec.ServiceAccountName
	}
	if config.ContainerMode == "kubernetes" {
		if err := addWorkClaim(template, set.Spec.WorkClaim, workDirectory(config)); err != nil {
			return nil, err
		}
	}
	pod, err := podFromTemplate(set.Name, template, config, client.BaseURL, manager.Defaults)
	if err != nil {
		return nil, err
	}
	pod.Labels = withLabel(pod.Labels, runnerSetName, set.Name)
	// A StatefulSet takes no other; the webhook makes it Never in the pods.
	pod.Spec.RestartPolicy = corev1.RestartPolicyAlways
	hash := kube.Digest(pod.Spec, pod.Labels, set.Spec.VolumeClaimTemplates)
	wanted := &apps.StatefulSet{}
	wanted.Namespace = set.Namespace
	wanted.Labels = withLabel(pod.Labels, templateHash, hash)
	wanted.Spec = apps.StatefulSetSpec{
		Selector: set.Spec.Selector, Template: corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec},
		VolumeClaimTemplates: set.Spec.VolumeClaimTemplates, ServiceName: set.Spec.ServiceName,
		PodManagementPolicy: set.Spec.PodManagementPolicy, RevisionHistoryLimit: set.Spec.RevisionHistoryLimit, MinReadySeconds: set.Spec.MinReadySeconds,
	}
	if set.Spec.UpdateStrategy != nil {
		wanted.Spec.UpdateStrategy = *set.Spec.UpdateStrategy
	}
	kube.OwnedBy(wanted, set, kube.RunnerSets)
	return wanted, nil
}

// oneSet keeps a StatefulSet of the RunnerSet's name.
func (manager *Manager) oneSet(ctx context.Context, existing []apps.StatefulSet, wanted *apps.StatefulSet, replicas int) error {
	count := int32(replicas)
	wanted.Spec.Replicas = &count
	wanted.Name = wanted.OwnerReferences[0].Name
	if len(existing) == 0 {
		return manager.Client.Create(ctx, kube.StatefulSets, wanted)
	}
	current := &existing[0]
	isSame := current.Spec.Replicas != nil && *current.Spec.Replicas == count
	if isSame && current.Labels[templateHash] == wanted.Labels[templateHash] {
		return nil
	}
	updated := current.DeepCopy()
	updated.Labels, updated.Spec.Replicas, updated.Spec.Template = wanted.Labels, &count, wanted.Spec.Template
	return manager.Client.Patch(ctx, kube.StatefulSets, current, updated)
}

// fillSets keeps as many StatefulSets of one pod as are wanted; those of an older template go.
func (manager *Manager) fillSets(ctx context.Context, existing []apps.StatefulSet, wanted *apps.StatefulSet, replicas int) error {
	current := 0
	for index := range existing {
		one := &existing[index]
		if !one.DeletionTimestamp.IsZero() {
			continue
		}
		if one.Labels[templateHash] == wanted.Labels[templateHash] && current < replicas {
			current++
			continue
		}
		if err := manager.Client.Delete(ctx, kube.StatefulSets, one); err != nil && !kerrors.IsNotFound(err) {
			return err
		}
	}
	single := int32(1)
	for ; current < replicas; current++ {
		made := wanted.DeepCopy()
		made.GenerateName, made.Spec.Replicas = wanted.OwnerReferences[0].Name+"-", &single
		if err := manager.Client.Create(ctx, kube.StatefulSets, made); err != nil {
			return err
		}
	}
	return nil
}

func (manager *Manager) countSets(ctx context.Context, set *RunnerSet, existing []apps.StatefulSet, replicas int) error {
	total, ready, current := 0, 0, 0
	for _, one := range existing {
		total += int(one.Status.Replicas)
		ready += int(one.Status.ReadyReplicas)
		current += int(one.Status.CurrentReplicas)
	}
	updated := copied(set)
	updated.Status = RunnerSetStatus{Current: &current, Ready: &ready, Updated: &current, Desired: &replicas, Replicas: &total}
	if kube.Digest(set.Status) == kube.Digest(updated.Status) {
		return nil
	}
	return manager.writeStatus(ctx, kube.RunnerSets, set, updated)
}
