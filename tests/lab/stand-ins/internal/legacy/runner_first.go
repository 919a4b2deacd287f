package legacy

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// registrationLimit is how long a pod may take to show up at GitHub before it is made anew.
const registrationLimit = 10 * time.Minute

// unregister takes a runner off GitHub's list; a busy one stays.
func (manager *Manager) unregister(ctx context.Context, runner *Runner, log logging.Logger) error {
	scope := runner.Spec.Scope()
	found, err := manager.GitHub.Find(ctx, scope, runner.Name)
	switch {
	case err != nil:
		return err
	case found == nil:
		log.Debug("Runner no longer exists on GitHub")
		return nil
	case found.Busy:
		return fmt.Errorf("runner is busy")
	}
	return manager.GitHub.Remove(ctx, scope, found.ID)
}

// followFirstPod is what releases before 0.22 do with a pod that exists: they follow its phase, ask GitHub about the
// runner at every look, and start the pod anew when it has finished, no longer is what it should be, or never showed up.
func (manager *Manager) followFirstPod(ctx context.Context, runner *Runner, pod *corev1.Pod, log logging.Logger) (kube.Result, error) {
	restart := pod.Status.Phase == corev1.PodSucceeded
	if !restart && runner.Status.Phase != string(pod.Status.Phase) {
		updated := copied(runner)
		updated.Status.Phase = string(pod.Status.Phase)
		updated.Status.Reason, updated.Status.Message = pod.Status.Reason, pod.Status.Message
		err := manager.writeStatus(ctx, kube.Runners, runner, updated)
		if err != nil {
			log.Error(err, "Failed to update runner status")
		}
		return kube.Result{}, err
	}
	if !pod.DeletionTimestamp.IsZero() {
		return kube.Result{}, nil
	}
	restart = restart || endedWell(pod)
	if renewed, err := manager.renewToken(ctx, runner, log); err != nil || renewed {
		return kube.Result{Requeue: renewed}, err
	}
	wanted, err := runnerPod(runner, manager.GitHub.BaseURL, manager.Defaults)
	if err != nil {
		log.Error(err, "Could not create pod")
		return kube.Result{}, err
	}
	known, err := manager.GitHub.Find(ctx, runner.Spec.Scope(), runner.Name)
	if err != nil {
		return kube.Result{}, err
	}
	isBusy := known != nil && known.Busy
	restart = restart || !isBusy && pod.Labels[podTemplateHash] != wanted.Labels[podTemplateHash]
	if known == nil && time.Since(pod.CreationTimestamp.Time) > registrationLimit {
		log.Info("Runner failed to register itself to GitHub in timely manner. Recreating the pod to see if it resolves the issue.",
			"podCreationTimestamp", pod.CreationTimestamp, "configuredRegistrationTimeout", registrationLimit)
		restart = true
	}
	if !restart {
		return kube.Result{}, nil
	}
	if err := manager.Client.Delete(ctx, kube.Pods, pod); err != nil {
		log.Error(err, "Failed to delete pod resource")
		return kube.Result{}, err
	}
	manager.tell(kube.Runners, runner, corev1.EventTypeNormal, "PodDeleted", "Deleted pod '%s'", pod.Name)
	log.Info("Deleted runner pod", "repository", runner.Spec.Repository)
	return kube.Result{}, nil
}

// endedWell is true where the runner of a running pod has ended with 0.
func endedWell(pod *corev1.Pod) bool {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == "runner" && status.State.Terminated != nil {
			return status.State.Terminated.ExitCode == 0
		}
	}
	return false
}
