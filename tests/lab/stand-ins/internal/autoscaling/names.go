package autoscaling

import (
	"fmt"
	"hash/fnv"
	"maps"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/util/rand"

	"arc-setup/tests/lab/stand-ins/internal/release"
)

// Labels and annotations of the group.
const (
	versionLabel       = "app.kubernetes.io/version"
	partOfLabel        = "app.kubernetes.io/part-of"
	componentLabel     = "app.kubernetes.io/component"
	setNameLabel       = "actions.github.com/scale-set-name"
	setNamespaceLabel  = "actions.github.com/scale-set-namespace"
	listenerNamespace  = "auto-scaling-listener-namespace"
	listenerName       = "auto-scaling-listener-name"
	runnerLabel        = "actions-ephemeral-runner"
	podTemplateHash    = "pod-template-hash"
	scaleSetID         = "runner-scale-set-id"
	groupAnnotation    = "actions.github.com/runner-group-name"
	scaleSetAnnotation = "actions.github.com/runner-scale-set-name"
	changeHash         = "actions.github.com/change-hash"
	specHash           = "actions.github.com/runner-spec-hash"
	valuesHash         = "actions.github.com/values-hash"
	patchID            = "actions.github.com/patch-id"
	partOf             = "gha-runner-scale-set"
)

// Finalizers.
const (
	setFinalizer          = "autoscalingrunnerset.actions.github.com/finalizer"
	listenerFinalizer     = "autoscalinglistener.actions.github.com/finalizer"
	runnerFinalizer       = "ephemeralrunner.actions.github.com/finalizer"
	registrationFinalizer = "ephemeralrunner.actions.github.com/runner-registration-finalizer"
	cleanupFinalizer      = "actions.github.com/cleanup-protection"
)

// short is eight characters at most for a text: FNV-1a of 32 bits, in letters that make no words.
func short(text string) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(text))
	encoded := rand.SafeEncodeString(fmt.Sprint(sum.Sum32()))
	return encoded[:min(8, len(encoded))]
}

// listenerOf is the name of a set's listener, its pod, account, Role and RoleBinding.
func listenerOf(set *Set, version release.Version) string {
	input := set.Namespace
	if version.AtLeast(0, 13, 1) {
		input = set.Namespace + "@" + set.Spec.RunnerGroup + "@" + set.Spec.ConfigURL
	}
	return fmt.Sprintf("%s-%s-listener", set.Name, short(input))
}

// proxySecretOf is the name of the Secret with the proxies of a set's runners.
func proxySecretOf(set *RunnerSet) string {
	return fmt.Sprintf("%s-%s-runner-proxy", set.Name, short(set.Namespace))
}

// scopeLabels say in labels where a configuration URL points.
func scopeLabels(configURL string) map[string]string {
	labels := map[string]string{}
	parsed, err := url.Parse(configURL)
	if err != nil {
		return labels
	}
	parts := strings.Split(strings.Trim(parsed.Path, "/"), "/")
	add := func(name, value string) { labels["actions.github.com/"+name] = value[:min(63, len(value))] }
	switch {
	case len(parts) == 2 && parts[0] == "enterprises":
		add("enterprise", parts[1])
	case len(parts) == 2:
		add("organization", parts[0])
		add("repository", parts[1])
	case len(parts) == 1 && parts[0] != "":
		add("organization", parts[0])
	}
	return labels
}

// merged is one map of all; later ones win.
func merged(all ...map[string]string) map[string]string {
	result := map[string]string{}
	for _, one := range all {
		maps.Copy(result, one)
	}
	return result
}

func (meta *Meta) labels() map[string]string {
	if meta == nil {
		return nil
	}
	return meta.Labels
}

func (meta *Meta) annotations() map[string]string {
	if meta == nil {
		return nil
	}
	return meta.Annotations
}
