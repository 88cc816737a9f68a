package study_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

// Three ready of five, and two crashes at 100 s.
func TestReadyBy(t *testing.T) {
	s := study.Gather([]results.Run{run(map[string][]float64{"serial": {150, 0, 250, 0, 90}}, "serial")})
	curve := study.ReadyBy(s.Trials, 300)
	for at, want := range map[float64]float64{50: 0, 90: 0.2, 100: 0.2, 249: 0.4, 300: 0.6} {
		if got := shareBy(curve, at); math.Abs(got-want) > 1e-12 {
			t.Errorf("at %v s: %v, want %v", at, got, want)
		}
	}
	if curve := study.ReadyBy(nil, 300); curve != nil {
		t.Errorf("no trial has a curve: %v", curve)
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
	curve := study.ReadyBy(s.Trials, 400)
	if got := shareBy(curve, 300); math.Abs(got-(0.25+0.75/2)) > 1e-12 {
		t.Errorf("ready by 300 s: %v", got)
	}
}

// A case has the number of trials, their times, the ways in which they ended (0 is cut
// off), and the way in question; stats/testdata has the script.
func TestReadyByAgainstR(t *testing.T) {
	text, err := os.ReadFile("../stats/testdata/survival.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			F          string
			Args, Want []float64
		}
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Cases) == 0 {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		n := int(c.Args[0])
		trials := make([]study.Observation, n)
		for i, way := range c.Args[1+n : 1+2*n] {
			at := c.Args[1+i]
			trials[i] = study.Observation{Setup: at, Lost: at, CutOff: way == 0, Ready: way == c.Args[1+2*n]}
		}
		curve, got := study.ReadyBy(trials, 0), []float64{}
		for _, s := range curve {
			got = append(got, s.Share)
		}
		if c.F == "incidence_gray" {
			got = []float64{shareBy(curve, 9)}
		}
		if len(got) != len(c.Want) {
			t.Fatalf("%s: %v, want %v", c.F, got, c.Want)
		}
		for i, want := range c.Want {
			if math.Abs(got[i]-want) > 1e-6*max(want, 1e-3) {
				t.Errorf("%s: [%d] is %v, want %v", c.F, i, got[i], want)
			}
		}
	}
}

func shareBy(c []study.Step, t float64) (share float64) {
	for _, s := range c {
		if s.Time <= t {
			share = s.Share
		}
	}
	return share
}
