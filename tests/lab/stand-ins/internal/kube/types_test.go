package kube

import (
	"reflect"
	"testing"

	"arc-setup/tests/lab/stand-ins/internal/release"
	"sigs.k8s.io/yaml"
)

func TestOldTypesForgetNewFields(t *testing.T) {
	const spec = `
securityContext: {fsGroup: 1000, seccompProfile: {type: RuntimeDefault}}
initContainers:
- {name: dind, restartPolicy: Always, startupProbe: {exec: {command: [docker, info]}}}
containers:
- {name: runner, securityContext: {seccompProfile: {type: RuntimeDefault}, privileged: true}}
volumes:
- {name: work, ephemeral: {volumeClaimTemplate: {}}}
`
	for _, one := range []struct {
		version release.Version
		want    string
	}{
		{release.Of(0, 18, 2), `
securityContext: {fsGroup: 1000}
initContainers: [{name: dind, startupProbe: {exec: {command: [docker, info]}}}]
containers: [{name: runner, securityContext: {privileged: true}}]
volumes: [{name: work}]`},
		{release.Of(0, 27, 6), `
securityContext: {fsGroup: 1000, seccompProfile: {type: RuntimeDefault}}
initContainers: [{name: dind, startupProbe: {exec: {command: [docker, info]}}}]
containers: [{name: runner, securityContext: {seccompProfile: {type: RuntimeDefault}, privileged: true}}]
volumes: [{name: work, ephemeral: {volumeClaimTemplate: {}}}]`},
		{release.Of(0, 14, 2), spec},
	} {
		var got, want map[string]any
		if err := yaml.Unmarshal([]byte(spec), &got); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(one.want), &want); err != nil {
			t.Fatal(err)
		}
		ForgetNewerFields(got, KubernetesTypes(one.version))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v keeps %v, not %v", one.version, got, want)
		}
	}
}
