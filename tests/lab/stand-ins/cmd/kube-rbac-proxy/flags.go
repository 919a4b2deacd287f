package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"arc-setup/tests/lab/stand-ins/internal/release"
)

// settings are what the flags say, of what is modelled.
type settings struct {
	insecureListenAddress, secureListenAddress string
	upstream                                   string
	certFile, keyFile                          string
	kubeconfig                                 string
	allowPaths, ignorePaths                    []string
	audiences                                  []string
	verbosity                                  int
	// notModelled are flags that were given and have no code here.
	notModelled []string
}

// parse ends the process on an unknown flag with status 2, as pflag does for the original.
func parse(version release.Version, arguments []string) *settings {
	settings, err := parseFlags(version, arguments[1:], pflag.ExitOnError)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return settings
}

func parseFlags(version release.Version, arguments []string, handling pflag.ErrorHandling) (*settings, error) {
	var read settings
	set := pflag.NewFlagSet("kube-rbac-proxy", handling)
	addLogFlags(set, &read, version)

	set.StringVar(&read.insecureListenAddress, "insecure-listen-address", "", "plain address")
	set.StringVar(&read.secureListenAddress, "secure-listen-address", "", "TLS address")
	set.StringVar(&read.upstream, "upstream", "", "where allowed requests go")
	set.StringSliceVar(&read.allowPaths, "allow-paths", nil, "only these")
	set.StringSliceVar(&read.ignorePaths, "ignore-paths", nil, "these without asking")
	set.StringVar(&read.certFile, "tls-cert-file", "", "certificate")
	set.StringVar(&read.keyFile, "tls-private-key-file", "", "its key")
	set.StringSliceVar(&read.audiences, "auth-token-audiences", nil, "audiences of tokens")
	set.StringVar(&read.kubeconfig, "kubeconfig", "", "empty: in-cluster")

	notModelled := pflag.NewFlagSet("not modelled", pflag.ContinueOnError)
	notModelled.Bool("upstream-force-h2c", false, "")
	notModelled.String("upstream-ca-file", "", "")
	notModelled.String("config-file", "", "")
	notModelled.String("tls-min-version", "VersionTLS12", "")
	notModelled.StringSlice("tls-cipher-suites", nil, "")
	notModelled.Duration("tls-reload-interval", time.Minute, "")
	notModelled.String("client-ca-file", "", "")
	notModelled.Bool("auth-header-fields-enabled", false, "")
	notModelled.String("auth-header-user-field-name", "x-remote-user", "")
	notModelled.String("auth-header-groups-field-name", "x-remote-groups", "")
	notModelled.String("auth-header-groups-field-separator", "|", "")
	for _, name := range []string{"issuer", "clientID", "groups-claim", "username-claim", "groups-prefix", "ca-file"} {
		notModelled.String("oidc-"+name, "", "")
	}
	notModelled.StringArray("oidc-sign-alg", []string{"RS256"}, "")
	set.AddFlagSet(notModelled)

	if err := set.Parse(arguments); err != nil {
		return nil, err
	}
	notModelled.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed {
			read.notModelled = append(read.notModelled, flag.Name)
		}
	})
	return &read, nil
}

// addLogFlags adds what klog adds; the original hands its names with underscores on as they are.
func addLogFlags(set *pflag.FlagSet, read *settings, version release.Version) {
	names := []string{"add_dir_header", "alsologtostderr", "logtostderr", "skip_headers", "skip_log_headers"}
	if version.AtLeast(0, 9, 0) {
		names = append(names, "one_output")
	}
	for _, name := range names {
		set.Bool(name, name == "logtostderr", "klog")
	}
	for _, name := range []string{"log_backtrace_at", "log_dir", "log_file", "vmodule"} {
		set.String(name, "", "klog")
	}
	set.Uint64("log_file_max_size", 1800, "klog")
	set.Int("stderrthreshold", 2, "klog")
	set.IntVarP(&read.verbosity, "v", "v", 0, "klog")
}

// refuse names what the original would end on, and what the stand-in cannot do.
func (settings *settings) refuse() error {
	if len(settings.notModelled) > 0 {
		return fmt.Errorf("not modelled by the stand-in: %v", settings.notModelled)
	}
	if len(settings.allowPaths) > 0 && len(settings.ignorePaths) > 0 {
		return fmt.Errorf("cannot use --allow-paths and --ignore-paths together")
	}
	return nil
}
