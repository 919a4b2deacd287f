// Package flags knows the command line of /manager, release by release. An unknown flag ends the process exactly as
// Go's flag package ends it, since it is Go's flag package.
package flags

import (
	"time"

	"arc-setup/tests/lab/stand-ins/internal/release"
)

// kind is what a flag's value is read as.
type kind int

const (
	text kind = iota
	boolean
	integer
	integer64
	duration
	// list is given once for each value.
	list
	// commaList is one value with commas, and may still be given again.
	commaList
)

// span says in which releases of one line a flag exists. No first release means never.
type span struct {
	since, before release.Version
}

var (
	never  = span{}
	always = since(0, 0, 1)
)

func since(major, minor, patch int) span {
	return span{since: release.Of(major, minor, patch)}
}

func (s span) until(major, minor, patch int) span {
	s.before = release.Of(major, minor, patch)
	return s
}

func (s span) holds(version release.Version) bool {
	var none release.Version
	if s.since == none || version.Before(s.since) {
		return false
	}
	return s.before == none || version.Before(s.before)
}

// row is a flag. Both lines of releases are one program: a scale-set release knows what the last legacy one knows.
type row struct {
	name             string
	kind             kind
	value            any
	legacy, scaleSet span
	usage            string
}

// table is facts/arc.md, sections 1.5 and 2.3, and the flags that controller-runtime adds by itself (--kubeconfig, and
// --master in its first versions). Where the facts name only a line (0.27.x), the stricter release stands here.
var table = []row{
	{"metrics-addr", text, ":8080", always, always, "address of the metrics"},
	{"enable-leader-election", boolean, false, always, always, "one active controller at a time"},
	{"leader-election-id", text, "actions-runner-controller", since(0, 20, 0), always, "name of the lock"},
	{"runner-image", text, "summerwind/actions-runner:latest", always, always, "image of runners that name none"},
	{"docker-image", text, "docker:dind", always, always, "image of the docker sidecar"},
	{"docker-gid", text, "1001", since(0, 27, 3), always, "group of the socket of the docker sidecar"},
	{"runner-image-pull-secret", list, nil, since(0, 21, 0), always, "pull secret of runners that name none"},
	{"docker-registry-mirror", text, "", since(0, 20, 0), always, "registry mirror of the docker sidecar"},
	{"github-token", text, "", always, always, "token for GitHub"},
	{"github-enterprise-url", text, "", since(0, 26, 0), always, "root of the GitHub Enterprise Server"},
	{"github-app-id", integer64, int64(0), always, always, "id of the GitHub App"},
	{"github-app-installation-id", integer64, int64(0), always, always, "id of the GitHub App's installation"},
	{"github-app-private-key", text, "", always, always, "path of the GitHub App's key"},
	{"github-url", text, "", since(0, 21, 0), always, "base of the API"},
	{"github-upload-url", text, "", since(0, 21, 0), always, "base of uploads"},
	{"github-basicauth-username", text, "", since(0, 21, 0), always, "account for a proxy of the API"},
	{"github-basicauth-password", text, "", since(0, 21, 0), always, "password for a proxy of the API"},
	{"runner-github-url", text, "", since(0, 21, 0), always, "URL that runners register against"},
	{"github-api-cache-duration", duration, time.Duration(0), since(0, 20, 0).until(0, 23, 0), never, "how long answers are kept"},
	{"runner-status-update-hook", boolean, false, since(0, 26, 0), always, "runners write their own status"},
	{"default-scale-down-delay", duration, 10 * time.Minute, since(0, 23, 0), always, "delay before scaling down"},
	{"port", integer, 9443, since(0, 24, 0), always, "port of the admission webhooks"},
	{"sync-period", duration, 10 * time.Minute, always.until(0, 24, 0), never, "time between two looks at everything"},
	{"sync-period", duration, time.Minute, since(0, 24, 0), always, "time between two looks at everything"},
	{"common-runner-labels", commaList, nil, always, always, "labels of every runner"},
	{"watch-namespace", text, "", always, always, "the namespace to watch; empty is all"},
	{"log-level", text, "debug", since(0, 20, 0), always, "debug, info, warn or error"},
	{"log-format", text, "text", since(0, 27, 0), always, "text or json"},
	{"auto-scaling-runner-set-only", boolean, false, since(0, 27, 0), always, "reconcile runner scale sets only"},
	{"auto-scaler-image-pull-secrets", list, nil, since(0, 27, 0), always, "pull secret of listeners"},
	{"watch-single-namespace", text, "", since(0, 27, 4), since(0, 4, 0), "watch this namespace and the controller's own"},
	{"update-strategy", text, "immediate", since(0, 27, 6), since(0, 5, 0).until(0, 14, 3), "immediate or eventual"},
	{"listener-metrics-addr", text, ":8080", since(0, 27, 6), since(0, 5, 0), "address of listeners' metrics"},
	{"listener-metrics-endpoint", text, "/metrics", since(0, 27, 6), since(0, 5, 0), "path of listeners' metrics"},
	{"exclude-label-propagation-prefix", list, nil, never, since(0, 9, 3), "labels that are not passed on"},
	{"runner-max-concurrent-reconciles", integer, 2, never, since(0, 10, 0), "workers of the runners' controller"},
	{"k8s-client-rate-limiter-qps", integer, 20, never, since(0, 10, 0), "requests a second"},
	{"k8s-client-rate-limiter-burst", integer, 30, never, since(0, 10, 0), "requests at once"},
	{"health-probe-bind-address", text, "", never, since(0, 14, 2), "address of /healthz and /readyz"},
	{"pprof-addr", text, "", never, since(0, 14, 2), "address of the profiles"},
	{"workqueue-rate-limiter", text, "bucket_rate_limiter", never, since(0, 14, 2), "how failures are delayed"},
	{"kubeconfig", text, "", always, always, "for use outside of a cluster"},
	{"master", text, "", always.until(0, 20, 0), never, "for use outside of a cluster"},
}

func (r row) exists(version release.Version) bool {
	if version.IsScaleSet() {
		return r.scaleSet.holds(version)
	}
	return r.legacy.holds(version)
}
