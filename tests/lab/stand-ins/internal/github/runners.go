package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Scope is what a runner belongs to; exactly one of the three is set.
type Scope struct {
	Enterprise, Organization, Repository string
}

// Path is the scope's in the API.
func (scope Scope) Path() (string, error) {
	switch {
	case scope.Enterprise != "":
		return "enterprises/" + scope.Enterprise, nil
	case scope.Organization != "":
		return "orgs/" + scope.Organization, nil
	case strings.Count(scope.Repository, "/") == 1:
		return "repos/" + scope.Repository, nil
	case scope.Repository != "":
		return "", fmt.Errorf("invalid repository name: '%s'", scope.Repository)
	}
	return "", errors.New("enterprise, organization and repository are all empty")
}

// Runner is one that GitHub knows.
type Runner struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
	Busy   bool   `json:"busy"`
}

// RegistrationToken gives a token that registers runners of the scope. One is used again until shortly before it ends.
func (client *Client) RegistrationToken(ctx context.Context, scope Scope) (string, time.Time, error) {
	path, err := scope.Path()
	if err != nil {
		return "", time.Time{}, err
	}
	reserve := 3 * time.Minute
	if client.version.AtLeast(0, 27, 0) {
		reserve = 30 * time.Minute
	}
	client.mutex.Lock()
	known := client.registrations[path]
	client.mutex.Unlock()
	if time.Until(known.Expires) > reserve {
		return known.Token, known.Expires, nil
	}
	var made token
	status, err := client.ask(ctx, http.MethodPost, path+"/actions/runners/registration-token", &made)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("failed to create registration token: %w", err)
	}
	if status != http.StatusCreated {
		return "", time.Time{}, fmt.Errorf("unexpected status: %d", status)
	}
	client.mutex.Lock()
	defer client.mutex.Unlock()
	client.registrations[path] = made
	return made.Token, made.Expires, nil
}

// Runners lists the runners of a scope, all pages.
func (client *Client) Runners(ctx context.Context, scope Scope) ([]Runner, error) {
	path, err := scope.Path()
	if err != nil {
		return nil, err
	}
	const size = 100
	var all []Runner
	for page := 1; ; page++ {
		query := fmt.Sprintf("?per_page=%d", size)
		if page > 1 {
			query += fmt.Sprintf("&page=%d", page)
		}
		var list struct {
			Runners []Runner `json:"runners"`
		}
		if _, err := client.ask(ctx, http.MethodGet, path+"/actions/runners"+query, &list); err != nil {
			return nil, fmt.Errorf("failed to list runners: %w", err)
		}
		all = append(all, list.Runners...)
		if len(list.Runners) < size {
			return all, nil
		}
	}
}

// Find gives the runner of that name, or none.
func (client *Client) Find(ctx context.Context, scope Scope, name string) (*Runner, error) {
	runners, err := client.Runners(ctx, scope)
	if err != nil {
		return nil, err
	}
	for index := range runners {
		if runners[index].Name == name {
			return &runners[index], nil
		}
	}
	return nil, nil
}

// Remove takes a runner off the scope's list.
func (client *Client) Remove(ctx context.Context, scope Scope, id int64) error {
	path, err := scope.Path()
	if err != nil {
		return err
	}
	status, err := client.ask(ctx, http.MethodDelete, fmt.Sprintf("%s/actions/runners/%d", path, id), nil)
	if err != nil {
		return fmt.Errorf("failed to remove runner: %w", err)
	}
	if status != http.StatusNoContent {
		return fmt.Errorf("unexpected status: %d", status)
	}
	return nil
}

// Job is one of a workflow run.
type Job struct {
	Status string   `json:"status"`
	Labels []string `json:"labels"`
}

// Runs lists the ids of a repository's workflow runs in a status.
func (client *Client) Runs(ctx context.Context, repository, status string) ([]int64, error) {
	var list struct {
		Runs []struct {
			ID int64 `json:"id"`
		} `json:"workflow_runs"`
	}
	path := fmt.Sprintf("repos/%s/actions/runs?per_page=100&status=%s", repository, status)
	if _, err := client.ask(ctx, http.MethodGet, path, &list); err != nil {
		return nil, fmt.Errorf("failed to list workflow runs: %w", err)
	}
	var ids []int64
	for _, run := range list.Runs {
		ids = append(ids, run.ID)
	}
	return ids, nil
}

// Jobs lists the jobs of a workflow run.
func (client *Client) Jobs(ctx context.Context, repository string, run int64) ([]Job, error) {
	var list struct {
		Jobs []Job `json:"jobs"`
	}
	path := fmt.Sprintf("repos/%s/actions/runs/%d/jobs?per_page=50", repository, run)
	_, err := client.ask(ctx, http.MethodGet, path, &list)
	return list.Jobs, err
}
