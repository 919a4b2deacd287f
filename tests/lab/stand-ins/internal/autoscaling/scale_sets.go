package autoscaling

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"arc-setup/tests/lab/stand-ins/internal/scaleset"
)

const setsPath = "_apis/runtime/runnerscalesets"

// scaleSet is a runner scale set as the service describes it.
type scaleSet struct {
	ID        int             `json:"id,omitempty"`
	Name      string          `json:"name"`
	GroupID   int             `json:"runnerGroupId"`
	GroupName string          `json:"runnerGroupName,omitempty"`
	Labels    []scaleSetLabel `json:"labels,omitempty"`
	Setting   struct {
		DisableUpdate bool `json:"disableUpdate"`
	} `json:"RunnerSetting"`
}

type scaleSetLabel struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// groupOf is the number of a runner group; the default one has 1 and is not asked for.
func groupOf(ctx context.Context, client *scaleset.Client, name string) (int, error) {
	if name == "" {
		return 1, nil
	}
	var found struct {
		Count int `json:"count"`
		Value []struct {
			ID int `json:"id"`
		} `json:"value"`
	}
	path := "_apis/runtime/runnergroups/?groupName=" + url.QueryEscape(name)
	if err := client.Call(ctx, http.MethodGet, path, nil, http.StatusOK, &found); err != nil {
		return 0, err
	}
	if len(found.Value) != 1 {
		return 0, fmt.Errorf("no runner group found with name %q", name)
	}
	return found.Value[0].ID, nil
}

// registered finds a scale set by name, or makes it.
func registered(ctx context.Context, client *scaleset.Client, group int, name string, labels []string) (*scaleSet, error) {
	var found struct {
		Value []scaleSet `json:"value"`
	}
	path := fmt.Sprintf("%s?runnerGroupId=%d&name=%s", setsPath, group, url.QueryEscape(name))
	if err := client.Call(ctx, http.MethodGet, path, nil, http.StatusOK, &found); err != nil {
		return nil, err
	}
	switch len(found.Value) {
	case 0:
	case 1:
		return &found.Value[0], nil
	default:
		return nil, fmt.Errorf("multiple runner scale sets found with name %q", name)
	}
	wanted := scaleSet{Name: name, GroupID: group, Labels: []scaleSetLabel{{"System", name}}}
	for _, label := range labels {
		wanted.Labels = append(wanted.Labels, scaleSetLabel{"System", label})
	}
	wanted.Setting.DisableUpdate = true
	var made scaleSet
	if err := client.Call(ctx, http.MethodPost, setsPath, wanted, http.StatusOK, &made); err != nil {
		return nil, err
	}
	if made.ID <= 0 {
		return nil, errors.New("the service gave the runner scale set no id")
	}
	return &made, nil
}

// jitConfig lets a runner register without a token.
type jitConfig struct {
	Runner struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	} `json:"runner"`
	Encoded string `json:"encodedJITConfig"`
}

// generate makes the configuration of a runner, and the runner known. One of that name that is left over, and works at
// nothing, is removed first.
func generate(ctx context.Context, client *scaleset.Client, set int, name string) (*jitConfig, error) {
	path := fmt.Sprintf("%s/%d/generatejitconfig", setsPath, set)
	body := map[string]string{"name": name, "workFolder": ""}
	var made jitConfig
	err := client.Call(ctx, http.MethodPost, path, body, http.StatusOK, &made)
	if !isKind(err, "AgentExistsException") {
		return &made, err
	}
	var found struct {
		Value []struct {
			ID    int `json:"id"`
			SetID int `json:"runnerScaleSetId"`
		} `json:"value"`
	}
	agents := "_apis/distributedtask/pools/0/agents?agentName=" + url.QueryEscape(name)
	if err := client.Call(ctx, http.MethodGet, agents, nil, http.StatusOK, &found); err != nil {
		return nil, fmt.Errorf("failed to get runner by name: %w", err)
	}
	for _, one := range found.Value {
		if one.SetID != set {
			return nil, fmt.Errorf("runner with the same name doesn't belong to this RunnerScaleSet: %w", err)
		}
		if err := removeRunner(ctx, client, one.ID); err != nil {
			return nil, fmt.Errorf("failed to remove runner from the service: %w", err)
		}
	}
	return nil, errors.New("removed an existing runner with the same name")
}

func agentPath(id int) string {
	return fmt.Sprintf("_apis/distributedtask/pools/0/agents/%d", id)
}

// isRegistered asks whether the service still knows a runner.
func isRegistered(ctx context.Context, client *scaleset.Client, id int) (bool, error) {
	err := client.Call(ctx, http.MethodGet, agentPath(id), nil, http.StatusOK, nil)
	if isKind(err, "AgentNotFoundException") {
		return false, nil
	}
	return err == nil, err
}

// removeRunner takes a runner off the service's list; one that is gone already is well.
func removeRunner(ctx context.Context, client *scaleset.Client, id int) error {
	err := client.Call(ctx, http.MethodDelete, agentPath(id), nil, http.StatusNoContent, nil)
	if isKind(err, "AgentNotFoundException") {
		return nil
	}
	return err
}

func isKind(err error, kind string) bool {
	var failure *scaleset.Failure
	return errors.As(err, &failure) && failure.Kind == kind
}
