// Package dotnet connects as GitHub's runner does, which is a .NET program: its own rules for proxies, and
// the trust of .NET on OpenSSL. Go's rules differ in both, so none of Go's are used.
package dotnet

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Proxy is what the runner reads from http_proxy, https_proxy and no_proxy.
type Proxy struct {
	http, https *url.URL
	bypass      []bypass
}

// bypass is one entry of no_proxy.
type bypass struct {
	host, port string
}

var address = regexp.MustCompile(`^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$`)

// ProxyFrom reads the environment: the lower-case name first, the upper-case one where that is empty.
func ProxyFrom(environment func(string) string) *Proxy {
	read := func(name string) string {
		if value := environment(name); value != "" {
			return value
		}
		return environment(strings.ToUpper(name))
	}
	proxy := &Proxy{http: proxyURL(read("http_proxy")), https: proxyURL(read("https_proxy"))}
	if proxy.http == nil && proxy.https == nil {
		return proxy
	}
	for _, entry := range strings.Split(read("no_proxy"), ",") {
		entry = strings.TrimSpace(entry)
		if entry == "*" {
			proxy.bypass = []bypass{{host: "*"}}
			break
		}
		host, port, _ := strings.Cut(entry, ":")
		// Addresses are thrown away; a network in CIDR form is no address to it, and matches no host.
		if host == "" || address.MatchString(host) {
			continue
		}
		proxy.bypass = append(proxy.bypass, bypass{host, port})
	}
	return proxy
}

// proxyURL is nil where the text is empty or no URL. Newer runners add the scheme where it is missing.
func proxyURL(text string) *url.URL {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
		text = "http://" + text
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" {
		return nil
	}
	return parsed
}

// Of is the proxy for a destination; nil is the direct way.
func (proxy *Proxy) Of(destination *url.URL) *url.URL {
	chosen := proxy.http
	if destination.Scheme == "https" {
		chosen = proxy.https
	}
	if chosen == nil || isLoopback(destination.Hostname()) || proxy.bypasses(destination) {
		return nil
	}
	return chosen
}

// ForRequest is Of in the form that a transport asks in.
func (proxy *Proxy) ForRequest(request *http.Request) (*url.URL, error) {
	return proxy.Of(request.URL), nil
}

func (proxy *Proxy) bypasses(destination *url.URL) bool {
	host, port := strings.ToLower(destination.Hostname()), destination.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[destination.Scheme]
	}
	for _, entry := range proxy.bypass {
		if entry.host == "*" {
			return true
		}
		name := strings.ToLower(entry.host)
		suffix := "." + strings.TrimPrefix(name, ".")
		isHost := strings.HasSuffix(host, suffix) || host == name
		if isHost && (entry.port == "" || entry.port == port) {
			return true
		}
	}
	return false
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "loopback" || host == "::1" || (strings.HasPrefix(host, "127.") && address.MatchString(host))
}
