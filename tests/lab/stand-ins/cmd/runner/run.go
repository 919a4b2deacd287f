package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// A session that another process of the same runner has left open is waited out.
const (
	conflictAttempts = 8
	conflictWait     = 2 * time.Second
	pause            = time.Second
)

// message is what a session is told.
type message struct {
	ID   int64  `json:"messageId"`
	Type string `json:"messageType"`
}

// run opens the runner's session and waits for jobs until it is ended, or its one job is over.
func run(ctx context.Context, service *service) error {
	directory, err := home()
	if err != nil {
		return err
	}
	identity, err := loadIdentity(directory)
	if err != nil {
		return err
	}
	work := identity.work(directory)
	if err := writable(work); err != nil {
		return fmt.Errorf("the work directory cannot be used: %w", err)
	}
	session, err := identity.openSession(ctx, service)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_, _ = service.ask(ctx, "DELETE", identity.pool("sessions/"+session, nil), identity.bearer(), nil, nil)
	}()
	fmt.Println("√ Connected to GitHub")
	if err := sendReport(ctx, service, identity, directory); err != nil {
		return fmt.Errorf("the report was not taken: %w", err)
	}
	fmt.Println("Listening for Jobs")
	return identity.listen(ctx, service, session)
}

func writable(work string) error {
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	probe, err := os.CreateTemp(work, ".probe")
	if err != nil {
		return err
	}
	probe.Close()
	return os.Remove(filepath.Clean(probe.Name()))
}

func (identity *identity) openSession(ctx context.Context, service *service) (string, error) {
	host, _ := os.Hostname()
	body := map[string]any{
		"ownerName": host,
		"agent":     map[string]any{"id": identity.Runner.AgentID, "name": identity.Runner.AgentName, "version": service.version.String()},
	}
	for attempt := 1; ; attempt++ {
		var opened struct {
			SessionID string `json:"sessionId"`
		}
		status, err := service.ask(ctx, "POST", identity.pool("sessions", nil), identity.bearer(), body, &opened)
		if err == nil {
			return opened.SessionID, nil
		}
		if status != http.StatusConflict || attempt == conflictAttempts {
			return "", err
		}
		fmt.Println("A session for this runner already exists.")
		if !wait(ctx, conflictWait) {
			return "", ctx.Err()
		}
	}
}

// listen is done when the context ends, or an ephemeral runner has had its job.
func (identity *identity) listen(ctx context.Context, service *service, session string) error {
	last := int64(0)
	for ctx.Err() == nil {
		query := url.Values{"sessionId": {session}, "lastMessageId": {fmt.Sprint(last)}}
		var next message
		_, err := service.ask(ctx, "GET", identity.pool("messages", query), identity.bearer(), nil, &next)
		var failure *serviceFailure
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &failure) && !failure.mayPass():
			return err
		case err != nil:
			fmt.Fprintf(os.Stderr, "Runner connect error: %v. Retrying until reconnected.\n", err)
			wait(ctx, pause)
		case next.Type == "RunnerJobRequest":
			last = next.ID
			if err := identity.finishJob(ctx, service, next.ID); err != nil {
				return err
			}
			if identity.Runner.Ephemeral {
				return nil
			}
		}
	}
	return nil
}

// finishJob is the job: over at once, and well.
func (identity *identity) finishJob(ctx context.Context, service *service, job int64) error {
	fmt.Printf("Running job: %d\n", job)
	address := identity.pool(fmt.Sprintf("jobrequests/%d", job), nil)
	_, err := service.ask(ctx, "PATCH", address, identity.bearer(), map[string]any{"requestId": job, "result": "succeeded"}, nil)
	if err == nil {
		fmt.Printf("Job %d completed with result: Succeeded\n", job)
	}
	return err
}

// wait is false where the context ended first.
func wait(ctx context.Context, duration time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(duration):
		return true
	}
}
