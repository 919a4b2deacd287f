package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"

	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

var (
	sets    = schema.GroupVersionResource{Group: "actions.github.com", Version: "v1alpha1", Resource: "ephemeralrunnersets"}
	runners = schema.GroupVersionResource{Group: "actions.github.com", Version: "v1alpha1", Resource: "ephemeralrunners"}
)

// scaler only ever patches: that is all its Role allows, and of one set only.
type scaler struct {
	client   dynamic.Interface
	config   *config
	logger   *slog.Logger
	sequence int
	last     int
}

// scale says how many runners there shall be for so many assigned jobs.
func (scaler *scaler) scale(ctx context.Context, assigned, completed int) error {
	replicas, id := scaler.decide(assigned, completed)
	patch := fmt.Sprintf(`{"spec":{"patchID":%d,"replicas":%d}}`, id, replicas)
	scaler.logger.Info("Calculated target runner count", "assigned job", assigned, "decision", replicas, "min", scaler.config.MinRunners, "max", scaler.config.MaxRunners, "patch", id)
	set := scaler.client.Resource(sets).Namespace(scaler.config.EphemeralRunnerSetNamespace)
	_, err := set.Patch(ctx, scaler.config.EphemeralRunnerSetName, types.MergePatchType, []byte(patch), meta.PatchOptions{})
	if err != nil {
		return fmt.Errorf("could not patch ephemeral runner set, patch JSON: %s, error: %w", patch, err)
	}
	return nil
}

// decide also gives the patch's number. An empty batch keeps what was; if that is the minimum, number 0 lets the
// controller put everything right that has gone astray.
func (scaler *scaler) decide(assigned, completed int) (replicas, id int) {
	if scaler.sequence == math.MaxInt32 {
		scaler.sequence = 0
	}
	scaler.sequence++
	id = scaler.sequence
	replicas = min(scaler.config.MinRunners+assigned, scaler.config.MaxRunners)
	if assigned == 0 && completed == 0 {
		replicas = max(scaler.last, replicas)
		if replicas == scaler.config.MinRunners {
			id = 0
		}
	}
	scaler.last = replicas
	return replicas, id
}

// started tells the controller that a runner is busy, so that it is not taken away. A runner that is gone is none of its business.
func (scaler *scaler) started(ctx context.Context, started job) error {
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"jobRequestId": started.RunnerRequestID, "jobId": started.JobID, "workflowRunId": started.WorkflowRunID,
		"jobRepositoryName": started.OwnerName + "/" + started.RepositoryName,
		"jobWorkflowRef":    started.JobWorkflowRef, "jobDisplayName": started.JobDisplayName,
	}})
	if err != nil {
		return err
	}
	runner := scaler.client.Resource(runners).Namespace(scaler.config.EphemeralRunnerSetNamespace)
	_, err = runner.Patch(ctx, started.RunnerName, types.MergePatchType, patch, meta.PatchOptions{}, "status")
	if errors.IsNotFound(err) {
		scaler.logger.Info("Ephemeral runner not found, skipping patching of ephemeral runner status", "runnerName", started.RunnerName)
		return nil
	}
	if err != nil {
		return fmt.Errorf("could not patch ephemeral runner status, patch JSON: %s, error: %w", patch, err)
	}
	return nil
}
