package autoscaling

import (
	"context"
	"fmt"
	"net"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// listenerGrace is how long a listener may take to close its session.
const listenerGrace = int64(60)

func (manager *Manager) createListenerPod(ctx context.Context, listener *Listener, log logging.Logger) error {
	pod, err := manager.listenerPod(listener)
	if err != nil {
		log.Error(err, "Failed to build listener pod")
		return err
	}
	kube.OwnedBy(pod, listener, kube.AutoscalingListeners)
	log.Info("Creating a listener pod", "namespace", pod.Namespace, "name", pod.Name)
	err = manager.client.Create(ctx, kube.Pods, pod)
	if kerrors.IsAlreadyExists(err) {
		return nil
	}
	if err != nil {
		log.Error(err, "Unable to create listener pod", "namespace", pod.Namespace, "name", pod.Name)
		return err
	}
	log.Info("Created listener pod", "namespace", pod.Namespace, "name", pod.Name)
	return nil
}

// listenerPod has no resources, no security context and no pull policy of its own: only the template gives them.
func (manager *Manager) listenerPod(listener *Listener) (*corev1.Pod, error) {
	env := []corev1.EnvVar{{Name: "LISTENER_CONFIG_PATH", Value: "/etc/gha-listener/config.json"}}
	main := corev1.Container{
		Name: "listener", Image: listener.Spec.Image, Command: []string{manager.Entrypoint},
		Env:          append(env, listener.Spec.Proxy.variables(listener.proxyName())...),
		VolumeMounts: []corev1.VolumeMount{{Name: "listener-config", MountPath: "/etc/gha-listener", ReadOnly: true}},
	}
	if manager.hasListenerMetrics() {
		port, err := portOf(manager.MetricsAddress)
		if err != nil {
			return nil, fmt.Errorf("failed to convert metrics server address to container port: %w", err)
		}
		main.Ports = []corev1.ContainerPort{port}
	}
	pod := &corev1.Pod{}
	pod.Name, pod.Namespace = listener.Name, listener.Namespace
	pod.Labels = merged(listener.Labels)
	grace := listenerGrace
	config := corev1.Volume{Name: "listener-config"}
	config.Secret = &corev1.SecretVolumeSource{SecretName: listener.configName()}
	pod.Spec = corev1.PodSpec{
		ServiceAccountName: listener.Name, Containers: []corev1.Container{main}, Volumes: []corev1.Volume{config},
		ImagePullSecrets: listener.Spec.ImagePullSecrets, RestartPolicy: corev1.RestartPolicyNever, TerminationGracePeriodSeconds: &grace,
	}
	if manager.Version.AtLeast(0, 14, 0) {
		pod.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "linux"}
	}
	if listener.Spec.Template != nil {
		overlay(pod, listener.Spec.Template)
	}
	return pod, nil
}

func portOf(address string) (corev1.ContainerPort, error) {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return corev1.ContainerPort{}, err
	}
	number, err := strconv.ParseInt(text, 10, 32)
	return corev1.ContainerPort{Name: "metrics", ContainerPort: int32(number), Protocol: corev1.ProtocolTCP}, err
}

// overlay puts a listenerTemplate over the pod: labels and annotations never over the controller's, pod fields always,
// except the account's; of containers, `listener` is merged and others are added.
func overlay(pod *corev1.Pod, template *corev1.PodTemplateSpec) {
	pod.Labels = merged(template.Labels, pod.Labels)
	pod.Annotations = merged(template.Annotations, pod.Annotations)
	made := pod.Spec
	spec := *template.Spec.DeepCopy()
	spec.ServiceAccountName, spec.DeprecatedServiceAccount, spec.AutomountServiceAccountToken = made.ServiceAccountName, "", nil
	if spec.RestartPolicy == "" {
		spec.RestartPolicy = made.RestartPolicy
	}
	if spec.ImagePullSecrets == nil {
		spec.ImagePullSecrets = made.ImagePullSecrets
	}
	if spec.TerminationGracePeriodSeconds == nil {
		spec.TerminationGracePeriodSeconds = made.TerminationGracePeriodSeconds
	}
	if spec.NodeSelector == nil {
		spec.NodeSelector = made.NodeSelector
	}
	spec.Volumes = append(made.Volumes, spec.Volumes...)
	containers := made.Containers
	for _, container := range spec.Containers {
		if container.Name == "listener" {
			containers[0] = overlaid(containers[0], container)
		} else {
			containers = append(containers, container)
		}
	}
	spec.Containers = containers
	pod.Spec = spec
}

// overlaid is the template's container, on what the controller needs in it.
func overlaid(made, from corev1.Container) corev1.Container {
	result := from
	if from.Image == "" {
		result.Image = made.Image
	}
	if len(from.Command) == 0 {
		result.Command = made.Command
	}
	result.Env = append(made.Env, from.Env...)
	result.Args = append(made.Args, from.Args...)
	result.Ports = append(made.Ports, from.Ports...)
	result.VolumeMounts = append(made.VolumeMounts, from.VolumeMounts...)
	return result
}
