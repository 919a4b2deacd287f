package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// configuration is what config.sh is called with.
type configuration struct {
	url, token, name, labels, group, work string
	replace, ephemeral                    bool
}

func readConfiguration(arguments []string) (*configuration, error) {
	var read configuration
	set := flag.NewFlagSet("configure", flag.ContinueOnError)
	set.StringVar(&read.url, "url", "", "")
	set.StringVar(&read.token, "token", "", "")
	set.StringVar(&read.name, "name", "", "")
	set.StringVar(&read.labels, "labels", "", "")
	set.StringVar(&read.group, "runnergroup", "", "")
	set.StringVar(&read.work, "work", "_work", "")
	set.BoolVar(&read.replace, "replace", false, "")
	set.BoolVar(&read.ephemeral, "ephemeral", false, "")
	set.Bool("unattended", false, "")
	set.Bool("disableupdate", false, "")
	if err := set.Parse(arguments); err != nil {
		return nil, err
	}
	if read.url == "" || read.token == "" || read.name == "" {
		return nil, errors.New("--url, --token and --name must be given")
	}
	return &read, nil
}

// configure makes the runner known and writes who it is beside run.sh.
func configure(ctx context.Context, service *service, arguments []string) error {
	wanted, err := readConfiguration(arguments)
	if err != nil {
		return err
	}
	directory, err := home()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(directory, runnerFile)); err == nil {
		return errors.New("Cannot configure the runner because it is already configured") //nolint:staticcheck // The original's words.
	}
	registered, err := register(ctx, service, wanted)
	if err != nil {
		return err
	}
	if err := registered.store(directory); err != nil {
		return err
	}
	fmt.Println("√ Runner successfully added")
	return nil
}

func register(ctx context.Context, service *service, wanted *configuration) (*identity, error) {
	var tenant struct {
		URL   string `json:"url"`
		Token string `json:"token"`
	}
	address, err := registration(wanted.url)
	if err != nil {
		return nil, err
	}
	body := map[string]string{"url": strings.TrimRight(wanted.url, "/"), "runner_event": "register"}
	if _, err := service.ask(ctx, "POST", address, "RemoteAuth "+wanted.token, body, &tenant); err != nil {
		return nil, err
	}
	var made identity
	made.Runner.AgentName, made.Runner.PoolID, made.Runner.PoolName = wanted.name, 1, "Default"
	made.Runner.ServerURL, made.Runner.GitHubURL = tenant.URL, wanted.url
	made.Runner.WorkFolder, made.Runner.Ephemeral = wanted.work, wanted.ephemeral
	made.Credentials.Scheme, made.Credentials.Data.Token = "OAuthAccessToken", tenant.Token
	made.Runner.AgentID, err = made.enroll(ctx, service, wanted)
	return &made, err
}

// registration is where a registration token is traded.
func registration(configured string) (string, error) {
	parsed, err := url.Parse(configured)
	if err != nil {
		return "", err
	}
	if parsed.Host == "github.com" {
		return "https://api.github.com/actions/runner-registration", nil
	}
	return fmt.Sprintf("%s://%s/api/v3/actions/runner-registration", parsed.Scheme, parsed.Host), nil
}

// enroll gives the runner's id; one of that name is taken over where --replace says so.
func (identity *identity) enroll(ctx context.Context, service *service, wanted *configuration) (int64, error) {
	type agent struct {
		ID int64 `json:"id"`
	}
	var known struct {
		Value []agent `json:"value"`
	}
	byName := identity.pool("agents", url.Values{"agentName": {wanted.name}})
	if _, err := service.ask(ctx, "GET", byName, identity.bearer(), nil, &known); err != nil {
		return 0, err
	}
	var labels []map[string]string
	for _, label := range append([]string{"self-hosted", "Linux", "X64"}, strings.Split(wanted.labels, ",")...) {
		if label != "" {
			labels = append(labels, map[string]string{"name": label})
		}
	}
	body := map[string]any{"name": wanted.name, "labels": labels, "ephemeral": wanted.ephemeral, "version": service.version.String()}
	method, address := "POST", identity.pool("agents", nil)
	if len(known.Value) > 0 {
		if !wanted.replace {
			return 0, fmt.Errorf("A runner exists with the same name %s.", wanted.name) //nolint:staticcheck // The original's words.
		}
		method, address = "PUT", identity.pool(fmt.Sprintf("agents/%d", known.Value[0].ID), nil)
		body["id"] = known.Value[0].ID
	}
	var made agent
	_, err := service.ask(ctx, method, address, identity.bearer(), body, &made)
	return made.ID, err
}

// remove takes the runner off GitHub's list. The original asks for that with the token of --token; here its own will do.
func remove(ctx context.Context, service *service) error {
	directory, err := home()
	if err != nil {
		return err
	}
	identity, err := loadIdentity(directory)
	if err != nil {
		return err
	}
	address := identity.pool(fmt.Sprintf("agents/%d", identity.Runner.AgentID), nil)
	if _, err := service.ask(ctx, "DELETE", address, identity.bearer(), nil, nil); err != nil {
		return err
	}
	for _, file := range []string{runnerFile, credentialsFile} {
		if err := os.Remove(filepath.Join(directory, file)); err != nil {
			return err
		}
	}
	fmt.Println("√ Runner removed successfully")
	return nil
}
