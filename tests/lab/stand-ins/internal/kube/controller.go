package kube

import (
	"context"
	"fmt"
	"time"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/util/workqueue"

	"arc-setup/tests/lab/stand-ins/internal/logging"
)

// Result says when an object is to be looked at again without an event.
type Result struct {
	Requeue bool
	After   time.Duration
}

// Controller looks at objects of one kind, one at a time, whenever something about them changes.
type Controller struct {
	Kind      Kind
	Name      string
	Workers   int
	Reconcile func(context.Context, types.NamespacedName) (Result, error)
	Log       logging.Logger

	queue workqueue.TypedRateLimitingInterface[types.NamespacedName]
}

// Prepare subscribes to the kind and to the kinds that it owns; Start then works.
func (controller *Controller) Prepare(cache *Cache, owned ...Kind) error {
	controller.queue = workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName]())
	err := cache.On(controller.Kind, func(object *unstructured.Unstructured) {
		controller.Enqueue(object.GetNamespace(), object.GetName())
	})
	for _, kind := range owned {
		if err == nil {
			err = cache.On(kind, controller.enqueueOwner)
		}
	}
	return err
}

// Enqueue asks for a look at an object.
func (controller *Controller) Enqueue(namespace, name string) {
	controller.queue.Add(types.NamespacedName{Namespace: namespace, Name: name})
}

func (controller *Controller) enqueueOwner(object *unstructured.Unstructured) {
	owner := v1.GetControllerOf(object)
	if owner == nil || owner.Kind != controller.Kind.Name || owner.APIVersion != controller.Kind.GroupVersion().String() {
		return
	}
	controller.Enqueue(object.GetNamespace(), owner.Name)
}

// Start works until the context ends.
func (controller *Controller) Start(ctx context.Context) {
	workers := max(1, controller.Workers)
	controller.Log.Info("Starting Controller", "controller", controller.Name)
	controller.Log.Info("Starting workers", "controller", controller.Name, "worker count", workers)
	for range workers {
		go controller.work(ctx)
	}
	go func() {
		<-ctx.Done()
		controller.queue.ShutDown()
	}()
}

func (controller *Controller) work(ctx context.Context) {
	for {
		key, stopped := controller.queue.Get()
		if stopped {
			return
		}
		controller.handle(ctx, key)
		controller.queue.Done(key)
	}
}

func (controller *Controller) handle(ctx context.Context, key types.NamespacedName) {
	result, err := controller.safely(ctx, key)
	switch {
	case err != nil:
		controller.Log.Error(err, "Reconciler error",
			"controller", controller.Name, "controllerGroup", controller.Kind.Group, "controllerKind", controller.Kind.Name,
			controller.Kind.Name, map[string]string{"name": key.Name, "namespace": key.Namespace},
			"namespace", key.Namespace, "name", key.Name, "reconcileID", uuid.NewUUID())
		controller.queue.AddRateLimited(key)
	case result.After > 0:
		controller.queue.Forget(key)
		controller.queue.AddAfter(key, result.After)
	case result.Requeue:
		controller.queue.AddRateLimited(key)
	default:
		controller.queue.Forget(key)
	}
}

func (controller *Controller) safely(ctx context.Context, key types.NamespacedName) (result Result, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v [recovered]", cause)
		}
	}()
	return controller.Reconcile(ctx, key)
}

// IgnoreNotFound turns the error of an object that is gone into none.
func IgnoreNotFound(err error) error {
	if kerrors.IsNotFound(err) {
		return nil
	}
	return err
}
