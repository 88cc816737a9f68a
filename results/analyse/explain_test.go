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
	if m := e["memory"]; !(m.Adjusted < 0.001) || !(m.OddsRatio > 10) || m.Level != "3GiB" {
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

// Of a factor with four levels the overall test, and every pair with the level
// that failed less as the reference: one level that always crashes is told
// apart from the three that never do, and those not from each other.
func TestFactorOfFourLevels(t *testing.T) {
	var arms []simulated.Arm
	for _, memory := range []string{"3GiB", "7GiB"} {
		for _, strategy := range []string{"serial", "2+1", "parallel", "registry"} {
			a := arm(strategy, 300, 0)
			a.Cell = append(trial.Cell{{Factor: "memory", Level: memory}}, a.Cell...)
			if strategy == "parallel" {
				a.Crash = 1
			}
			if strategy == "registry" {
				a.Median = 100
			}
			arms = append(arms, a)
		}
	}
	e, err := analyse.Gather([]results.Run{simulated.Run(arms, 5, 3)}).Explain(true)
	if err != nil || len(e.Factors) != 2 || len(e.Effects) != 7 {
		t.Fatalf("%v: %d factors, %d effects", err, len(e.Factors), len(e.Effects))
	}
	strategy := e.Factors[1]
	if strategy.Levels != 4 || !strategy.Failures.Shown() || !strategy.Failures.Exact || !strategy.Times.Shown() || e.Factors[0].Failures.Shown() {
		t.Errorf("%+v", e.Factors)
	}
	shown := 0
	for _, x := range e.Effects {
		if float64(x.Adjusted) < analyse.Alpha {
			shown++
			if x.Level != "parallel" || !(x.OddsRatio > 10) || !x.Interval.Bounded() {
				t.Errorf("%+v", x)
			}
		}
		if x.Factor == "strategy" && x.Adjusted < strategy.Failures.Adjusted {
			t.Errorf("a pair with p %v in a factor with %v", x.Adjusted, strategy.Failures.Adjusted)
		}
	}
	if shown != 3 || len(e.Times) != 7 || len(e.Together) != 1 {
		t.Errorf("%d pairs shown, %d times, %d pairs of factors", shown, len(e.Times), len(e.Together))
	}
}

// Little memory and concurrency together crash far more than either: they act
// together.
func TestFactorsThatActTogether(t *testing.T) {
	e, err := analyse.Gather([]results.Run{matrix(func(memory, strategy string) float64 {
		if memory == "3GiB" && strategy == "parallel" {
			return 0.95
		}
		return 0.2
	}, 20)}).Explain(true)
	if err != nil || len(e.Together) != 1 || !(e.Together[0].Adjusted < 0.05) || len(e.Products) != 1 {
		t.Errorf("%v: %+v", err, e.Together)
	}
}
