package kube

import (
	"context"
	"encoding/json"
	"reflect"

	"gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// Client reads from the cache what is cached and asks the server for the rest; it writes to the server.
type Client struct {
	dynamic dynamic.Interface
	cache   *Cache
	forget  Forget
}

// Forget drops from an object, as decoded JSON, what the Go types of the release do not have.
type Forget func(Kind, map[string]any)

// NewClient makes a client over a cache.
func NewClient(server dynamic.Interface, cache *Cache, forget Forget) *Client {
	return &Client{server, cache, forget}
}

func (client *Client) at(kind Kind, namespace string) dynamic.ResourceInterface {
	if kind.Clustered {
		return client.dynamic.Resource(kind.GroupVersionResource)
	}
	return client.dynamic.Resource(kind.GroupVersionResource).Namespace(namespace)
}

// Get reads one object into a typed one.
func (client *Client) Get(ctx context.Context, kind Kind, key types.NamespacedName, into any) error {
	object, cached, err := client.cache.get(kind, key)
	if !cached {
		object, err = client.at(kind, key.Namespace).Get(ctx, key.Name, v1.GetOptions{})
	}
	if err != nil {
		return err
	}
	return client.decode(kind, object, into)
}

// Raw reads one cached object as it is stored.
func (client *Client) Raw(kind Kind, key types.NamespacedName) (*unstructured.Unstructured, error) {
	object, _, err := client.cache.get(kind, key)
	return object, err
}

// List reads the objects of a namespace that have the labels.
func List[T any](ctx context.Context, client *Client, kind Kind, namespace string, selector labels.Selector) ([]T, error) {
	objects, cached := client.cache.list(kind, namespace, selector)
	if !cached {
		found, err := client.at(kind, namespace).List(ctx, v1.ListOptions{LabelSelector: selector.String()})
		if err != nil {
			return nil, err
		}
		for index := range found.Items {
			objects = append(objects, &found.Items[index])
		}
	}
	items := make([]T, len(objects))
	for index, object := range objects {
		if err := client.decode(kind, object, &items[index]); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// Create writes a new object and reads back what the server made of it.
func (client *Client) Create(ctx context.Context, kind Kind, object v1.Object) error {
	content, err := encode(kind, object)
	if err != nil {
		return err
	}
	made, err := client.at(kind, object.GetNamespace()).Create(ctx, content, v1.CreateOptions{})
	if err != nil {
		return err
	}
	client.cache.await(ctx, kind, made)
	return client.decode(kind, made, object)
}

// Update replaces an object by what the typed one holds: fields that the type lacks are lost, as with the original.
func (client *Client) Update(ctx context.Context, kind Kind, object v1.Object, subresources ...string) error {
	content, err := encode(kind, object)
	if err != nil {
		return err
	}
	at := client.at(kind, object.GetNamespace())
	var made *unstructured.Unstructured
	if len(subresources) > 0 && subresources[0] == "status" {
		made, err = at.UpdateStatus(ctx, content, v1.UpdateOptions{})
	} else {
		made, err = at.Update(ctx, content, v1.UpdateOptions{})
	}
	if err != nil {
		return err
	}
	client.cache.await(ctx, kind, made)
	return client.decode(kind, made, object)
}

// Patch sends the difference between two typed objects as a merge patch; no difference is sent too.
func (client *Client) Patch(ctx context.Context, kind Kind, before, after v1.Object, subresources ...string) error {
	patch, err := difference(before, after)
	if err != nil {
		return err
	}
	at := client.at(kind, after.GetNamespace())
	made, err := at.Patch(ctx, after.GetName(), types.MergePatchType, patch, v1.PatchOptions{}, subresources...)
	if err != nil {
		return err
	}
	client.cache.await(ctx, kind, made)
	return client.decode(kind, made, after)
}

// Delete asks for the deletion of an object.
func (client *Client) Delete(ctx context.Context, kind Kind, object v1.Object) error {
	return client.at(kind, object.GetNamespace()).Delete(ctx, object.GetName(), v1.DeleteOptions{})
}

func difference(before, after any) ([]byte, error) {
	old, err := json.Marshal(before)
	if err != nil {
		return nil, err
	}
	wanted, err := json.Marshal(after)
	if err != nil {
		return nil, err
	}
	return jsonpatch.CreateMergePatch(old, wanted)
}

func (client *Client) decode(kind Kind, object *unstructured.Unstructured, into any) error {
	if client.forget != nil {
		client.forget(kind, object.Object)
	}
	content, err := json.Marshal(object)
	if err != nil {
		return err
	}
	// What the server does not send is to be empty, not left over.
	reflect.ValueOf(into).Elem().SetZero()
	return json.Unmarshal(content, into)
}

func encode(kind Kind, object v1.Object) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, err
	}
	result := &unstructured.Unstructured{Object: content}
	result.SetGroupVersionKind(kind.GroupVersionKind())
	return result, nil
}
