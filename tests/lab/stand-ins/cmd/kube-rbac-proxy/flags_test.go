package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"arc-setup/tests/lab/stand-ins/internal/release"
)

func TestUpstreamsOwnArgumentsAreTaken(t *testing.T) {
	arguments := []string{"--secure-listen-address=0.0.0.0:8443", "--upstream=http://127.0.0.1:8080/", "--logtostderr=true", "--v=10"}
	for _, version := range []release.Version{release.Of(0, 8, 0), release.Of(0, 13, 1)} {
		read, err := parseFlags(version, arguments, pflag.ContinueOnError)
		if err != nil {
			t.Fatalf("%v: %v", version, err)
		}
		if read.secureListenAddress != "0.0.0.0:8443" || read.upstream != "http://127.0.0.1:8080/" || read.verbosity != 10 {
			t.Errorf("%v: read %+v", version, read)
		}
		if err := read.refuse(); err != nil {
			t.Errorf("%v: %v", version, err)
		}
	}
}

func TestFlagsOfOtherReleasesEndIt(t *testing.T) {
	for _, flag := range []string{"--proxy-endpoints-port=8444", "--upstream-client-cert-file=x", "--metrics-addr=:8080", "--oidc-username-prefix=x"} {
		_, err := parseFlags(release.Of(0, 13, 1), []string{flag}, pflag.ContinueOnError)
		if err == nil || !strings.Contains(err.Error(), "unknown flag") {
			t.Errorf("%s: %v", flag, err)
		}
	}
	if _, err := parseFlags(release.Of(0, 8, 0), []string{"--one_output"}, pflag.ContinueOnError); err == nil {
		t.Error("0.8.0 knows no --one_output")
	}
}

func TestWhatIsNotModelledIsSaid(t *testing.T) {
	read, err := parseFlags(release.Of(0, 8, 0), []string{"--config-file=/config"}, pflag.ContinueOnError)
	if err != nil {
		t.Fatal(err)
	}
	if err := read.refuse(); err == nil || !strings.Contains(err.Error(), "config-file") {
		t.Errorf("%v", err)
	}
}
