package main

import (
	"testing"

	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/results"
)

func TestOnlyASpecThatAsksForItIsLookedAt(t *testing.T) {
	spec := &experiments.Spec{}
	if looker(spec) != nil {
		t.Error("a spec that runs all its replicates is looked at")
	}
	spec.Design.Stop = experiments.StopDecided
	look, err := looker(spec)(results.Run{})
	if err != nil || look.Stopped || len(look.Retired) > 0 {
		t.Errorf("without a trial nothing is decided: %+v, %v", look, err)
	}
}
