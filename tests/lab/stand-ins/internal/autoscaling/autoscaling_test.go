package autoscaling

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

func TestWhichSetsAReleaseKeeps(t *testing.T) {
	for _, each := range []struct {
		label string
		build release.Version
		kept  bool
	}{
		{"0.14.2", release.Of(0, 14, 2), true},
		{"0.14.0", release.Of(0, 14, 2), true},
		{"0.13.1", release.Of(0, 14, 2), false},
		{"v0.14.2", release.Of(0, 14, 2), false},
		{"", release.Of(0, 14, 2), false},
		{"0.12.0", release.Of(0, 12, 1), true},
		{"0.11.0", release.Of(0, 11, 0), true},
		{"0.9.2", release.Of(0, 9, 3), false},
	} {
		if kept := allowed(each.label, each.build); kept != each.kept {
			t.Errorf("%q under %s: %v", each.label, each.build, kept)
		}
	}
}

func TestFieldsOfLaterReleasesAreForgotten(t *testing.T) {
	object := func() map[string]any {
		return map[string]any{"spec": map[string]any{"runnerScaleSetLabels": []any{"a"}, "listenerMetrics": map[string]any{}, "minRunners": 1}}
	}
	for _, each := range []struct {
		version release.Version
		left    []string
	}{
		{release.Of(0, 9, 3), []string{"minRunners"}},
		{release.Of(0, 11, 0), []string{"listenerMetrics", "minRunners"}},
		{release.Of(0, 14, 0), []string{"listenerMetrics", "minRunners", "runnerScaleSetLabels"}},
	} {
		set := object()
		Forget(each.version)(kube.AutoscalingRunnerSets, set)
		var left []string
		for name := range set["spec"].(map[string]any) {
			left = append(left, name)
		}
		slices.Sort(left)
		if !slices.Equal(left, each.left) {
			t.Errorf("%s keeps %v", each.version, left)
		}
	}
}

func TestTheListenersNameHangsOnGroupAndServerSince0_13_1(t *testing.T) {
	set := &Set{}
	set.Name, set.Namespace, set.Spec.ConfigURL = "linux", "runners", "https://github.corp/acme"
	before := listenerOf(set, release.Of(0, 13, 0))
	set.Spec.RunnerGroup = "other"
	if again := listenerOf(set, release.Of(0, 13, 0)); again != before {
		t.Errorf("%s became %s", before, again)
	}
	since := listenerOf(set, release.Of(0, 13, 1))
	set.Spec.RunnerGroup = ""
	if same := listenerOf(set, release.Of(0, 13, 1)); same == since || !strings.HasSuffix(same, "-listener") {
		t.Errorf("%s for another group too", same)
	}
}

func TestScopesAsLabels(t *testing.T) {
	for url, wanted := range map[string]string{
		"https://github.com/acme":             "acme//",
		"https://github.com/acme/shop":        "acme/shop/",
		"https://github.corp/enterprises/big": "//big",
	} {
		labels := scopeLabels(url)
		got := labels["actions.github.com/organization"] + "/" + labels["actions.github.com/repository"] + "/" + labels["actions.github.com/enterprise"]
		if got != wanted {
			t.Errorf("%s: %s", url, got)
		}
	}
}

func TestTheListenersPodIsMergedWithItsTemplate(t *testing.T) {
	manager := &Manager{Settings: Settings{Version: release.Of(0, 14, 2), Entrypoint: "/ghalistener"}}
	listener := &Listener{Spec: ListenerSpec{Image: "registry/controller:0.14.2", ImagePullSecrets: []corev1.LocalObjectReference{{Name: "pull"}}}}
	listener.Name = "linux-listener"
	listener.Spec.Proxy = &Proxy{HTTPS: &ProxyServer{URL: "http://proxy:3128", CredentialSecretRef: "account"}, NoProxy: []string{".svc"}}
	listener.Spec.Template = &corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		ServiceAccountName: "mine",
		Containers: []corev1.Container{
			{Name: "listener", Env: []corev1.EnvVar{{Name: "SSL_CERT_FILE", Value: "/ca.pem"}}},
			{Name: "beside", Image: "beside:1"},
		},
	}}
	pod, err := manager.listenerPod(listener)
	if err != nil {
		t.Fatal(err)
	}
	if pod.Spec.ServiceAccountName != "linux-listener" || pod.Spec.ImagePullSecrets[0].Name != "pull" || pod.Spec.NodeSelector["kubernetes.io/os"] != "linux" {
		t.Errorf("%+v", pod.Spec)
	}
	if len(pod.Spec.Containers) != 2 {
		t.Fatalf("%d containers", len(pod.Spec.Containers))
	}
	main := pod.Spec.Containers[0]
	if main.Image != "registry/controller:0.14.2" || main.Command[0] != "/ghalistener" || main.SecurityContext != nil || main.ImagePullPolicy != "" {
		t.Errorf("%+v", main)
	}
	if first := main.Env[0].Name; first != "LISTENER_CONFIG_PATH" {
		t.Errorf("%s comes first", first)
	}
	names := namesOf(main.Env)
	if !slices.Contains(names, "https_proxy") || !slices.Contains(names, "no_proxy") || names[len(names)-1] != "SSL_CERT_FILE" {
		t.Errorf("%v", names)
	}
	if len(pod.Spec.Containers[1].Env) != 0 {
		t.Errorf("the container beside it got %v", pod.Spec.Containers[1].Env)
	}
}

func TestOnlyTheContainerRunnerIsGivenAnything(t *testing.T) {
	manager := &Manager{Settings: Settings{Version: release.Of(0, 12, 1)}}
	runner := &Runner{}
	runner.Name = "linux-x"
	runner.Spec.Proxy = &Proxy{HTTP: &ProxyServer{URL: "http://proxy:3128"}}
	runner.Spec.ProxySecretRef = "linux-runner-proxy"
	runner.Spec.Pod.Containers = []corev1.Container{
		{Name: "runner", Env: []corev1.EnvVar{{Name: "MINE", Value: "1"}}},
		{Name: "dind"},
	}
	pod := manager.runnerPod(runner)
	names := namesOf(pod.Spec.Containers[0].Env)
	if !slices.Equal(names[:3], []string{"MINE", "ACTIONS_RUNNER_INPUT_JITCONFIG", "GITHUB_ACTIONS_RUNNER_EXTRA_USER_AGENT"}) {
		t.Errorf("%v", names)
	}
	if slices.Contains(names, "ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE") || !slices.Contains(names, "http_proxy") {
		t.Errorf("%v", names)
	}
	if len(pod.Spec.Containers[1].Env) != 0 || pod.Labels[runnerLabel] != "True" || pod.Labels[podTemplateHash] == "" {
		t.Errorf("%+v", pod)
	}
	if len(runner.Spec.Pod.Containers[0].Env) != 1 {
		t.Error("the template was changed too")
	}
}

func namesOf(env []corev1.EnvVar) []string {
	var names []string
	for _, variable := range env {
		names = append(names, variable.Name)
	}
	return names
}
