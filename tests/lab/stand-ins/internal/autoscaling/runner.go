package autoscaling

import (
	"context"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// backoff is how long a runner waits after so many failures of its pod; after more of them it is given up.
var backoff = []time.Duration{0, 5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second}

// deprecatedExit is what a runner ends with whose release GitHub no longer takes.
const deprecatedExit = 7

func (manager *Manager) reconcileRunner(ctx context.Context, key types.NamespacedName) (kube.Result, error) {
	log := manager.log(kube.EphemeralRunners, key)
	var runner Runner
	if err := manager.client.Get(ctx, kube.EphemeralRunners, key, &runner); err != nil {
		return kube.Result{}, kube.IgnoreNotFound(err)
	}
	if !runner.DeletionTimestamp.IsZero() {
		return manager.removeRunnerObjects(ctx, &runner, log)
	}
	if runner.isDone() {
		log.Info("EphemeralRunner has already finished. Stopping reconciliation and waiting for EphemeralRunnerSet to clean it up", "phase", runner.Status.Phase)
		return kube.Result{}, nil
	}
	for _, finalizer := range []string{registrationFinalizer, runnerFinalizer} {
		if !isHeld(&runner, finalizer) {
			log.Info("Adding finalizer", "finalizer", finalizer)
			return kube.Result{}, manager.hold(ctx, kube.EphemeralRunners, &runner, copied(&runner), finalizer, true)
		}
	}
	var secret corev1.Secret
	err := manager.client.Get(ctx, kube.Secrets, key, &secret)
	if kerrors.IsNotFound(err) {
		return kube.Result{Requeue: true}, manager.configure(ctx, &runner, log)
	}
	if err != nil {
		log.Error(err, "Failed to fetch secret")
		return kube.Result{}, err
	}
	if runner.Status.RunnerID == 0 {
		return kube.Result{}, manager.recordConfiguration(ctx, &runner, &secret)
	}
	var pod corev1.Pod
	err = manager.client.Get(ctx, kube.Pods, key, &pod)
	if kerrors.IsNotFound(err) {
		return manager.startPod(ctx, &runner, log)
	}
	if err != nil {
		return kube.Result{}, err
	}
	return kube.Result{}, manager.followPod(ctx, &runner, &pod, log)
}

// configure asks the service for a configuration and stores it for the pod.
func (manager *Manager) configure(ctx context.Context, runner *Runner, log logging.Logger) error {
	client, err := manager.services.get(ctx, runner.Namespace, runner.Spec.Connection)
	if err != nil {
		log.Error(err, "Failed to get actions client for generating JIT config")
		return err
	}
	log.Info("Creating ephemeral runner JIT config")
	made, err := generate(ctx, client, runner.Spec.ScaleSetID, runner.Name)
	if err != nil {
		log.Error(err, "Failed to generate JIT config with generateJitConfig")
		return err
	}
	log.Info("Created ephemeral runner JIT config", "runnerId", made.Runner.ID)
	secret := &corev1.Secret{Data: map[string][]byte{
		"jitToken": []byte(made.Encoded), "runnerName": []byte(made.Runner.Name),
		"runnerId": []byte(strconv.Itoa(made.Runner.ID)), "scaleSetId": []byte(strconv.Itoa(runner.Spec.ScaleSetID)),
	}}
	secret.Name, secret.Namespace = runner.Name, runner.Namespace
	secret.Labels, secret.Annotations = runner.Spec.ConfigMeta.labels(), runner.Spec.ConfigMeta.annotations()
	kube.OwnedBy(secret, runner, kube.EphemeralRunners)
	if err := manager.client.Create(ctx, kube.Secrets, secret); err != nil {
		log.Error(err, "Failed to create jit secret")
		return err
	}
	return manager.recordConfiguration(ctx, runner, secret)
}

func (manager *Manager) recordConfiguration(ctx context.Context, runner *Runner, secret *corev1.Secret) error {
	id, err := strconv.Atoi(string(secret.Data["runnerId"]))
	if err != nil {
		return err
	}
	updated := copied(runner)
	updated.Status.RunnerID, updated.Status.RunnerName = id, string(secret.Data["runnerName"])
	return manager.client.Patch(ctx, kube.EphemeralRunners, runner, updated, "status")
}

// startPod makes the pod, later the more often it failed. What the API server will never accept ends the runner.
func (manager *Manager) startPod(ctx context.Context, runner *Runner, log logging.Logger) (kube.Result, error) {
	failures := len(runner.Status.Failures)
	if failures >= len(backoff) {
		return kube.Result{}, manager.giveUp(ctx, runner, log)
	}
	if wait := time.Until(runner.lastFailure().Add(backoff[failures])); failures > 0 && wait > 0 {
		log.Info("Backing off the next pod creation", "requeueAfter", wait.String())
		return kube.Result{After: wait}, nil
	}
	pod := manager.runnerPod(runner)
	log.Info("Creating new EphemeralRunner pod.")
	err := manager.client.Create(ctx, kube.Pods, pod)
	switch {
	case err == nil:
		log.Info("Created ephemeral runner pod", "runnerScaleSetId", runner.Spec.ScaleSetID, "runnerName", runner.Status.RunnerName, "runnerId", runner.Status.RunnerID)
		return kube.Result{}, nil
	case kerrors.IsAlreadyExists(err):
		return kube.Result{After: 5 * time.Second}, nil
	case isQuota(err):
		log.Error(err, "Failed to create a pod due to the exceeded quota")
		return kube.Result{After: 30 * time.Second}, nil
	case kerrors.IsInvalid(err) || kerrors.IsForbidden(err):
		log.Error(err, "Failed to create a pod due to unrecoverable failure")
		return kube.Result{}, manager.markFailed(ctx, runner, "InvalidPod", "Failed to create the pod: "+err.Error(), log)
	}
	log.Error(err, "Failed to create the pod")
	return kube.Result{}, err
}

func (runner *Runner) lastFailure() time.Time {
	var last time.Time
	for _, when := range runner.Status.Failures {
		if when.After(last) {
			last = when.Time
		}
	}
	return last
}

// giveUp ends a runner whose pods failed too often: up to 0.11 it stays and is failed, later another takes its place.
func (manager *Manager) giveUp(ctx context.Context, runner *Runner, log logging.Logger) error {
	if manager.Version.AtLeast(0, 12, 0) {
		log.Info("EphemeralRunner has failed more than 5 times. Deleting ephemeral runner for re-creation")
		return kube.IgnoreNotFound(manager.client.Delete(ctx, kube.EphemeralRunners, runner))
	}
	log.Info("EphemeralRunner has failed more than 5 times. Marking it as failed")
	return manager.markFailed(ctx, runner, "TooManyPodFailures", "Pod has failed to start more than 5 times: ", log)
}

// markFailed takes the runner off the service's list too.
func (manager *Manager) markFailed(ctx context.Context, runner *Runner, reason, message string, log logging.Logger) error {
	updated := copied(runner)
	updated.Status.Phase, updated.Status.Reason, updated.Status.Message, updated.Status.Ready = failed, reason, message, false
	if err := manager.client.Patch(ctx, kube.EphemeralRunners, runner, updated, "status"); err != nil {
		return err
	}
	client, err := manager.services.get(ctx, runner.Namespace, runner.Spec.Connection)
	if err != nil {
		return err
	}
	_, err = manager.removeFromService(ctx, client, updated, log)
	return err
}

// failPod deletes a pod and remembers that it failed.
func (manager *Manager) failPod(ctx context.Context, runner *Runner, pod *corev1.Pod, log logging.Logger) error {
	if pod.DeletionTimestamp.IsZero() {
		log.Info("Deleting the ephemeral runner pod", "podId", pod.UID)
		if err := manager.client.Delete(ctx, kube.Pods, pod); err != nil && !kerrors.IsNotFound(err) {
			return err
		}
	}
	if _, known := runner.Status.Failures[string(pod.UID)]; known {
		return nil
	}
	updated := copied(runner)
	updated.Status.Failures = map[string]v1.Time{string(pod.UID): v1.Now()}
	for id, when := range runner.Status.Failures {
		updated.Status.Failures[id] = when
	}
	updated.Status.Ready, updated.Status.Reason, updated.Status.Message = false, pod.Status.Reason, pod.Status.Message
	log.Info("Updating ephemeral runner status to track the failure count")
	return manager.client.Patch(ctx, kube.EphemeralRunners, runner, updated, "status")
}

// followPod goes by the container `runner` alone.
func (manager *Manager) followPod(ctx context.Context, runner *Runner, pod *corev1.Pod, log logging.Logger) error {
	state := stateOf(pod)
	switch {
	case pod.Status.Phase == corev1.PodFailed && (state == nil || state.Terminated == nil):
		log.Info("Pod is failed, but its runner container is not terminated", "reason", pod.Status.Reason, "message", pod.Status.Message)
		return manager.failPod(ctx, runner, pod, log)
	case state == nil:
		log.Info("Waiting for runner container status to be available")
		return nil
	case state.Terminated == nil:
		return manager.copyPodStatus(ctx, runner, pod)
	case state.Terminated.ExitCode == deprecatedExit && manager.Version.AtLeast(0, 13, 0):
		log.Info("Ephemeral runner container is outdated")
		updated := copied(runner)
		updated.Status.Phase, updated.Status.Reason, updated.Status.Message = outdated, outdated, "Runner is deprecated"
		return manager.client.Patch(ctx, kube.EphemeralRunners, runner, updated, "status")
	case state.Terminated.ExitCode != 0:
		log.Info("Ephemeral runner container failed", "exitCode", state.Terminated.ExitCode)
		return manager.failPod(ctx, runner, pod, log)
	}
	client, err := manager.services.get(ctx, runner.Namespace, runner.Spec.Connection)
	if err != nil {
		return err
	}
	known, err := isRegistered(ctx, client, runner.Status.RunnerID)
	if err != nil {
		log.Error(err, "Failed to check if runner is registered with the service")
		return err
	}
	if known {
		log.Info("Ephemeral runner pod has finished, but the runner still exists in the service. Deleting the pod to restart it.")
		return manager.failPod(ctx, runner, pod, log)
	}
	log.Info("Ephemeral runner has finished since it does not exist in the service anymore")
	updated := copied(runner)
	updated.Status.Phase = succeeded
	return manager.client.Patch(ctx, kube.EphemeralRunners, runner, updated, "status")
}

func stateOf(pod *corev1.Pod) *corev1.ContainerState {
	for index := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[index].Name == "runner" {
			return &pod.Status.ContainerStatuses[index].State
		}
	}
	return nil
}

func (manager *Manager) copyPodStatus(ctx context.Context, runner *Runner, pod *corev1.Pod) error {
	ready := false
	for _, condition := range pod.Status.Conditions {
		ready = ready || condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
	}
	phase := string(pod.Status.Phase)
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return nil
	}
	if runner.Status.Phase == phase && runner.Status.Ready == ready {
		return nil
	}
	updated := copied(runner)
	updated.Status.Phase, updated.Status.Ready = phase, ready
	updated.Status.Reason, updated.Status.Message = pod.Status.Reason, pod.Status.Message
	return manager.client.Patch(ctx, kube.EphemeralRunners, runner, updated, "status")
}
