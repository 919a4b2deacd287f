package dotnet

import (
	"crypto/tls"
	"net/http"
	"time"

	"arc-setup/tests/lab/stand-ins/internal/release"
)

// Release is that of the runner, which brings its .NET with it.
type Release struct {
	release.Version
}

// partsFolders is true for .NET 8, which the runner has had since this release.
func (version Release) partsFolders() bool {
	return version.AtLeast(2, 321, 0)
}

// Client connects as the runner does, with what the environment says.
//
// Not modelled: .NET offers its proxy credentials only after a 407, on which squid's log has a line more.
func Client(environment func(string) string, release Release) *http.Client {
	configuration := LoadTrust(environment, release).TLS()
	if environment("GITHUB_ACTIONS_RUNNER_TLS_NO_VERIFY") == "1" {
		configuration = &tls.Config{InsecureSkipVerify: true}
	}
	transport := &http.Transport{
		Proxy:               ProxyFrom(environment).ForRequest,
		TLSClientConfig:     configuration,
		TLSHandshakeTimeout: 10 * time.Second,
	}
	return &http.Client{Transport: transport, Timeout: 100 * time.Second}
}
