package legacy

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"arc-setup/tests/lab/stand-ins/internal/flags"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

// Names that the controllers write into objects.
const (
	runnerFinalizer   = "runner.actions.summerwind.dev"
	podFinalizer      = "actions.summerwind.dev/runner-pod"
	templateHash      = "runner-template-hash"
	podTemplateHash   = "pod-template-hash"
	deploymentName    = "runner-deployment-name"
	runnerLabel       = "actions-runner"
	runnerSetName     = "runnerset-name"
	injectToken       = "actions-runner-controller/inject-registration-token"
	tokenExpiresAt    = "actions-runner-controller/token-expires-at"
	credentialsSecret = "actions-runner/github-api-creds-secret"
)

// Defaults are the flags that runner pods are made with.
type Defaults struct {
	Version          release.Version
	RunnerImage      string
	DockerImage      string
	DockerMirror     string
	DockerGroup      string
	ImagePullSecrets []string
	CommonLabels     []string
	StatusHook       bool
}

// DefaultsOf reads them.
func DefaultsOf(version release.Version, options flags.Options) Defaults {
	return Defaults{
		Version: version, RunnerImage: options.String("runner-image"), DockerImage: options.String("docker-image"),
		DockerMirror: options.String("docker-registry-mirror"), DockerGroup: options.String("docker-gid"),
		ImagePullSecrets: options.Strings("runner-image-pull-secret"), CommonLabels: options.Strings("common-runner-labels"),
		StatusHook: options.Bool("runner-status-update-hook"),
	}
}

func variable(name, value string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, Value: value}
}

func mount(name, path string) corev1.VolumeMount {
	return corev1.VolumeMount{Name: name, MountPath: path}
}

func emptyDir(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}
}

func isTrue(value *bool, otherwise bool) bool {
	if value == nil {
		return otherwise
	}
	return *value
}

// withLabel is a copy of the labels with one more.
func withLabel(labels map[string]string, name, value string) map[string]string {
	copied := maps.Clone(labels)
	if copied == nil {
		copied = map[string]string{}
	}
	copied[name] = value
	return copied
}

func hasVolume(volumes []corev1.Volume, name string) bool {
	return slices.ContainsFunc(volumes, func(one corev1.Volume) bool { return one.Name == name })
}

func hasMount(mounts []corev1.VolumeMount, name string) bool {
	return slices.ContainsFunc(mounts, func(one corev1.VolumeMount) bool { return one.Name == name })
}

func hasVariable(variables []corev1.EnvVar, name string) bool {
	return slices.ContainsFunc(variables, func(one corev1.EnvVar) bool { return one.Name == name })
}

func without[T any](items []T, drop func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(items), drop)
}

// Last is the last release of the line.
var Last = release.Of(0, 27, 6)
