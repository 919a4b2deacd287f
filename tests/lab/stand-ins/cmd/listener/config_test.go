package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// read writes a configuration that is good but for `changes`; a nil value takes a key away.
func read(t *testing.T, changes map[string]any) (*config, error) {
	t.Helper()
	values := map[string]any{
		"configure_url": "https://github.corp/acme", "github_token": "t", "runner_scale_set_id": 1,
		"ephemeral_runner_set_namespace": "runners", "ephemeral_runner_set_name": "linux-abc", "min_runners": 1, "max_runners": 3,
	}
	maps.Copy(values, changes)
	for key, value := range values {
		if value == nil {
			delete(values, key)
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return readConfig(path)
}

func TestWhatIsRefused(t *testing.T) {
	for _, each := range []struct {
		changes map[string]any
		want    string
	}{
		{map[string]any{"configure_url": nil}, "GitHubConfigUrl"},
		{map[string]any{"ephemeral_runner_set_name": nil}, "EphemeralRunnerSetName"},
		{map[string]any{"runner_scale_set_id": 0}, "RunnerScaleSetId"},
		{map[string]any{"min_runners": 4}, "cannot be greater"},
		{map[string]any{"github_token": nil}, "credential is missing"},
		{map[string]any{"github_app_id": "1", "github_app_private_key": "k"}, "only one GitHub auth method"},
		{map[string]any{"github_token": nil, "github_app_id": "1", "github_app_private_key": "k"}, "installation ID"},
		{map[string]any{"vault_type": "azure_key_vault"}, "not modelled"},
		{map[string]any{"config_url": "x"}, "unknown field"},
		{map[string]any{"max_runners": "3"}, "decode"},
	} {
		_, err := read(t, each.changes)
		if err == nil || !strings.Contains(err.Error(), each.want) {
			t.Errorf("%v: %v", each.changes, err)
		}
	}
}

func TestAGoodConfigurationIsRead(t *testing.T) {
	config, err := read(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if config.MaxRunners != 3 || config.RunnerScaleSetID != 1 {
		t.Errorf("%+v", config)
	}
}

func TestAnUnknownLogLevelIsRefused(t *testing.T) {
	config, err := read(t, map[string]any{"log_level": "loud"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.logger(); err == nil {
		t.Error("taken")
	}
}
