package autoscaling

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// listenerConfig is what a listener reads; the login is copied into it, into the controller's namespace.
type listenerConfig struct {
	ConfigureURL      string         `json:"configure_url"`
	AppID             string         `json:"github_app_id"`
	AppInstallationID int64          `json:"github_app_installation_id"`
	AppPrivateKey     string         `json:"github_app_private_key"`
	Token             string         `json:"github_token"`
	SetNamespace      string         `json:"ephemeral_runner_set_namespace"`
	SetName           string         `json:"ephemeral_runner_set_name"`
	MaxRunners        int            `json:"max_runners"`
	MinRunners        int            `json:"min_runners"`
	ScaleSetID        int            `json:"runner_scale_set_id"`
	ScaleSetName      string         `json:"runner_scale_set_name"`
	ServerRootCA      string         `json:"server_root_ca"`
	LogLevel          string         `json:"log_level"`
	LogFormat         string         `json:"log_format"`
	MetricsAddr       string         `json:"metrics_addr"`
	MetricsEndpoint   string         `json:"metrics_endpoint"`
	Metrics           map[string]any `json:"metrics,omitempty"`
}

func (listener *Listener) configName() string {
	return listener.Name + "-config"
}

func (listener *Listener) proxyName() string {
	return listener.Name + "-proxy"
}

// ensureListenerSecrets makes the Secrets with the proxies and the configuration. True means that one was made.
func (manager *Manager) ensureListenerSecrets(ctx context.Context, listener *Listener, log logging.Logger) (bool, error) {
	if listener.Spec.Proxy != nil {
		made, err := manager.ensureSecret(ctx, listener, listener.proxyName(), log, func() (map[string][]byte, error) {
			return listener.Spec.Proxy.data(ctx, manager.client, listener.Spec.SetNamespace)
		})
		if err != nil || made {
			return made, err
		}
	}
	return manager.ensureSecret(ctx, listener, listener.configName(), log, func() (map[string][]byte, error) {
		return manager.listenerConfig(ctx, listener, log)
	})
}

func (manager *Manager) ensureSecret(ctx context.Context, listener *Listener, name string, log logging.Logger, content func() (map[string][]byte, error)) (bool, error) {
	var secret corev1.Secret
	err := manager.client.Get(ctx, kube.Secrets, types.NamespacedName{Namespace: listener.Namespace, Name: name}, &secret)
	if !kerrors.IsNotFound(err) {
		return false, err
	}
	data, err := content()
	if err != nil {
		log.Error(err, "Failed to build the listener secret", "name", name)
		return false, err
	}
	secret = corev1.Secret{Data: data}
	secret.Name, secret.Namespace = name, listener.Namespace
	secret.Labels = listener.setLabels()
	if name == listener.configName() {
		secret.Labels = merged(listener.Spec.ConfigMeta.labels(), secret.Labels)
		secret.Annotations = listener.Spec.ConfigMeta.annotations()
	}
	kube.OwnedBy(&secret, listener, kube.AutoscalingListeners)
	log.Info("Creating listener secret", "namespace", secret.Namespace, "name", name)
	if err := manager.client.Create(ctx, kube.Secrets, &secret); err != nil {
		return false, fmt.Errorf("failed to create listener secret %s: %w", name, err)
	}
	return true, nil
}

func (manager *Manager) listenerConfig(ctx context.Context, listener *Listener, log logging.Logger) (map[string][]byte, error) {
	spec := listener.Spec
	var secret corev1.Secret
	if err := manager.client.Get(ctx, kube.Secrets, types.NamespacedName{Namespace: spec.SetNamespace, Name: spec.ConfigSecret}, &secret); err != nil {
		log.Error(err, "Failed to find GitHub config secret.", "namespace", spec.SetNamespace, "name", spec.ConfigSecret)
		return nil, err
	}
	config := listenerConfig{
		ConfigureURL: spec.ConfigURL, Token: string(secret.Data["github_token"]), AppID: string(secret.Data["github_app_id"]),
		AppPrivateKey: string(secret.Data["github_app_private_key"]), SetNamespace: spec.SetNamespace, SetName: spec.RunnerSetName,
		MaxRunners: spec.MaxRunners, MinRunners: spec.MinRunners, ScaleSetID: spec.ScaleSetID, ScaleSetName: spec.SetName,
		LogLevel: manager.LogLevel, LogFormat: manager.LogFormat, Metrics: spec.Metrics,
	}
	if text, isSet := secret.Data["github_app_installation_id"]; isSet {
		number, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("failed to convert github_app_installation_id to int: %w", err)
		}
		config.AppInstallationID = number
	}
	if manager.hasListenerMetrics() {
		config.MetricsAddr, config.MetricsEndpoint = manager.MetricsAddress, manager.MetricsEndpoint
	}
	var err error
	if config.ServerRootCA, err = manager.services.authority(ctx, spec.SetNamespace, spec.ServerTLS); err != nil {
		return nil, err
	}
	content, err := json.Marshal(config)
	return map[string][]byte{"config.json": content}, err
}

func (manager *Manager) hasListenerMetrics() bool {
	return manager.MetricsAddress != "" && manager.MetricsAddress != "0"
}

// data are the proxies as a Secret holds them, accounts included.
func (proxy *Proxy) data(ctx context.Context, client *kube.Client, namespace string) (map[string][]byte, error) {
	addresses, err := proxy.addresses(ctx, client, namespace)
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{}
	for name, value := range maps.All(addresses) {
		data[name] = []byte(value)
	}
	return data, nil
}

// variables are the proxies as a pod reads them from that Secret.
func (proxy *Proxy) variables(secret string) []corev1.EnvVar {
	if proxy == nil {
		return nil
	}
	var env []corev1.EnvVar
	add := func(name string) {
		reference := &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: name}
		env = append(env, corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: reference}})
	}
	if proxy.HTTP != nil {
		add("http_proxy")
	}
	if proxy.HTTPS != nil {
		add("https_proxy")
	}
	if len(proxy.NoProxy) > 0 {
		add("no_proxy")
	}
	return env
}
