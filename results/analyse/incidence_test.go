package analyse_test

import (
	"math"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
)

// Three ready of five: R's binom.test(3, 5) has 0.1466328 to 0.9472550; two
// crashes at 100 s are 40 % from then on.
func TestEndingsOfACell(t *testing.T) {
	s := analyse.Gather([]results.Run{run(map[string][]float64{"serial": {150, 0, 250, 0, 90}}, "serial")})
	e, ok := s.Endings(s.Cells[0], 300)
	if !ok || len(e.Ways) != 2 || e.Ways[0].Trials != 3 || e.Ways[1].Outcome != trial.EngineCrash {
		t.Fatalf("%+v", e)
	}
	for at, want := range map[float64][2]float64{50: {0, 0}, 90: {0.2, 0}, 100: {0.2, 0.4}, 249: {0.4, 0.4}, 300: {0.6, 0.4}} {
		if got := [2]float64{e.Ways[0].Curve.At(at), e.Ways[1].Curve.At(at)}; math.Abs(got[0]-want[0])+math.Abs(got[1]-want[1]) > 1e-12 {
			t.Errorf("at %v s: %v, want %v", at, got, want)
		}
	}
	last := e.Band[len(e.Band)-1]
	if math.Abs(last.Lower-0.1466328) > 1e-6 || math.Abs(last.Upper-0.9472550) > 1e-6 || !math.IsInf(e.ExactUntil, 1) {
		t.Errorf("band ends with %+v, exact until %v", last, e.ExactUntil)
	}
}

// A trial that a limit ended is censored there: what came before it keeps its
// exact band, and of the two trials left at risk the one ready later counts
// for half of what is left (Aalen–Johansen by hand: 1/4, then 3/4·1/2).
func TestACutOffTrialIsCensored(t *testing.T) {
	data := run(map[string][]float64{"serial": {50, 0, 200, 400}}, "serial")
	data.Records[1].Verdict = trial.Verdict{Outcome: trial.ClusterHang, TimedOut: true}
	data.Records[3].Verdict = trial.Verdict{Outcome: trial.EngineCrash}
	data.Records[3].Setup, data.Records[3].Elapsed = nil, 400e9
	s := analyse.Gather([]results.Run{data})
	e, ok := s.Endings(s.Cells[0], 400)
	if !ok || e.CutOff != 1 || e.ExactUntil != 100 || len(e.Ways) != 2 {
		t.Fatalf("%+v", e)
	}
	if got := e.Ways[0].Curve.At(300); math.Abs(got-(0.25+0.75/2)) > 1e-12 {
		t.Errorf("ready by 300 s: %v", got)
	}
}

func TestEndingsWithoutATrial(t *testing.T) {
	s := analyse.Gather([]results.Run{run(nil, "serial")})
	if _, ok := s.Endings(s.Cells[0], 300); ok {
		t.Error("no trial has a curve")
	}
}
