package main

import (
	"os"
	"testing"

	"arc-setup/tests/lab/stand-ins/internal/dotnet"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

func TestSecretsAreMasked(t *testing.T) {
	for _, each := range []struct{ name, value, want string }{
		{"RUNNER_TOKEN", "abc", "***"},
		{"ACTIONS_RUNNER_INPUT_JITCONFIG", "abc", "***"},
		{"RUNNER_TOKEN", "", ""},
		{"https_proxy", "http://user:pa%40ss@proxy.corp:3128", "http://user:***@proxy.corp:3128"},
		{"https_proxy", "http://proxy.corp:3128", "http://proxy.corp:3128"},
		{"SSL_CERT_DIR", "/etc/ssl/certs:/etc/arc-setup/ca", "/etc/ssl/certs:/etc/arc-setup/ca"},
	} {
		if got := mask(each.name, each.value); got != each.want {
			t.Errorf("%s: %s", each.name, got)
		}
	}
}

func TestTheInnermostMountIsFound(t *testing.T) {
	mounts := []mount{{Path: "/"}, {Path: "/runner/_work"}, {Path: "/run"}}
	for path, want := range map[string]string{"/runner": "/", "/runner/_work/_tmp": "/runner/_work", "/runner/_work": "/runner/_work"} {
		if got := mountOf(path, mounts); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestTheReportKnowsWhereAPathIs(t *testing.T) {
	for _, path := range []string{"/proc", t.TempDir()} {
		found, err := deviceOf(path)
		if err != nil {
			t.Fatal(err)
		}
		// The kernel's own words for the same.
		for _, mount := range readMounts() {
			if mount.Path == found.Mount && mount.Device != found.Number {
				t.Errorf("%s: %+v, but the mount is %+v", path, found, mount)
			}
		}
	}
	devices := readDevices("/tmp", "/")
	if _, known := devices["/tmp"]; !known {
		t.Errorf("%v", devices)
	}
	identity := &identity{}
	identity.Runner.AgentName = "linux-abc"
	made := makeReport(identity, t.TempDir(), dotnet.Release{Version: release.Of(2, 335, 1)})
	if made.Name != "linux-abc" || made.Version != "2.335.1" || made.Identity.UID != os.Getuid() || len(made.Mounts) == 0 || made.Env["PATH"] == "" {
		t.Errorf("%+v", made)
	}
}
