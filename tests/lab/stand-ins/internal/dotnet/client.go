package dotnet

import (
	"crypto/tls"
	"net/http"
	"time"
)

// Client connects as the runner does, with what the environment says.
//
// Not modelled: .NET offers its proxy credentials only after a 407, on which squid's log has a line more.
func Client(environment func(string) string) *http.Client {
	configuration := LoadTrust(environment).TLS()
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
