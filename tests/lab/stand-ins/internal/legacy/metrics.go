package legacy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"arc-setup/tests/lab/stand-ins/internal/github"
)

// Metric is what an autoscaler asks GitHub.
type Metric struct {
	Type                string   `json:"type,omitempty"`
	RepositoryNames     []string `json:"repositoryNames,omitempty"`
	ScaleUpThreshold    string   `json:"scaleUpThreshold,omitempty"`
	ScaleDownThreshold  string   `json:"scaleDownThreshold,omitempty"`
	ScaleUpFactor       string   `json:"scaleUpFactor,omitempty"`
	ScaleDownFactor     string   `json:"scaleDownFactor,omitempty"`
	ScaleUpAdjustment   int      `json:"scaleUpAdjustment,omitempty"`
	ScaleDownAdjustment int      `json:"scaleDownAdjustment,omitempty"`
}

// Types of metrics.
const (
	queueMetric = "TotalNumberOfQueuedAndInProgressWorkflowRuns"
	busyMetric  = "PercentageRunnersBusy"
)

// suggestion is what the metrics ask for, or none. Releases before 0.23 take the queue where neither a metric nor a
// trigger is named. A second metric, which must be the queue behind the busy share, is asked where the first says 0.
func (manager *Manager) suggestion(ctx context.Context, autoscaler *Autoscaler, found *target) (*int, error) {
	metrics := autoscaler.Spec.Metrics
	if len(metrics) == 0 {
		if len(autoscaler.Spec.ScaleUpTriggers) > 0 || manager.since(0, 23, 0) {
			return nil, nil
		}
		metrics = []Metric{{Type: queueMetric}}
	}
	if len(metrics) > 2 {
		return nil, fmt.Errorf("too many autoscaling metrics configured: It must be 0 to 2, but got %d", len(metrics))
	}
	credentials := found.config.Credentials
	if credentials == nil {
		credentials = autoscaler.Spec.Credentials
	}
	client, err := manager.client(ctx, autoscaler.Namespace, credentials)
	if err != nil {
		return nil, err
	}
	suggested, err := manager.measure(ctx, client, metrics[0], found)
	if err != nil || suggested != nil && *suggested > 0 {
		return suggested, err
	}
	if len(metrics) == 1 {
		return nil, nil
	}
	if metrics[0].Type != busyMetric || metrics[1].Type != queueMetric {
		return nil, fmt.Errorf("invalid HRA Spec: Metrics[0] of %s cannot be combined with Metrics[1] of %s: The only allowed combination is 0=%s and 1=%s",
			metrics[0].Type, metrics[1].Type, busyMetric, queueMetric)
	}
	return manager.measure(ctx, client, metrics[1], found)
}

func (manager *Manager) measure(ctx context.Context, client *github.Client, metric Metric, found *target) (*int, error) {
	switch metric.Type {
	case queueMetric:
		return manager.queued(ctx, client, metric, found.config)
	case busyMetric:
		return manager.busy(ctx, client, metric, found)
	}
	return nil, fmt.Errorf("validating autoscaling metrics: unsupported metric type %q", metric.Type)
}

// queued counts the jobs, in the first releases the workflow runs, that wait or run.
func (manager *Manager) queued(ctx context.Context, client *github.Client, metric Metric, config Config) (*int, error) {
	repositories := []string{config.Repository}
	if config.Repository == "" {
		if config.Organization == "" {
			return nil, errors.New("asserting runner deployment spec to detect bug: spec.template.organization should not be empty on this code path")
		}
		if len(metric.RepositoryNames) == 0 {
			return nil, errors.New("validating autoscaling metrics: spec.autoscaling.metrics[].repositoryNames is required and must have one more more entries for organizational runner deployment") //nolint:dupword // The original's words.
		}
		repositories = nil
		for _, name := range metric.RepositoryNames {
			repositories = append(repositories, config.Organization+"/"+name)
		}
	}
	total := 0
	for _, repository := range repositories {
		for _, status := range []string{"queued", "in_progress"} {
			runs, err := client.Runs(ctx, repository, status)
			if err != nil {
				return nil, err
			}
			if !manager.since(0, 20, 0) {
				total += len(runs)
				continue
			}
			for _, run := range runs {
				jobs, err := client.Jobs(ctx, repository, run)
				if err != nil {
					return nil, err
				}
				total += ours(jobs, config.Labels)
			}
		}
	}
	return &total, nil
}

// ours counts the jobs for which the runner has every label.
func ours(jobs []github.Job, labels []string) int {
	count := 0
	for _, job := range jobs {
		fits := len(job.Labels) > 0
		for _, label := range job.Labels {
			fits = fits && (label == "self-hosted" || slices.Contains(labels, label))
		}
		if fits && (job.Status == "queued" || job.Status == "in_progress") {
			count++
		}
	}
	return count
}

// busy grows or shrinks by the share of runners that work.
func (manager *Manager) busy(ctx context.Context, client *github.Client, metric Metric, found *target) (*int, error) {
	up, err := number("scaleUpThreshold", metric.ScaleUpThreshold, 0.8)
	if err != nil {
		return nil, err
	}
	down, err := number("scaleDownThreshold", metric.ScaleDownThreshold, 0.3)
	if err != nil {
		return nil, err
	}
	grow, err := number("scaleUpFactor", metric.ScaleUpFactor, 1.3)
	if err != nil {
		return nil, err
	}
	shrink, err := number("scaleDownFactor", metric.ScaleDownFactor, 0.7)
	if err != nil {
		return nil, err
	}
	if metric.ScaleUpAdjustment != 0 && metric.ScaleUpFactor != "" || metric.ScaleDownAdjustment != 0 && metric.ScaleDownFactor != "" {
		return nil, errors.New("validating autoscaling metrics: spec.autoscaling.metrics[]: adjustment and factor cannot be specified together")
	}
	runners, err := client.Runners(ctx, found.config.Scope())
	if err != nil {
		return nil, err
	}
	working := 0
	for _, runner := range runners {
		if runner.Busy && strings.HasPrefix(runner.Name, found.name+"-") {
			working++
		}
	}
	desired := 1
	if found.replicas != nil {
		desired = *found.replicas
	}
	// With no runner this is no number, and none of the cases.
	share := float64(working) / float64(desired)
	switch {
	case share >= up && metric.ScaleUpAdjustment > 0:
		desired += metric.ScaleUpAdjustment
	case share >= up:
		desired = int(math.Ceil(float64(desired) * grow))
	case share < down && metric.ScaleDownAdjustment > 0:
		desired -= metric.ScaleDownAdjustment
	case share < down:
		desired = int(float64(desired) * shrink)
	}
	return &desired, nil
}

func number(field, text string, otherwise float64) (float64, error) {
	if strings.TrimSpace(text) == "" {
		return otherwise, nil
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("validating autoscaling metrics: spec.autoscaling.metrics[].%s cannot be parsed into a float64", field)
	}
	return value, nil
}
