package legacy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"arc-setup/tests/lab/stand-ins/internal/kube"
)

// runnerPod is the pod of a Runner in every release.
func runnerPod(runner *Runner, baseURL string, defaults Defaults) (*corev1.Pod, error) {
	if !defaults.Version.AtLeast(0, 20, 0) {
		return firstPod(runner, baseURL, defaults), nil
	}
	template, err := runnerTemplate(runner, baseURL)
	if err != nil {
		return nil, err
	}
	pod, err := podFromTemplate(runner.Name, template, runner.Spec.Config, baseURL, defaults)
	if err != nil {
		return nil, err
	}
	if err := addOwnVolumes(pod, runner.Spec, defaults); err != nil {
		return nil, err
	}
	copyPodFields(pod, runner.Spec)
	if runner.Spec.ServiceAccountName == "" && needsAccount(runner, defaults) {
		pod.Spec.ServiceAccountName = runner.Name
	}
	pod.Name = runner.Name
	giveToken(pod, runner.Name, runner.Status.Registration.Token)
	return pod, nil
}

// runnerTemplate is what a Runner says, before anything of the controller's. Fields of the specification go to the
// containers `runner` and `docker` only where those do not say it themselves.
func runnerTemplate(runner *Runner, baseURL string) (*corev1.Pod, error) {
	spec := runner.Spec
	pod := &corev1.Pod{}
	pod.Name, pod.Namespace, pod.Annotations = runner.Name, runner.Namespace, runner.Annotations
	pod.Labels = withLabel(runner.Labels, podTemplateHash,
		kube.Digest(withoutHash(runner.Labels), runner.Annotations, spec, baseURL, runner.Status.Registration.Token))
	pod.Spec.Containers = slices.Clone(spec.Containers)
	if len(spec.Containers) == 0 {
		pod.Spec.Containers = []corev1.Container{{Name: "runner"}}
		if isTrue(spec.DockerEnabled, true) && !isTrue(spec.DockerdInRunner, false) {
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "docker"})
		}
	}
	for index := range pod.Spec.Containers {
		container := &pod.Spec.Containers[index]
		switch container.Name {
		case "runner":
			if container.ImagePullPolicy == "" {
				container.ImagePullPolicy = spec.ImagePullPolicy
			}
			fill(&container.EnvFrom, spec.EnvFrom)
			fill(&container.Env, spec.Env)
			fillResources(&container.Resources, spec.Resources)
		case "docker":
			fill(&container.VolumeMounts, spec.DockerVolumeMounts)
			fill(&container.Env, spec.DockerEnv)
			fillResources(&container.Resources, spec.DockerdResources)
		}
	}
	pod.Spec.SecurityContext = spec.SecurityContext
	pod.Spec.EnableServiceLinks = spec.EnableServiceLinks
	if spec.ContainerMode == "kubernetes" {
		return pod, addWorkClaim(pod, spec.WorkClaim, workDirectory(spec.Config))
	}
	return pod, nil
}

func fill[T any](target *[]T, from []T) {
	if len(*target) == 0 {
		*target = slices.Clone(from)
	}
}

func fillResources(target *corev1.ResourceRequirements, from corev1.ResourceRequirements) {
	if len(target.Requests) == 0 {
		target.Requests = from.Requests
	}
	if len(target.Limits) == 0 {
		target.Limits = from.Limits
	}
}

// addOwnVolumes adds a Runner's volumes and the mounts of its first container. A volume `work` of one's own takes the
// place of the generated one; 0.20 keeps both, and the API server refuses that pod.
func addOwnVolumes(pod *corev1.Pod, spec RunnerSpec, defaults Defaults) error {
	replaces := defaults.Version.AtLeast(0, 21, 0)
	main := &pod.Spec.Containers[0]
	if hasMount(spec.VolumeMounts, "work") {
		if spec.ContainerMode == "kubernetes" {
			return errors.New(`volume mount "work" should be specified by workVolumeClaimTemplate in container mode kubernetes`)
		}
		if replaces {
			main.VolumeMounts = without(main.VolumeMounts, func(one corev1.VolumeMount) bool { return one.Name == "work" })
		}
	}
	main.VolumeMounts = append(main.VolumeMounts, spec.VolumeMounts...)
	if hasVolume(spec.Volumes, "work") {
		if spec.ContainerMode == "kubernetes" {
			return errors.New(`volume "work" should be specified by workVolumeClaimTemplate in container mode kubernetes`)
		}
		if replaces {
			pod.Spec.Volumes = without(pod.Spec.Volumes, func(one corev1.Volume) bool { return one.Name == "work" })
		}
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, spec.Volumes...)
	return nil
}

// giveToken puts name and token after the other variables, unless they are there.
func giveToken(pod *corev1.Pod, name, token string) {
	for index := range pod.Spec.Containers {
		container := &pod.Spec.Containers[index]
		if container.Name != "runner" {
			continue
		}
		for _, one := range []corev1.EnvVar{variable("RUNNER_NAME", name), variable("RUNNER_TOKEN", token)} {
			if !hasVariable(container.Env, one.Name) {
				container.Env = append(container.Env, one)
			}
		}
	}
}

// podFromTemplate adds the controller's part to a template: of a Runner, or of a RunnerSet.
func podFromTemplate(name string, template *corev1.Pod, config Config, baseURL string, defaults Defaults) (*corev1.Pod, error) {
	pod := template.DeepCopy()
	version := defaults.Version
	kubernetes := config.ContainerMode == "kubernetes"
	inRunner := isTrue(config.DockerdInRunner, false) && !kubernetes
	sidecar := isTrue(config.DockerEnabled, true) && !isTrue(config.DockerdInRunner, false) && !kubernetes
	if version.AtLeast(0, 22, 0) {
		pod.Labels = withLabel(pod.Labels, runnerLabel, "")
	} else {
		pod.Labels = withLabel(pod.Labels, runnerSetName, name)
	}
	pod.Labels = withLabel(pod.Labels, injectToken, "true")
	if config.Credentials != nil {
		pod.Annotations = withLabel(pod.Annotations, credentialsSecret, config.Credentials.SecretRef.Name)
	}
	if kubernetes {
		pod.Spec.Containers = without(pod.Spec.Containers, func(one corev1.Container) bool { return one.Name == "docker" })
	}
	if version.AtLeast(0, 23, 0) {
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	} else if pod.Spec.RestartPolicy == "" {
		pod.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
	}
	if len(pod.Spec.ImagePullSecrets) == 0 {
		for _, secret := range defaults.ImagePullSecrets {
			pod.Spec.ImagePullSecrets = append(pod.Spec.ImagePullSecrets, corev1.LocalObjectReference{Name: secret})
		}
	}
	main, docker := take(pod, "runner"), take(pod, "docker")
	if err := completeRunner(&main, pod, config, baseURL, defaults, inRunner); err != nil {
		return nil, err
	}
	if err := addRunnerVolume(&main, pod, config, sidecar); err != nil {
		return nil, err
	}
	if sidecar {
		addDocker(&main, &docker, pod, config, defaults)
	}
	put(pod, main, true)
	if sidecar {
		put(pod, docker, false)
	}
	return pod, nil
}

// take is a copy of the container of that name, or a new one.
func take(pod *corev1.Pod, name string) corev1.Container {
	for _, container := range pod.Spec.Containers {
		if container.Name == name {
			return container
		}
	}
	return corev1.Container{Name: name}
}

// put replaces the container of that name, or adds it at one end.
func put(pod *corev1.Pod, container corev1.Container, first bool) {
	for index := range pod.Spec.Containers {
		if pod.Spec.Containers[index].Name == container.Name {
			pod.Spec.Containers[index] = container
			return
		}
	}
	if first {
		pod.Spec.Containers = append([]corev1.Container{container}, pod.Spec.Containers...)
	} else {
		pod.Spec.Containers = append(pod.Spec.Containers, container)
	}
}

func completeRunner(main *corev1.Container, pod *corev1.Pod, config Config, baseURL string, defaults Defaults, inRunner bool) error {
	if config.Image != "" {
		main.Image = config.Image
	}
	if main.Image == "" {
		main.Image = defaults.RunnerImage
	}
	if main.ImagePullPolicy == "" {
		main.ImagePullPolicy = corev1.PullAlways
	}
	main.Env = append(slices.Clone(main.Env), runnerVariables(config, baseURL, defaults, inRunner)...)
	if config.ContainerMode == "kubernetes" {
		sameNode, err := requiresSameNode(pod)
		if err != nil {
			return err
		}
		main.Env = append(main.Env, hookVariables(sameNode)...)
	}
	if main.SecurityContext == nil {
		main.SecurityContext = &corev1.SecurityContext{}
	}
	if inRunner && seLinux(pod) == nil {
		privileged := true
		main.SecurityContext.Privileged = &privileged
	}
	if inRunner && config.DockerMTU != nil {
		main.Env = append(main.Env, variable("MTU", fmt.Sprint(*config.DockerMTU)))
	}
	if mirror := registryMirror(config, defaults); inRunner && mirror != "" {
		main.Env = append(main.Env, variable("DOCKER_REGISTRY_MIRROR", mirror))
	}
	return nil
}

func runnerVariables(config Config, baseURL string, defaults Defaults, inRunner bool) []corev1.EnvVar {
	docker := config.ContainerMode != "kubernetes" && isTrue(config.DockerEnabled, true)
	env := []corev1.EnvVar{
		variable("RUNNER_ORG", config.Organization),
		variable("RUNNER_REPO", config.Repository),
		variable("RUNNER_ENTERPRISE", config.Enterprise),
		variable("RUNNER_LABELS", strings.Join(config.Labels, ",")),
		variable("RUNNER_GROUP", config.Group),
		variable("DOCKER_ENABLED", fmt.Sprint(docker || inRunner)),
		variable("DOCKERD_IN_RUNNER", fmt.Sprint(inRunner)),
		variable("GITHUB_URL", baseURL),
		variable("RUNNER_WORKDIR", workDirectory(config)),
		variable("RUNNER_EPHEMERAL", fmt.Sprint(isTrue(config.Ephemeral, true))),
	}
	if defaults.Version.AtLeast(0, 26, 0) {
		env = append(env, variable("RUNNER_STATUS_UPDATE_HOOK", fmt.Sprint(defaults.StatusHook)))
	}
	if defaults.Version.AtLeast(0, 27, 0) {
		env = append(env, variable("GITHUB_ACTIONS_RUNNER_EXTRA_USER_AGENT", "actions-runner-controller/v"+defaults.Version.String()))
	}
	return env
}

func registryMirror(config Config, defaults Defaults) string {
	if config.DockerMirror != nil {
		return *config.DockerMirror
	}
	return defaults.DockerMirror
}

func seLinux(pod *corev1.Pod) *corev1.SELinuxOptions {
	if pod.Spec.SecurityContext == nil {
		return nil
	}
	return pod.Spec.SecurityContext.SELinuxOptions
}
