package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
)

func TestAJitConfigurationIsUnpackedAndHidden(t *testing.T) {
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	files, err := json.Marshal(map[string]string{
		".runner":      encode(`{"AgentId": 5, "AgentName": "linux-abc", "PoolId": 1, "Ephemeral": true, "ServerUrl": "https://github.corp/tenant/"}`),
		".credentials": encode(`{"Scheme": "OAuthAccessToken", "Data": {"Token": "t"}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	t.Setenv(jitVariable, encode(string(files)))
	loaded, err := loadIdentity(directory)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Runner.AgentID != 5 || loaded.bearer() != "Bearer t" || loaded.work(directory) != directory+"/_work" {
		t.Errorf("%+v", loaded)
	}
	want := "https://github.corp/tenant/_apis/distributedtask/pools/1/sessions?api-version=6.0-preview"
	if got := loaded.pool("sessions", nil); got != want {
		t.Error(got)
	}
	if again, err := loadIdentity(directory); err != nil || again.Runner.AgentName != "linux-abc" {
		t.Errorf("the files do not stand alone: %v", err)
	}
}

func TestWithoutAnIdentityItIsNotConfigured(t *testing.T) {
	t.Setenv(jitVariable, "")
	if _, err := loadIdentity(t.TempDir()); !errors.Is(err, errNotConfigured) {
		t.Error(err)
	}
}
