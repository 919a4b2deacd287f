// Package leader keeps all but one manager waiting, by the lock that the release uses.
package leader

import (
	"context"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"

	"arc-setup/tests/lab/stand-ins/internal/logging"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

// Times of controller-runtime.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// firstLock is the name that controller-runtime 0.4 gives a lock that nobody named.
const firstLock = "controller-leader-election-helper"

// Locks says what a release holds the leadership by.
type Locks struct {
	Name             string
	ConfigMap, Lease bool
}

// LocksOf knows the locks of every release; id is the flag --leader-election-id.
func LocksOf(version release.Version, id string) Locks {
	switch {
	case version.IsScaleSet() || version.AtLeast(0, 25, 0):
		return Locks{Name: id, Lease: true}
	case version.AtLeast(0, 20, 0):
		return Locks{Name: id, ConfigMap: true, Lease: true}
	default:
		return Locks{Name: firstLock, ConfigMap: true}
	}
}

// Run waits until this process leads, then calls lead. It returns only when the context ends or the lock is lost.
func Run(ctx context.Context, client kubernetes.Interface, namespace string, locks Locks, log logging.Logger, lead func(context.Context)) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	identity := host + "_" + string(uuid.NewUUID())
	lock := locks.build(client, namespace, resourcelock.ResourceLockConfig{Identity: identity, EventRecorder: recorder(client, namespace, identity)})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod, Name: locks.Name,
		Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: lead, OnStoppedLeading: func() {}},
	})
	if err != nil {
		return err
	}
	log.Info("attempting to acquire leader lease", "lock", namespace+"/"+locks.Name)
	elector.Run(ctx)
	if ctx.Err() == nil {
		return fmt.Errorf("leader election lost")
	}
	return nil
}

func (locks Locks) build(client kubernetes.Interface, namespace string, config resourcelock.ResourceLockConfig) resourcelock.Interface {
	meta := v1.ObjectMeta{Namespace: namespace, Name: locks.Name}
	maps := &configMapLock{client: client.CoreV1().ConfigMaps(namespace), meta: meta, config: config}
	leases := &resourcelock.LeaseLock{LeaseMeta: meta, Client: client.CoordinationV1(), LockConfig: config}
	switch {
	case !locks.Lease:
		return maps
	case !locks.ConfigMap:
		return leases
	default:
		return &resourcelock.MultiLock{Primary: maps, Secondary: leases}
	}
}

func recorder(client kubernetes.Interface, namespace, identity string) resourcelock.EventRecorder {
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typedcore.EventSinkImpl{Interface: client.CoreV1().Events(namespace)})
	return broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: identity})
}
