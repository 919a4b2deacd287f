package legacy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	admission "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"

	"arc-setup/tests/lab/stand-ins/internal/github"
	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/webhook"
)

// Admit registers the webhooks of the release.
func (manager *Manager) Admit(server *webhook.Server) {
	dialect := webhook.Dialect{OnlyBeta: !manager.since(0, 20, 0)}
	for _, kind := range []kube.Kind{kube.Runners, kube.RunnerDeployments, kube.RunnerReplicaSets} {
		name := "-actions-summerwind-dev-v1alpha1-" + strings.ToLower(kind.Name)
		server.Handle("/mutate"+name, dialect, manager.mutate(kind))
		server.Handle("/validate"+name, dialect, manager.validate(kind))
	}
	if manager.since(0, 20, 0) {
		server.Handle("/mutate-runner-set-pod", dialect, manager.giveSetToken)
	}
}

// mutate sets no default of its own. But the object goes through the release's types on its way, and what they lack is
// taken out of it.
func (manager *Manager) mutate(kind kube.Kind) webhook.Decide {
	forget := Forget(manager.Defaults.Version)
	return func(_ context.Context, request *admission.AdmissionRequest) webhook.Verdict {
		var before, after map[string]any
		if err := json.Unmarshal(request.Object.Raw, &before); err != nil {
			return webhook.Verdict{Refused: err.Error(), Code: http.StatusBadRequest}
		}
		_ = json.Unmarshal(request.Object.Raw, &after)
		forget(kind, after)
		if reflect.DeepEqual(before, after) {
			return webhook.Verdict{}
		}
		return webhook.Verdict{Patches: []webhook.Patch{{Operation: "replace", Path: "/spec", Value: after["spec"]}}}
	}
}

func (manager *Manager) validate(kind kube.Kind) webhook.Decide {
	return func(_ context.Context, request *admission.AdmissionRequest) webhook.Verdict {
		spec, name, err := specOf(kind, request.Object.Raw)
		if err != nil {
			return webhook.Verdict{Refused: err.Error(), Code: http.StatusBadRequest}
		}
		refused := refusal(spec.Config)
		if refused == "" && manager.since(0, 25, 0) {
			refused = refusedClaim(spec)
		}
		if refused == "" {
			return webhook.Verdict{}
		}
		text := fmt.Sprintf("%s.%s %q is invalid: %s", kind.Name, kind.Group, name, refused)
		return webhook.Verdict{Refused: text, Code: http.StatusUnprocessableEntity}
	}
}

func specOf(kind kube.Kind, raw []byte) (RunnerSpec, string, error) {
	if kind == kube.Runners {
		var runner Runner
		err := json.Unmarshal(raw, &runner)
		return runner.Spec, runner.Name, err
	}
	var set ReplicaSet
	err := json.Unmarshal(raw, &set)
	return set.Spec.Template.Spec, set.Name, err
}

// refusal says why a runner belongs nowhere or to too much; empty is well.
func refusal(config Config) string {
	count := 0
	for _, one := range []string{config.Enterprise, config.Organization, config.Repository} {
		if one != "" {
			count++
		}
	}
	switch count {
	case 0:
		return `spec.repository: Invalid value: "": Spec needs enterprise, organization or repository`
	case 1:
		return ""
	}
	return fmt.Sprintf("spec.repository: Invalid value: %q: Spec cannot have many fields defined enterprise, organization and repository", config.Repository)
}

// refusedClaim says what is wrong with the volume of container mode kubernetes; empty is well.
func refusedClaim(spec RunnerSpec) string {
	if spec.ContainerMode != "kubernetes" {
		return ""
	}
	if spec.WorkClaim == nil {
		return "spec.workVolumeClaimTemplate: Required value: Spec.ContainerMode: kubernetes must have workVolumeClaimTemplate field specified"
	}
	for _, mode := range spec.WorkClaim.AccessModes {
		if mode == corev1.ReadWriteOnce || mode == corev1.ReadWriteMany {
			return ""
		}
	}
	return "spec.workVolumeClaimTemplate.accessModes: Required value: one of ReadWriteOnce and ReadWriteMany"
}

// giveSetToken puts name and token into the pods of RunnerSets, which no controller of ours makes.
func (manager *Manager) giveSetToken(ctx context.Context, request *admission.AdmissionRequest) webhook.Verdict {
	var pod corev1.Pod
	if err := json.Unmarshal(request.Object.Raw, &pod); err != nil {
		return webhook.Verdict{Refused: err.Error(), Code: http.StatusBadRequest}
	}
	scope := github.Scope{Enterprise: readVariable(&pod, "RUNNER_ENTERPRISE"), Organization: readVariable(&pod, "RUNNER_ORG"), Repository: readVariable(&pod, "RUNNER_REPO")}
	if _, err := scope.Path(); err != nil || pod.Labels[injectToken] == "" {
		return webhook.Verdict{}
	}
	token, expires, err := manager.tokenFor(ctx, &pod, request.Namespace, scope)
	if err != nil {
		manager.Log.WithName("webhook.PodRunnerTokenInjector").Error(err, "Failed to get new registration token")
		return webhook.Verdict{Refused: err.Error(), Code: http.StatusInternalServerError}
	}
	giveToken(&pod, pod.Name, token)
	annotations := withLabel(pod.Annotations, tokenExpiresAt, expires.Format(time.RFC3339))
	patches := []webhook.Patch{
		{Operation: "add", Path: "/metadata/annotations", Value: annotations},
		{Operation: "replace", Path: "/spec/containers", Value: pod.Spec.Containers},
	}
	if manager.since(0, 23, 0) {
		patches = append(patches, webhook.Patch{Operation: "add", Path: "/spec/restartPolicy", Value: corev1.RestartPolicyNever})
	}
	return webhook.Verdict{Patches: patches}
}

func (manager *Manager) tokenFor(ctx context.Context, pod *corev1.Pod, namespace string, scope github.Scope) (string, time.Time, error) {
	var credentials *CredentialsFrom
	if name := pod.Annotations[credentialsSecret]; name != "" {
		credentials = &CredentialsFrom{}
		credentials.SecretRef.Name = name
	}
	client, err := manager.client(ctx, namespace, credentials)
	if err != nil {
		return "", time.Time{}, err
	}
	return client.RegistrationToken(ctx, scope)
}
