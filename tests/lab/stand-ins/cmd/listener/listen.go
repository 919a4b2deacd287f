package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
)

const batchType = "RunnerScaleSetJobMessages"

// listen handles messages until the context ends; every error ends the listener, and its pod is made anew.
func listen(ctx context.Context, session *session, scaler *scaler, logger *slog.Logger) error {
	if err := scaler.scale(ctx, session.opened.Statistics.TotalAssignedJobs, 0); err != nil {
		return fmt.Errorf("handling initial message failed: %w", err)
	}
	last := int64(0)
	for ctx.Err() == nil {
		logger.Info("Getting next message", "lastMessageID", last)
		received, err := session.next(ctx, last, scaler.config.MaxRunners)
		if err != nil {
			return fmt.Errorf("failed to get message: %w", err)
		}
		if received == nil {
			if err := scaler.scale(ctx, 0, 0); err != nil {
				return fmt.Errorf("handling nil message failed: %w", err)
			}
			continue
		}
		// What was begun is finished even if the listener is told to end.
		if err := handle(context.WithoutCancel(ctx), session, scaler, received); err != nil {
			return fmt.Errorf("failed to handle message: %w", err)
		}
		last = received.ID
	}
	return ctx.Err()
}

func handle(ctx context.Context, session *session, scaler *scaler, received *batch) error {
	jobs, err := received.jobs()
	if err != nil {
		return fmt.Errorf("failed to parse message: %w", err)
	}
	if available := ids(jobs["JobAvailable"]); len(available) > 0 {
		if err := session.acquire(ctx, available); err != nil {
			return err
		}
	}
	if err := session.delete(ctx, received.ID); err != nil {
		return err
	}
	for _, started := range jobs["JobStarted"] {
		if err := scaler.started(ctx, started); err != nil {
			return fmt.Errorf("failed to handle job started: %w", err)
		}
	}
	return scaler.scale(ctx, received.Statistics.TotalAssignedJobs, len(jobs["JobCompleted"]))
}

// jobs gives the messages of a batch by their type.
func (received *batch) jobs() (map[string][]job, error) {
	if received.Type != batchType {
		return nil, fmt.Errorf("invalid message type: %s", received.Type)
	}
	if received.Statistics == nil {
		return nil, fmt.Errorf("invalid message: statistics is nil")
	}
	var messages []job
	if received.Body != "" {
		if err := json.Unmarshal([]byte(received.Body), &messages); err != nil {
			return nil, fmt.Errorf("failed to unmarshal batched messages: %w", err)
		}
	}
	byType := map[string][]job{}
	for _, message := range messages {
		byType[message.Type] = append(byType[message.Type], message)
	}
	return byType, nil
}

func ids(jobs []job) []int64 {
	var list []int64
	for _, job := range jobs {
		list = append(list, job.RunnerRequestID)
	}
	return list
}
