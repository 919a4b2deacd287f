package main

import (
	"errors"
	"os"

	"arc-setup/tests/lab/stand-ins/internal/autoscaling"
)

// scaleSet is the manager of the group actions.github.com. It will not start without its namespace and its image.
func (manager *manager) scaleSet() (*generation, error) {
	options := manager.options
	namespace, image := os.Getenv("CONTROLLER_MANAGER_POD_NAMESPACE"), os.Getenv("CONTROLLER_MANAGER_CONTAINER_IMAGE")
	if namespace == "" {
		manager.log.Error(nil, "unable to obtain manager pod namespace")
		return nil, errors.New("no namespace")
	}
	if image == "" {
		manager.log.Error(nil, "unable to obtain listener image")
		return nil, errors.New("no image")
	}
	controllers := &autoscaling.Manager{Log: manager.log, Settings: autoscaling.Settings{
		Version: manager.version, Namespace: namespace, Image: image, ImagePullSecrets: options.Strings("auto-scaler-image-pull-secrets"),
		Entrypoint: os.Getenv("LISTENER_ENTRYPOINT"), MetricsAddress: options.String("listener-metrics-addr"),
		MetricsEndpoint: options.String("listener-metrics-endpoint"), LogLevel: options.String("log-level"), LogFormat: options.String("log-format"),
		UpdateStrategy: options.String("update-strategy"), HiddenPrefixes: options.Strings("exclude-label-propagation-prefix"),
		Workers: max(1, options.Int("runner-max-concurrent-reconciles")),
	}}
	if controllers.Entrypoint == "" {
		controllers.Entrypoint = "/ghalistener"
	}
	manager.log.Info("Update strategy set to:", "updateStrategy", controllers.UpdateStrategy)
	return &generation{
		namespaces: manager.scope(namespace), watched: autoscaling.Watched(), prepare: controllers.Controllers, forget: autoscaling.Forget(manager.version),
	}, nil
}

// scope are the namespaces that are watched; none is all.
func (manager *manager) scope(own string) []string {
	var namespaces []string
	add := func(namespace string) {
		for _, known := range namespaces {
			if known == namespace {
				return
			}
		}
		namespaces = append(namespaces, namespace)
	}
	if one := manager.options.String("watch-namespace"); one != "" {
		add(one)
	}
	if one := manager.options.String("watch-single-namespace"); one != "" {
		add(one)
		add(own)
	}
	return namespaces
}
