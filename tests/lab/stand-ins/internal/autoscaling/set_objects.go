package autoscaling

import (
	"context"
	"math"
	"strconv"
	"strings"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// runnerHash changes with what runners are made from: another EphemeralRunnerSet is then due.
func (set *Set) runnerHash() string {
	return kube.Digest(set.Spec.Connection, set.Spec.Template, set.Spec.RunnerGroup, set.Spec.VaultConfig, set.Spec.RunnerSetMeta, set.Spec.RunnerMeta, set.Spec.RunnerConfigMeta)
}

// listenerHash changes with what the listener is made from.
func (set *Set) listenerHash() string {
	spec := set.Spec
	return kube.Digest(spec.Connection, spec.RunnerGroup, spec.ScaleSetName, spec.MinRunners, spec.MaxRunners, spec.ListenerTemplate, spec.ListenerMetrics,
		spec.VaultConfig, spec.ListenerMeta, spec.ListenerAccountMeta, spec.ListenerRoleMeta, spec.ListenerRoleBindingMeta, spec.ListenerConfigMeta)
}

// passedOn are the set's labels, without those that the controller is told to keep to itself.
func (manager *Manager) passedOn(set *Set) map[string]string {
	kept := map[string]string{}
	for name, value := range set.Labels {
		hidden := false
		for _, prefix := range manager.HiddenPrefixes {
			hidden = hidden || strings.HasPrefix(name, prefix)
		}
		if !hidden {
			kept[name] = value
		}
	}
	return kept
}

func (manager *Manager) createRunnerSet(ctx context.Context, set *Set, id int, log logging.Logger) error {
	made := &RunnerSet{}
	made.GenerateName, made.Namespace = set.Name+"-", set.Namespace
	made.Labels = merged(set.Spec.RunnerSetMeta.labels(), manager.passedOn(set), map[string]string{
		setNameLabel: set.Name, setNamespaceLabel: set.Namespace, partOfLabel: partOf, componentLabel: "runner-set",
		versionLabel: set.Labels[versionLabel],
	}, scopeLabels(set.Spec.ConfigURL))
	made.Annotations = merged(set.Spec.RunnerSetMeta.annotations(), map[string]string{
		specHash: set.runnerHash(), scaleSetID: strconv.Itoa(id),
		groupAnnotation: set.Annotations[groupAnnotation], scaleSetAnnotation: set.Annotations[scaleSetAnnotation],
	})
	made.Spec.RunnerMeta = set.Spec.RunnerMeta
	made.Spec.RunnerSpec = RunnerSpec{
		Connection: set.Spec.Connection, ScaleSetID: id, VaultConfig: set.Spec.VaultConfig, ConfigMeta: set.Spec.RunnerConfigMeta,
		PodTemplate: PodTemplate{Metadata: set.Spec.Template.ObjectMeta, Pod: set.Spec.Template.Spec},
	}
	kube.OwnedBy(made, set, kube.AutoscalingRunnerSets)
	if err := manager.client.Create(ctx, kube.EphemeralRunnerSets, made); err != nil {
		log.Error(err, "Failed to create EphemeralRunnerSet resource")
		return err
	}
	log.Info("Created a new EphemeralRunnerSet resource", "name", made.Name)
	return nil
}

func (manager *Manager) createListener(ctx context.Context, set *Set, latest *RunnerSet, id int, log logging.Logger) error {
	made := &Listener{}
	made.Name, made.Namespace = listenerOf(set, manager.Version), manager.Namespace
	made.Labels = merged(set.Spec.ListenerMeta.labels(), manager.passedOn(set), map[string]string{
		setNameLabel: set.Name, setNamespaceLabel: set.Namespace, partOfLabel: partOf, componentLabel: "runner-scale-set-listener",
		versionLabel: set.Labels[versionLabel],
	}, scopeLabels(set.Spec.ConfigURL))
	made.Annotations = merged(set.Spec.ListenerMeta.annotations(), map[string]string{
		specHash: set.listenerHash(), valuesHash: set.Annotations[valuesHash],
	})
	made.Spec = ListenerSpec{
		Connection: set.Spec.Connection, ScaleSetID: id, SetNamespace: set.Namespace, SetName: set.Name, RunnerSetName: latest.Name,
		MaxRunners: math.MaxInt32, Image: manager.Image, ImagePullSecrets: manager.pullSecrets(), VaultConfig: set.Spec.VaultConfig,
		Metrics: set.Spec.ListenerMetrics, Template: set.Spec.ListenerTemplate, ConfigMeta: set.Spec.ListenerConfigMeta,
		AccountMeta: set.Spec.ListenerAccountMeta, RoleMeta: set.Spec.ListenerRoleMeta, RoleBindingMeta: set.Spec.ListenerRoleBindingMeta,
	}
	if set.Spec.MaxRunners != nil {
		made.Spec.MaxRunners = *set.Spec.MaxRunners
	}
	if set.Spec.MinRunners != nil {
		made.Spec.MinRunners = *set.Spec.MinRunners
	}
	if err := manager.client.Create(ctx, kube.AutoscalingListeners, made); err != nil {
		log.Error(err, "Failed to create AutoscalingListener resource")
		return err
	}
	log.Info("Created a new AutoscalingListener resource", "name", made.Name)
	return nil
}
