package study

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

const gib trial.Bytes = 1 << 30

func second(n int) trial.Seconds { return trial.Seconds(time.Duration(n) * time.Second) }

func buildSpan(image string, start, end int) trial.Span {
	return trial.Span{Name: "build " + image, Phase: trial.PhaseBuild, Image: image, Start: second(start), End: second(end)}
}

// recordOf has spans and, each second, the memory that is in use.
func recordOf(memory []trial.Bytes, spans ...trial.Span) *results.Record {
	r := &results.Record{Spans: spans, Settings: json.RawMessage(`{"runtime": "docker", "build": {"noCache": true}}`)}
	for i, held := range memory {
		r.Samples = append(r.Samples, trial.Sample{At: second(i), MemoryAnon: held})
	}
	return r
}

func TestOnlyABuildAloneTellsWhatItHolds(t *testing.T) {
	memory := []trial.Bytes{gib, gib, 3 * gib, 2 * gib, gib, gib, 2 * gib, gib}
	a, b := buildSpan("a", 1, 4), buildSpan("b", 5, 7)
	failed, later := a, b
	failed.Error, later.Start = "exit status 1", second(3)
	gaveWay := failed
	gaveWay.Name, gaveWay.Image = b.Name, b.Image
	cluster := trial.Span{Name: "cluster", Phase: trial.PhaseCluster, Start: second(0), End: second(2)}
	step := trial.Span{Name: "RUN make", Phase: trial.PhaseBuild, Image: "a", Step: "RUN make", Start: second(1), End: second(3)}
	for name, c := range map[string]struct {
		spans []trial.Span
		want  map[string]trial.Bytes
	}{
		"one after the other":   {[]trial.Span{a, step, b}, map[string]trial.Bytes{"a": 2 * gib, "b": gib}},
		"side by side":          {[]trial.Span{a, later}, nil},
		"beside a load":         {[]trial.Span{{Name: "load", Phase: trial.PhaseLoad, Start: second(4), End: second(6)}, a, b}, map[string]trial.Bytes{"a": 2 * gib}},
		"beside a cluster":      {[]trial.Span{cluster, a, b}, map[string]trial.Bytes{"b": gib}},
		"one that failed":       {[]trial.Span{failed, b}, map[string]trial.Bytes{"b": gib}},
		"one that gave way":     {[]trial.Span{gaveWay, b}, nil},
		"holds next to nothing": {[]trial.Span{buildSpan("c", 3, 5)}, map[string]trial.Bytes{"c": leastPeak}},
		"shorter than a second": {[]trial.Span{{Name: "build d", Phase: trial.PhaseBuild, Image: "d", Start: second(1), End: second(1) + 5}}, nil},
	} {
		got := map[string]trial.Bytes{}
		for _, e := range BuildsAlone(recordOf(memory, c.spans...)) {
			got[e.Image] = e.Peak
			if e.Runtime != trial.Docker || !e.NoCache || e.Builds != 1 {
				t.Errorf("%s: got %+v", name, e)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
		for image, peak := range c.want {
			if got[image] != peak {
				t.Errorf("%s: got %v, want %v", name, got, c.want)
			}
		}
	}
	broken := recordOf(memory, a)
	broken.Fault = &results.Injected{}
	if builds := BuildsAlone(broken); builds != nil {
		t.Errorf("learned from a trial that was broken on purpose: %v", builds)
	}
	cached := recordOf(memory, a)
	cached.Settings = json.RawMessage(`{"runtime": "docker", "build": {"noCache": false, "cache": "registry"}}`)
	if builds := BuildsAlone(cached); builds != nil {
		t.Errorf("learned from builds with a cache: %v", builds)
	}
}

// After a common stage, the build of an image is only a part of its work: nothing is
// learned from it, and it is not compared with the whole.
func TestBuildsAfterACommonStageAreNotWhole(t *testing.T) {
	common := trial.Span{Name: trial.CommonStage + "build", Phase: trial.PhaseBuild, Start: second(1), End: second(4)}
	r := recordOf([]trial.Bytes{gib, gib, gib, gib, gib, gib, 2 * gib, gib}, common, buildSpan("b", 5, 7))
	if builds := BuildsAlone(r); builds != nil {
		t.Errorf("learned from a part of a build: %+v", builds)
	}
	if lengths := imageLengths([]Observation{{Record: r}}); len(lengths) > 0 {
		t.Errorf("got %v", lengths)
	}
	if r.Spans = r.Spans[1:]; len(BuildsAlone(r)) != 1 || len(imageLengths([]Observation{{Record: r}})["b"]) != 1 {
		t.Error("nothing is learned from a whole build")
	}
}

func TestStageTimes(t *testing.T) {
	step := func(image, text string, start, end int) trial.Span {
		return trial.Span{Name: text, Phase: trial.PhaseBuild, Image: image, Step: text, Start: second(start), End: second(end)}
	}
	setup := second(60)
	for engine, c := range map[string]struct {
		spans []trial.Span
		want  map[string]float64
	}{
		"docker": {[]trial.Span{
			step("a", "[internal] load build context", 0, 1), step("a", "[build  1/10] FROM docker.io/library/golang:1.26", 1, 2),
			step("a", "[linux/amd64 build  2/10] RUN make [all 1/2] ", 2, 30), step("a", "[stage-1 2/2] COPY --from=build /a /a", 30, 31),
			step("a", "exporting to image", 31, 33),
		}, map[string]float64{"build": 29, "stage-1": 1, "": 3}},
		"podman": {[]trial.Span{
			step("a", "[1/2] STEP 1/2: FROM golang:1.26 AS Build", 0, 1), step("a", "[1/2] STEP 2/2: RUN make", 1, 30),
			step("a", "[2/2] STEP 1/2: FROM scratch", 30, 31), step("a", "[2/2] STEP 2/2: COPY --from=build /a /a", 31, 33), step("a", "[2/2] COMMIT a:1", 33, 34),
		}, map[string]float64{"build": 30, "": 4}},
	} {
		r := recordOf(nil, append(c.spans, buildSpan("a", 0, 40))...)
		r.Setup = &setup
		if got := StageTimes(r); len(got) != 1 || !maps.Equal(got["a"], c.want) {
			t.Errorf("%s: got %v, want %v", engine, got, c.want)
		}
		r.Settings = json.RawMessage(`{"build": {"noCache": false}}`)
		if got := StageTimes(r); got != nil {
			t.Errorf("%s: steps may come from the cache, and got %v", engine, got)
		}
	}
}

func TestAnUpperQuantileIsExpected(t *testing.T) {
	var builds []results.Expected
	for i := range 20 {
		builds = append(builds, results.Expected{Runtime: trial.Podman, Image: "a", Peak: trial.Bytes(i + 1), Takes: second(i + 1)})
	}
	builds = append(builds, results.Expected{Runtime: trial.Podman, Image: "a", NoCache: true, Peak: 7, Takes: second(7)},
		results.Expected{Runtime: trial.Docker, Image: "a", Peak: 9, Takes: second(9)})
	want := []results.Expected{
		{Runtime: trial.Docker, Image: "a", Peak: 9, Takes: second(9), Builds: 1},
		{Runtime: trial.Podman, Image: "a", Peak: 18, Takes: second(10), Builds: 20},
		{Runtime: trial.Podman, Image: "a", NoCache: true, Peak: 7, Takes: second(7), Builds: 1},
	}
	if got := Likely(builds); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}
