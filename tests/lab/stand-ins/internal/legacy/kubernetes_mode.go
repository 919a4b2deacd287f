package legacy

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
)

// needsAccount is true where the controller makes an account and its rights for a runner.
func needsAccount(runner *Runner, defaults Defaults) bool {
	return defaults.StatusHook || runner.Spec.ContainerMode == "kubernetes"
}

// addWorkClaim gives the runner a claim of its own for `_work`, from which job pods read it.
func addWorkClaim(pod *corev1.Pod, claim *WorkClaim, directory string) error {
	if claim == nil {
		return errors.New("work volume claim template must be specified in container mode kubernetes")
	}
	if hasVolume(pod.Spec.Volumes, "work") {
		return errors.New("Work volume should not be specified in container mode kubernetes. workVolumeClaimTemplate field should be used instead.") //nolint:staticcheck // The original's words.
	}
	spec := corev1.PersistentVolumeClaimSpec{AccessModes: claim.AccessModes, StorageClassName: &claim.StorageClassName, Resources: claim.Resources}
	volume := corev1.Volume{Name: "work"}
	volume.Ephemeral = &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{Spec: spec}}
	pod.Spec.Volumes = append(pod.Spec.Volumes, volume)
	for index := range pod.Spec.Containers {
		container := &pod.Spec.Containers[index]
		if container.Name != "runner" {
			continue
		}
		if hasMount(container.VolumeMounts, "work") {
			return errors.New(`volume mount "work" should not be present on the runner container in container mode kubernetes`)
		}
		container.VolumeMounts = append(container.VolumeMounts, mount("work", directory))
		return nil
	}
	return errors.New("runner container is not present when applying work volume claim template")
}

// requiresSameNode is true where only one node can mount the claim.
func requiresSameNode(pod *corev1.Pod) (bool, error) {
	for _, volume := range pod.Spec.Volumes {
		if volume.Name != "work" {
			continue
		}
		if volume.Ephemeral == nil || volume.Ephemeral.VolumeClaimTemplate == nil {
			return true, errors.New("containerMode: kubernetes should have pod.Spec.Volumes[].Ephemeral.VolumeClaimTemplate set")
		}
		for _, mode := range volume.Ephemeral.VolumeClaimTemplate.Spec.AccessModes {
			if mode == corev1.ReadWriteMany {
				return false, nil
			}
		}
		return true, nil
	}
	return true, errors.New("internal error: work volume mount must exist in containerMode: kubernetes")
}

func hookVariables(sameNode bool) []corev1.EnvVar {
	field := func(name, path string) corev1.EnvVar {
		return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
	}
	return []corev1.EnvVar{
		variable("ACTIONS_RUNNER_CONTAINER_HOOKS", "/runner/k8s/index.js"),
		variable("ACTIONS_RUNNER_REQUIRE_JOB_CONTAINER", "true"),
		field("ACTIONS_RUNNER_POD_NAME", "metadata.name"),
		field("ACTIONS_RUNNER_JOB_NAMESPACE", "metadata.namespace"),
		variable("ACTIONS_RUNNER_REQUIRE_SAME_NODE", fmt.Sprint(sameNode)),
	}
}

// accountRules are the rights of a runner whose account the controller makes.
func accountRules(runner *Runner, defaults Defaults) []rbac.PolicyRule {
	rule := func(group, resource string, verbs ...string) rbac.PolicyRule {
		return rbac.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
	}
	var rules []rbac.PolicyRule
	if defaults.StatusHook {
		own := rule("actions.summerwind.dev", "runners/status", "get", "update", "patch")
		own.ResourceNames = []string{runner.Name}
		rules = append(rules, own)
	}
	if runner.Spec.ContainerMode == "kubernetes" {
		rules = append(rules,
			rule("", "pods", "get", "list", "create", "delete"),
			rule("", "pods/exec", "get", "create"),
			rule("", "pods/log", "get", "list", "watch"),
			rule("batch", "jobs", "get", "list", "create", "delete"),
			rule("", "secrets", "get", "list", "create", "delete"))
	}
	return rules
}
