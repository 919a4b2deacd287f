// Package scaleset is a client of GitHub's scale-set service, as controllers and listeners of the
// scale-set line are: it trades credentials for a registration token and that for the service's address.
package scaleset

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// Address is a githubConfigUrl taken apart.
type Address struct {
	// URL is what was configured, without a trailing slash.
	URL *url.URL
	// Scope is the path of its API: `orgs/acme`, `repos/acme/app`, `enterprises/acme`.
	Scope string
}

// ParseAddress reads a githubConfigUrl.
func ParseAddress(text string) (*Address, error) {
	parsed, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil {
		return nil, err
	}
	if parsed.Scheme == "" || parsed.Host == "" {
		return nil, fmt.Errorf("githubConfigUrl %q has no scheme or no host", text)
	}
	parts := strings.Split(strings.Trim(parsed.Path, "/"), "/")
	address := &Address{URL: parsed}
	switch {
	case len(parts) == 1 && parts[0] != "":
		address.Scope = "orgs/" + parts[0]
	case len(parts) == 2 && parts[0] == "enterprises":
		address.Scope = "enterprises/" + parts[1]
	case len(parts) == 2:
		address.Scope = "repos/" + parts[0] + "/" + parts[1]
	default:
		return nil, errors.New("githubConfigUrl must name an organization, a repository or an enterprise")
	}
	return address, nil
}

// isHosted is true for github.com and its companies' own domains.
func (address *Address) isHosted() bool {
	if os.Getenv("GITHUB_ACTIONS_FORCE_GHES") != "" {
		return false
	}
	host := address.URL.Hostname()
	return host == "github.com" || host == "www.github.com" || host == "github.localhost" || strings.HasSuffix(host, ".ghe.com")
}

// API is the address of a call of the REST API; path has a leading slash.
func (address *Address) API(path string) string {
	base := *address.URL
	base.RawQuery = ""
	if address.isHosted() {
		base.Host = "api." + strings.TrimPrefix(base.Host, "www.")
		base.Path = path
	} else {
		base.Path = "/api/v3" + path
	}
	return base.String()
}
