package autoscaling

import (
	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

// laterFields are those of the specifications that not every release knows (facts/arc.md 2.2).
var laterFields = map[string]release.Version{
	"listenerMetrics": release.Of(0, 11, 0), "metrics": release.Of(0, 11, 0), "vaultConfig": release.Of(0, 12, 0),
	"runnerScaleSetLabels": release.Of(0, 14, 0), "autoscalingListener": release.Of(0, 14, 0),
	"listenerServiceAccountMetadata": release.Of(0, 14, 0), "listenerRoleMetadata": release.Of(0, 14, 0),
	"listenerRoleBindingMetadata": release.Of(0, 14, 0), "listenerConfigSecretMetadata": release.Of(0, 14, 0),
	"ephemeralRunnerSetMetadata": release.Of(0, 14, 0), "ephemeralRunnerMetadata": release.Of(0, 14, 0),
	"ephemeralRunnerConfigSecretMetadata": release.Of(0, 14, 0),
}

// Forget drops what the release's types lack from an object of the group.
func Forget(version release.Version) kube.Forget {
	minor := kube.KubernetesTypes(version)
	at := func(object map[string]any, names ...string) map[string]any {
		for _, name := range names {
			object, _ = object[name].(map[string]any)
		}
		return object
	}
	return func(kind kube.Kind, object map[string]any) {
		spec := at(object, "spec")
		for name, since := range laterFields {
			if version.Before(since) {
				delete(spec, name)
			}
		}
		switch kind {
		case kube.AutoscalingRunnerSets:
			kube.ForgetNewerFields(at(spec, "template", "spec"), minor)
			kube.ForgetNewerFields(at(spec, "listenerTemplate", "spec"), minor)
		case kube.AutoscalingListeners:
			kube.ForgetNewerFields(at(spec, "template", "spec"), minor)
		case kube.EphemeralRunnerSets:
			kube.ForgetNewerFields(at(spec, "ephemeralRunnerSpec", "spec"), minor)
		case kube.EphemeralRunners:
			kube.ForgetNewerFields(at(spec, "spec"), minor)
		}
	}
}
