package analyse_test

import (
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/simulated"
)

// matrix crashes by strategy and memory as told.
func matrix(crash func(memory, strategy string) float64, blocks int) results.Run {
	var arms []simulated.Arm
	for _, memory := range []string{"3GiB", "12.5GiB"} {
		for _, strategy := range []string{"serial", "parallel"} {
			arms = append(arms, simulated.Arm{Cell: trial.Cell{{Factor: "memory", Level: memory}, {Factor: "strategy", Level: strategy}},
				Median: 300, Spread: 0.05, Lost: 200, Recovery: 60, Crash: crash(memory, strategy)})
		}
	}
	return simulated.Run(arms, blocks, 7)
}

func explained(t *testing.T, r results.Run) map[string]analyse.FactorEffect {
	t.Helper()
	e, err := analyse.Gather([]results.Run{r}).Explain(true)
	if err != nil {
		t.Fatal(err)
	}
	effects := map[string]analyse.FactorEffect{}
	for _, x := range e.Effects {
		effects[x.Factor] = x
	}
	return effects
}

// One factor separates the outcomes completely: the maximum likelihood has no
// finite estimate, the penalised one has, and the exact p is Fisher's.
func TestConcurrencyAndNotMemory(t *testing.T) {
	e := explained(t, matrix(func(_, strategy string) float64 {
		if strategy == "parallel" {
			return 1
		}
		return 0
	}, 6))
	if s := e["strategy"]; !(s.Adjusted < 0.001) || !(s.OddsRatio > 10) || !s.Interval.Lower.Finite() || !s.Exact {
		t.Errorf("strategy: %+v", s)
	}
	if m := e["memory"]; m.Adjusted < 0.5 {
		t.Errorf("memory: %+v", m)
	}
}

func TestMemoryAndNotConcurrency(t *testing.T) {
	e := explained(t, matrix(func(memory, _ string) float64 {
		if memory == "3GiB" {
			return 1
		}
		return 0
	}, 6))
	if m := e["memory"]; !(m.Adjusted < 0.001) || !(m.OddsRatio < 0.1) {
		t.Errorf("memory: %+v", m)
	}
	if s := e["strategy"]; s.Adjusted < 0.5 {
		t.Errorf("strategy: %+v", s)
	}
}

func TestWhatCannotBeTold(t *testing.T) {
	r := matrix(func(_, _ string) float64 { return 0.5 }, 6)
	kept := r.Records[:0]
	for _, rec := range r.Records {
		memory, _ := rec.Trial.Cell.Level("memory")
		strategy, _ := rec.Trial.Cell.Level("strategy")
		if (memory == "3GiB") == (strategy == "parallel") {
			kept = append(kept, rec)
		}
	}
	r.Records = kept
	e, err := analyse.Gather([]results.Run{r}).Explain(true)
	if err != nil || len(e.Aliased) != 1 || len(e.Missing) != 2 || len(e.Effects) != 1 {
		t.Errorf("%v: aliased %v, missing %v, effects %v", err, e.Aliased, e.Missing, e.Effects)
	}
}

func TestNothingToExplain(t *testing.T) {
	for _, crash := range []float64{0, 1} {
		e, err := analyse.Gather([]results.Run{matrix(func(_, _ string) float64 { return crash }, 2)}).Explain(true)
		if err != nil || len(e.Effects) != 0 {
			t.Errorf("crash rate %v: %v, %v", crash, e.Effects, err)
		}
	}
}
