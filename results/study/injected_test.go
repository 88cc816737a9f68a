package study_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/simulated"
	"github.com/stratbench/stratbench/results/study"
)

// withFaults adds trials with injected faults to a run: in its own cells, and
// in cells of their own where the fault is a factor.
func withFaults(r results.Run, factor bool) (results.Run, int) {
	injected := 0
	for _, rec := range slices.Clone(r.Records) {
		rec.Trial.ID = "x" + rec.Trial.ID
		rec.Verdict = trial.Verdict{Outcome: trial.EngineCrash, Phase: trial.PhaseBuild, Confidence: 1}
		rec.Setup = nil
		rec.Fault = &results.Injected{Name: "engine-kill", Do: "engine-kill", Truth: []trial.Outcome{trial.EngineCrash}}
		if factor {
			rec.Trial.Cell = slices.Clone(rec.Trial.Cell)
			rec.Trial.Cell[len(rec.Trial.Cell)-1].Level = "engine-kill"
			if !slices.ContainsFunc(r.Plan.Cells, func(c trial.Cell) bool { return slices.Equal(c, rec.Trial.Cell) }) {
				r.Plan.Cells = append(r.Plan.Cells, rec.Trial.Cell)
			}
		}
		r.Records = append(r.Records, rec)
		r.Plan.Trials = append(r.Plan.Trials, rec.Trial)
		injected++
	}
	return r, injected
}

// answers are everything that is said of a study, as JSON without what
// only says how many trials were recorded and left out.
func answers(t *testing.T, r results.Run) string {
	t.Helper()
	s := study.Gather([]results.Run{r})
	a := s.Analyse()
	a.Runs = nil
	for i := range a.Cells {
		a.Cells[i].Injected = 0
	}
	a.Warnings = saidAside(a.Warnings)
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func saidAside(warnings []study.Warning) []study.Warning {
	return slices.DeleteFunc(warnings, func(w study.Warning) bool { return w.Kind == study.InjectedTrials })
}

func TestInjectedFaultsAreNoFindings(t *testing.T) {
	cell := func(strategy string) trial.Cell {
		return trial.Cell{{Factor: "strategy", Level: strategy}, {Factor: "fault", Level: trial.NoFault}}
	}
	plain := func() results.Run {
		return simulated.Run([]simulated.Arm{
			{Cell: cell("serial"), Median: 600, Spread: 0.05, Crash: 0.1, Lost: 100, Recovery: 20},
			{Cell: cell("parallel"), Median: 300, Spread: 0.05, Crash: 0.4, Lost: 100, Recovery: 20}}, 8, 1)
	}
	want := answers(t, plain())
	for _, factor := range []bool{false, true} {
		t.Run(fmt.Sprintf("fault is a factor: %v", factor), func(t *testing.T) {
			broken, injected := withFaults(plain(), factor)
			if got := answers(t, broken); got != want {
				t.Errorf("the answers differ:\n%s\n%s", got, want)
			}
			s := study.Gather([]results.Run{broken})
			if len(s.Trials) != 16 {
				t.Errorf("%d trials count", len(s.Trials))
			}
			a := s.Analyse()
			said := slices.IndexFunc(a.Warnings, func(w study.Warning) bool { return w.Kind == study.InjectedTrials })
			if said < 0 || a.Warnings[said].Count != injected {
				t.Errorf("%d trials were left out, and that is said so: %+v", injected, a.Warnings)
			}
		})
	}
}
