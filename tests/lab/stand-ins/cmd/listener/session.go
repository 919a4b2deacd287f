package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"arc-setup/tests/lab/stand-ins/internal/scaleset"
)

// The service keeps a session of a listener that is gone for a while.
const (
	conflictAttempts = 10
	conflictWait     = 30 * time.Second
)

const nobody = "00000000-0000-0000-0000-000000000000"

// statistics are what the number of runners is decided by.
type statistics struct {
	TotalAssignedJobs int `json:"totalAssignedJobs"`
}

// batch is one answer of the message queue; Body is a list of messages as JSON text.
type batch struct {
	ID         int64       `json:"messageId"`
	Type       string      `json:"messageType"`
	Body       string      `json:"body"`
	Statistics *statistics `json:"statistics"`
}

// job is a message about a job.
type job struct {
	Type            string `json:"messageType"`
	RunnerRequestID int64  `json:"runnerRequestId"`
	RunnerName      string `json:"runnerName"`
	JobID           string `json:"jobId"`
	OwnerName       string `json:"ownerName"`
	RepositoryName  string `json:"repositoryName"`
	JobDisplayName  string `json:"jobDisplayName"`
	JobWorkflowRef  string `json:"jobWorkflowRef"`
	WorkflowRunID   int64  `json:"workflowRunId"`
}

type session struct {
	client *scaleset.Client
	set    int
	opened struct {
		SessionID  string      `json:"sessionId"`
		Queue      string      `json:"messageQueueUrl"`
		Token      string      `json:"messageQueueAccessToken"`
		Statistics *statistics `json:"statistics"`
	}
}

func openSession(ctx context.Context, client *scaleset.Client, set int, owner string, logger *slog.Logger) (*session, error) {
	session := &session{client: client, set: set}
	body := map[string]string{"sessionId": nobody, "ownerName": owner}
	for attempt := 1; ; attempt++ {
		err := client.Call(ctx, http.MethodPost, session.path(""), body, http.StatusOK, &session.opened)
		if err == nil {
			break
		}
		var failure *scaleset.Failure
		if !errors.As(err, &failure) || failure.Status != http.StatusConflict {
			return nil, fmt.Errorf("failed to create session: %w", err)
		}
		if attempt == conflictAttempts {
			return nil, fmt.Errorf("failed to create session after %d retries: %w", attempt, err)
		}
		logger.Info("Unable to create message session. Will try again in 30 seconds", "error", err)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("context cancelled: %w", ctx.Err())
		case <-time.After(conflictWait):
		}
	}
	if session.opened.SessionID == "" || session.opened.SessionID == nobody {
		return nil, errors.New("the session has no id")
	}
	if session.opened.Statistics == nil {
		return nil, errors.New("session statistics is nil")
	}
	return session, nil
}

func (session *session) path(rest string) string {
	return fmt.Sprintf("_apis/runtime/runnerscalesets/%d/sessions%s", session.set, rest)
}

func (session *session) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return session.client.Call(ctx, http.MethodDelete, session.path("/"+session.opened.SessionID), nil, http.StatusNoContent, nil)
}

// refresh gets a new token for the queue.
func (session *session) refresh(ctx context.Context) error {
	path := session.path("/" + session.opened.SessionID)
	if err := session.client.Call(ctx, http.MethodPatch, path, nil, http.StatusOK, &session.opened); err != nil {
		return fmt.Errorf("refresh message session failed. %w", err)
	}
	return nil
}

// next waits for messages after `last`; nil where there were none for as long as the service holds its answer.
func (session *session) next(ctx context.Context, last int64, capacity int) (*batch, error) {
	for attempt := 1; ; attempt++ {
		address, err := url.Parse(session.opened.Queue)
		if err != nil {
			return nil, err
		}
		if last > 0 {
			query := address.Query()
			query.Set("lastMessageId", strconv.FormatInt(last, 10))
			address.RawQuery = query.Encode()
		}
		header := session.header()
		header.Set("Accept", "application/json; api-version=6.0-preview")
		header["X-ScaleSetMaxCapacity"] = []string{strconv.Itoa(capacity)}
		status, content, err := session.client.Ask(ctx, http.MethodGet, address.String(), header)
		switch {
		case err != nil:
			return nil, fmt.Errorf("failed to get next message: %w", err)
		case status == http.StatusAccepted:
			return nil, nil
		case status == http.StatusUnauthorized && attempt == 1:
			if err := session.refresh(ctx); err != nil {
				return nil, err
			}
		case status != http.StatusOK:
			return nil, fmt.Errorf("failed to get next message: %w", &scaleset.Failure{Status: status, Message: string(content)})
		default:
			var received batch
			if err := json.Unmarshal(content, &received); err != nil {
				return nil, fmt.Errorf("failed to decode message: %w", err)
			}
			return &received, nil
		}
	}
}

func (session *session) header() http.Header {
	return http.Header{"Authorization": {"Bearer " + session.opened.Token}}
}

func (session *session) delete(ctx context.Context, id int64) error {
	address, err := url.Parse(session.opened.Queue)
	if err != nil {
		return err
	}
	address = address.JoinPath(strconv.FormatInt(id, 10))
	err = session.client.Do(ctx, http.MethodDelete, address.String(), session.header(), nil, []int{http.StatusNoContent}, nil)
	if err != nil {
		return fmt.Errorf("failed to delete message: %w", err)
	}
	return nil
}

// acquire takes jobs that are available; it is asked with the queue's token.
func (session *session) acquire(ctx context.Context, ids []int64) error {
	path := fmt.Sprintf("_apis/runtime/runnerscalesets/%d/acquirejobs", session.set)
	var acquired struct {
		Value []int64 `json:"value"`
	}
	if err := session.client.CallWith(ctx, http.MethodPost, path, session.opened.Token, ids, http.StatusOK, &acquired); err != nil {
		return fmt.Errorf("failed to acquire jobs: %w", err)
	}
	return nil
}
