package main

import (
	"context"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"

	corev1 "k8s.io/api/core/v1"

	"arc-setup/tests/lab/stand-ins/internal/github"
	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/legacy"
	"arc-setup/tests/lab/stand-ins/internal/webhook"
)

// legacy is the manager of the group actions.summerwind.dev. A scale-set image without its flag is one too, of the
// last legacy release.
func (manager *manager) legacy(config *rest.Config, client *github.Client) (*generation, error) {
	core, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typedcore.EventSinkImpl{Interface: core.CoreV1().Events("")})
	controllers := &legacy.Manager{
		GitHub: client, Account: manager.account, Defaults: legacy.DefaultsOf(manager.version, manager.options), Log: manager.log,
		Events: broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "runner-controller"}),
	}
	if manager.version.IsScaleSet() {
		controllers.Defaults.Version = legacy.Last
	}
	manager.log.Info("Initializing actions-runner-controller", "version", manager.version.String(),
		"sync-period", manager.options.Duration("sync-period"), "default-runner-image", controllers.Defaults.RunnerImage,
		"default-docker-image", controllers.Defaults.DockerImage, "common-runnner-labels", controllers.Defaults.CommonLabels,
		"watch-namespace", manager.options.String("watch-namespace"))
	chosen := &generation{watched: controllers.Watched(), forget: legacy.Forget(controllers.Defaults.Version)}
	if namespace := manager.options.String("watch-namespace"); namespace != "" {
		chosen.namespaces = []string{namespace}
	}
	chosen.prepare = func(cache *kube.Cache, client *kube.Client) ([]*kube.Controller, error) {
		controllers.Client = client
		return controllers.Controllers(cache)
	}
	chosen.beside = func(ctx context.Context) error {
		port := 9443
		if manager.options.Has("port") {
			port = manager.options.Int("port")
		}
		server, err := webhook.New(webhook.Directory, manager.log.WithName("controller-runtime.webhook"))
		if err != nil {
			return err
		}
		controllers.Admit(server)
		return server.Run(ctx, port)
	}
	return chosen, nil
}
