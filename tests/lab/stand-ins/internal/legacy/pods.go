package legacy

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/github"
	"arc-setup/tests/lab/stand-ins/internal/kube"
)

// betweenTries is how long a pod that may not go yet waits.
const betweenTries = time.Minute

// reconcilePod holds runner pods by a finalizer and takes their runners off GitHub's list before they go. Up to 0.21
// only the pods of RunnerSets are held, by the same means.
func (manager *Manager) reconcilePod(ctx context.Context, key types.NamespacedName) (kube.Result, error) {
	var pod corev1.Pod
	if err := manager.Client.Get(ctx, kube.Pods, key, &pod); err != nil {
		return kube.Result{}, kube.IgnoreNotFound(err)
	}
	_, isRunner := pod.Labels[runnerLabel]
	_, isOfSet := pod.Labels[runnerSetName]
	if !isRunner && !isOfSet || !manager.since(0, 22, 0) && controlledByRunner(&pod) {
		return kube.Result{}, nil
	}
	log := manager.Log.WithName("runnerpod").With("runnerpod", key)
	isHeld := slices.Contains(pod.Finalizers, podFinalizer)
	changed := pod.DeepCopy()
	if pod.DeletionTimestamp.IsZero() {
		if isHeld {
			return kube.Result{}, nil
		}
		changed.Finalizers = append(changed.Finalizers, podFinalizer)
		err := manager.Client.Patch(ctx, kube.Pods, &pod, changed)
		if err != nil {
			log.Error(err, "Failed to update runner")
		}
		return kube.Result{}, err
	}
	if !isHeld {
		return kube.Result{}, nil
	}
	mayGo, err := manager.forgetPod(ctx, &pod)
	if err != nil {
		log.Error(err, "Failed to unregister runner before deleting the pod.")
		return kube.Result{After: betweenTries}, nil
	}
	if !mayGo {
		log.Info("Runner is still busy. Retrying later.")
		return kube.Result{After: betweenTries}, nil
	}
	changed.Finalizers = without(pod.Finalizers, func(one string) bool { return one == podFinalizer })
	if err := manager.Client.Patch(ctx, kube.Pods, &pod, changed); err != nil {
		return kube.Result{}, kube.IgnoreNotFound(err)
	}
	log.Info("Removed finalizer")
	return kube.Result{}, nil
}

func controlledByRunner(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.OwnerReferences, func(one v1.OwnerReference) bool { return one.Kind == "Runner" })
}

// forgetPod is true where GitHub no longer lists the pod's runner.
func (manager *Manager) forgetPod(ctx context.Context, pod *corev1.Pod) (bool, error) {
	read := func(name string) string { return readVariable(pod, name) }
	scope := github.Scope{Enterprise: read("RUNNER_ENTERPRISE"), Organization: read("RUNNER_ORG"), Repository: read("RUNNER_REPO")}
	var credentials *CredentialsFrom
	if name := pod.Annotations[credentialsSecret]; name != "" {
		credentials = &CredentialsFrom{}
		credentials.SecretRef.Name = name
	}
	client, err := manager.client(ctx, pod.Namespace, credentials)
	if err != nil {
		return false, err
	}
	found, err := client.Find(ctx, scope, pod.Name)
	if err != nil || found == nil {
		return err == nil, err
	}
	if found.Busy {
		return false, nil
	}
	return true, client.Remove(ctx, scope, found.ID)
}

// readVariable is a variable's plain value in the container `runner`.
func readVariable(pod *corev1.Pod, name string) string {
	for _, container := range pod.Spec.Containers {
		if container.Name != "runner" {
			continue
		}
		for _, one := range container.Env {
			if one.Name == name {
				return one.Value
			}
		}
	}
	return ""
}
