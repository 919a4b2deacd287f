package legacy

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"arc-setup/tests/lab/stand-ins/internal/flags"
	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

var write = flag.Bool("write", false, "write the expected pods anew")

// read decodes a Runner as the release does.
func read(t *testing.T, version release.Version, text string) *Runner {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	Forget(version)(kube.Runners, object)
	content, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var runner Runner
	if err := json.Unmarshal(content, &runner); err != nil {
		t.Fatal(err)
	}
	runner.Status.Registration.Token = "TOKEN"
	return &runner
}

func defaults(t *testing.T, version release.Version, arguments ...string) Defaults {
	t.Helper()
	options := flags.New("manager", version, flag.ContinueOnError)
	if err := options.Parse(arguments); err != nil {
		t.Fatal(err)
	}
	return DefaultsOf(version, options)
}

const plain = `
metadata: {name: one, namespace: runners, labels: {team: a}}
spec:
  repository: acme/app
  labels: [big, fast]
  image: mirror/runner:v2-ubuntu-22.04
  dockerVolumeMounts: [{name: ca, mountPath: /etc/docker/certs.d}]
  dockerEnv: [{name: HTTPS_PROXY, value: "http://proxy"}]
  env: [{name: MINE, value: "1"}]
  volumes: [{name: ca, configMap: {name: ca}}]
  securityContext: {fsGroup: 1000, seccompProfile: {type: RuntimeDefault}}
`

func TestPods(t *testing.T) {
	for _, one := range []struct {
		name, runner string
		version      release.Version
		arguments    []string
	}{
		{"0.18.2", plain, release.Of(0, 18, 2), []string{"--docker-image=mirror/docker:1"}},
		{"0.20.4", plain, release.Of(0, 20, 4), []string{"--docker-image=mirror/docker:1"}},
		{"0.27.6", plain, release.Of(0, 27, 6), []string{"--docker-image=mirror/docker:1", "--runner-image-pull-secret=pull"}},
	} {
		runner := read(t, one.version, one.runner)
		pod, err := runnerPod(runner, "https://ghes.corp/", defaults(t, one.version, one.arguments...))
		if err != nil {
			t.Fatal(err)
		}
		pod.Labels[podTemplateHash] = "HASH"
		content, err := yaml.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "pod-"+one.name+".yaml")
		if *write {
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var got, want any
		expected, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_ = yaml.Unmarshal(content, &got)
		_ = yaml.Unmarshal(expected, &want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the pod of %s is not the expected one:\n%s", one.name, content)
		}
	}
}

func TestContainersReplaceEverythingInTheFirstRelease(t *testing.T) {
	version := release.Of(0, 18, 2)
	runner := read(t, version, `
metadata: {name: one}
spec:
  organization: acme
  containers: [{name: runner, image: a, env: [{name: FIRST, value: x}]}, {name: docker, image: b}]`)
	pod := firstPod(runner, "https://ghes.corp/", defaults(t, version))
	main, docker := pod.Spec.Containers[0], pod.Spec.Containers[1]
	if main.Env[0].Name != "FIRST" || main.Env[1].Name != "RUNNER_NAME" || hasVariable(main.Env, "DOCKER_HOST") {
		t.Errorf("the runner's variables are %v", main.Env)
	}
	if docker.SecurityContext != nil || len(docker.Env) > 0 {
		t.Errorf("the docker container was completed: %+v", docker)
	}
}

func TestTheSocketsGroupIsGuessedFromTheImagesName(t *testing.T) {
	defaults := Defaults{DockerGroup: "7"}
	for image, want := range map[string]string{"r:v2-ubuntu-22.04": "121", "r:v2-ubuntu-20.04": "1001", "r:mine": "7"} {
		if got := dockerGroup(image, defaults); got != want {
			t.Errorf("%s gets %s", image, got)
		}
	}
}

func TestASharedRunnerVolumeCannotBeTakenAway(t *testing.T) {
	version := release.Of(0, 27, 6)
	runner := read(t, version, `{metadata: {name: one}, spec: {organization: acme, volumeSizeLimit: "0"}}`)
	if _, err := runnerPod(runner, "", defaults(t, version)); err == nil || !strings.Contains(err.Error(), "can't be disabled") {
		t.Errorf("the error is %v", err)
	}
}

func TestExactlyOneScope(t *testing.T) {
	for _, one := range []struct {
		config Config
		fine   bool
	}{
		{Config{}, false}, {Config{Organization: "a"}, true}, {Config{Enterprise: "e"}, true},
		{Config{Repository: "a/b", Organization: "a"}, false},
	} {
		if got := refusal(one.config) == ""; got != one.fine {
			t.Errorf("%+v: %v", one.config, got)
		}
	}
}
