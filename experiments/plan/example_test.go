package plan_test

import (
	"fmt"
	"time"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

// Each block runs every cell once, in an order of its own; the same seed gives
// the same plan everywhere.
func ExampleMake() {
	experiment := &spec.Spec{
		Factors: []trial.Factor{
			{Name: "runtime", Levels: []trial.Level{{Name: "podman"}, {Name: "docker"}}},
			{Name: "strategy", Levels: []trial.Level{{Name: "serial"}, {Name: "parallel"}}},
		},
		Design: spec.Design{Replicates: 2, WarmUp: 1},
	}
	p := plan.Make(experiment, 7)
	for _, t := range p.Trials {
		fmt.Println(t)
	}

	// No trial was run yet, so each is expected to take a tenth of its limits: two minutes.
	e := p.Estimate(nil, spec.Limits{Phase: spec.PhaseLimits{trial.PhaseBuild: 20 * time.Minute}})
	fmt.Println("in all", e.Total)
	fmt.Println("blocks in a quarter of an hour:", p.BlocksWithin(15*time.Minute, e))
	// Output:
	// t001 warm-up [podman serial]
	// t002 warm-up [docker serial]
	// t003 block 1 [docker parallel]
	// t004 block 1 [podman parallel]
	// t005 block 1 [podman serial]
	// t006 block 1 [docker serial]
	// t007 block 2 [podman serial]
	// t008 block 2 [docker parallel]
	// t009 block 2 [docker serial]
	// t010 block 2 [podman parallel]
	// in all 20m0s
	// blocks in a quarter of an hour: 1
}
