package legacy

import (
	"context"
	"fmt"
	"time"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
)

// Autoscaler is a HorizontalRunnerAutoscaler.
type Autoscaler struct {
	v1.TypeMeta   `json:",inline"`
	v1.ObjectMeta `json:"metadata,omitempty"`
	Spec          AutoscalerSpec   `json:"spec,omitempty"`
	Status        AutoscalerStatus `json:"status,omitempty"`
}

// AutoscalerSpec says how many runners there may be and by what.
type AutoscalerSpec struct {
	Target struct {
		Kind string `json:"kind,omitempty"`
		Name string `json:"name,omitempty"`
	} `json:"scaleTargetRef,omitempty"`
	MinReplicas        *int             `json:"minReplicas,omitempty"`
	MaxReplicas        *int             `json:"maxReplicas,omitempty"`
	ScaleDownDelay     *int             `json:"scaleDownDelaySecondsAfterScaleOut,omitempty"`
	Metrics            []Metric         `json:"metrics,omitempty"`
	ScaleUpTriggers    []map[string]any `json:"scaleUpTriggers,omitempty"`
	ScheduledOverrides []Override       `json:"scheduledOverrides,omitempty"`
	Reservations       []Reservation    `json:"capacityReservations,omitempty"`
	Credentials        *CredentialsFrom `json:"githubAPICredentialsFrom,omitempty"`
}

// Reservation is capacity that a webhook event asked for.
type Reservation struct {
	Name           string  `json:"name,omitempty"`
	ExpirationTime v1.Time `json:"expirationTime,omitempty"`
	Replicas       int     `json:"replicas,omitempty"`
}

// AutoscalerStatus tells what was decided last.
type AutoscalerStatus struct {
	DesiredReplicas  *int     `json:"desiredReplicas,omitempty"`
	LastScaleOutTime *v1.Time `json:"lastSuccessfulScaleOutTime,omitempty"`
	OverridesSummary *string  `json:"scheduledOverridesSummary,omitempty"`
}

// target is a RunnerDeployment or a RunnerSet, as far as an autoscaler cares.
type target struct {
	kind     kube.Kind
	name     string
	config   Config
	replicas *int
	ready    int
	write    func(context.Context, int) error
}

func (manager *Manager) reconcileAutoscaler(ctx context.Context, key types.NamespacedName) (kube.Result, error) {
	log := manager.Log.WithName("horizontalrunnerautoscaler").With("horizontalrunnerautoscaler", key)
	var autoscaler Autoscaler
	if err := manager.Client.Get(ctx, kube.Autoscalers, key, &autoscaler); err != nil {
		return kube.Result{}, kube.IgnoreNotFound(err)
	}
	if !autoscaler.DeletionTimestamp.IsZero() {
		return kube.Result{}, nil
	}
	found, err := manager.targetOf(ctx, &autoscaler)
	if kerrors.IsNotFound(err) {
		return kube.Result{}, nil
	}
	if err != nil {
		return kube.Result{}, err
	}
	now := time.Now()
	minimum, summary, err := autoscaler.Spec.minimum(now)
	if err != nil {
		log.Error(err, "Could not compute min replicas")
		return kube.Result{}, err
	}
	desired, err := manager.desired(ctx, &autoscaler, found, minimum, now)
	if err != nil {
		log.Error(err, "Could not compute replicas")
		return kube.Result{}, err
	}
	if found.replicas == nil || *found.replicas != desired {
		if err := found.write(ctx, desired); err != nil {
			return kube.Result{}, fmt.Errorf("patching %s to have %d replicas: %w", found.kind.Name, desired, err)
		}
	}
	return kube.Result{}, manager.recordDecision(ctx, &autoscaler, desired, summary, now)
}

func (manager *Manager) targetOf(ctx context.Context, autoscaler *Autoscaler) (*target, error) {
	key := types.NamespacedName{Namespace: autoscaler.Namespace, Name: autoscaler.Spec.Target.Name}
	switch autoscaler.Spec.Target.Kind {
	case "", "RunnerDeployment":
		var deployment ReplicaSet
		if err := manager.Client.Get(ctx, kube.RunnerDeployments, key, &deployment); err != nil {
			return nil, err
		}
		write := func(ctx context.Context, replicas int) error {
			updated := copied(&deployment)
			updated.Spec.Replicas = &replicas
			if manager.since(0, 20, 0) {
				return manager.Client.Patch(ctx, kube.RunnerDeployments, &deployment, updated)
			}
			return manager.Client.Update(ctx, kube.RunnerDeployments, updated)
		}
		return &target{kube.RunnerDeployments, key.Name, deployment.Spec.Template.Spec.Config, deployment.Spec.Replicas, deployment.Status.Ready, write}, nil
	case "RunnerSet":
		var set RunnerSet
		if err := manager.Client.Get(ctx, kube.RunnerSets, key, &set); err != nil {
			return nil, err
		}
		write := func(ctx context.Context, replicas int) error {
			updated := copied(&set)
			updated.Spec.Replicas = &replicas
			return manager.Client.Patch(ctx, kube.RunnerSets, &set, updated)
		}
		ready := 0
		if set.Status.Ready != nil {
			ready = *set.Status.Ready
		}
		return &target{kube.RunnerSets, key.Name, set.Spec.Config, set.Spec.Replicas, ready, write}, nil
	}
	return nil, fmt.Errorf("unsupported scaleTargetRef.kind: %s", autoscaler.Spec.Target.Kind)
}

// desired is the suggestion of the metrics, within minimum and maximum, and not below what was decided a moment ago.
func (manager *Manager) desired(ctx context.Context, autoscaler *Autoscaler, found *target, minimum int, now time.Time) (int, error) {
	spec := autoscaler.Spec
	if spec.MinReplicas == nil {
		return 0, fmt.Errorf("horizontalrunnerautoscaler %s/%s is missing minReplicas", autoscaler.Namespace, autoscaler.Name)
	}
	if spec.MaxReplicas == nil {
		return 0, fmt.Errorf("horizontalrunnerautoscaler %s/%s is missing maxReplicas", autoscaler.Namespace, autoscaler.Name)
	}
	if *spec.MinReplicas > *spec.MaxReplicas {
		return 0, fmt.Errorf("minReplicas must be less than or equal to maxReplicas")
	}
	suggested, err := manager.suggestion(ctx, autoscaler, found)
	if err != nil {
		return 0, err
	}
	desired := minimum
	if suggested != nil {
		desired = *suggested
	}
	for _, reservation := range spec.Reservations {
		if reservation.ExpirationTime.After(now) {
			desired += reservation.Replicas
		}
	}
	desired = min(max(desired, minimum), *spec.MaxReplicas)
	delay := 10 * time.Minute
	if spec.ScaleDownDelay != nil {
		delay = time.Duration(*spec.ScaleDownDelay) * time.Second
	}
	last := autoscaler.Status
	if last.DesiredReplicas != nil && last.LastScaleOutTime != nil && desired < *last.DesiredReplicas && now.Before(last.LastScaleOutTime.Add(delay)) {
		return *last.DesiredReplicas, nil
	}
	return desired, nil
}

func (manager *Manager) recordDecision(ctx context.Context, autoscaler *Autoscaler, desired int, summary string, now time.Time) error {
	updated := copied(autoscaler)
	old := autoscaler.Status.DesiredReplicas
	if old == nil || *old < desired {
		time := v1.NewTime(now)
		updated.Status.LastScaleOutTime = &time
	}
	updated.Status.DesiredReplicas = &desired
	if summary != "" || autoscaler.Status.OverridesSummary != nil {
		updated.Status.OverridesSummary = &summary
	}
	if kube.Digest(autoscaler.Status) == kube.Digest(updated.Status) {
		return nil
	}
	return manager.writeStatus(ctx, kube.Autoscalers, autoscaler, updated)
}
