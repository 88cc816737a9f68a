package main

import (
	"testing"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/results"
)

func TestOnlyASpecThatAsksForItIsLookedAt(t *testing.T) {
	s := &spec.Spec{}
	if looker(s) != nil {
		t.Error("a spec that runs all its replicates is looked at")
	}
	s.Design.Stop = spec.StopDecided
	look, err := looker(s)(results.Run{})
	if err != nil || look.Stopped || len(look.Retired) > 0 {
		t.Errorf("without a trial nothing is decided: %+v, %v", look, err)
	}
}
