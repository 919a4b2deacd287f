package legacy

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Override is another minimum for a time, once or again and again.
type Override struct {
	StartTime      v1.Time        `json:"startTime"`
	EndTime        v1.Time        `json:"endTime"`
	MinReplicas    *int           `json:"minReplicas,omitempty"`
	RecurrenceRule RecurrenceRule `json:"recurrenceRule,omitempty"`
}

// RecurrenceRule repeats an override.
type RecurrenceRule struct {
	Frequency string  `json:"frequency,omitempty"`
	UntilTime v1.Time `json:"untilTime,omitempty"`
}

// period is one time that an override holds.
type period struct {
	start, end time.Time
}

// find gives the period that holds now, or the next one that will.
func (override Override) find(now time.Time) (active, next *period, err error) {
	start, length := override.StartTime.Time, override.EndTime.Sub(override.StartTime.Time)
	if length <= 0 {
		return nil, nil, fmt.Errorf("endTime %s is not after startTime %s", override.EndTime, override.StartTime)
	}
	step, err := override.RecurrenceRule.step()
	if err != nil {
		return nil, nil, err
	}
	for count := 0; ; count++ {
		begin := step(start, count)
		if until := override.RecurrenceRule.UntilTime; !until.IsZero() && begin.After(until.Time) {
			return nil, nil, nil
		}
		one := &period{begin, begin.Add(length)}
		switch {
		case one.start.After(now):
			return nil, one, nil
		case one.end.After(now):
			return one, nil, nil
		case override.RecurrenceRule.Frequency == "":
			return nil, nil, nil
		}
	}
}

// step gives the n-th beginning. A day that a month lacks is left to Go's calendar arithmetic only where the rule
// has no such day at all: monthly and yearly rules skip months without it.
func (rule RecurrenceRule) step() (func(time.Time, int) time.Time, error) {
	months := func(size int) func(time.Time, int) time.Time {
		return func(start time.Time, count int) time.Time {
			for month := 0; ; month += size {
				one := start.AddDate(0, month, 0)
				if one.Day() != start.Day() {
					continue
				}
				if count == 0 {
					return one
				}
				count--
			}
		}
	}
	switch rule.Frequency {
	case "", "Daily":
		return func(start time.Time, count int) time.Time { return start.AddDate(0, 0, count) }, nil
	case "Weekly":
		return func(start time.Time, count int) time.Time { return start.AddDate(0, 0, 7*count) }, nil
	case "Monthly":
		return months(1), nil
	case "Yearly":
		return months(12), nil
	}
	return nil, fmt.Errorf("invalid freq: %s", rule.Frequency)
}

// minimum is the one that holds now: the first active override's, or the autoscaler's own. summary tells the next change.
func (spec AutoscalerSpec) minimum(now time.Time) (minimum int, summary string, err error) {
	if spec.MinReplicas != nil {
		minimum = *spec.MinReplicas
	}
	var soonest time.Time
	for _, override := range spec.ScheduledOverrides {
		active, next, err := override.find(now)
		if err != nil {
			return 0, "", err
		}
		wanted := 0
		if override.MinReplicas != nil {
			wanted = *override.MinReplicas
		}
		if active != nil {
			return wanted, fmt.Sprintf("min=%d time=%s", minimum, active.end), nil
		}
		if next != nil && (soonest.IsZero() || next.start.Before(soonest)) {
			soonest = next.start
			summary = fmt.Sprintf("min=%d time=%s", wanted, next.start)
		}
	}
	return minimum, summary, nil
}
