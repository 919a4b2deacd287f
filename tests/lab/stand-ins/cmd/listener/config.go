package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"arc-setup/tests/lab/stand-ins/internal/release"
	"arc-setup/tests/lab/stand-ins/internal/scaleset"
)

// config is /etc/gha-listener/config.json. The controller of another release writes other keys: they are refused.
type config struct {
	ConfigureURL                string          `json:"configure_url"`
	AppID                       string          `json:"github_app_id"`
	AppInstallationID           int64           `json:"github_app_installation_id"`
	AppPrivateKey               string          `json:"github_app_private_key"`
	Token                       string          `json:"github_token"`
	EphemeralRunnerSetNamespace string          `json:"ephemeral_runner_set_namespace"`
	EphemeralRunnerSetName      string          `json:"ephemeral_runner_set_name"`
	MaxRunners                  int             `json:"max_runners"`
	MinRunners                  int             `json:"min_runners"`
	RunnerScaleSetID            int             `json:"runner_scale_set_id"`
	RunnerScaleSetName          string          `json:"runner_scale_set_name"`
	ServerRootCA                string          `json:"server_root_ca"`
	LogLevel                    string          `json:"log_level"`
	LogFormat                   string          `json:"log_format"`
	MetricsAddr                 string          `json:"metrics_addr"`
	MetricsEndpoint             string          `json:"metrics_endpoint"`
	Metrics                     json.RawMessage `json:"metrics"`
	VaultType                   string          `json:"vault_type"`
	VaultLookupKey              string          `json:"vault_lookup_key"`
	AzureKeyVault               json.RawMessage `json:"azure_key_vault"`
}

func readConfig(path string) (*config, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var read config
	decoder := json.NewDecoder(bytes.NewReader(content))
	// Stricter than the original, which passes unknown keys over: a misspelt one would pass unseen.
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return nil, fmt.Errorf("failed to decode config: %w", err)
	}
	if err := read.validate(); err != nil {
		return nil, fmt.Errorf("failed to validate config: %w", err)
	}
	return &read, nil
}

func (config *config) validate() error {
	hasToken, hasApp := config.Token != "", config.AppID != "" && config.AppPrivateKey != ""
	switch {
	case config.VaultType != "":
		return errors.New("vaults are not modelled by the stand-in")
	case config.ConfigureURL == "":
		return errors.New("GitHubConfigUrl is not provided")
	case config.EphemeralRunnerSetNamespace == "" || config.EphemeralRunnerSetName == "":
		return fmt.Errorf("EphemeralRunnerSetNamespace %q or EphemeralRunnerSetName %q is missing", config.EphemeralRunnerSetNamespace, config.EphemeralRunnerSetName)
	case config.RunnerScaleSetID == 0:
		return errors.New(`RunnerScaleSetId "0" is missing`)
	case config.MaxRunners < config.MinRunners:
		return fmt.Errorf(`MinRunners "%d" cannot be greater than MaxRunners "%d"`, config.MinRunners, config.MaxRunners)
	case !hasToken && !hasApp:
		return errors.New("GitHub auth credential is missing")
	case hasToken && hasApp:
		return errors.New("only one GitHub auth method supported at a time")
	case hasApp && config.AppInstallationID == 0:
		return errors.New("app installation ID is required")
	}
	return nil
}

func (config *config) logger() (*slog.Logger, error) {
	levels := map[string]slog.Level{"": slog.LevelDebug, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, known := levels[strings.ToLower(config.LogLevel)]
	if !known {
		return nil, fmt.Errorf("invalid log level: %q", config.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch config.LogFormat {
	case "", "text":
		return slog.New(slog.NewTextHandler(os.Stderr, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), nil
	}
	return nil, fmt.Errorf("invalid log format: %q", config.LogFormat)
}

// client trusts the system's pool and what server_root_ca adds, and goes by the environment's proxies.
func (config *config) client() (*scaleset.Client, error) {
	version, err := release.Read()
	if err != nil {
		return nil, err
	}
	settings := scaleset.Settings{Subsystem: "ghalistener", Version: version.String(), ScaleSetID: config.RunnerScaleSetID}
	proxy := httpproxy.FromEnvironment().ProxyFunc()
	settings.Proxy = func(request *http.Request) (*url.URL, error) { return proxy(request.URL) }
	if config.ServerRootCA != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("failed to load system cert pool: %w", err)
		}
		if !pool.AppendCertsFromPEM([]byte(config.ServerRootCA)) {
			return nil, errors.New("failed to parse root certificate")
		}
		settings.RootCAs = pool
	}
	credentials := scaleset.Credentials{Token: config.Token}
	if config.Token == "" {
		credentials.App = &scaleset.App{ID: config.AppID, InstallationID: config.AppInstallationID, PrivateKey: config.AppPrivateKey}
	}
	return scaleset.New(config.ConfigureURL, credentials, settings)
}
