// runner stands in for bin/Runner.Listener of GitHub's runner: `configure` makes it known with a registration
// token, `remove` takes it off again, `run` opens its session, tells the stand-in GitHub what it found around itself, and waits for jobs.
//
// It connects by .NET's rules (package dotnet). A job is over at once and well: what a job's programs can reach is
// for the proofs to try in the pod. Not modelled: the RSA key that the original trades for its token, updates, job logs, groups.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// The original's exit codes: run-helper.sh and run.sh decide by them.
const (
	exitDone       = 0
	exitTerminated = 1
	exitRetryable  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command(ctx, os.Args[1:])
	var failure *serviceFailure
	switch {
	case err == nil:
		os.Exit(exitDone)
	case errors.As(err, &failure) && !failure.mayPass():
		fmt.Fprintf(os.Stderr, "An error occurred: %v\n", err)
		os.Exit(exitTerminated)
	case errors.Is(err, errNotConfigured):
		fmt.Fprintf(os.Stderr, "An error occurred: %v\n", err)
		os.Exit(exitTerminated)
	default:
		fmt.Fprintf(os.Stderr, "An error occurred: %v\n", err)
		os.Exit(exitRetryable)
	}
}

func command(ctx context.Context, arguments []string) error {
	if len(arguments) == 0 {
		return errors.New("neither configure nor run")
	}
	service, err := newService(os.Getenv)
	if err != nil {
		return err
	}
	switch arguments[0] {
	case "configure":
		return configure(ctx, service, arguments[1:])
	case "remove":
		return remove(ctx, service)
	case "run":
		return run(ctx, service)
	default:
		return fmt.Errorf("unrecognized command-line input: %s", arguments[0])
	}
}
