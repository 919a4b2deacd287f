package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"arc-setup/tests/lab/stand-ins/internal/dotnet"
)

// report is what the runner found around itself.
type report struct {
	Name string `json:"name"`
	// Version is the runner's release.
	Version string `json:"version"`
	// Home is the directory of run.sh, Work that of jobs.
	Home      string            `json:"home"`
	Work      string            `json:"work"`
	Directory string            `json:"directory"`
	Ephemeral bool              `json:"ephemeral"`
	Env       map[string]string `json:"env"`
	Identity  processIdentity   `json:"identity"`
	Trust     trustStore        `json:"trust"`
	Mounts    []mount           `json:"mounts"`
	// Devices gives the device of a directory, `MAJOR:MINOR` and its mount: a move between two of them copies.
	Devices map[string]device `json:"devices"`
}

func makeReport(identity *identity, directory string, version dotnet.Release) report {
	current, _ := os.Getwd()
	work := identity.work(directory)
	return report{
		Name: identity.Runner.AgentName, Version: version.String(), Home: directory, Work: work, Directory: current, Ephemeral: identity.Runner.Ephemeral,
		Env: maskedEnvironment(os.Environ()), Identity: readProcess(), Trust: readTrust(os.Getenv, version),
		Mounts: readMounts(), Devices: readDevices(work, directory),
	}
}

// sendReport goes to the server that the runner belongs to, by the same way as everything else.
func sendReport(ctx context.Context, service *service, identity *identity, directory string) error {
	server, err := url.Parse(identity.Runner.GitHubURL)
	if err != nil {
		return err
	}
	server.Path, server.RawQuery = "/lab/reports", ""
	_, err = service.ask(ctx, "POST", server.String(), "", makeReport(identity, directory, service.version), nil)
	return err
}

// maskedEnvironment has every name, and every value that is no secret.
func maskedEnvironment(environment []string) map[string]string {
	masked := make(map[string]string, len(environment))
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		masked[name] = mask(name, value)
	}
	return masked
}

func mask(name, value string) string {
	upper := strings.ToUpper(name)
	for _, part := range []string{"TOKEN", "SECRET", "PASSWORD", "PRIVATE_KEY", "JITCONFIG"} {
		if strings.Contains(upper, part) && value != "" {
			return "***"
		}
	}
	if parsed, err := url.Parse(value); err == nil && parsed.User != nil {
		if _, has := parsed.User.Password(); has {
			// Written by hand: the stars would be escaped.
			scheme, rest, _ := strings.Cut(value, "://")
			return scheme + "://" + parsed.User.Username() + ":***" + rest[strings.LastIndex(rest, "@"):]
		}
	}
	return value
}

func readDevices(work, directory string) map[string]device {
	devices := map[string]device{}
	paths := []string{work, directory, "/tmp", filepath.Join(work, "_temp"), "/runnertmp"}
	if temporary := os.Getenv("TMPDIR"); temporary != "" {
		paths = append(paths, temporary)
	}
	for _, path := range paths {
		if found, err := deviceOf(path); err == nil {
			devices[path] = found
		}
	}
	return devices
}
