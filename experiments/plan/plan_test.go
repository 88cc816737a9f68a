package plan_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/plan"
	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

const gib = trial.Bytes(1 << 30)

func matrix() *spec.Spec {
	return &spec.Spec{
		Factors: []trial.Factor{
			{Name: "runtime", Levels: []trial.Level{{Name: "podman"}, {Name: "docker"}}},
			{Name: "memory", Levels: []trial.Level{{Name: "3GiB", Value: 3 * gib}, {Name: "12.5GiB", Value: 12*gib + gib/2}, {Name: "7GiB", Value: 7 * gib}}},
			{Name: "strategy", Levels: []trial.Level{{Name: "serial"}, {Name: "2+1"}, {Name: "parallel"}, {Name: "registry"}}},
		},
		Design: spec.Design{Replicates: 4, WarmUp: 2},
	}
}

func TestPlanProperties(t *testing.T) {
	spec := matrix()
	for seed := range uint64(300) {
		p := plan.Make(spec, seed)
		checkBlocks(t, p, spec.Design)
		checkNumbers(t, p)
		if again := plan.Make(spec, seed); !reflect.DeepEqual(p, again) {
			t.Fatalf("seed %d: two plans of one seed differ", seed)
		}
	}
}

// checkBlocks: every block runs each cell once, and blocks follow each other.
func checkBlocks(t *testing.T, p plan.Plan, design spec.Design) {
	t.Helper()
	seen := map[string]int{}
	block := 0
	for _, tr := range p.Trials {
		if tr.Block < block {
			t.Fatalf("seed %d: %s comes after block %d", p.Seed, tr, block)
		}
		block = tr.Block
		if tr.WarmUp != (tr.Block == 0) {
			t.Fatalf("seed %d: %s: warm-up is %v", p.Seed, tr, tr.WarmUp)
		}
		if !tr.WarmUp {
			seen[fmt.Sprint(tr.Block, tr.Cell.Key())]++
		}
	}
	if block != design.Replicates || len(seen) != design.Replicates*len(p.Cells) {
		t.Fatalf("seed %d: %d blocks with %d cells in all", p.Seed, block, len(seen))
	}
	for key, n := range seen {
		if n != 1 {
			t.Fatalf("seed %d: %s is run %d times", p.Seed, key, n)
		}
	}
}

// checkNumbers: positions count from 1, IDs sort in order, replicates count
// the trials of a cell.
func checkNumbers(t *testing.T, p plan.Plan) {
	t.Helper()
	replicate := map[string]int{}
	for i, tr := range p.Trials {
		if tr.Position != i+1 || i > 0 && tr.ID <= p.Trials[i-1].ID {
			t.Fatalf("seed %d: trial %d has position %d and ID %s", p.Seed, i, tr.Position, tr.ID)
		}
		if !tr.WarmUp {
			replicate[tr.Cell.Key()]++
		}
		if want := replicate[tr.Cell.Key()]; !tr.WarmUp && tr.Replicate != want || tr.WarmUp && tr.Replicate != 0 {
			t.Fatalf("seed %d: %s has replicate %d, want %d", p.Seed, tr.ID, tr.Replicate, want)
		}
	}
}

func TestSeedsGiveDifferentOrders(t *testing.T) {
	orders := map[string]bool{}
	for seed := range uint64(100) {
		orders[fmt.Sprint(plan.Make(matrix(), seed).Trials)] = true
	}
	if len(orders) != 100 {
		t.Errorf("100 seeds give %d orders", len(orders))
	}
}

// With a fair shuffle each cell stands first in a block equally often.
func TestEveryCellComesFirst(t *testing.T) {
	first := map[string]int{}
	const seeds = 2400
	for seed := range uint64(seeds) {
		p := plan.Make(matrix(), seed)
		first[p.Trials[len(p.Trials)-len(p.Cells)].Cell.Key()]++
	}
	// 24 cells: 100 expected, standard deviation 9.8.
	if len(first) != 24 {
		t.Errorf("only %d of 24 cells ever come first", len(first))
	}
	for cell, n := range first {
		if n < 50 || n > 150 {
			t.Errorf("%s comes first %d times of %d", cell, n, seeds)
		}
	}
}

// An order that a record has must be found again by any later version.
func TestOrderOfASeedStays(t *testing.T) {
	p := plan.Make(matrix(), 42)
	var got []string
	for _, tr := range p.Trials[:8] {
		got = append(got, tr.ID+" "+tr.Cell.String())
	}
	want := []string{"t001 podman 12.5GiB serial", "t002 docker 12.5GiB serial", "t003 podman 12.5GiB serial", "t004 docker 12.5GiB serial",
		"t005 docker 3GiB serial", "t006 podman 3GiB serial", "t007 podman 12.5GiB serial", "t008 podman 7GiB serial"}
	if !slices.Equal(got, want) {
		t.Errorf("seed 42 gives\n%q\nwant\n%q", got, want)
	}
}

func TestWarmUpsAreTheGentlestCellOfEachEngine(t *testing.T) {
	var got []string
	for _, tr := range plan.Make(matrix(), 7).Trials {
		if tr.WarmUp {
			got = append(got, tr.Cell.String())
		}
	}
	want := []string{"podman 12.5GiB serial", "docker 12.5GiB serial", "podman 12.5GiB serial", "docker 12.5GiB serial"}
	if !slices.Equal(got, want) {
		t.Errorf("warm-ups are %q, want %q", got, want)
	}
}

func TestIDsOfLongPlansSort(t *testing.T) {
	spec := matrix()
	spec.Design.Replicates = 50
	checkNumbers(t, plan.Make(spec, 1))
}

func TestCellsThatAreLeftOut(t *testing.T) {
	s := matrix()
	s.Design.LeaveOut = []trial.Levels{{"runtime": "docker", "memory": "3GiB"}, {"strategy": "2+1"}}
	p := plan.Make(s, 5)
	checkBlocks(t, p, s.Design)
	if len(p.Cells) != 15 { // 24, less 6 of 2+1 and 3 others
		t.Errorf("%d cells", len(p.Cells))
	}
	for _, c := range p.Cells {
		if s.Design.LeaveOut[0].In(c) || s.Design.LeaveOut[1].In(c) {
			t.Errorf("%s is planned", c)
		}
	}
}

// minuteEach are limits by which a trial is expected to take a minute.
var minuteEach = spec.Limits{Phase: spec.PhaseLimits{trial.PhaseBuild: 6 * time.Minute, trial.PhaseTest: 4 * time.Minute}}

func TestEstimate(t *testing.T) {
	p, took := plan.Make(matrix(), 3), map[string][]time.Duration{}
	for _, c := range p.Cells {
		if runtime, _ := c.Level("runtime"); runtime == "docker" {
			took[c.Key()] = []time.Duration{time.Minute, 3 * time.Minute}
		}
	}
	e := p.Estimate(took, minuteEach)
	// Warm-ups: twice 1 + 2; blocks: 12 of 1 and 12 of 2, four times.
	if e.WarmUps != 6*time.Minute || e.Block != 36*time.Minute || e.Total != 150*time.Minute {
		t.Errorf("warm-ups %v, a block %v, in all %v", e.WarmUps, e.Block, e.Total)
	}
	trials := 0
	for _, cell := range e.Cells {
		trials += cell.Trials
	}
	if trials != 100 || e.Cells[0].Source != "a guess: a tenth of the limits" || e.Cells[23].Source != "mean of earlier trials of the same cell" {
		t.Errorf("%d trials; sources %q and %q", trials, e.Cells[0].Source, e.Cells[23].Source)
	}
}

func TestBlocksWithin(t *testing.T) {
	p := plan.Make(matrix(), 3) // 4 minutes of warm-ups, 24 minutes a block
	for budget, want := range map[time.Duration]int{
		0:                 4,
		3 * time.Minute:   0,
		27 * time.Minute:  0,
		28 * time.Minute:  1,
		51 * time.Minute:  1,
		52 * time.Minute:  2,
		100 * time.Minute: 4,
		1000 * time.Hour:  4,
	} {
		if got := p.BlocksWithin(budget, p.Estimate(nil, minuteEach)); got != want {
			t.Errorf("budget %v: %d blocks, want %d", budget, got, want)
		}
	}
}

func TestCells(t *testing.T) {
	cells := matrix().Cells()
	if len(cells) != 24 || cells[0].String() != "podman 3GiB serial" || cells[1].String() != "podman 3GiB 2+1" || cells[23].String() != "docker 7GiB registry" {
		t.Errorf("cells are %v", cells)
	}
}
