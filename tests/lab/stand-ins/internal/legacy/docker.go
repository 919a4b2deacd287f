package legacy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// beforeStop keeps dockerd alive while a job runs.
const beforeStop = `timeout "${RUNNER_GRACEFUL_STOP_TIMEOUT:-15}" /bin/sh -c 'while [ -f /runner/.runner ]; do sleep 1; done'`

// addRunnerVolume puts an empty volume at /runner, unless the size is 0 and nobody has to share it.
func addRunnerVolume(main *corev1.Container, pod *corev1.Pod, config Config, shared bool) error {
	isNone := config.VolumeSizeLimit != nil && config.VolumeSizeLimit.IsZero()
	if isNone && shared {
		return errors.New("runner volume can't be disabled because it is required to share the working directory between the runner and the dockerd containers")
	}
	if isNone {
		return nil
	}
	volume := emptyDir("runner")
	volume.EmptyDir.SizeLimit = config.VolumeSizeLimit
	if config.VolumeStorageMedium != nil {
		volume.EmptyDir.Medium = corev1.StorageMedium(*config.VolumeStorageMedium)
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, volume)
	main.VolumeMounts = append(slices.Clone(main.VolumeMounts), mount("runner", "/runner"))
	return nil
}

// addDocker completes the docker sidecar and what the runner needs to reach it.
func addDocker(main, docker *corev1.Container, pod *corev1.Pod, config Config, defaults Defaults) {
	if docker.Image == "" {
		docker.Image = defaults.DockerImage
	}
	docker.Env, docker.Args = slices.Clone(docker.Env), slices.Clone(docker.Args)
	if defaults.Version.AtLeast(0, 27, 3) {
		shareSocket(main, docker, pod, config, defaults)
	} else {
		shareTLS(main, docker, pod, config, defaults)
	}
	if docker.SecurityContext == nil {
		privileged := seLinux(pod) == nil
		docker.SecurityContext = &corev1.SecurityContext{Privileged: &privileged, SELinuxOptions: seLinux(pod)}
	}
	if config.DockerMTU != nil {
		docker.Env = append(docker.Env, variable("DOCKERD_ROOTLESS_ROOTLESSKIT_MTU", fmt.Sprint(*config.DockerMTU)))
		docker.Args = append(docker.Args, "--mtu", fmt.Sprint(*config.DockerMTU))
	}
	if mirror := registryMirror(config, defaults); mirror != "" {
		docker.Args = append(docker.Args, "--registry-mirror="+mirror)
	}
}

// shareTLS is how it was up to 0.27.2: TLS on loopback, certificates in a shared volume.
func shareTLS(main, docker *corev1.Container, pod *corev1.Pod, config Config, defaults Defaults) {
	if !hasVolume(pod.Spec.Volumes, "work") || !defaults.Version.AtLeast(0, 21, 0) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, emptyDir("work"))
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, emptyDir("certs-client"))
	work := mount("work", workDirectory(config))
	certificates := mount("certs-client", "/certs/client")
	certificates.ReadOnly = true
	if !hasMount(main.VolumeMounts, "work") || !defaults.Version.AtLeast(0, 21, 0) {
		main.VolumeMounts = append(main.VolumeMounts, work)
	}
	main.VolumeMounts = append(main.VolumeMounts, certificates)
	main.Env = append(main.Env, overTLS()...)
	generated := []corev1.VolumeMount{mount("runner", "/runner"), mount("certs-client", "/certs/client")}
	if !hasMount(docker.VolumeMounts, "work") {
		generated = append(generated, work)
	}
	docker.VolumeMounts = append(slices.Clone(docker.VolumeMounts), generated...)
	docker.Env = append(docker.Env, variable("DOCKER_TLS_CERTDIR", "/certs"))
}

// shareSocket is how it is from 0.27.3 on: a Unix socket in a small volume in memory.
func shareSocket(main, docker *corev1.Container, pod *corev1.Pod, config Config, defaults Defaults) {
	directory := "/run"
	if !defaults.Version.AtLeast(0, 27, 4) {
		directory = "/run/docker"
	}
	socket := "unix://" + directory + "/docker.sock"
	docker.Args = append([]string{"dockerd", "--host=" + socket}, docker.Args...)
	docker.Args = append(docker.Args, "--group=$(DOCKER_GROUP_GID)")
	if !hasVariable(docker.Env, "DOCKER_GROUP_GID") {
		docker.Env = append(docker.Env, variable("DOCKER_GROUP_GID", dockerGroup(main.Image, defaults)))
	}
	main.Env = append(main.Env, variable("DOCKER_HOST", socket))

	if !hasVolume(pod.Spec.Volumes, "work") {
		pod.Spec.Volumes = append(pod.Spec.Volumes, emptyDir("work"))
	}
	limit := config.DockerVarRunLimit
	if limit == nil {
		limit = resource.NewScaledQuantity(1, resource.Mega)
	}
	run := emptyDir("var-run")
	run.EmptyDir.Medium, run.EmptyDir.SizeLimit = corev1.StorageMediumMemory, limit
	pod.Spec.Volumes = append(pod.Spec.Volumes, run)

	work := mount("work", workDirectory(config))
	shared := mount("var-run", directory)
	for _, one := range []corev1.VolumeMount{work, shared} {
		if !hasMount(main.VolumeMounts, one.Name) {
			main.VolumeMounts = append(main.VolumeMounts, one)
		}
	}
	generated := []corev1.VolumeMount{mount("runner", "/runner")}
	for _, one := range []corev1.VolumeMount{shared, work} {
		if !hasMount(docker.VolumeMounts, one.Name) {
			generated = append(generated, one)
		}
	}
	docker.VolumeMounts = append(slices.Clone(docker.VolumeMounts), generated...)
	docker.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{
		Exec: &corev1.ExecAction{Command: []string{"/bin/sh", "-c", beforeStop}},
	}}
}

// dockerGroup guesses the group of the socket from the name of the runner's image.
func dockerGroup(image string, defaults Defaults) string {
	switch {
	case strings.Contains(image, "22.04"):
		return "121"
	case strings.Contains(image, "20.04"):
		return "1001"
	}
	return defaults.DockerGroup
}
