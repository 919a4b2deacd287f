// manager stands in for ARC's /manager: the release that /arc-version names, in legacy mode, or with
// --auto-scaling-runner-set-only in scale-set mode. What it models is said in facts of the packages that it uses:
// flags, leader, webhook, github, legacy, scaleset and controllers.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/klog/v2"

	"arc-setup/tests/lab/stand-ins/internal/flags"
	"arc-setup/tests/lab/stand-ins/internal/github"
	"arc-setup/tests/lab/stand-ins/internal/logging"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

func main() {
	// No original is new enough to read a first list from a watch: each needs the verb list.
	if err := os.Setenv("KUBE_FEATURE_WatchListClient", "false"); err != nil {
		fail("Error: %v", err)
	}
	version, err := release.Read()
	if err != nil {
		fail("Error: %v", err)
	}
	account, err := github.FromEnvironment(version, os.LookupEnv)
	if err != nil {
		fail("Error: processing environment variables: %v", err)
	}
	options := flags.New(os.Args[0], version, flag.ExitOnError)
	if err := options.Parse(os.Args[1:]); err != nil {
		fail("Error: %v", err)
	}
	log, err := logger(options)
	if err != nil {
		fail("Error: creating logger: %v", err)
	}
	klog.SetOutputBySeverity("INFO", os.Stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	manager := &manager{version: version, options: options, account: account.WithFlags(options), log: log}
	if err := manager.run(ctx); err != nil {
		os.Exit(1)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

// logger has the level and format of the flags; releases without such flags write everything as text.
func logger(options flags.Options) (logging.Logger, error) {
	level, format := options.String("log-level"), options.String("log-format")
	if !options.Has("log-level") {
		level = "debug"
	}
	if !options.Has("log-format") {
		format = "text"
	}
	return logging.New(level, format)
}
