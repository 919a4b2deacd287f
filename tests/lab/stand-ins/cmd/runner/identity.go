package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The files that say who a runner is, in the directory that run.sh stands in.
const (
	runnerFile      = ".runner"
	credentialsFile = ".credentials"
)

const jitVariable = "ACTIONS_RUNNER_INPUT_JITCONFIG"

var errNotConfigured = errors.New("Not configured. Run config.(sh/cmd) to configure the runner.") //nolint:staticcheck // The original's words.

// identity is who the runner is and how it proves that.
type identity struct {
	Runner struct {
		AgentID    int64  `json:"AgentId"`
		AgentName  string `json:"AgentName"`
		PoolID     int64  `json:"PoolId"`
		PoolName   string `json:"PoolName"`
		Ephemeral  bool   `json:"Ephemeral"`
		ServerURL  string `json:"ServerUrl"`
		GitHubURL  string `json:"GitHubUrl"`
		WorkFolder string `json:"WorkFolder"`
	}
	Credentials struct {
		Scheme string `json:"Scheme"`
		Data   struct {
			Token string `json:"Token"`
		} `json:"Data"`
	}
}

// home is the directory above bin/.
func home() (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Dir(filepath.Dir(program)), nil
}

// loadIdentity reads the files of `directory`, after it has written those that a JIT configuration holds.
func loadIdentity(directory string) (*identity, error) {
	if encoded := os.Getenv(jitVariable); encoded != "" {
		if err := unpack(directory, encoded); err != nil {
			return nil, err
		}
		// Jobs must not see it.
		os.Unsetenv(jitVariable)
	}
	var loaded identity
	for file, into := range map[string]any{runnerFile: &loaded.Runner, credentialsFile: &loaded.Credentials} {
		content, err := os.ReadFile(filepath.Join(directory, file))
		if errors.Is(err, os.ErrNotExist) {
			return nil, errNotConfigured
		}
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(content, into); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return &loaded, nil
}

// unpack writes the files of a JIT configuration: names and contents in base64, the whole in base64 again.
func unpack(directory, encoded string) error {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return fmt.Errorf("%s is no base64: %w", jitVariable, err)
	}
	var files map[string]string
	if err := json.Unmarshal(text, &files); err != nil {
		return fmt.Errorf("%s holds no files: %w", jitVariable, err)
	}
	for name, content := range files {
		text, err := base64.StdEncoding.DecodeString(content)
		if err != nil {
			return fmt.Errorf("%s of %s is no base64: %w", name, jitVariable, err)
		}
		if err := os.WriteFile(filepath.Join(directory, filepath.Base(name)), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (identity *identity) store(directory string) error {
	for file, value := range map[string]any{runnerFile: identity.Runner, credentialsFile: identity.Credentials} {
		text, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(directory, file), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// work is the directory of jobs: `_work` beside run.sh where nothing else is said.
func (identity *identity) work(directory string) string {
	folder := identity.Runner.WorkFolder
	if folder == "" {
		folder = "_work"
	}
	if filepath.IsAbs(folder) {
		return folder
	}
	return filepath.Join(directory, folder)
}
