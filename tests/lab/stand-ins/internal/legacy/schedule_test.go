package legacy

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
)

func at(text string) time.Time {
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return parsed
}

func TestOverridesHoldInTheirPeriods(t *testing.T) {
	one, thirty := 1, 30
	override := func(start, end, frequency, until string) AutoscalerSpec {
		rule := RecurrenceRule{Frequency: frequency}
		if until != "" {
			rule.UntilTime = v1.NewTime(at(until))
		}
		return AutoscalerSpec{MinReplicas: &one, ScheduledOverrides: []Override{{
			StartTime: v1.NewTime(at(start)), EndTime: v1.NewTime(at(end)), MinReplicas: &thirty, RecurrenceRule: rule,
		}}}
	}
	weekly := override("2026-01-05T07:00:00+01:00", "2026-01-05T19:00:00+01:00", "Weekly", "2026-03-01T00:00:00Z")
	monthly := override("2026-01-31T22:00:00Z", "2026-02-01T04:00:00Z", "Monthly", "")
	once := override("2026-01-05T07:00:00Z", "2026-01-05T08:00:00Z", "", "")
	for _, test := range []struct {
		spec AutoscalerSpec
		now  string
		want int
	}{
		{weekly, "2026-01-05T05:59:59Z", 1}, {weekly, "2026-01-05T06:00:00Z", 30}, {weekly, "2026-01-12T17:59:00Z", 30},
		{weekly, "2026-01-12T18:00:00Z", 1}, {weekly, "2026-03-02T10:00:00Z", 1},
		{monthly, "2026-02-28T23:00:00Z", 1}, {monthly, "2026-03-31T23:00:00Z", 30},
		{once, "2026-01-05T07:30:00Z", 30}, {once, "2026-01-06T07:30:00Z", 1},
	} {
		got, _, err := test.spec.minimum(at(test.now))
		if err != nil || got != test.want {
			t.Errorf("at %s the minimum is %d (%v), not %d", test.now, got, err, test.want)
		}
	}
}
