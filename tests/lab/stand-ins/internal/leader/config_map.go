package leader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// recordKey is the annotation that holds who leads.
const recordKey = "control-plane.alpha.kubernetes.io/leader"

// configMapLock is the lock that client-go no longer has: the record stands in an annotation of a ConfigMap.
type configMapLock struct {
	client typedcore.ConfigMapInterface
	meta   v1.ObjectMeta
	config resourcelock.ResourceLockConfig
	held   *corev1.ConfigMap
}

// Get reads the record.
func (lock *configMapLock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	held, err := lock.client.Get(ctx, lock.meta.Name, v1.GetOptions{})
	if err != nil {
		return nil, nil, err
	}
	lock.held = held
	text := held.Annotations[recordKey]
	record := &resourcelock.LeaderElectionRecord{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), record); err != nil {
			return nil, nil, err
		}
	}
	return record, []byte(text), nil
}

// Create makes the ConfigMap with a record.
func (lock *configMapLock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	meta := lock.meta
	meta.Annotations = map[string]string{recordKey: string(text)}
	lock.held, err = lock.client.Create(ctx, &corev1.ConfigMap{ObjectMeta: meta}, v1.CreateOptions{})
	return err
}

// Update writes the record.
func (lock *configMapLock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	if lock.held == nil {
		return errors.New("configmap not initialized, call get or create first")
	}
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	if lock.held.Annotations == nil {
		lock.held.Annotations = map[string]string{}
	}
	lock.held.Annotations[recordKey] = string(text)
	held, err := lock.client.Update(ctx, lock.held, v1.UpdateOptions{})
	if err == nil {
		lock.held = held
	}
	return err
}

// RecordEvent says on the ConfigMap who became the leader.
func (lock *configMapLock) RecordEvent(text string) {
	if lock.config.EventRecorder == nil {
		return
	}
	subject := &corev1.ConfigMap{TypeMeta: v1.TypeMeta{Kind: "ConfigMap", APIVersion: "v1"}, ObjectMeta: lock.held.ObjectMeta}
	lock.config.EventRecorder.Eventf(subject, corev1.EventTypeNormal, "LeaderElection", "%v %v", lock.config.Identity, text)
}

// Describe names the lock.
func (lock *configMapLock) Describe() string {
	return fmt.Sprintf("%v/%v", lock.meta.Namespace, lock.meta.Name)
}

// Identity names who holds it.
func (lock *configMapLock) Identity() string {
	return lock.config.Identity
}
