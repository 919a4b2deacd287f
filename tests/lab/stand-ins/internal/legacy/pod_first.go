package legacy

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"arc-setup/tests/lab/stand-ins/internal/kube"
)

// firstPod is the pod of a Runner before 0.20: `containers` replaces everything that would be generated, and the
// variables of the runner are then put after the container's own.
func firstPod(runner *Runner, baseURL string, defaults Defaults) *corev1.Pod {
	spec := runner.Spec
	env := append(firstVariables(runner, baseURL, defaults), spec.Env...)
	pod := &corev1.Pod{}
	pod.Name, pod.Namespace, pod.Annotations = runner.Name, runner.Namespace, runner.Annotations
	pod.Labels = withLabel(runner.Labels, podTemplateHash, kube.Digest(withoutHash(runner.Labels), runner.Annotations, spec, baseURL))
	pod.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
	main := corev1.Container{
		Name: "runner", Image: spec.Image, ImagePullPolicy: spec.ImagePullPolicy, Env: env, EnvFrom: spec.EnvFrom,
		SecurityContext: &corev1.SecurityContext{Privileged: spec.DockerdInRunner}, Resources: spec.Resources,
	}
	if main.Image == "" {
		main.Image = defaults.RunnerImage
	}
	if main.ImagePullPolicy == "" {
		main.ImagePullPolicy = corev1.PullAlways
	}
	pod.Spec.Containers = []corev1.Container{main}
	if isTrue(spec.DockerEnabled, true) && !isTrue(spec.DockerdInRunner, false) {
		addFirstDocker(pod, spec, defaults)
	}
	if spec.DockerMTU != nil && isTrue(spec.DockerdInRunner, false) {
		pod.Spec.Containers[0].Env = append(pod.Spec.Containers[0].Env, variable("MTU", fmt.Sprint(*spec.DockerMTU)))
	}
	if len(spec.Containers) > 0 {
		pod.Spec.Containers = slices.Clone(spec.Containers)
		for index := range pod.Spec.Containers {
			container := &pod.Spec.Containers[index]
			if container.Name == "runner" {
				container.Env = append(slices.Clone(container.Env), env...)
			}
		}
	}
	pod.Spec.Containers[0].VolumeMounts = append(slices.Clone(pod.Spec.Containers[0].VolumeMounts), spec.VolumeMounts...)
	pod.Spec.Volumes = append(pod.Spec.Volumes, spec.Volumes...)
	copyPodFields(pod, spec)
	return pod
}

func firstVariables(runner *Runner, baseURL string, defaults Defaults) []corev1.EnvVar {
	spec := runner.Spec
	env := []corev1.EnvVar{
		variable("RUNNER_NAME", runner.Name),
		variable("RUNNER_ORG", spec.Organization),
		variable("RUNNER_REPO", spec.Repository),
		variable("RUNNER_ENTERPRISE", spec.Enterprise),
		variable("RUNNER_LABELS", strings.Join(spec.Labels, ",")),
		variable("RUNNER_GROUP", spec.Group),
		variable("RUNNER_TOKEN", runner.Status.Registration.Token),
		variable("DOCKERD_IN_RUNNER", fmt.Sprint(isTrue(spec.DockerdInRunner, false))),
		variable("GITHUB_URL", baseURL),
		variable("RUNNER_WORKDIR", workDirectory(spec.Config)),
	}
	if defaults.Version.AtLeast(0, 19, 0) {
		env = append(env, variable("RUNNER_EPHEMERAL", fmt.Sprint(isTrue(spec.Ephemeral, true))))
	}
	return env
}

// addFirstDocker adds the docker sidecar, which talks TLS on loopback. Nothing of it can be chosen but its resources
// and, from 0.19 on, more mounts and a registry mirror.
func addFirstDocker(pod *corev1.Pod, spec RunnerSpec, defaults Defaults) {
	work := mount("work", workDirectory(spec.Config))
	certificates := mount("certs-client", "/certs/client")
	certificates.ReadOnly = true
	pod.Spec.Volumes = []corev1.Volume{emptyDir("work"), emptyDir("runner"), emptyDir("certs-client")}
	main := &pod.Spec.Containers[0]
	main.VolumeMounts = []corev1.VolumeMount{work, mount("runner", "/runner"), certificates}
	main.Env = append(main.Env, overTLS()...)
	privileged := true
	docker := corev1.Container{
		Name: "docker", Image: defaults.DockerImage, Env: []corev1.EnvVar{variable("DOCKER_TLS_CERTDIR", "/certs")},
		VolumeMounts:    []corev1.VolumeMount{work, mount("runner", "/runner"), mount("certs-client", "/certs/client")},
		SecurityContext: &corev1.SecurityContext{Privileged: &privileged}, Resources: spec.DockerdResources,
	}
	docker.VolumeMounts = append(docker.VolumeMounts, spec.DockerVolumeMounts...)
	if spec.DockerMTU != nil {
		docker.Env = append(docker.Env, variable("DOCKERD_ROOTLESS_ROOTLESSKIT_MTU", fmt.Sprint(*spec.DockerMTU)))
		docker.Args = append(docker.Args, "--mtu", fmt.Sprint(*spec.DockerMTU))
	}
	if spec.DockerMirror != nil && *spec.DockerMirror != "" {
		docker.Args = append(docker.Args, "--registry-mirror="+*spec.DockerMirror)
	}
	pod.Spec.Containers = append(pod.Spec.Containers, docker)
}

// overTLS is how a runner finds the docker sidecar up to 0.27.2.
func overTLS() []corev1.EnvVar {
	return []corev1.EnvVar{
		variable("DOCKER_HOST", "tcp://localhost:2376"),
		variable("DOCKER_TLS_VERIFY", "1"),
		variable("DOCKER_CERT_PATH", "/certs/client"),
	}
}

func workDirectory(config Config) string {
	if config.WorkDir == "" {
		return "/runner/_work"
	}
	return config.WorkDir
}

// withoutHash are the labels without the one that a RunnerReplicaSet adds.
func withoutHash(labels map[string]string) map[string]string {
	kept := map[string]string{}
	for name, value := range labels {
		if name != templateHash {
			kept[name] = value
		}
	}
	return kept
}

// copyPodFields takes over what a Runner says about its pod, in every release that knows the field.
func copyPodFields(pod *corev1.Pod, spec RunnerSpec) {
	target := &pod.Spec
	target.InitContainers = append(target.InitContainers, spec.InitContainers...)
	target.Containers = append(target.Containers, spec.SidecarContainers...)
	target.EphemeralContainers = spec.EphemeralContainers
	target.NodeSelector = spec.NodeSelector
	target.AutomountServiceAccountToken = spec.AutomountServiceAccountToken
	target.Affinity = spec.Affinity
	target.Tolerations = spec.Tolerations
	target.TopologySpreadConstraints = spec.TopologySpreadConstraints
	target.PriorityClassName = spec.PriorityClassName
	target.TerminationGracePeriodSeconds = spec.TerminationGracePeriodSeconds
	target.HostAliases = spec.HostAliases
	target.DNSPolicy = spec.DNSPolicy
	target.DNSConfig = spec.DNSConfig
	target.RuntimeClassName = spec.RuntimeClassName
	target.EnableServiceLinks = spec.EnableServiceLinks
	if spec.SecurityContext != nil {
		target.SecurityContext = spec.SecurityContext
	}
	if spec.ServiceAccountName != "" {
		target.ServiceAccountName = spec.ServiceAccountName
	}
	if len(spec.ImagePullSecrets) > 0 {
		target.ImagePullSecrets = spec.ImagePullSecrets
	}
}
