package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// Cache holds the watched kinds: a LIST and a WATCH for each kind and each namespace of the scope.
type Cache struct {
	server     dynamic.Interface
	namespaces []string
	resync     time.Duration
	// structured is true where client-go logs failures as key and value, quoted; older ones write a plain line.
	structured bool
	informers  map[Kind][]cache.SharedIndexInformer
	order      []Kind
}

// NewCache makes an empty cache over namespaces; none means the whole cluster.
func NewCache(server dynamic.Interface, namespaces []string, resync time.Duration, structured bool) *Cache {
	if len(namespaces) == 0 {
		namespaces = []string{v1.NamespaceAll}
	}
	return &Cache{server, namespaces, resync, structured, map[Kind][]cache.SharedIndexInformer{}, nil}
}

// Watch adds a kind before the cache is run.
func (c *Cache) Watch(kinds ...Kind) error {
	for _, kind := range kinds {
		namespaces := c.namespaces
		if kind.Clustered {
			// Whatever the scope: a cluster-scoped kind has no namespace to be limited to.
			namespaces = []string{v1.NamespaceAll}
		}
		for _, namespace := range namespaces {
			informer, err := c.informer(kind, namespace)
			if err != nil {
				return err
			}
			c.informers[kind] = append(c.informers[kind], informer)
		}
		c.order = append(c.order, kind)
	}
	return nil
}

func (c *Cache) informer(kind Kind, namespace string) (cache.SharedIndexInformer, error) {
	resource := c.server.Resource(kind.GroupVersionResource)
	at := dynamic.ResourceInterface(resource)
	if namespace != v1.NamespaceAll {
		at = resource.Namespace(namespace)
	}
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options v1.ListOptions) (runtime.Object, error) {
			return at.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options v1.ListOptions) (watch.Interface, error) {
			return at.Watch(ctx, options)
		},
	}
	informer := cache.NewSharedIndexInformerWithOptions(source, &unstructured.Unstructured{}, cache.SharedIndexInformerOptions{
		ResyncPeriod: c.resync, ObjectDescription: kind.describe(),
		Indexers: cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc},
	})
	err := informer.SetWatchErrorHandler(func(_ *cache.Reflector, err error) { c.complain(kind, err) })
	return informer, err
}

// complain writes what client-go's own handler writes, in the form of the release's client-go.
func (c *Cache) complain(kind Kind, err error) {
	name := kind.describe()
	switch {
	case kerrors.IsResourceExpired(err) || kerrors.IsGone(err) || strings.HasSuffix(err.Error(), "EOF"):
		return
	case c.structured:
		klog.ErrorS(fmt.Errorf("Failed to watch %s: %w", name, err), "Unhandled Error", "logger", "UnhandledError")
	default:
		klog.Warningf("k8s.io/client-go/tools/cache/reflector.go:169: %v", err)
		klog.Errorf("k8s.io/client-go/tools/cache/reflector.go:169: Failed to watch %s: %v", name, err)
	}
}

// Run starts every watch and waits until all have listed once. With a limit it gives up after that time, as
// controllers do since controller-runtime 0.9; without one it waits for ever.
func (c *Cache) Run(ctx context.Context, limit time.Duration) error {
	for _, kind := range c.order {
		for _, informer := range c.informers[kind] {
			go informer.RunWithContext(ctx)
		}
	}
	waiting, cancel := ctx, context.CancelFunc(func() {})
	if limit > 0 {
		waiting, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	for _, kind := range c.order {
		for _, informer := range c.informers[kind] {
			if cache.WaitForCacheSync(waiting.Done(), informer.HasSynced) {
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("failed to wait for %s caches to sync: %w", strings.ToLower(kind.Name), errors.New("timed out waiting for cache to be synced"))
		}
	}
	return nil
}

// On calls back for every added, changed, deleted or looked-at-again object of a kind.
func (c *Cache) On(kind Kind, call func(*unstructured.Unstructured)) error {
	pass := func(object any) {
		if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = tombstone.Obj
		}
		if found, ok := object.(*unstructured.Unstructured); ok {
			call(found)
		}
	}
	for _, informer := range c.informers[kind] {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: pass, UpdateFunc: func(_, object any) { pass(object) }, DeleteFunc: pass,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// get answers from the cache; the second result says whether the kind is cached at all.
func (c *Cache) get(kind Kind, key types.NamespacedName) (*unstructured.Unstructured, bool, error) {
	informers, cached := c.informers[kind]
	if !cached {
		return nil, false, nil
	}
	name := key.String()
	if key.Namespace == "" {
		name = key.Name
	}
	for _, informer := range informers {
		if object, found, err := informer.GetStore().GetByKey(name); err == nil && found {
			return object.(*unstructured.Unstructured).DeepCopy(), true, nil
		}
	}
	return nil, true, kerrors.NewNotFound(kind.GroupVersionResource.GroupResource(), key.Name)
}

// await lets the cache catch up with a write, so that the next look does not do it again. The originals reach the same
// by expectations.
func (c *Cache) await(ctx context.Context, kind Kind, written *unstructured.Unstructured) {
	const limit, pause = 2 * time.Second, 5 * time.Millisecond
	key := types.NamespacedName{Namespace: written.GetNamespace(), Name: written.GetName()}
	isLeaving := written.GetDeletionTimestamp() != nil
	for end := time.Now().Add(limit); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(pause) {
		seen, cached, err := c.get(kind, key)
		if !cached || err != nil && isLeaving {
			return
		}
		if err == nil && (seen.GetUID() != written.GetUID() || !isOlder(seen.GetResourceVersion(), written.GetResourceVersion())) {
			return
		}
	}
}

// isOlder compares resource versions: numbers without leading zeros.
func isOlder(left, right string) bool {
	if len(left) != len(right) {
		return len(left) < len(right)
	}
	return left < right
}

func (c *Cache) list(kind Kind, namespace string, selector labels.Selector) ([]*unstructured.Unstructured, bool) {
	informers, cached := c.informers[kind]
	var found []*unstructured.Unstructured
	seen := map[types.UID]bool{}
	for _, informer := range informers {
		for _, item := range informer.GetStore().List() {
			object := item.(*unstructured.Unstructured)
			inScope := namespace == v1.NamespaceAll || object.GetNamespace() == namespace
			if inScope && !seen[object.GetUID()] && selector.Matches(labels.Set(object.GetLabels())) {
				seen[object.GetUID()] = true
				found = append(found, object.DeepCopy())
			}
		}
	}
	return found, cached
}
