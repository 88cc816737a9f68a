package report

import (
	"math"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/claims"
	"github.com/stratbench/stratbench/results/study"
)

func TestHypothesesSayWhatWasTestedAndMeasured(t *testing.T) {
	adaptive, serial := trial.Levels{"strategy": "adaptive"}, trial.Levels{"strategy": "serial", "onCrash": "fail"}
	number := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		tested claims.Tested
		want   string
	}{
		{claims.Tested{Hypothesis: trial.Hypothesis{Kind: trial.HypothesisFailures, Of: adaptive, Against: serial}, Verdict: claims.Supported,
			Measured: &claims.Measured{Value: -0.02, Low: new(study.Value(-0.09)), High: number(0.04), N: 42, Failed: 1, Base: &claims.Base{N: 42, Failed: 2}}},
			"Hypothesis supported: adaptive fails no more often than serial, onCrash fail, give or take 10 points. −2 points (95 %: −9 to +4); 1 of 42 failed, against 2 of 42."},
		{claims.Tested{Hypothesis: trial.Hypothesis{Kind: trial.HypothesisTime, Of: adaptive, Against: serial, Ratio: 1.1, Survives: true, Where: trial.Levels{"runtime": "docker"}},
			Verdict: claims.Open, Measured: &claims.Measured{Value: 1.04, Low: new(study.Value(0.97)), N: 9, Base: &claims.Base{N: 9}}},
			"Hypothesis open: adaptive takes at most 1.1 × as long as serial, onCrash fail where that never failed (runtime docker). 1.04 × (95 %: 0.97 to ∞); 0 of 9 failed, against 0 of 9."},
		{claims.Tested{Hypothesis: trial.Hypothesis{Kind: trial.HypothesisTime, Of: trial.Levels{"cluster": "prebooted"}, Against: trial.Levels{"cluster": "fresh"}, Ratio: 0.4, Phase: trial.PhaseCluster},
			Verdict: claims.Supported, Measured: &claims.Measured{Value: 0.33, Low: new(study.Value(0.3)), High: number(0.36), N: 10, Base: &claims.Base{N: 10}}},
			"Hypothesis supported: cluster prebooted takes at most 0.4 × as long as cluster fresh in the phase cluster. 0.33 × (95 %: 0.30 to 0.36); 0 of 10 failed, against 0 of 10."},
		{claims.Tested{Hypothesis: trial.Hypothesis{Kind: trial.HypothesisLeastMemory, Of: adaptive, Against: serial}, Verdict: claims.Contradicted,
			Measured: &claims.Measured{Value: study.Value(math.Inf(1)), N: 12, Failed: 9, Chance: number(0.012), Base: &claims.Base{Value: 1 << 30, N: 12}}},
			"Hypothesis contradicted: the least memory at which at most 5 % of trials fail is lower for adaptive than for serial, onCrash fail. No limit (9 of 12 failed with the most), against 1.0 GiB (0 of 12 failed there); true with a probability of 1 %."},
		{claims.Tested{Hypothesis: trial.Hypothesis{Kind: trial.HypothesisLeastMemory, Of: adaptive, Memory: "2GiB"}, Verdict: claims.Open, Why: "no trial of it was measured"},
			"Hypothesis open: the least memory at which at most 5 % of trials of adaptive fail is at most 2GiB. Not tested: no trial of it was measured."},
	} {
		if got := Hypotheses([]claims.Tested{c.tested}); len(got) != 1 || got[0] != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}
