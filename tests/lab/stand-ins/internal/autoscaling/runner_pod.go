package autoscaling

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"

	"arc-setup/tests/lab/stand-ins/internal/kube"
)

// runnerPod is the template as it stands, with more variables in the container `runner` and nowhere else: sidecars,
// init containers and the docker daemon get no proxy and nothing besides.
func (manager *Manager) runnerPod(runner *Runner) *corev1.Pod {
	pod := &corev1.Pod{Spec: *runner.Spec.Pod.DeepCopy()}
	pod.Name, pod.Namespace = runner.Name, runner.Namespace
	pod.Annotations = merged(runner.Annotations, runner.Spec.Metadata.Annotations)
	pod.Labels = merged(runner.Labels, runner.Spec.Metadata.Labels, map[string]string{runnerLabel: "True"})
	pod.Labels[podTemplateHash] = kube.Digest(pod.Labels, pod.Annotations, runner.Spec)
	added := manager.variables(runner)
	for index := range pod.Spec.Containers {
		container := &pod.Spec.Containers[index]
		if container.Name == "runner" {
			container.Env = append(slices.Clone(container.Env), added...)
		}
	}
	kube.OwnedBy(pod, runner, kube.EphemeralRunners)
	return pod
}

func (manager *Manager) variables(runner *Runner) []corev1.EnvVar {
	configuration := &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: runner.Name}, Key: "jitToken"}
	env := []corev1.EnvVar{
		{Name: "ACTIONS_RUNNER_INPUT_JITCONFIG", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: configuration}},
		{Name: "GITHUB_ACTIONS_RUNNER_EXTRA_USER_AGENT", Value: "actions-runner-controller/" + manager.Version.String()},
	}
	if manager.Version.AtLeast(0, 13, 0) {
		env = append(env, corev1.EnvVar{Name: "ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE", Value: "1"})
	}
	return append(env, runner.Spec.Proxy.variables(runner.Spec.ProxySecretRef)...)
}

// isQuota is true where only a ResourceQuota stands in the way: it may pass.
func isQuota(err error) bool {
	return kerrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota")
}
