package legacy

import (
	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

// runnerFields are the fields of a runner's specification by the release that has them first (facts/arc.md 1.2). The
// controller of an older one does not see them, and loses them where it writes the object.
var runnerFields = map[string]release.Version{
	"enterprise": {}, "organization": {}, "repository": {}, "labels": {}, "group": {}, "image": {}, "imagePullPolicy": {},
	"imagePullSecrets": {}, "workDir": {}, "env": {}, "envFrom": {}, "resources": {}, "volumes": {}, "volumeMounts": {},
	"initContainers": {}, "sidecarContainers": {}, "containers": {}, "dockerEnabled": {}, "dockerdWithinRunnerContainer": {},
	"dockerdContainerResources": {}, "dockerMTU": {}, "serviceAccountName": {}, "automountServiceAccountToken": {},
	"nodeSelector": {}, "affinity": {}, "tolerations": {}, "securityContext": {}, "terminationGracePeriodSeconds": {},
	"ephemeralContainers": {},

	"dockerVolumeMounts": release.Of(0, 19, 0), "dockerRegistryMirror": release.Of(0, 19, 0),
	"volumeSizeLimit": release.Of(0, 19, 0), "volumeStorageMedium": release.Of(0, 19, 0), "ephemeral": release.Of(0, 19, 0),
	"hostAliases": release.Of(0, 19, 0), "runtimeClassName": release.Of(0, 19, 0),
	"enableServiceLinks": release.Of(0, 20, 0), "dnsConfig": release.Of(0, 20, 0), "topologySpreadConstraints": release.Of(0, 20, 3),
	"dockerEnv": release.Of(0, 21, 0), "containerMode": release.Of(0, 25, 0), "workVolumeClaimTemplate": release.Of(0, 25, 0),
	"priorityClassName": release.Of(0, 25, 0), "githubAPICredentialsFrom": release.Of(0, 26, 0), "dnsPolicy": release.Of(0, 27, 0),
	"dockerVarRunVolumeSizeLimit": release.Of(0, 27, 5),
}

var replicaFields = map[string]release.Version{
	"replicas": {}, "selector": {}, "template": {}, "effectiveTime": release.Of(0, 22, 0),
}

// Fields of a StatefulSet, which a RunnerSet holds beside a runner's.
var setFields = map[string]release.Version{
	"replicas": {}, "selector": {}, "template": {}, "serviceName": {}, "volumeClaimTemplates": {}, "podManagementPolicy": {},
	"updateStrategy": {}, "revisionHistoryLimit": {}, "effectiveTime": release.Of(0, 22, 0), "serviceAccountName": {},
	"workVolumeClaimTemplate": release.Of(0, 25, 0), "minReadySeconds": release.Of(0, 22, 0),
}

var autoscalerFields = map[string]release.Version{
	"scaleTargetRef": {}, "minReplicas": {}, "maxReplicas": {}, "scaleDownDelaySecondsAfterScaleOut": {}, "metrics": {},
	"scaleUpTriggers": {}, "capacityReservations": {},
	"scheduledOverrides": release.Of(0, 19, 0), "githubAPICredentialsFrom": release.Of(0, 26, 0),
}

// Forget drops what the release's types lack from an object of the group.
func Forget(version release.Version) kube.Forget {
	minor := kube.KubernetesTypes(version)
	keep := func(object map[string]any, fields ...map[string]release.Version) {
		for name := range object {
			known := false
			for _, table := range fields {
				since, listed := table[name]
				known = known || listed && !version.Before(since)
			}
			if !known {
				delete(object, name)
			}
		}
	}
	return func(kind kube.Kind, object map[string]any) {
		spec, _ := object["spec"].(map[string]any)
		template, _ := spec["template"].(map[string]any)
		inner, _ := template["spec"].(map[string]any)
		switch kind {
		case kube.Runners:
			keep(spec, runnerFields)
			kube.ForgetNewerFields(spec, minor)
		case kube.RunnerReplicaSets, kube.RunnerDeployments:
			keep(spec, replicaFields)
			keep(inner, runnerFields)
			kube.ForgetNewerFields(inner, minor)
		case kube.RunnerSets:
			keep(spec, runnerFields, setFields)
			kube.ForgetNewerFields(inner, minor)
		case kube.Autoscalers:
			keep(spec, autoscalerFields)
			if target, ok := spec["scaleTargetRef"].(map[string]any); ok && !version.AtLeast(0, 20, 0) {
				delete(target, "kind")
			}
		}
	}
}
