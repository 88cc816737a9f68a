package compare

import (
	"math"
	"math/rand/v2"
	"testing"
)

// All five failures are with parallel at 3GiB on podman, one in each block. That
// all five fall on the same one of three memory limits has the probability
// 3 (1/3)^5; three factors were looked at.
func TestCausesByCounting(t *testing.T) {
	var trials []Trial
	for block := range 5 {
		for _, engine := range []string{"docker", "podman"} {
			for _, memory := range []string{"3GiB", "7GiB", "12GiB"} {
				for _, arm := range []string{"serial", "2+1", "parallel"} {
					bad := engine == "podman" && memory == "3GiB" && arm == "parallel"
					trials = append(trials, Trial{Arm: arm, Place: []string{engine, memory}, Block: string(rune('a' + block)), Ready: !bad, Seconds: 100})
				}
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 10 {
		r.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
		causes := Causes(trials, []string{"runtime", "memory"})
		if len(causes) != 3 {
			t.Fatalf("%+v", causes)
		}
		for _, c := range causes {
			want := map[string]Cause{
				"":        {Level: "parallel", Failed: 5, N: 30, OtherN: 60, P: 0.037037},
				"memory":  {Level: "3GiB", Failed: 5, N: 30, OtherN: 60, P: 0.037037},
				"runtime": {Level: "podman", Failed: 5, N: 45, OtherN: 45, P: 0.0625},
			}[c.Factor]
			if near(t, "p of "+c.Factor, float64(c.P), float64(want.P), 1e-6); c.Level != want.Level || c.Failed != want.Failed || c.N != want.N || c.OtherN != want.OtherN || c.OtherFailed != 0 {
				t.Errorf("%+v", c)
			}
		}
	}
}

// The distribution of R's mantelhaen.test(exact = TRUE), counted out.
func TestAtLeastByCounting(t *testing.T) {
	urns := []urn{{6, 4, 3, 3}, {5, 3, 2, 2}}
	// Three failed of three drawn from 6 with 4 failed: C(4,3)/C(6,3) = 4/20.
	// Two of two from 5 with 3: C(3,2)/C(5,2) = 3/10. Both is the most possible.
	near(t, "the most possible", atLeast(urns), 4.0/20*3/10, 1e-12)
	near(t, "the least possible", atLeast([]urn{{6, 4, 3, 1}, {5, 3, 2, 0}}), 1, 1e-12)
	if !math.IsNaN(atLeast([]urn{{4, 4, 2, 2}, {3, 1, 3, 1}})) {
		t.Error("what can fall in one way only has a p-value")
	}
	// The normal limit takes over where it differs by little.
	wide := make([]urn, 0, 2000)
	for i := range 2000 {
		wide = append(wide, urn{2, 1, 1, i % 2})
	}
	exact, limit := atLeast(wide[:1500]), atLeast(wide)
	near(t, "half of them, exactly", exact, 0.5, 0.02)
	near(t, "half of them, in the limit", limit, 0.5, 0.02)
}

// Two factors that never varied apart cannot be told from each other. The level
// that is named is the one that fails most, whatever comes last.
func TestCausesThatNeverVariedApart(t *testing.T) {
	for _, last := range []string{"serial", "parallel"} {
		var trials []Trial
		for block := range 6 {
			good := Trial{Arm: "serial", Place: []string{"A"}, Block: string(rune('a' + block)), Ready: true, Seconds: 1}
			bad := Trial{Arm: "parallel", Place: []string{"B"}, Block: good.Block}
			if last == "serial" {
				trials = append(trials, bad, good)
			} else {
				trials = append(trials, good, bad)
			}
		}
		causes := Causes(trials, []string{"host"})
		if len(causes) != 2 || causes[0].Level != "parallel" || causes[1].Level != "B" {
			t.Errorf("with %s last: %+v", last, causes)
		}
		for _, c := range causes {
			if !math.IsNaN(float64(c.P)) {
				t.Errorf("%+v", c)
			}
		}
	}
}

func TestForesee(t *testing.T) {
	few, settledFew := Foresee(4, 6, 2, 0.05, DefaultIndifference)
	many, settled := Foresee(4, 6, 20, 0.05, DefaultIndifference)
	if !(few > many && many > 0) {
		t.Errorf("more blocks rule out less: %v, %v", few, many)
	}
	if noisy, settledNoisy := Foresee(4, 6, 20, 0.2, DefaultIndifference); !(noisy > many && settledNoisy > settled) {
		t.Errorf("noise rules out more: %v after %d, %v after %d", noisy, settledNoisy, many, settled)
	}
	if n := cleanTrials(DefaultIndifference); settled*6 < n || settledFew != settled {
		t.Errorf("settled after %d blocks, with %d clean trials needed", settled, n)
	}
	// What is foreseen is what happens: an arm that takes that much more is ruled
	// out in about half of all studies.
	const arms, blocks, spread = 3, 6, 0.06
	ruledOut, _ := Foresee(arms, 1, blocks, spread, DefaultIndifference)
	r, out := rand.New(rand.NewPCG(2, 2)), 0
	for range 200 {
		trials := study(blocks, []string{""}, []string{"a", "b", "slow"}, func(arm, _ string, _ int) (float64, float64) {
			t := 100 * math.Exp(spread*r.NormFloat64())
			if arm == "slow" {
				t *= 1 + ruledOut
			}
			return t, 0
		})
		for _, name := range Decide(trials, nil, local).Groups[0].Slower {
			if name == "slow" {
				out++
			}
		}
	}
	if out < 60 || out > 180 {
		t.Errorf("ruled out in %d of 200 studies", out)
	}
}
