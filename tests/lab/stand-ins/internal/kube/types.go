package kube

import "arc-setup/tests/lab/stand-ins/internal/release"

// A controller decodes pod templates into the Go types of the Kubernetes that it was built with, so newer fields are
// lost on the way to the pod. builtWith is the minor version of those types for each release of ARC. Where it is not
// known for certain, the older one stands: a field too few shows in a test, a field too many hides a fault.
var builtWith = []struct {
	since release.Version
	minor int
}{
	{release.Of(0, 9, 0), 27},
	{release.Of(0, 12, 0), 32},
	{release.Of(0, 18, 0), 16},
	{release.Of(0, 20, 0), 21},
	{release.Of(0, 24, 0), 23},
	{release.Of(0, 25, 0), 24},
	{release.Of(0, 27, 0), 26},
}

// Fields of pods by the minor version of Kubernetes whose types have them first.
var (
	podFields = map[string]int{
		"setHostnameAsFQDN": 19, "os": 23, "hostUsers": 25, "schedulingGates": 26, "resourceClaims": 26,
	}
	podSecurityFields = map[string]int{
		"seccompProfile": 19, "fsGroupChangePolicy": 18, "appArmorProfile": 30, "supplementalGroupsPolicy": 31, "seLinuxChangePolicy": 32,
	}
	containerFields         = map[string]int{"startupProbe": 16, "resizePolicy": 27, "restartPolicy": 28}
	containerSecurityFields = map[string]int{"seccompProfile": 19, "appArmorProfile": 30}
	volumeFields            = map[string]int{"ephemeral": 19, "image": 31}
	mountFields             = map[string]int{"recursiveReadOnly": 30}
	probeFields             = map[string]int{"grpc": 23, "terminationGracePeriodSeconds": 21}
)

// KubernetesTypes is the minor version of the Kubernetes types that a release of ARC was built with.
func KubernetesTypes(version release.Version) int {
	minor := 0
	for _, row := range builtWith {
		if !version.Before(row.since) {
			minor = row.minor
		}
	}
	return minor
}

// ForgetNewerFields drops from a pod's spec, as decoded JSON, what those types do not have.
func ForgetNewerFields(spec map[string]any, minor int) {
	forget(spec, podFields, minor)
	forget(child(spec, "securityContext"), podSecurityFields, minor)
	for _, volume := range children(spec, "volumes") {
		forget(volume, volumeFields, minor)
	}
	for _, list := range []string{"initContainers", "containers", "sidecarContainers", "ephemeralContainers"} {
		for _, container := range children(spec, list) {
			forget(container, containerFields, minor)
			forget(child(container, "securityContext"), containerSecurityFields, minor)
			for _, mount := range children(container, "volumeMounts") {
				forget(mount, mountFields, minor)
			}
			for _, probe := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
				forget(child(container, probe), probeFields, minor)
			}
		}
	}
}

func forget(object map[string]any, fields map[string]int, minor int) {
	for name := range object {
		if first, known := fields[name]; known && minor < first {
			delete(object, name)
		}
	}
}

func child(object map[string]any, name string) map[string]any {
	found, _ := object[name].(map[string]any)
	return found
}

func children(object map[string]any, name string) []map[string]any {
	items, _ := object[name].([]any)
	var found []map[string]any
	for _, item := range items {
		if one, ok := item.(map[string]any); ok {
			found = append(found, one)
		}
	}
	return found
}
