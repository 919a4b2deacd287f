package main

import "testing"

func TestHowManyRunners(t *testing.T) {
	scaler := &scaler{config: &config{MinRunners: 1, MaxRunners: 3}, sequence: -1}
	for _, each := range []struct{ assigned, completed, replicas, id int }{
		{0, 0, 1, 0},
		{1, 0, 2, 1},
		// Nothing new: the jobs still run.
		{0, 0, 2, 2},
		{9, 0, 3, 3},
		{0, 1, 1, 4},
		{0, 0, 1, 0},
		{1, 0, 2, 6},
	} {
		if replicas, id := scaler.decide(each.assigned, each.completed); replicas != each.replicas || id != each.id {
			t.Errorf("%+v: %d runners, patch %d", each, replicas, id)
		}
	}
}
