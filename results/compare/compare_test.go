package compare

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var (
	local = Goal{}
	ci    = Goal{Quantile: 0.9, MaxFailureRate: 0.05}
)

// The showcase's 240 trials, block by block as a run sees them.
func TestShowcase(t *testing.T) {
	all := readTrials(t, "testdata/showcase.csv", []string{"runtime", "memory"}, []string{"strategy", "clusterStart"})
	factors := []string{"runtime", "memory"}
	pull := func(block int) Answer { return Decide(upTo(all, block), factors, local) }
	build := func(block int, goal Goal) Answer {
		return Decide(slices.DeleteFunc(upTo(all, block), func(x Trial) bool { return strings.HasPrefix(x.Arm, "registry") }), factors, goal)
	}
	for block := 2; block <= 5; block++ {
		a := pull(block)
		if len(a.Groups) != 1 || len(a.Groups[0].RuledOut) != 6 {
			t.Fatalf("by block %d every strategy that builds is ruled out on both engines: %+v", block, a.Groups)
		}
		for _, o := range a.Groups[0].RuledOut {
			if strings.HasPrefix(o.Against, "registry") || !strings.HasPrefix(o.Of, "registry") || !(o.Upper < 0) {
				t.Errorf("block %d: %+v is ruled out", block, o)
			}
		}
	}
	isEnded(t, "images there", pull(5), "registry with", "registry before")
	for _, goal := range []Goal{local, ci} {
		isEnded(t, "images to build", build(5, goal), "parallel with", "2+1 with", "serial with")
	}
}

// isEnded asserts that one group is decided or tied between these arms.
func isEnded(t *testing.T, what string, a Answer, among ...string) {
	t.Helper()
	for _, g := range a.Groups {
		if g.Verdict != Decided && g.Verdict != Tied || len(g.Best) == 0 {
			t.Errorf("%s: %v is %s", what, g.Where, g.Verdict)
		} else if g.Effect != nil && g.Effect.Of != g.Best[0] {
			t.Errorf("%s: %v is best, and the effect is that of %s", what, g.Best, g.Effect.Of)
		}
		for _, arm := range g.Best {
			if !slices.Contains(among, arm) {
				t.Errorf("%s: %v recommends %q", what, g.Where, arm)
			}
		}
	}
}

// study makes trials: n blocks in each place, of what of returns.
func study(n int, places []string, arms []string, of func(arm, place string, block int) (seconds, lost float64)) (trials []Trial) {
	for block := range n {
		for _, place := range places {
			for _, arm := range arms {
				x := Trial{Arm: arm, Place: []string{place}, Block: string(rune('a' + block)), Lost: math.NaN()}
				if x.Seconds, x.Lost = of(arm, place, block); x.Lost == 0 {
					x.Ready = true
				}
				trials = append(trials, x)
			}
		}
	}
	return trials
}

func TestOrderOfRowsIsNoMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	trials := study(5, []string{"3GiB", "7GiB"}, []string{"serial", "2+1", "parallel"}, func(arm, place string, _ int) (float64, float64) {
		if arm == "parallel" && place == "3GiB" {
			return math.NaN(), 380
		}
		return map[string]float64{"serial": 600, "2+1": 480, "parallel": 400}[arm] * math.Exp(0.05*r.NormFloat64()), 0
	})
	want := Decide(trials, []string{"memory"}, local)
	if len(want.Groups) != 2 || !want.Factors[0].Split {
		t.Fatalf("parallel fails at 3GiB only, and memory is not split: %+v", want)
	}
	isEnded(t, "where parallel fails", Answer{Groups: want.Groups[:1]}, "2+1")
	for range 30 {
		r.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
		got := Decide(trials, []string{"memory"}, local)
		for i, g := range got.Groups {
			w := want.Groups[i]
			if g.Verdict != w.Verdict || !slices.Equal(g.Best, w.Best) || math.Abs(g.Arms[0].Cost-w.Arms[0].Cost) > 1e-9 {
				t.Fatalf("another order, another answer: %+v, %+v", g, w)
			}
		}
	}
}

// No factor alone turns the order of A and B: at each level of memory and of cpu, each is
// faster in one half of the trials.
func TestFactorsTurnTheOrderTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var trials []Trial
	for block := range 14 {
		for _, place := range [][]string{{"2", "3GiB"}, {"2", "7GiB"}, {"4", "3GiB"}, {"4", "7GiB"}} {
			for _, arm := range []string{"A", "B"} {
				seconds := 300.0
				if (arm == "A") != (place[0] == "2") != (place[1] == "3GiB") {
					seconds = 390
				}
				trials = append(trials, Trial{Arm: arm, Place: place, Block: string(rune('a' + block)), Ready: true,
					Seconds: seconds * math.Exp(0.05*r.NormFloat64()), Lost: math.NaN()})
			}
		}
	}
	a := Decide(trials, []string{"cpu", "memory"}, local)
	if len(a.Groups) != 4 {
		t.Fatalf("decided in %d places, not in 4: %+v", len(a.Groups), a.Groups)
	}
	for _, g := range a.Groups {
		best := "A"
		if (g.Where["cpu"][0] == "2") == (g.Where["memory"][0] == "3GiB") {
			best = "B"
		}
		if g.Best[0] != best || g.Verdict != Decided {
			t.Errorf("%v: %s %v, not %s", g.Where, g.Verdict, g.Best, best)
		}
	}
}

// That all others fail does not show that the one that is left does not.
func TestTheOnlyOneLeftHasToWork(t *testing.T) {
	among := func(blocks int) Decision {
		return Decide(study(blocks, []string{""}, []string{"A", "B"}, func(arm, _ string, block int) (float64, float64) {
			if arm == "A" {
				return math.NaN(), 200
			}
			return 300 + float64(block*7%5), 0
		}), nil, ci).Groups[0].Decision
	}
	if d := among(12); d.Verdict != Undecided || d.WhenItWorks != Decided || d.Best[0] != "B" || d.Settle == nil {
		t.Errorf("12 trials cannot show that B works in CI: %+v", d)
	}
	if d := among(30); d.Verdict != Decided || d.Best[0] != "B" {
		t.Errorf("30 trials can: %+v", d)
	}
}

// Today's tool ranked by one thing and tested another.
func TestQuantileDecidesByTheQuantile(t *testing.T) {
	slow := map[int]bool{3: true, 10: true, 16: true}
	trials := study(20, []string{""}, []string{"A", "B"}, func(arm, _ string, block int) (float64, float64) {
		switch {
		case arm == "B":
			return 318 + float64(block%5), 0
		case slow[block]:
			return 2000, 0
		}
		return 297 + float64(block%7), 0
	})
	d := Decide(trials, nil, ci).Groups[0]
	if d.Best[0] != "B" || d.Effect.Change > -0.5 {
		t.Errorf("the quantile of A is 2000 s, of B 322 s: %+v", d.Decision)
	}
}

func TestFailuresNobodyHasSeen(t *testing.T) {
	trials := study(8, []string{""}, []string{"A", "B"}, func(arm, _ string, block int) (float64, float64) {
		return map[string]float64{"A": 300, "B": 315}[arm] + float64(block*7%5), 0
	})
	d := Decide(trials, nil, local).Groups[0]
	if d.Verdict != Undecided || d.WhenItWorks != Decided || d.Best[0] != "A" {
		t.Errorf("8 trials cannot tell that A does not fail: %s, %s when it works", d.Verdict, d.WhenItWorks)
	}
	if math.Abs(d.BreakEven-0.047) > 0.002 || d.FailureBound < d.BreakEven {
		t.Errorf("break-even %v, bound %v", d.BreakEven, d.FailureBound)
	}
}

// The one time of an arm that failed nine times of ten bounds nothing, and its failures
// rule it out all the same.
func TestAnArmThatMostlyFailsIsOut(t *testing.T) {
	trials := study(10, []string{""}, []string{"parallel", "serial"}, func(arm, _ string, block int) (float64, float64) {
		if arm == "serial" && block != 4 {
			return math.NaN(), 600
		}
		return map[string]float64{"serial": 570, "parallel": 400}[arm] + float64(block*7%5), 0
	})
	d := Decide(trials, nil, local).Groups[0]
	if len(d.RuledOut) != 1 || d.RuledOut[0].Against != "serial" {
		t.Errorf("serial failed 9 of 10 times and is not ruled out: %+v", d.Decision)
	}
}

// Where losses make an arm dear, it does not matter that its few times bound little.
func TestLossesAreKnownWhereTimesAreNot(t *testing.T) {
	trials := study(15, []string{""}, []string{"fast", "slow"}, func(arm, _ string, block int) (float64, float64) {
		if arm == "fast" && block%7 != 6 {
			return math.NaN(), 400
		}
		return map[string]float64{"fast": 50, "slow": 500}[arm] + float64(block*7%30), 0
	})
	d := Decide(trials, nil, local).Groups[0]
	if d.Verdict != Decided || d.Best[0] != "slow" {
		t.Errorf("fast lost 400 s in 13 of 15 trials: %+v", d.Decision)
	}
}

// Trials that are slow at one level only are no matter of chance, as failures there
// are not.
func TestSlowAtOneLevelIsSplit(t *testing.T) {
	trials := study(6, []string{"3GiB docker", "7GiB docker", "12GiB docker", "3GiB podman", "7GiB podman", "12GiB podman"}, []string{"serial", "2+1", "parallel"}, func(arm, place string, block int) (float64, float64) {
		times := map[string]float64{"serial": 600, "2+1": 470, "parallel": 380}
		if place[0] == '3' {
			times = map[string]float64{"serial": 400, "2+1": 500, "parallel": 700}
		}
		return times[arm] + float64(block*7%5), 0
	})
	for i := range trials {
		trials[i].Place = strings.Fields(trials[i].Place[0])
	}
	for _, goal := range []Goal{local, ci} {
		a := Decide(trials, []string{"memory", "runtime"}, goal)
		if len(a.Groups) != 2 || a.Groups[0].Best[0] != "serial" || a.Groups[1].Best[0] != "parallel" {
			t.Errorf("parallel is slow at 3GiB only: %+v", a.Groups)
		}
	}
}

// Six failures of 16 on one engine and none on the other are not lost among the tests
// of times: what fails there is not ruled out here.
func TestFailuresOnOneEngineAreSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	trials := study(8, []string{"7GiB docker", "12GiB docker", "7GiB podman", "12GiB podman"}, []string{"serial", "2+1", "parallel"}, func(arm, place string, block int) (float64, float64) {
		if arm == "parallel" && strings.HasSuffix(place, "podman") && block%3 == 0 {
			return math.NaN(), 850
		}
		return map[string]float64{"serial": 600, "2+1": 470, "parallel": 380}[arm] * math.Exp(0.05*r.NormFloat64()), 0
	})
	for i := range trials {
		trials[i].Place = strings.Fields(trials[i].Place[0])
	}
	for _, g := range Decide(trials, []string{"memory", "runtime"}, ci).Groups {
		if slices.Equal(g.Where["runtime"], []string{"docker"}) && g.Best[0] == "parallel" {
			return
		}
	}
	t.Error("parallel never failed on docker, and is not what looks best there")
}

// Half of an arm's trials fail at one level. Before the factor is split, it is neither
// recommended for all places nor, in CI, ruled out in all.
func TestFewFailuresAtOneLevelAreNotPooled(t *testing.T) {
	few := func(bad, blocks int, places ...string) []Trial {
		return study(blocks, places, []string{"serial", "all"}, func(arm, place string, block int) (float64, float64) {
			if arm == "all" && place == "2GiB" && block < bad {
				return math.NaN(), 60
			}
			return map[string]float64{"serial": 62, "all": 50}[arm] + float64((block*7+len(place))%5), 0
		})
	}
	for _, g := range Decide(few(2, 9, "2GiB", "8GiB", "16GiB", "32GiB"), []string{"memory"}, local).Groups {
		if in := g.Where["memory"]; g.Verdict != Undecided && (in == nil || slices.Contains(in, "2GiB")) {
			t.Errorf("two of nine failed at 2GiB: %+v", g)
		} else if g.Verdict == Undecided && g.Settle == nil {
			t.Errorf("what settles it is not said: %+v", g)
		}
	}
	for _, g := range Decide(few(3, 4, "2GiB", "8GiB"), []string{"memory"}, ci).Groups {
		if in := g.Where["memory"]; (in == nil || slices.Contains(in, "8GiB")) && slices.ContainsFunc(g.RuledOut, func(o Effect) bool { return o.Against == "all" }) {
			t.Errorf("it never failed at 8GiB: %+v", g)
		}
	}
}

// An arm always fails in one cell, and at the levels that it shares with others half
// of the time.
func TestLevelsThatMayDifferAreNotPutTogether(t *testing.T) {
	trials := study(5, []string{"3GiB docker", "7GiB docker", "12GiB docker", "3GiB podman", "7GiB podman", "12GiB podman"}, []string{"2+1", "parallel"}, func(arm, place string, block int) (float64, float64) {
		if arm == "parallel" && place == "3GiB podman" {
			return math.NaN(), 250
		}
		seconds := map[string]float64{"2+1": 500, "parallel": 400}[arm] + float64(block*7%5)
		if arm == "parallel" && place[0] == '7' {
			seconds += 6 // so that 7GiB is nearer to neither
		}
		return seconds, 0
	})
	for i := range trials {
		trials[i].Place = strings.Fields(trials[i].Place[0])
	}
	for _, g := range Decide(trials, []string{"memory", "runtime"}, ci).Groups {
		if slices.Contains(g.Where["memory"], "3GiB") && len(g.Where["memory"]) > 1 {
			t.Errorf("3GiB, where half fails, is together with %v", g.Where["memory"])
		}
	}
}

func TestSeparation(t *testing.T) {
	trials := study(5, []string{"a", "b", "c", "d", "e", "f"}, []string{"parallel", "serial", "2+1"}, func(arm, _ string, block int) (float64, float64) {
		if arm == "parallel" {
			return math.NaN(), 250
		}
		return map[string]float64{"serial": 600, "2+1": 480}[arm] + float64(block*13%40), 0
	})
	a := Decide(trials, []string{"place"}, local)
	isEnded(t, "parallel never works", a, "2+1")
	if !slices.ContainsFunc(a.Groups[0].RuledOut, func(o Effect) bool { return o.Against == "parallel" && o.Of == "" }) {
		t.Errorf("parallel failed 30 of 30 times and is not out: %+v", a.Groups[0].RuledOut)
	}
	nothing := study(3, []string{"a"}, []string{"x", "y"}, func(string, string, int) (float64, float64) { return math.NaN(), 100 })
	if d := Decide(nothing, []string{"place"}, local).Groups[0]; d.Verdict != None || len(d.Best) != 0 {
		t.Errorf("nothing became ready: %s, %v", d.Verdict, d.Best)
	}
}

func TestCrossOverIsSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	trials := study(12, []string{"3GiB", "12GiB"}, []string{"serial", "parallel"}, func(arm, place string, _ int) (float64, float64) {
		if (arm == "parallel") == (place == "3GiB") {
			return 600 * math.Exp(0.05*r.NormFloat64()), 0
		}
		return 480 * math.Exp(0.05*r.NormFloat64()), 0
	})
	a := Decide(trials, []string{"memory"}, local)
	if !a.Factors[0].Split || len(a.Groups) != 2 || a.Groups[0].Where["memory"][0] != "3GiB" ||
		a.Groups[0].Best[0] != "serial" || a.Groups[1].Best[0] != "parallel" {
		t.Errorf("a cross-over is not told: %+v", a)
	}
}

// Registry is twice as fast on one engine and 20 % faster on the other: one
// answer, whose interval has both in it.
func TestMoreOrLessIsNoSplit(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	trials := study(8, []string{"docker", "podman"}, []string{"serial", "registry"}, func(arm, place string, _ int) (float64, float64) {
		t := map[string]float64{"docker": 40, "podman": 60}[place]
		if arm == "registry" {
			t = 31
		}
		return t * math.Exp(0.04*r.NormFloat64()), 0
	})
	a := Decide(trials, []string{"runtime"}, local)
	isEnded(t, "faster on both", a, "registry")
	if e := a.Groups[0].Effect; len(a.Groups) != 1 || a.Factors[0].P > 0.001 || e.Lower > -0.45 || e.Upper < -0.25 {
		t.Errorf("the engines differ: %+v, effect %+v", a.Factors, e)
	}
}

func TestErraticArmDoesNotSpoilASteadyOne(t *testing.T) {
	trials := study(6, []string{""}, []string{"A", "B"}, func(arm, _ string, block int) (float64, float64) {
		if arm == "B" {
			return []float64{500, 501, 499, 500.5, 499.5, 500.2}[block], 0
		}
		return []float64{100, 1000}[block%2], 0
	})
	for goal, want := range map[Goal]float64{local: 500, ci: 501} {
		b := Decide(trials, nil, goal).Groups[0].Arms[1]
		if math.Abs(b.Cost-want) > 0.5 || b.Lower < want-1 || b.Upper > want+1 {
			t.Errorf("B costs %+v", b)
		}
	}
}

// A place where nothing became ready has no time of its own, and takes none from
// the others.
func TestPlaceWhereNothingBecameReady(t *testing.T) {
	trials := []Trial{
		{Arm: "serial", Block: "1", Place: []string{"12.5GiB"}, Ready: true, Seconds: 1020},
		{Arm: "parallel", Block: "1", Place: []string{"12.5GiB"}, Lost: 1020},
		{Arm: "parallel", Block: "1", Place: []string{"7GiB"}, Lost: 300},
	}
	s := newSample(ordered(trials), local)
	if math.Abs(s.scale-1020) > 1e-6 {
		t.Errorf("a typical place takes %g s, want 1020", s.scale)
	}
}

func TestConfoundedIsNoVerdict(t *testing.T) {
	var trials []Trial
	for block := range 8 {
		b := string(rune('a' + block))
		trials = append(trials, Trial{Arm: "serial", Place: []string{"A"}, Block: b, Ready: true, Seconds: 101 + float64(block)},
			Trial{Arm: "parallel", Place: []string{"B"}, Block: b, Ready: true, Seconds: 51 + float64(block)})
	}
	a := Decide(trials, []string{"host"}, local)
	g := a.Groups[0]
	if g.Verdict != Undecided || g.Settle != nil || g.Effect != nil || !math.IsNaN(g.Arms[0].Cost) {
		t.Errorf("the host is the strategy, and the verdict %s: %+v", g.Verdict, g.Decision)
	}
	if w := Warnings(trials, []string{"host"}); w[0].Kind != Confounded || !slices.Equal(w[0].Factors, []string{"host"}) || len(w[0].Arms) != 2 {
		t.Errorf("warned of %+v", w)
	}
}

// An arm that never ran at a level, or where two levels meet, is named.
func TestPlacesWhereAnArmNeverRan(t *testing.T) {
	var trials []Trial
	for _, arm := range []string{"serial", "parallel", "2+1"} {
		for _, memory := range []string{"12GiB", "3GiB"} {
			for _, engine := range []string{"docker", "podman"} {
				if arm == "parallel" && memory == "3GiB" || arm == "2+1" && memory == "12GiB" && engine == "podman" {
					continue
				}
				trials = append(trials, Trial{Arm: arm, Place: []string{memory, engine}, Block: "1", Ready: true, Seconds: 100})
			}
		}
	}
	all := Warnings(trials, []string{"memory", "runtime"})
	want := []Where{{"memory": {"3GiB"}}, {"memory": {"12GiB"}, "runtime": {"podman"}}}
	same := func(a, b Where) bool { return maps.EqualFunc(a, b, slices.Equal[AnyOf]) }
	if len(all) != 2 || !same(all[0].Where, want[0]) || !same(all[1].Where, want[1]) ||
		!slices.Equal(all[0].Arms, []string{"parallel"}) || !slices.Equal(all[1].Arms, []string{"2+1"}) {
		t.Errorf("%+v", all)
	}
	trials = append(trials, Trial{Arm: "registry", Place: []string{"7GiB", "docker"}, Block: "1", Ready: true, Seconds: 100})
	all = Warnings(trials, []string{"memory", "runtime"})
	for level, arms := range map[string][]string{"podman": {"registry"}, "3GiB": {"parallel", "registry"}} {
		if !slices.ContainsFunc(all, func(w Warning) bool {
			return w.Kind == Untried && len(w.Where) == 1 && (w.Where["runtime"].String() == level || w.Where["memory"].String() == level) && slices.Equal(w.Arms, arms)
		}) {
			t.Errorf("%s at %s: %+v", arms, level, all)
		}
	}
}

// A drift is reported and does not harm the decision, whether it is from trial to
// trial or by block.
func TestDriftIsToldAndHarmless(t *testing.T) {
	for _, steps := range []bool{true, false} {
		r := rand.New(rand.NewPCG(4, 4))
		for range 50 {
			n := 0
			trials := study(10, []string{"a", "b", "c"}, []string{"serial", "parallel"}, func(arm, _ string, block int) (float64, float64) {
				n++
				drift := 0.1 * float64(n) / 6
				if steps {
					drift = 0.1 * float64(block)
				}
				return map[string]float64{"serial": 600, "parallel": 400}[arm] * math.Exp(drift+0.05*r.NormFloat64()), 0
			})
			a := Decide(trials, []string{"place"}, local)
			if !slices.ContainsFunc(Warnings(trials, []string{"place"}), func(w Warning) bool { return w.Kind == Drift }) {
				t.Fatal("10 % a block is no drift")
			}
			isEnded(t, "drifting", a, "parallel")
		}
	}
}

func TestCarryOverIsTold(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	failed := false
	trials := study(15, []string{"a"}, []string{"serial", "2+1", "parallel"}, func(string, string, int) (float64, float64) {
		rate := 0.08
		if failed {
			rate = 0.75
		}
		if failed = r.Float64() < rate; failed {
			return math.NaN(), 200
		}
		return 500 * math.Exp(0.05*r.NormFloat64()), 0
	})
	all := Warnings(trials, []string{"place"})
	i := slices.IndexFunc(all, func(w Warning) bool { return w.Kind == CarryOver })
	if i < 0 || all[i].After < 2*all[i].Otherwise {
		t.Errorf("failures follow failures, and the warnings are %+v", all)
	}
}

// One more pair changes p-values a little, and nothing else.
func TestNoCliff(t *testing.T) {
	var verdicts []Verdict
	for n := 96; n <= 104; n++ {
		trials := study(n, []string{""}, []string{"A", "B"}, func(arm, _ string, block int) (float64, float64) {
			if arm == "B" && (block == 20 || block == 40 || block == 60 || block == 80) {
				return math.NaN(), 3600
			}
			return map[string]float64{"A": 305, "B": 300}[arm] + float64(block*7%5), 0
		})
		d := Decide(trials, nil, local).Groups[0]
		verdicts = append(verdicts, d.Verdict)
		if d.Best[0] != "A" {
			t.Errorf("%d pairs: %s %v", n, d.Verdict, d.Best)
		}
	}
	if len(slices.Compact(verdicts)) != 1 {
		t.Errorf("the verdict turns from pair to pair: %v", verdicts)
	}
}

// CI accepts at most 5 % failures. An arm that more probably fails more often is
// not recommended, and beats no other one.
func TestCIRecommendsNothingThatProbablyFailsTooOften(t *testing.T) {
	fails := func(n int) func(arm, place string, block int) (float64, float64) {
		return func(arm, _ string, block int) (float64, float64) {
			if arm == "A" && block%10 < n {
				return math.NaN(), 200
			}
			return map[string]float64{"A": 300, "B": 800}[arm] + float64(block*7%5), 0
		}
	}
	one := Decide(study(20, []string{""}, []string{"A", "B"}, fails(1)), nil, ci).Groups[0]
	if one.Verdict != Undecided || !slices.Equal(one.FailTooOften, []string{"A"}) || len(one.RuledOut) != 0 || one.Settle == nil {
		t.Errorf("2 of 20 failed, of the only fast arm: %+v", one.Decision)
	}
	alone := Decide(study(30, []string{""}, []string{"A"}, fails(1)), nil, ci).Groups[0]
	if alone.Verdict != Undecided || alone.Settle == nil {
		t.Errorf("3 of 30 failed, of the only arm: %+v", alone.Decision)
	}
	often := Decide(study(30, []string{""}, []string{"A", "B"}, fails(5)), nil, ci).Groups[0]
	if often.Verdict != Decided || often.Best[0] != "B" || len(often.FailTooOften) != 0 {
		t.Errorf("half of A failed: %+v", often.Decision)
	}
	if d := Decide(study(20, []string{""}, []string{"A", "B"}, fails(1)), nil, local).Groups[0]; d.Verdict != Decided || d.Best[0] != "A" || len(d.FailTooOften) != 0 {
		t.Errorf("for local work failures cost time only: %+v", d.Decision)
	}
}

// What a decision says of unseen failures is what its figures say.
func TestOnlyWhenItWorks(t *testing.T) {
	for _, c := range []struct {
		other float64
		want  bool
	}{{330, true}, {600, false}} {
		trials := study(40, []string{""}, []string{"A", "B"}, func(arm, _ string, block int) (float64, float64) {
			return map[string]float64{"A": 320, "B": c.other}[arm] + float64(block*7%5), 0
		})
		d := Decide(trials, nil, local).Groups[0]
		if d.Verdict != Decided && d.Verdict != Tied || d.OnlyWhenItWorks() != c.want || (d.FailureBound > d.BreakEven) != c.want {
			t.Errorf("320 against %v s: %s, bound %v, break-even %v", c.other, d.Verdict, d.FailureBound, d.BreakEven)
		}
	}
}

// Four failures of 100 against none are no proof that B fails more often: the
// interval has what unseen failures of A cost in it. By the 90 % quantile no pair
// more makes it another interval.
func TestIntervalHasUnseenFailuresBesideSeenOnes(t *testing.T) {
	var before Effect
	for n := 96; n <= 104; n++ {
		trials := study(n, []string{""}, []string{"A", "B"}, func(arm, _ string, block int) (float64, float64) {
			if arm == "B" && block%25 == 20 {
				return math.NaN(), 3600
			}
			return map[string]float64{"A": 305, "B": 300}[arm] + float64(block*7%5), 0
		})
		e := Decide(trials, nil, local).Groups[0].Effect
		if e.Of != "A" || !(e.Lower < e.Change && e.Change < -0.2 && e.Upper > 0) {
			t.Errorf("%d pairs: %+v", n, e)
		}
		q := *Decide(trials, nil, ci).Groups[0].Effect
		if n > 96 && (math.Abs(q.Lower-before.Lower) > 0.02 || math.Abs(q.Upper-before.Upper) > 0.02) {
			t.Errorf("%d pairs: %+v after %+v", n, q, before)
		}
		before = q
	}
}
