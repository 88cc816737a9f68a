package study_test

import (
	"math"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// Three ready of five, and two crashes at 100 s.
func TestReadyBy(t *testing.T) {
	s := study.Gather([]results.Run{run(map[string][]float64{"serial": {150, 0, 250, 0, 90}}, "serial")})
	curve, ok := study.ReadyBy(s.Trials, 300)
	for at, want := range map[float64]float64{50: 0, 90: 0.2, 100: 0.2, 249: 0.4, 300: 0.6} {
		if got := shareBy(curve, at); !ok || math.Abs(got-want) > 1e-12 {
			t.Errorf("at %v s: %v, want %v", at, got, want)
		}
	}
	if _, ok := study.ReadyBy(nil, 300); ok {
		t.Error("no trial has a curve")
	}
}

// A trial that a limit ended is censored there: of the two trials left at risk
// the one ready later counts for half of what is left (Aalen–Johansen by hand:
// 1/4, then 3/4·1/2).
func TestACutOffTrialIsCensored(t *testing.T) {
	data := run(map[string][]float64{"serial": {50, 0, 200, 400}}, "serial")
	data.Records[1].Verdict = trial.Verdict{Outcome: trial.ClusterHang, TimedOut: true}
	data.Records[3].Verdict = trial.Verdict{Outcome: trial.EngineCrash}
	data.Records[3].Setup, data.Records[3].Elapsed = nil, 400e9
	s := study.Gather([]results.Run{data})
	curve, _ := study.ReadyBy(s.Trials, 400)
	if got := shareBy(curve, 300); math.Abs(got-(0.25+0.75/2)) > 1e-12 {
		t.Errorf("ready by 300 s: %v", got)
	}
}

func shareBy(c []stats.Step, t float64) (share float64) {
	for _, s := range c {
		if s.Time <= t {
			share = s.Incidence
		}
	}
	return share
}
