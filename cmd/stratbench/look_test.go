package main

import (
	"testing"

	"github.com/stratbench/stratbench/results/analyse"
)

func TestWhyARunStopped(t *testing.T) {
	for want, s := range map[string]analyse.Stopping{
		"the comparison of failure rates is decided":                                                      {Decided: 1},
		"all comparisons of failure rates are decided":                                                    {Decided: 3},
		"every comparison of failure rates has a cell that is not run again":                              {Ended: 2},
		"1 of 3 comparisons of failure rates are decided, and the rest have a cell that is not run again": {Decided: 1, Ended: 2},
	} {
		if got := whyStopped(s); got != want {
			t.Errorf("%+v: %q, want %q", s, got, want)
		}
	}
}
