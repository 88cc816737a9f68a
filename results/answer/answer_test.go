package answer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/observations"
	"github.com/stratbench/stratbench/results/study"
)

// matrix has trials of four strategies on two engines: those that build take 60,
// 51 and 50 s, registry 30 s.
func matrix(t *testing.T, blocks int) study.Study {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	text.WriteString("runtime,memory,strategy,block,outcome,setup_seconds\n")
	for block := 1; block <= blocks; block++ {
		for _, engine := range []string{"docker", "podman"} {
			for _, memory := range []string{"3GiB", "7GiB", "12GiB"} {
				for i, strategy := range []string{"serial", "2+1", "parallel", "registry"} {
					seconds := []float64{60, 51, 50, 30}[i]
					if engine == "podman" && strategy != "registry" {
						seconds *= 1.2
					}
					fmt.Fprintf(&text, "%s,%s,%s,%d,ok,%.2f\n", engine, memory, strategy, block, seconds*(1+0.04*r.NormFloat64()))
				}
			}
		}
	}
	return read(t, text.String())
}

func read(t *testing.T, text string) study.Study {
	t.Helper()
	run, err := observations.Parse("trials.csv", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return study.Gather([]results.Run{run})
}

// Times that seem to be in several units decide nothing. Between combinations a strategy
// may be that much faster, so what the times look like is kept.
func TestMixedUnits(t *testing.T) {
	for parallel, want := range map[string]struct {
		mixed   results.MixedUnits
		verdict compare.Verdict
	}{
		"300": {"", compare.Decided},
		"10":  {results.MixedBetween, compare.Undecided},
		"":    {results.MixedWithin, compare.Undecided},
	} {
		var text strings.Builder
		text.WriteString("strategy,block,outcome,setup_seconds\n")
		for block := range 8 {
			own := parallel
			if own == "" {
				own = []string{"300", "5"}[block%2]
			}
			fmt.Fprintf(&text, "serial,%d,ok,60%d\nparallel,%d,ok,%s.%d\n", block, block, block, own, block)
		}
		a, err := Of(read(t, text.String()), 0)
		if err != nil {
			t.Fatal(err)
		}
		d, mixed := find(t, a, Build, Local), ""
		for _, w := range a.Warnings {
			if w.Kind == compare.MixedUnits {
				mixed = w.Detail
			}
		}
		if d.Verdict != want.verdict || mixed != string(want.mixed) {
			t.Errorf("parallel %q: %s, mixed %q; want %s, %q", parallel, d.Verdict, mixed, want.verdict, want.mixed)
		}
		doubtful := slices.ContainsFunc(a.Warnings, func(w compare.Warning) bool {
			return w.Kind == compare.Imported && strings.Contains(w.Detail, "are units mixed")
		})
		if doubtful != (want.mixed != "") {
			t.Errorf("parallel %q: warnings %+v", parallel, a.Warnings)
		}
		if want.mixed != "" && (len(d.Best) != 2 || len(d.RuledOut) != 0 || (d.Effect != nil) != (want.mixed == results.MixedBetween) || d.ToSettle != nil) {
			t.Errorf("without a verdict there is still %+v", d)
		}
	}
}

// Strategies that pull may be much faster than those that build: only what compares
// them is in doubt.
func TestMixedUnitsOfOneSituation(t *testing.T) {
	var text strings.Builder
	text.WriteString("strategy,block,outcome,setup_seconds\n")
	for block := range 30 {
		fmt.Fprintf(&text, "serial,%d,ok,60%d\nparallel,%d,ok,30%d\nregistry,%d,ok,1%d\n", block, block%10, block, block%7, block, block%5)
	}
	a, err := Of(read(t, text.String()), 0)
	if err != nil {
		t.Fatal(err)
	}
	if build, pull := find(t, a, Build, Local), find(t, a, Pull, Local); build.Verdict != compare.Decided || pull.Verdict != compare.Undecided || pull.Best[0] != "registry" {
		t.Errorf("to build %+v, to pull %+v", build, pull)
	}
}

// Places may differ as much as units do: strategies are compared inside each. An arm that
// never became ready is not brought back by doubts about times.
func TestUnitsOfAPlace(t *testing.T) {
	of := func(parallel float64) Decision {
		var text strings.Builder
		text.WriteString("suite,strategy,block,outcome,setup_seconds,lost_seconds\n")
		for block := range 30 {
			for suite, scale := range map[string]float64{"small": 1, "big": 100} {
				wave := 1 + float64(block%7)/200
				fmt.Fprintf(&text, "%[1]s,serial,%[2]d,ok,%[3]g,\n%[1]s,parallel,%[2]d,ok,%[4]g,\n%[1]s,bad,%[2]d,engine-crash,,%[5]g\n", suite, block, 20*scale*wave, parallel*scale, 30*scale)
			}
		}
		a, err := Of(read(t, text.String()), 0)
		if err != nil {
			t.Fatal(err)
		}
		if !a.Mixed(results.MixedBetween) {
			t.Errorf("no warning: %+v", a.Warnings)
		}
		return find(t, a, Build, Local)
	}
	if d := of(14); d.Verdict != compare.Decided || d.Best[0] != "parallel" {
		t.Errorf("each place has one unit: %+v", d)
	}
	if d := of(1); d.Verdict != compare.Undecided || slices.Contains(d.Best, "bad") || !slices.Contains(d.RuledOut, "bad") {
		t.Errorf("bad never became ready: %+v", d)
	}
}

// A time stamp sets no trials apart.
func TestALabelIsNoPlace(t *testing.T) {
	var text strings.Builder
	text.WriteString("started,strategy,block,outcome,setup_seconds\n")
	for block := range 30 {
		fmt.Fprintf(&text, "10:%d,serial,%d,ok,60%d\n11:%d,parallel,%d,ok,30%d\n", block, block, block%10, block, block, block%7)
	}
	s := read(t, text.String())
	a, err := Of(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	if d := find(t, a, Build, Local); d.Verdict != compare.Decided || d.Best[0] != "parallel" || len(a.Doubts) != 1 || !strings.HasPrefix(a.Doubts[0], "started is left out") {
		t.Errorf("%+v, doubts %q", d, a.Doubts)
	}
	for _, o := range s.Trials {
		o.Record.Imported = nil
	}
	if m := newMaterial(s); len(m.labels) > 0 {
		t.Errorf("factors of a run are taken for labels: %q", m.labels)
	}
}

func find(t *testing.T, a Answer, s Situation, e Environment) Decision {
	t.Helper()
	i := slices.IndexFunc(a.Decisions, func(d Decision) bool { return d.Situation == s && d.Environment == e })
	if i < 0 {
		t.Fatalf("no decision for %s, %s: %+v", s, e, a.Decisions)
	}
	return a.Decisions[i]
}

func TestQuestionsNotCells(t *testing.T) {
	a, err := Of(matrix(t, 6), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Decisions) != 4 {
		t.Fatalf("%d decisions, want one for each situation and environment: %+v", len(a.Decisions), a.Decisions)
	}
	for _, e := range []Environment{Local, CI} {
		build, pull := find(t, a, Build, e), find(t, a, Pull, e)
		if build.Verdict == compare.Undecided || slices.Contains(build.Best, "serial") || slices.Contains(build.Best, "registry") || slices.Contains(build.RuledOut, "registry") {
			t.Errorf("to build, %s: %+v", e, build)
		}
		if pull.Verdict != compare.Decided || pull.Best[0] != "registry" || len(pull.RuledOut) != 3 || len(pull.Where) != 0 {
			t.Errorf("to pull, %s: %+v", e, pull)
		}
		if pull.N != 36 || pull.Failed != 0 || *pull.Effect > -0.3 || pull.Interval[0] > *pull.Effect || pull.Interval[1] < *pull.Effect {
			t.Errorf("to pull, %s: effect %v in %v of %d", e, *pull.Effect, pull.Interval, pull.N)
		}
	}
	if a.By != "runtime" || a.Strategies[0].Name != "registry" || a.Strategies[0].N != 36 {
		t.Errorf("strategies by %s: %+v", a.By, a.Strategies)
	}
}

func TestDocumentHasTheFieldsThatAreDocumented(t *testing.T) {
	a, err := Of(matrix(t, 2), 0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Decisions []map[string]any `json:"decisions"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"situation", "environment", "where", "verdict", "best", "ruled_out", "effect", "interval", "n", "failed", "to_settle", "arms"} {
		if _, there := document.Decisions[0][field]; !there {
			t.Errorf("a decision has no %s: %v", field, document.Decisions[0])
		}
	}
}

// The page describes every field of the document, at every depth.
func TestThePageDescribesTheDocument(t *testing.T) {
	page, err := os.ReadFile("../../docs/answer.md")
	if err != nil {
		t.Fatal(err)
	}
	var check func(reflect.Type)
	check = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct {
			return
		}
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("docs/answer.md says nothing of %s of %s", name, of.Name())
			}
			check(of.Field(i).Type)
		}
	}
	check(reflect.TypeFor[Answer]())
}

func TestWhereIsALevelOrAList(t *testing.T) {
	text, err := json.Marshal(compare.Where{"memory": {"7GiB", "12.5GiB"}, "runtime": {"podman"}})
	if err != nil || string(text) != `{"memory":["7GiB","12.5GiB"],"runtime":"podman"}` {
		t.Errorf("%s, %v", text, err)
	}
}

// A smaller indifference takes more blocks; it is that of the run unless another
// is asked for.
func TestIndifference(t *testing.T) {
	s := matrix(t, 8)
	for _, c := range []struct {
		ofRun, asked, want float64
		verdict            compare.Verdict
	}{{0, 0, 0.1, compare.Tied}, {0.01, 0, 0.01, compare.Undecided}, {0.01, 0.1, 0.1, compare.Tied}} {
		s.Runs[0].Plan.Indifference = c.ofRun
		a, err := Of(s, c.asked)
		if err != nil {
			t.Fatal(err)
		}
		if d := find(t, a, Build, Local); a.Indifference != c.want || d.Verdict != c.verdict {
			t.Errorf("run %v, asked %v: by %v it is %s", c.ofRun, c.asked, a.Indifference, d.Verdict)
		}
	}
}

func TestInterim(t *testing.T) {
	for blocks, want := range map[int]struct {
		stopped bool
		retired []string
	}{3: {false, []string{"serial"}}, 8: {true, nil}} {
		look := Interim(matrix(t, blocks))
		if look.Stopped != want.stopped {
			t.Errorf("after %d blocks: stopped %v, %s", blocks, look.Stopped, look.Reason)
		}
		for _, name := range want.retired {
			n := 0
			for _, c := range look.Retired {
				if level, _ := c.Level("strategy"); level == name {
					n++
				} else if level == "parallel" || level == "2+1" {
					t.Errorf("after %d blocks %s is retired, and not ruled out", blocks, c)
				}
			}
			if n != 6 {
				t.Errorf("after %d blocks %d of 6 cells of %s are retired: %v", blocks, n, name, look.Retired)
			}
		}
	}
}

func TestNothingToChoose(t *testing.T) {
	if _, err := Of(read(t, "strategy,block,outcome,setup_seconds\nserial,1,ok,100\nserial,2,ok,101\n"), 0); !errors.Is(err, ErrNothingToChoose) {
		t.Errorf("one strategy: %v", err)
	}
	if _, err := Of(read(t, "strategy,block,outcome\nserial,1,ok\nparallel,1,ok\nserial,2,engine-crash\n"), 0); !errors.Is(err, ErrNothingToChoose) || !strings.Contains(err.Error(), "no time is given for any of the 2 trials") {
		t.Errorf("no times: %v", err)
	}
	// What was given is not recommended: the host is none of the answers.
	a, err := Of(read(t, "host,strategy,block,outcome,setup_seconds\nA,serial,1,ok,100\nB,parallel,1,ok,50\nA,serial,2,ok,101\nB,parallel,2,ok,51\n"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if d := find(t, a, Build, Local); d.Verdict != compare.Undecided || d.Effect != nil || d.Cost != nil || a.Warnings[0].Kind != compare.Confounded {
		t.Errorf("the host is the strategy: %+v, %+v", d, a.Warnings)
	}
}

// crossed has two strategies at two memory limits, of which parallel at 3GiB
// always fails.
func crossed(t *testing.T, blocks int) study.Study {
	t.Helper()
	var text strings.Builder
	text.WriteString("memory,strategy,block,outcome,setup_seconds,lost_seconds\n")
	for block := 1; block <= blocks; block++ {
		for _, memory := range []string{"3GiB", "7GiB"} {
			for _, strategy := range []string{"serial", "parallel"} {
				if memory == "3GiB" && strategy == "parallel" {
					fmt.Fprintf(&text, "%s,%s,%d,engine-crash,,200\n", memory, strategy, block)
				} else {
					fmt.Fprintf(&text, "%s,%s,%d,ok,%d,\n", memory, strategy, block, 300+block)
				}
			}
		}
	}
	return read(t, text.String())
}

func TestWhereFailuresLie(t *testing.T) {
	a, err := Of(crossed(t, 4), 0)
	if err != nil {
		t.Fatal(err)
	}
	if a.Failed != 4 || a.FailuresAt["memory"].String() != "3GiB" || a.FailuresAt["strategy"].String() != "parallel" || len(a.FailuresAt) != 2 {
		t.Errorf("%d failures at %v", a.Failed, a.FailuresAt)
	}
}

// All failures are with parallel at 3GiB, one a block: of two levels of each
// factor the same one every time, 2 (1/2)^4, for two factors.
func TestWhatFailuresGoWith(t *testing.T) {
	a, err := Of(crossed(t, 8), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := 2 * 2 * math.Pow(0.5, 8)
	if len(a.Causes) != 2 || math.Abs(float64(a.Causes[0].P)-want) > 1e-12 {
		t.Fatalf("%+v", a.Causes)
	}
	for _, c := range a.Causes {
		if c.Level != map[string]string{"memory": "3GiB", "strategy": "parallel"}[c.Factor] || c.Failed != 8 || c.N != 16 || c.OtherFailed != 0 {
			t.Errorf("%+v", c)
		}
	}
}

func TestArmsSayWhatADecisionRestsOn(t *testing.T) {
	a, err := Of(matrix(t, 6), 0)
	if err != nil {
		t.Fatal(err)
	}
	d := find(t, a, Pull, Local)
	if len(d.Arms) != 4 || d.Arms[0].Strategy != "registry" || d.Arms[0].RuledOut || d.Arms[0].N != 36 || *d.Arms[0].Cost != *d.Cost {
		t.Fatalf("%+v", d.Arms)
	}
	for _, arm := range d.Arms[1:] {
		if !arm.RuledOut || arm.BeatenBy == "" || !(*arm.Effect < 0) || !(arm.EffectInterval[1] < 0) || !(arm.Interval[0] < *arm.Cost && *arm.Cost < arm.Interval[1]) {
			t.Errorf("%+v", arm)
		}
	}
}

// Whether a cache is warm is where a strategy is used, and not part of it.
func TestAWarmCacheIsNoChoice(t *testing.T) {
	for factor, want := range map[string]bool{"strategy": true, "build.cache": true, "build.cacheStart": false, "dns": true, "memory": false} {
		if isChoice(factor) != want {
			t.Errorf("%s is a choice: %v", factor, !want)
		}
	}
}

func TestForesee(t *testing.T) {
	gathered := matrix(t, 4)
	f, ok := Foresee(gathered.Cells, 4, 0, gathered.Runs)
	if !ok || f.Places != 6 || f.Strategies != 4 || !f.Seen || math.Abs(f.Noise-0.04) > 0.01 {
		t.Errorf("%+v: times were made to vary by 4 %%", f)
	}
	if f, ok := Foresee(gathered.Cells, 4, 0, nil); !ok || f.Seen || f.Noise != AssumedNoise {
		t.Errorf("without a run: %+v", f)
	}
	if _, ok := Foresee(gathered.Cells[:1], 4, 0, nil); ok {
		t.Error("there is something to choose between one cell")
	}
}

// The versions of an engine are compared in pairs with the same strategy, and told apart
// by what the trials recorded.
func TestEngineVersions(t *testing.T) {
	versions := func(newer float64, parallel string) []EngineVersion {
		r := rand.New(rand.NewPCG(3, 4))
		text := "runtime,engine,strategy,block,outcome,setup_seconds,lost_seconds\n"
		for block := 1; block <= 6; block++ {
			for _, strategy := range []string{"serial", "parallel"} {
				seconds := map[string]float64{"serial": 90, "parallel": 60}[strategy] * (1 + 0.02*r.NormFloat64())
				for engine, takes := range map[string]float64{"podman,trixie": seconds, "podman,forky": seconds * newer, "docker,trixie": seconds} {
					if strategy == "parallel" && parallel != "ok" {
						text += fmt.Sprintf("%s,%s,%d,%s,,20\n", engine, strategy, block, parallel)
						continue
					}
					text += fmt.Sprintf("%s,%s,%d,ok,%.2f,\n", engine, strategy, block, takes)
				}
			}
		}
		run, err := observations.Parse("trials.csv", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for i := range run.Records {
			rec := &run.Records[i]
			rt, _ := rec.Trial.Cell.Level("runtime")
			engine, _ := rec.Trial.Cell.Level("engine")
			rec.Machine.Runtime, rec.Machine.EngineVersion = rt, map[string]string{"podman trixie": "5.4.2", "podman forky": "5.8.6", "docker trixie": "26.1.5"}[rt+" "+engine]
		}
		return EngineVersions(study.Gather([]results.Run{run}), compare.DefaultIndifference)
	}
	got := versions(0.6, "ok")
	if len(got) != 1 || got[0].Runtime != "podman" || got[0].Verdict != compare.Decided || !slices.Equal(got[0].Best, []string{"5.8.6"}) || got[0].Against != "5.4.2" ||
		math.Abs(*got[0].Effect+0.4) > 0.02 || len(got[0].Where) > 0 {
		t.Errorf("a faster one: %+v", got)
	}
	if got = versions(1.6, "ok"); len(got) != 1 || !slices.Equal(got[0].Best, []string{"5.4.2"}) || got[0].Against != "5.8.6" {
		t.Errorf("a slower one: %+v", got)
	}
	if got = versions(1.01, "ok"); len(got) != 1 || math.Abs(*got[0].Effect) > 0.05 {
		t.Errorf("equal ones: %+v", got)
	}
	if got = versions(1.2, "engine-crash"); len(got) != 1 || !got[0].OnlyWhenItWorks || got[0].Best[0] != "5.4.2" || math.Abs(*got[0].Effect+1-1/1.2) > 0.02 {
		t.Errorf("a slower one, of which as many fail: %+v, effect %g", got, *got[0].Effect)
	}
}
