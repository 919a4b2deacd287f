package leader

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes/fake"

	"arc-setup/tests/lab/stand-ins/internal/logging"
	"arc-setup/tests/lab/stand-ins/internal/release"
)

func TestEveryReleaseHasItsLock(t *testing.T) {
	for _, one := range []struct {
		version release.Version
		want    Locks
	}{
		{release.Of(0, 18, 2), Locks{"controller-leader-election-helper", true, false}},
		{release.Of(0, 19, 0), Locks{"controller-leader-election-helper", true, false}},
		{release.Of(0, 20, 0), Locks{"id", true, true}},
		{release.Of(0, 24, 1), Locks{"id", true, true}},
		{release.Of(0, 25, 0), Locks{"id", false, true}},
		{release.Of(0, 27, 6), Locks{"id", false, true}},
		{release.Of(0, 14, 2), Locks{"id", false, true}},
	} {
		if got := LocksOf(one.version, "id"); got != one.want {
			t.Errorf("%v holds %+v", one.version, got)
		}
	}
}

func TestTheLocksAreWritten(t *testing.T) {
	for _, version := range []release.Version{release.Of(0, 18, 2), release.Of(0, 20, 4), release.Of(0, 27, 6)} {
		client := fake.NewClientset()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		err := Run(ctx, client, "arc", LocksOf(version, "id"), logging.To(io.Discard), func(context.Context) { cancel() })
		if err != nil {
			t.Fatal(err)
		}
		var made []string
		for _, action := range client.Actions() {
			if action.GetVerb() == "create" && action.GetResource().Resource != "events" {
				made = append(made, action.GetResource().Resource)
			}
		}
		locks := LocksOf(version, "id")
		if slices.Contains(made, "configmaps") != locks.ConfigMap || slices.Contains(made, "leases") != locks.Lease {
			t.Errorf("%v made %v", version, made)
		}
	}
}
