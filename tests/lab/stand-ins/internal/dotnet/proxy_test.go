package dotnet

import (
	"net/url"
	"testing"
)

func of(t *testing.T, noProxy, destination string) string {
	t.Helper()
	variables := map[string]string{"https_proxy": "http://proxy.corp:3128", "HTTP_PROXY": "plain.corp:8080", "no_proxy": noProxy}
	parsed, err := url.Parse(destination)
	if err != nil {
		t.Fatal(err)
	}
	chosen := ProxyFrom(func(name string) string { return variables[name] }).Of(parsed)
	if chosen == nil {
		return "direct"
	}
	return chosen.String()
}

func TestWhatIsDirect(t *testing.T) {
	const through, direct = "http://proxy.corp:3128", "direct"
	for _, each := range []struct{ noProxy, destination, want string }{
		{"", "https://github.corp/", through},
		{"", "http://github.corp/", "http://plain.corp:8080"},
		{"github.corp", "https://github.corp/", direct},
		{"corp", "https://github.corp/", direct},
		{"hub.corp", "https://github.corp/", through},
		{".corp", "https://github.corp/", direct},
		{".github.corp", "https://github.corp/", through},
		{"GitHub.Corp", "https://github.corp/", direct},
		{"github.corp:8443", "https://github.corp/", through},
		{"github.corp:443", "https://github.corp/", direct},
		{"github.corp:443", "http://github.corp/", "http://plain.corp:8080"},
		// Go would take these two, .NET does not.
		{"10.0.0.1", "https://10.0.0.1/", through},
		{"10.0.0.0/8", "https://10.0.0.1/", through},
		{"kubernetes.default.svc", "https://kubernetes.default.svc/", direct},
		{"*", "https://github.corp/", direct},
		{"*.corp", "https://github.corp/", through},
		{"", "https://127.0.0.1:6443/", direct},
		{"", "https://localhost/", direct},
	} {
		if got := of(t, each.noProxy, each.destination); got != each.want {
			t.Errorf("no_proxy=%q %s: %s, not %s", each.noProxy, each.destination, got, each.want)
		}
	}
}

func TestWithoutProxiesEverythingIsDirect(t *testing.T) {
	destination, _ := url.Parse("https://github.corp/")
	if chosen := ProxyFrom(func(string) string { return "" }).Of(destination); chosen != nil {
		t.Error(chosen)
	}
}
