package main

import "testing"

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
