package main

import (
	"context"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"arc-setup/tests/lab/stand-ins/internal/flags"
	"arc-setup/tests/lab/stand-ins/internal/github"
	"arc-setup/tests/lab/stand-ins/internal/kube"
	"arc-setup/tests/lab/stand-ins/internal/leader"
	"arc-setup/tests/lab/stand-ins/internal/logging"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

// cacheLimit is how long controllers wait for their caches since controller-runtime 0.9, which 0.20 brought; before,
// they wait for ever. Then the process ends.
const cacheLimit = 2 * time.Minute

type manager struct {
	version release.Version
	options flags.Options
	account github.Account
	log     logging.Logger
}

// generation is what differs between the two modes.
type generation struct {
	namespaces []string
	watched    []kube.Kind
	// prepare subscribes the controllers to the cache.
	prepare func(*kube.Cache, *kube.Client) ([]*kube.Controller, error)
	forget  kube.Forget
	// beside runs next to the controllers, leader or not: webhooks.
	beside func(context.Context) error
}

// run starts the manager and returns when it has to end; the reason is in the log.
func (manager *manager) run(ctx context.Context) error {
	// Before anything else, as in the original: a login that cannot be used ends a legacy manager.
	scaleSetOnly := manager.options.Bool("auto-scaling-runner-set-only")
	var client *github.Client
	if !scaleSetOnly {
		var err error
		if client, err = github.New(manager.version, manager.account); err != nil {
			manager.log.Error(err, "unable to create client")
			return err
		}
	}
	config, err := manager.cluster()
	if err != nil {
		manager.log.Error(err, "unable to get kubeconfig")
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Every listener binds before the manager starts.
	if err := manager.serve(ctx); err != nil {
		manager.log.Error(err, "unable to start manager")
		return err
	}
	var chosen *generation
	if scaleSetOnly {
		chosen, err = manager.scaleSet()
	} else {
		chosen, err = manager.legacy(config, client)
	}
	if err != nil {
		return err
	}
	manager.log.Info("starting manager", "version", manager.version.String())
	if err := manager.start(ctx, cancel, config, chosen); err != nil {
		manager.log.Error(err, "problem running manager")
		return err
	}
	return nil
}

func (manager *manager) cluster() (*rest.Config, error) {
	config, err := kube.Load(manager.options.String("kubeconfig"), manager.options.String("master"))
	if err != nil {
		return nil, err
	}
	// client-go's warnings of the server would only be noise.
	config.WarningHandler = rest.NoWarnings{}
	config.QPS, config.Burst = 20, 30
	if manager.options.Has("k8s-client-rate-limiter-qps") {
		config.QPS = float32(manager.options.Int("k8s-client-rate-limiter-qps"))
		config.Burst = manager.options.Int("k8s-client-rate-limiter-burst")
	}
	return config, nil
}

// start runs what is chosen until the context ends or a part of it fails.
func (manager *manager) start(ctx context.Context, cancel context.CancelCauseFunc, config *rest.Config, chosen *generation) error {
	ended := make(chan error, 2)
	if chosen.beside != nil {
		go func() { ended <- chosen.beside(ctx) }()
	}
	go func() { ended <- manager.lead(ctx, cancel, config, chosen) }()
	select {
	case err := <-ended:
		if cause := context.Cause(ctx); err == nil && ctx.Err() != nil && cause != context.Canceled {
			return cause
		}
		return err
	case <-ctx.Done():
		if cause := context.Cause(ctx); cause != context.Canceled {
			return cause
		}
		return nil
	}
}

// lead runs the controllers once this process leads, or at once where nobody else is.
func (manager *manager) lead(ctx context.Context, cancel context.CancelCauseFunc, config *rest.Config, chosen *generation) error {
	work := func(ctx context.Context) {
		if err := manager.work(ctx, config, chosen); err != nil && ctx.Err() == nil {
			cancel(err)
		}
	}
	if !manager.options.Bool("enable-leader-election") {
		work(ctx)
		<-ctx.Done()
		return nil
	}
	namespace, err := kube.Namespace()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	locks := leader.LocksOf(manager.version, manager.options.String("leader-election-id"))
	return leader.Run(ctx, client, namespace, locks, manager.log, work)
}

// work fills the caches and then starts the controllers: none does anything before all caches are there.
func (manager *manager) work(ctx context.Context, config *rest.Config, chosen *generation) error {
	server, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	limit := cacheLimit
	if !manager.version.IsScaleSet() && !manager.version.AtLeast(0, 20, 0) {
		limit = 0
	}
	cache := kube.NewCache(server, chosen.namespaces, manager.options.Duration("sync-period"), manager.logsStructured())
	if err := cache.Watch(chosen.watched...); err != nil {
		return err
	}
	controllers, err := chosen.prepare(cache, kube.NewClient(server, cache, chosen.forget))
	if err != nil {
		return err
	}
	if err := cache.Run(ctx, limit); err != nil {
		return err
	}
	for _, controller := range controllers {
		controller.Start(ctx)
	}
	return nil
}

// logsStructured is true where client-go writes failures of watches as key and value: from Kubernetes 1.31 on.
func (manager *manager) logsStructured() bool {
	return manager.version.IsScaleSet() && manager.version.AtLeast(0, 10, 0)
}
