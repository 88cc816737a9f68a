package claims

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// with is the study with hypotheses in its run.
func with(s study.Study, all ...trial.Hypothesis) study.Study {
	run := s.Runs[0]
	run.Plan.Hypotheses = all
	return study.Gather([]results.Run{run})
}

func strategy(name string) trial.Levels { return trial.Levels{"strategy": name} }

func TestHypotheses(t *testing.T) {
	const failures, time, least = trial.HypothesisFailures, trial.HypothesisTime, trial.HypothesisLeastMemory
	serial, parallel, registry := strategy("serial"), strategy("parallel"), strategy("registry")
	on := func(factor, level string) trial.Levels { return trial.Levels{factor: level} }
	s := measured(t)
	for _, c := range []struct {
		why  string
		h    trial.Hypothesis
		want Verdict
	}{
		{"24 of 72 failed of both, and the interval is ±15 points", trial.Hypothesis{Kind: failures, Of: registry, Against: serial}, Open},
		{"the same with more room", trial.Hypothesis{Kind: failures, Of: registry, Against: serial, Margin: 0.2}, Supported},
		{"12 of 24 failed, against none", trial.Hypothesis{Kind: failures, Of: parallel, Against: serial, Where: on("memory", "3GiB")}, Contradicted},
		{"0.7 ×", trial.Hypothesis{Kind: time, Of: parallel, Against: serial, Ratio: 0.8, Where: on("memory", "7GiB")}, Supported},
		{"0.7 × is more than 0.68: there is no tolerance", trial.Hypothesis{Kind: time, Of: parallel, Against: serial, Ratio: 0.68, Where: on("memory", "7GiB")}, Contradicted},
		{"with failures behind all times there is no upper bound", trial.Hypothesis{Kind: time, Of: parallel, Against: serial, Ratio: 0.8, Survives: true}, Open},
		{"1.43 × where parallel survives", trial.Hypothesis{Kind: time, Of: serial, Against: parallel, Ratio: 1.5, Survives: true}, Supported},
		{"12 trials on Podman are 90 % sure", trial.Hypothesis{Kind: least, Of: serial, Against: parallel, Where: on("runtime", "podman")}, Open},
		{"24 trials on both engines", trial.Hypothesis{Kind: least, Of: serial, Against: parallel}, Supported},
		{"the other way round", trial.Hypothesis{Kind: least, Of: parallel, Against: serial}, Contradicted},
		{"24 trials without a failure", trial.Hypothesis{Kind: least, Of: registry, Memory: "3GiB"}, Supported},
		{"nothing works there", trial.Hypothesis{Kind: least, Of: registry, Memory: "1GiB"}, Contradicted},
		{"never run", trial.Hypothesis{Kind: failures, Of: strategy("2+1"), Against: serial}, Open},
	} {
		if got := Test(with(s, c.h)); len(got) != 1 || got[0].Verdict != c.want {
			t.Errorf("%s: %+v\n is %+v, want %s", c.why, c.h, got, c.want)
		}
	}
}

func TestFiguresOfHypotheses(t *testing.T) {
	s := measured(t)
	all := Test(with(s,
		trial.Hypothesis{Kind: trial.HypothesisTime, Of: strategy("serial"), Against: strategy("parallel"), Ratio: 1.5, Survives: true},
		trial.Hypothesis{Kind: trial.HypothesisLeastMemory, Of: strategy("serial"), Against: strategy("parallel"), Where: trial.Levels{"runtime": "podman"}},
		trial.Hypothesis{Kind: trial.HypothesisFailures, Of: strategy("2+1"), Against: strategy("serial")}))
	// Docker with 3GiB and both with 7GiB: 12 blocks each.
	if m := all[0].Measured; m.N != 36 || m.Failed != 0 || m.Base.N != 36 || math.Abs(float64(m.Value)-1/0.7) > 0.03 || m.Low == nil || m.High == nil {
		t.Errorf("%+v", m)
	}
	if m := all[1].Measured; m.Value != 3<<30 || m.N != 12 || m.Base.Value != 7<<30 || *m.Chance < 0.9 || *m.Chance >= 0.95 {
		t.Errorf("%+v against %+v, %v", m, m.Base, *m.Chance)
	}
	if all[2].Measured != nil || all[2].Why == "" {
		t.Errorf("%+v", all[2])
	}
}

// What always fails takes endlessly longer, and JSON has no number for that.
func TestAHypothesisAboutWhatNeverWorks(t *testing.T) {
	h := trial.Hypothesis{Kind: trial.HypothesisTime, Of: strategy("parallel"), Against: strategy("serial"), Ratio: 1.1}
	run := results.Run{Dir: "run", Plan: results.Plan{Hypotheses: []trial.Hypothesis{h}}}
	for block := range 7 {
		setup := trial.Seconds(60e9)
		for _, of := range []results.Record{{Setup: &setup, Verdict: trial.Verdict{Outcome: trial.OK}}, {Verdict: trial.Verdict{Outcome: trial.EngineCrash}}} {
			of.Kind = results.KindTrial
			of.Trial = trial.Trial{ID: fmt.Sprint(of.Verdict.Outcome, block), Block: block + 1,
				Cell: trial.Cell{{Factor: "strategy", Level: map[trial.Outcome]string{trial.OK: "serial", trial.EngineCrash: "parallel"}[of.Verdict.Outcome]}}}
			run.Records = append(run.Records, of)
		}
	}
	got := Test(study.Gather([]results.Run{run}))
	text, err := json.Marshal(got)
	if err != nil || len(got) != 1 || got[0].Verdict != Contradicted || got[0].Measured.Low == nil {
		t.Errorf("%s, %v: %+v", text, err, got)
	}
}

// A phase may be faster where the whole set-up is not.
func TestHypothesesAboutAPhase(t *testing.T) {
	h := trial.Hypothesis{Kind: trial.HypothesisTime, Of: trial.Levels{"cluster": "prebooted"}, Against: trial.Levels{"cluster": "fresh"}, Ratio: 0.4}
	inPhase := h
	inPhase.Phase = trial.PhaseCluster
	run := results.Run{Dir: "run", Plan: results.Plan{Hypotheses: []trial.Hypothesis{h, inPhase}}}
	for block := range 6 {
		for level, cluster := range map[string]trial.Seconds{"fresh": 12e9, "prebooted": 4e9} {
			setup := trial.Seconds(30e9)
			run.Records = append(run.Records, results.Record{Kind: results.KindTrial, Setup: &setup, Verdict: trial.Verdict{Outcome: trial.OK},
				Trial: trial.Trial{ID: fmt.Sprint(level, block), Block: block + 1, Cell: trial.Cell{{Factor: "cluster", Level: level}}},
				Spans: []trial.Span{{Name: "cluster", Phase: trial.PhaseCluster, End: cluster}, {Name: "deploy", Phase: trial.PhaseDeploy, Start: cluster, End: setup}}})
		}
	}
	all := Test(study.Gather([]results.Run{run}))
	if whole := all[0]; whole.Verdict != Contradicted || whole.Measured.Value != 1 || whole.Measured.Base.Value != 30 {
		t.Errorf("%+v, %+v", whole, whole.Measured)
	}
	if phase := all[1]; phase.Verdict != Supported || math.Abs(float64(phase.Measured.Value)-1./3) > 1e-9 || phase.Measured.Base.Value != 12 {
		t.Errorf("%+v, %+v", phase, phase.Measured)
	}
}

// A hypothesis is tested by the trials of the runs that it was written for: those of
// a pilot, after which it was written, do not count.
func TestHypothesesAreOfTheirRuns(t *testing.T) {
	s := measured(t)
	h := trial.Hypothesis{Kind: trial.HypothesisFailures, Of: strategy("registry"), Against: strategy("serial"), Margin: 0.2}
	pilot, first, second := s.Runs[0], s.Runs[0], s.Runs[0]
	first.Plan.Hypotheses, second.Plan.Hypotheses = []trial.Hypothesis{h}, []trial.Hypothesis{h}
	for n, runs := range map[int][]results.Run{72: {pilot, first}, 144: {first, pilot, second}} {
		all := Test(study.Gather(runs))
		if len(all) != 1 || all[0].Measured.N != n {
			t.Errorf("want %d trials: %+v", n, all)
		}
	}
}
