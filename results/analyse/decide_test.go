package analyse_test

import (
	"encoding/json"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/simulated"
)

func decided(t *testing.T, p analyse.Priorities, runs ...results.Run) analyse.Choice {
	t.Helper()
	d, err := analyse.Gather(runs).Decide(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(d); err != nil {
		t.Fatalf("the decision is no JSON: %v", err)
	}
	if len(d.Groups) != 1 {
		t.Fatalf("%d groups", len(d.Groups))
	}
	return d.Groups[0]
}

func arm(strategy string, median, crash float64) simulated.Arm {
	return simulated.Arm{Cell: trial.Cell{{Factor: "strategy", Level: strategy}}, Median: median, Spread: 0.05, Crash: crash, Lost: 1020, Recovery: 180}
}

// D/(D+L+R) by hand: 1020 s against 660 s when it works, a crash costs 120 s.
func TestBreakEvenCrashRate(t *testing.T) {
	c := decided(t, analyse.Priorities{Environment: "local"},
		run(map[string][]float64{"serial": {1020, 1020, 1020}, "parallel": {0, 0, 660}}, "serial", "parallel"))
	if c.Recommended != 1 && len(c.BreakEven) != 1 {
		t.Fatalf("%+v", c)
	}
	near(t, "parallel's expected time", c.Arms[1].Cost.Mean, 660+2*120, 1e-9)
}

func TestBreakEvenAgainstSerial(t *testing.T) {
	c := decided(t, analyse.Priorities{Environment: "local"},
		run(map[string][]float64{"serial": {1020, 1020, 1020, 1020}, "parallel": {0, 0, 0, 660}, "2+1": {900, 900, 900, 900}}, "serial", "parallel"))
	near(t, "break-even", c.BreakEven[0].Rate, 360.0/(360+120), 1e-9)
}

func TestALargeDifferenceIsDecided(t *testing.T) {
	c := decided(t, analyse.Priorities{Environment: "local"},
		simulated.Run([]simulated.Arm{arm("serial", 600, 0), arm("parallel", 300, 0.8)}, 12, 1))
	if c.Kind != analyse.Decided || c.Arms[c.Recommended].Arm.String() != "serial" {
		t.Errorf("%s: %+v", c.Kind, c.Arms)
	}
}

func TestASmallDifferenceIsNot(t *testing.T) {
	c := decided(t, analyse.Priorities{Environment: "local"},
		simulated.Run([]simulated.Arm{arm("serial", 600, 0), arm("parallel", 300, 0.3)}, 3, 1))
	if c.Kind != analyse.Undecided || c.MoreBlocks == 0 {
		t.Errorf("%s with %d more blocks", c.Kind, c.MoreBlocks)
	}
}

func TestAnArmNotRunIsNeverRanked(t *testing.T) {
	c := decided(t, analyse.Priorities{Environment: "local"},
		run(map[string][]float64{"serial": {100, 110}}, "serial", "parallel"))
	if len(c.Arms) != 1 || len(c.NotRun) != 1 || c.Kind != analyse.OnlyOne {
		t.Errorf("%s: %d arms, not run %v", c.Kind, len(c.Arms), c.NotRun)
	}
}

func TestNothingThatNeverWorkedIsRecommended(t *testing.T) {
	c := decided(t, analyse.Priorities{Environment: "local"},
		run(map[string][]float64{"serial": {0, 0}, "parallel": {0, 0}}, "serial", "parallel"))
	if c.Kind != analyse.NoneWorks || c.Recommended != -1 {
		t.Errorf("%s, %d", c.Kind, c.Recommended)
	}
}

func TestTheFailureLimit(t *testing.T) {
	p := analyse.Priorities{Environment: "ci", MaxFailureRate: 0.3}
	c := decided(t, p, run(map[string][]float64{"serial": {100, 100, 101, 102, 99, 98, 97, 100.5, 104}, "parallel": {50, 0, 0, 0, 0, 0, 0, 51, 0}}, "serial", "parallel"))
	// 9 clean trials are what shows a rate under 30 % (CleanRuns).
	if c.Arms[0].Limit != analyse.LimitShown || c.Arms[1].Limit != analyse.LimitExceeded {
		t.Errorf("limits: %s, %s", c.Arms[0].Limit, c.Arms[1].Limit)
	}
	if got := analyse.CleanTrials(0, 0.1); got != 29 {
		t.Errorf("%d clean trials for 10 %%, want 29", got)
	}
}

func TestTheQuantileCountsRetries(t *testing.T) {
	data := simulated.Run([]simulated.Arm{arm("serial", 600, 0), arm("parallel", 300, 0.5)}, 20, 3)
	mean := decided(t, analyse.Priorities{Environment: "local"}, data)
	slow := decided(t, analyse.Priorities{Environment: "ci", Quantile: 0.9}, data)
	if slow.Arms[1].Cost.Mean <= mean.Arms[1].Cost.Mean {
		t.Errorf("90 %% quantile %v, mean %v", slow.Arms[1].Cost.Mean, mean.Arms[1].Cost.Mean)
	}
}

// best is P(best) of the first arm under the usual prior.
func best(t *testing.T, times map[string][]float64) float64 {
	t.Helper()
	d, err := analyse.Gather([]results.Run{run(times, "serial", "parallel")}).Decide(analyse.Priorities{Environment: "local"})
	if err != nil {
		t.Fatal(err)
	}
	return float64(d.Groups[0].Arms[0].Best[0].Probability)
}

// One trial of each says next to nothing of which is better, unless one took
// many times as long: nobody has seen how much the times vary. What other
// trials say of that counts.
func TestOneTrialDecidesLittle(t *testing.T) {
	for ratio, at := range map[float64][2]float64{1: {0.45, 0.55}, 1.3: {0.52, 0.68}, 2: {0.62, 0.82}, 20: {0.9, 0.995}} {
		p := best(t, map[string][]float64{"serial": {100}, "parallel": {100 * ratio}})
		if p < at[0] || p > at[1] {
			t.Errorf("%v times as long: P(best) %v, want %v", ratio, p, at)
		}
	}
	few := best(t, map[string][]float64{"serial": {100}, "parallel": {130}})
	more := best(t, map[string][]float64{"serial": {99, 100, 101}, "parallel": {129, 130, 131}})
	if !(more > few+0.15) {
		t.Errorf("three steady trials: %v, one: %v", more, few)
	}
}

// The prior's influence is said: with one trial of each all that is known of
// the spread is the prior's, with ten of each little.
func TestThePriorsInfluenceIsShown(t *testing.T) {
	for n, at := range map[int][2]float64{1: {1, 1}, 10: {0, 0.1}} {
		times := map[string][]float64{}
		for i := range n {
			times["serial"], times["parallel"] = append(times["serial"], 100+float64(i)), append(times["parallel"], 130+float64(i))
		}
		d, err := analyse.Gather([]results.Run{run(times, "serial", "parallel")}).Decide(analyse.Priorities{Environment: "local"})
		if err != nil {
			t.Fatal(err)
		}
		a := d.Groups[0].Arms[0]
		if s := float64(a.PriorShare); s < at[0] || s > at[1] || len(a.Best) != 4 {
			t.Errorf("n = %d: prior's share %v, %v", n, s, a.Best)
		}
		if erratic := a.Best[3].Probability; n == 1 && !(erratic < a.Best[0].Probability) || erratic < 0.5 {
			t.Errorf("n = %d: %v", n, a.Best)
		}
	}
}

// Inside blocks one arm beats another at p = 1/2 to the number of blocks at
// best. Of two arms 0.05 takes 5 blocks, of four 0.05/3 takes 6: after 3 blocks
// of a difference beyond doubt 2 and 3 more are needed, and those decide.
func TestMoreBlocksAreThoseThatDecide(t *testing.T) {
	medians := map[string]float64{"serial": 1000, "2+1": 700, "parallel": 500, "registry": 100}
	for _, c := range []struct {
		strategies []string
		more       int
	}{{[]string{"serial", "registry"}, 2}, {[]string{"serial", "2+1", "parallel", "registry"}, 3}} {
		var arms []simulated.Arm
		for _, s := range c.strategies {
			arms = append(arms, simulated.Arm{Cell: trial.Cell{{Factor: "strategy", Level: s}}, Median: medians[s], Spread: 0.01})
		}
		choose := func(blocks int) analyse.Choice {
			d, err := analyse.Gather([]results.Run{simulated.Run(arms, blocks, 1)}).Decide(analyse.Priorities{Environment: "local"})
			if err != nil {
				t.Fatal(err)
			}
			return d.Groups[0]
		}
		if got := choose(3); got.Kind != analyse.Undecided || !got.TooFew || got.MoreBlocks != c.more {
			t.Errorf("%v: %s, too few %v, %d more blocks, want %d", c.strategies, got.Kind, got.TooFew, got.MoreBlocks, c.more)
		}
		if got := choose(3 + c.more); got.Kind != analyse.Decided || got.TooFew {
			t.Errorf("%v: after those it is %s", c.strategies, got.Kind)
		}
	}
}

// The expected time of a cell is one figure, in the analysis and in the
// decision, also where no failure of it was seen.
func TestTheExpectedTimeIsOneFigure(t *testing.T) {
	s := analyse.Gather([]results.Run{simulated.Run(simulated.Matrix(), 5, 1)})
	a, err := s.Analyse(nil)
	if err != nil {
		t.Fatal(err)
	}
	analysed := map[string]analyse.RunningTime{}
	for _, c := range a.Cells {
		analysed[c.Cell.Cell.String()] = c.RunningTime
	}
	d, err := s.Decide(analyse.Priorities{Environment: "local"})
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, g := range d.Groups {
		for _, arm := range g.Arms {
			want := analysed[g.Group.String()+" "+arm.Arm.String()]
			if !arm.Cost.Interval.Bounded() {
				continue
			}
			if compared++; arm.Cost.Mean != want.Mean || arm.Cost.Interval != want.Interval {
				t.Errorf("%s %s: %+v, analysed %+v", g.Group, arm.Arm, arm.Cost, want)
			}
		}
	}
	if compared < 12 {
		t.Errorf("%d compared", compared)
	}
}
