package flags

import (
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"arc-setup/tests/lab/stand-ins/internal/release"
)

func names(version release.Version) []string {
	var found []string
	options := New("manager", version, flag.ContinueOnError)
	options.set.VisitAll(func(one *flag.Flag) { found = append(found, one.Name) })
	return found
}

func TestTheFirstReleaseKnowsExactlyItsFlags(t *testing.T) {
	want := []string{
		"common-runner-labels", "docker-image", "enable-leader-election", "github-app-id", "github-app-installation-id",
		"github-app-private-key", "github-token", "kubeconfig", "master", "metrics-addr", "runner-image", "sync-period",
		"watch-namespace",
	}
	if got := names(release.Of(0, 18, 2)); !slices.Equal(got, want) {
		t.Errorf("0.18.2 has %v, not %v", got, want)
	}
}

func TestFlagsComeAndGoWithReleases(t *testing.T) {
	for _, one := range []struct {
		flag   string
		with   release.Version
		before release.Version
	}{
		{"docker-registry-mirror", release.Of(0, 20, 0), release.Of(0, 18, 2)},
		{"runner-image-pull-secret", release.Of(0, 21, 0), release.Of(0, 20, 4)},
		{"port", release.Of(0, 24, 0), release.Of(0, 23, 0)},
		{"log-format", release.Of(0, 27, 0), release.Of(0, 26, 0)},
		{"docker-gid", release.Of(0, 27, 3), release.Of(0, 27, 2)},
		{"github-api-cache-duration", release.Of(0, 20, 0), release.Of(0, 27, 6)},
		{"exclude-label-propagation-prefix", release.Of(0, 9, 3), release.Of(0, 9, 2)},
		{"runner-max-concurrent-reconciles", release.Of(0, 10, 0), release.Of(0, 9, 3)},
		{"runner-max-concurrent-reconciles", release.Of(0, 14, 2), release.Of(0, 27, 6)},
		{"health-probe-bind-address", release.Of(0, 14, 2), release.Of(0, 14, 1)},
		{"update-strategy", release.Of(0, 14, 2), release.Of(0, 14, 3)},
		{"docker-image", release.Of(0, 14, 2), release.Of(0, 0, 0)},
	} {
		if !slices.Contains(names(one.with), one.flag) {
			t.Errorf("%v lacks %s", one.with, one.flag)
		}
		if slices.Contains(names(one.before), one.flag) {
			t.Errorf("%v has %s", one.before, one.flag)
		}
	}
}

func TestValuesAndDefaults(t *testing.T) {
	options := New("manager", release.Of(0, 27, 6), flag.ContinueOnError)
	arguments := []string{"--enable-leader-election", "--runner-image-pull-secret=a", "--runner-image-pull-secret", "b", "--common-runner-labels=x,y"}
	if err := options.Parse(arguments); err != nil {
		t.Fatal(err)
	}
	if !options.Bool("enable-leader-election") || options.Int("port") != 9443 || options.Duration("sync-period") != time.Minute {
		t.Error("a value or default is wrong")
	}
	if got := options.Strings("runner-image-pull-secret"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("pull secrets are %v", got)
	}
	if got := options.Strings("common-runner-labels"); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("labels are %v", got)
	}
	if New("manager", release.Of(0, 18, 2), flag.ContinueOnError).Duration("sync-period") != 10*time.Minute {
		t.Error("0.18.2 looks every ten minutes")
	}
}

func TestAnUnknownFlagIsRefused(t *testing.T) {
	options := New("manager", release.Of(0, 18, 2), flag.ContinueOnError)
	options.set.SetOutput(io.Discard)
	err := options.Parse([]string{"--docker-gid=121"})
	if err == nil || !strings.Contains(err.Error(), "flag provided but not defined: -docker-gid") {
		t.Errorf("the error is %v", err)
	}
}

func TestAnUnknownFlagEndsTheProcessWithTwo(t *testing.T) {
	if os.Getenv("PARSE_AND_EXIT") == "yes" {
		_ = New("/manager", release.Of(0, 18, 2), flag.ExitOnError).Parse([]string{"--log-level=debug"})
		os.Exit(0)
	}
	command := exec.Command(os.Args[0], "-test.run=^TestAnUnknownFlagEndsTheProcessWithTwo$")
	command.Env = append(os.Environ(), "PARSE_AND_EXIT=yes")
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Fatalf("it ended with %v", err)
	}
	if !strings.Contains(string(output), "flag provided but not defined: -log-level\nUsage of /manager:") {
		t.Errorf("it said %s", output)
	}
}
