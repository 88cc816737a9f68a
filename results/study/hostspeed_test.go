package study_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// withReferences puts the reference workload, so many seconds of it, before
// the blocks of a run.
func withReferences(r results.Run, seconds ...float64) results.Run {
	var references []results.Record
	for i, s := range seconds {
		references = append(references, results.Record{Schema: results.Schema, Kind: results.KindReference, Simulated: true,
			Settings: []byte(`{"cpus":2}`), Trial: trial.Trial{ID: "r", Block: i + 1, Cell: trial.Cell{}},
			Elapsed: trial.Seconds(s * 1e9), Verdict: trial.Verdict{Outcome: trial.OK}})
	}
	r.Records = append(references, r.Records...)
	return r
}

func warned(a study.Analysis, kind study.WarningKind) *study.Warning {
	if i := slices.IndexFunc(a.Warnings, func(w study.Warning) bool { return w.Kind == kind }); i >= 0 {
		return &a.Warnings[i]
	}
	return nil
}

var fiveBlocks = map[string][]float64{"serial": {300, 310, 320, 330, 340}, "parallel": {200, 210, 220, 230, 240}}

// References change no figure, and are no trial, of whichever factors.
func TestReferencesAreNeverAnalysedAsTrials(t *testing.T) {
	without := analysed(t, run(fiveBlocks, "serial", "parallel"))
	with := analysed(t, withReferences(run(fiveBlocks, "serial", "parallel"), 2, 2, 2, 2, 2))
	if with.Runs[0].Recorded != 10 || len(with.Cells) != len(without.Cells) || len(with.Factors) != 1 || len(with.Factors[0].Levels) != 2 {
		t.Errorf("%d recorded, cells %v, factors %v", with.Runs[0].Recorded, len(with.Cells), with.Factors)
	}
	if with.Cells[0].SetupTime.Median != without.Cells[0].SetupTime.Median {
		t.Error("a reference moved a figure")
	}
}

// A run that does not vary a factor of another one takes its level from the
// settings of its trials, not from those of a reference.
func TestSettingsAreThoseOfTrials(t *testing.T) {
	one, other := withReferences(run(fiveBlocks, "serial"), 2), run(fiveBlocks, "parallel")
	for i := range one.Records {
		if one.Records[i].Kind == results.KindTrial {
			one.Records[i].Settings = []byte(`{"memory":3221225472}`)
		}
	}
	for i := range other.Records {
		other.Records[i].Trial.Cell = append(other.Records[i].Trial.Cell, trial.Assignment{Factor: "memory", Level: "7GiB"})
	}
	other.Plan.Cells = nil
	s := study.Gather([]results.Run{one, other})
	if level, _ := s.Cells[0].Level("memory"); level != "3GiB" {
		t.Errorf("memory = %q of the cells %v", level, s.Cells)
	}
}

func TestHostSpeed(t *testing.T) {
	a := analysed(t, withReferences(run(fiveBlocks, "serial", "parallel"), 2.0, 2.1, 2.0, 2.24, 2.05))
	h := a.Runs[0].HostSpeed
	if h == nil || h.N != 5 || math.Abs(float64(h.Spread)-0.12) > 1e-9 {
		t.Fatalf("host speed %+v", h)
	}
	w := warned(a, study.HostVaried)
	if w == nil || w.Share == nil || *w.Share != h.Spread || w.Count != 5 {
		t.Errorf("warning %+v", w)
	}
	for _, steady := range []results.Run{
		withReferences(run(fiveBlocks, "serial"), 2.0, 2.1, 2.19), withReferences(run(fiveBlocks, "serial"), 2.0), run(fiveBlocks, "serial"),
	} {
		if w := warned(analysed(t, steady), study.HostVaried); w != nil {
			t.Errorf("a warning of a steady host: %+v", w)
		}
	}
}

// Times of another job, as of another version or with other CPUs, are not
// compared; nor is one that failed.
func TestOnlyReferencesOfOneJobAreCompared(t *testing.T) {
	r := withReferences(run(fiveBlocks, "serial"), 9, 8, 2.0, 2.0)
	r.Records[0].Settings = []byte(`{"cpus":1}`)
	r.Records[1].Verdict.Outcome = trial.RunnerFault
	if h := analysed(t, r).Runs[0].HostSpeed; h.N != 2 || h.Spread != 0 {
		t.Errorf("host speed %+v", h)
	}
}
