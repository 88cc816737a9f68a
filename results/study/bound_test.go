package study_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/study"
)

const second = trial.Seconds(1e9)

func span(name string, phase trial.Phase, image string, from, to int) trial.Span {
	return trial.Span{Name: name, Phase: phase, Image: image, Start: trial.Seconds(from) * second, End: trial.Seconds(to) * second}
}

// setUp is a trial with two images: phases end at these seconds, and builds are from
// and to others. Of processors so many are busy in each phase, and one second of the
// parallel trial is the disk's fastest.
func setUp(strategy string, ends [4]int, builds [2][2]int, busy [4]float64) results.Record {
	r := results.Record{Schema: results.Schema, Kind: results.KindTrial, Verdict: trial.Verdict{Outcome: trial.OK},
		Trial:   trial.Trial{ID: strategy, Block: 1, Cell: trial.Cell{{Factor: "strategy", Level: strategy}}},
		Machine: results.Machine{CPUs: 2}}
	setup := trial.Seconds(ends[3]) * second
	r.Setup = &setup
	from := 0
	for i, p := range []trial.Phase{trial.PhaseCluster, trial.PhaseBuild, trial.PhaseLoad, trial.PhaseDeploy} {
		r.Spans = append(r.Spans, span(string(p), p, "", from, ends[i]))
		from = ends[i]
	}
	for i, b := range builds {
		image := string(rune('a' + i))
		r.Spans = append(r.Spans, span("build "+image, trial.PhaseBuild, image, b[0], b[1]))
	}
	r.Spans = append(r.Spans, span("test", trial.PhaseTest, "", ends[3], ends[3]+100))
	cpu, written := trial.Seconds(0), trial.Bytes(0)
	for at := range ends[3] + 1 {
		r.Samples = append(r.Samples, trial.Sample{At: trial.Seconds(at) * second, CPU: cpu, Written: written})
		phase, _ := slices.BinarySearch(ends[:], at+1)
		cpu += trial.Seconds(busy[min(phase, 3)] * 1e9)
		written += 1e6
		if strategy == "parallel" && at == 30 {
			written += 99e6
		}
	}
	return r
}

// By hand: what must follow each other is 20 s of cluster or image a alone, 5 s of
// load and 10 s of deployment. The serial trial uses 65 s of processor time on two
// processors, the parallel one 79 s.
func TestLowerBound(t *testing.T) {
	serial := setUp("serial", [4]int{20, 50, 55, 65}, [2][2]int{{20, 40}, {40, 50}}, [4]float64{1, 1, 1, 1})
	parallel := setUp("parallel", [4]int{20, 45, 51, 63}, [2][2]int{{20, 45}, {20, 38}}, [4]float64{1, 2, 0.5, 0.5})
	run := results.Run{Records: []results.Record{serial, parallel}}
	bounds := map[string]study.LowerBound{}
	for _, c := range study.Gather([]results.Run{run}).Analyse().Cells {
		bounds[c.Cell.Cell.String()] = c.LowerBound
	}
	near := func(what string, got study.Value, want float64) {
		t.Helper()
		if !(math.Abs(float64(got)-want) < 0.01) {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	b := bounds["serial"]
	near("the serial trial's bound", b.Bound, 35)
	near("its processor time", b.Processors, 32.5)
	near("its ratio", b.Ratio, 65.0/35)
	if b.By != study.ByCriticalPath || len(b.Rest) != 1 || b.Rest[0] != (study.Rest{During: "build", Seconds: 30}) || len(b.Unknown) > 0 {
		t.Errorf("%+v", b)
	}
	b = bounds["parallel"]
	near("the parallel trial's bound", b.Bound, 39.5)
	near("its critical path", b.CriticalPath, 35)
	near("its disk", b.Disk, 1.62)
	var during []string
	for _, r := range b.Rest {
		during = append(during, r.During)
	}
	if b.By != study.ByProcessors || strings.Join(during, " ") != "cluster deploy load" {
		t.Errorf("%+v", b)
	}
	near("the rest of the cluster", b.Rest[0].Seconds, 10)
	near("the rest of the deployment", b.Rest[1].Seconds, 9)
	near("the rest of the load", b.Rest[2].Seconds, 4.5)
}

// What the records do not carry is in no bound, and is said.
func TestLowerBoundWithoutSpansOrSamples(t *testing.T) {
	parallel := setUp("parallel", [4]int{20, 45, 51, 63}, [2][2]int{{20, 45}, {20, 38}}, [4]float64{1, 2, 0.5, 0.5})
	bare := setUp("bare", [4]int{20, 45, 51, 63}, [2][2]int{}, [4]float64{})
	bare.Spans, bare.Samples = nil, nil
	crashed := setUp("crashed", [4]int{20, 45, 51, 63}, [2][2]int{}, [4]float64{})
	crashed.Crash = &trial.Verdict{Outcome: trial.EngineCrash}
	run := results.Run{Records: []results.Record{parallel, bare, crashed}}
	for _, c := range study.Gather([]results.Run{run}).Analyse().Cells {
		b, unknown := c.LowerBound, strings.Join(c.LowerBound.Unknown, "; ")
		switch c.Cell.Cell.String() {
		case "parallel":
			if unknown != "critical path: a was never built alone, as by the strategy serial" || b.By != study.ByProcessors {
				t.Errorf("%+v", b)
			}
		case "bare":
			if len(b.Unknown) != 3 || b.Bound.Finite() || b.Trial != "bare" {
				t.Errorf("%+v", b)
			}
		case "crashed":
			if b.Trial != "" || b.Bound.Finite() {
				t.Errorf("a set-up that was begun twice is no measure: %+v", b)
			}
		}
	}
}
