package run

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/results"
)

// sharing is an experiment whose three images are built from one folder: a and b have
// the stages deps and build in common, and c has deps.
func sharing(t *testing.T) *spec.Spec {
	t.Helper()
	const deps, build = "FROM here/go AS deps\nCOPY go.mod .\nRUN go mod download\n", "FROM deps AS build\nCOPY . .\nRUN make\n"
	dir := t.TempDir()
	for name, text := range map[string]string{
		"exp.yaml": "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: {runtime: docker}\nfactors: {strategy: [serial, shared], memory: [1GiB, 2GiB]}\n",
		"w.yaml": "apiVersion: stratbench/v1\nimages:\n  - {name: a, tag: \"localhost/a:1\", context: .}\n  - {name: b, tag: \"localhost/b:1\", context: ., dockerfile: b.Dockerfile}\n" +
			"  - {name: c, tag: \"localhost/c:1\", context: ., dockerfile: c.Dockerfile}\ndeploy: []\ntest: {command: [\"true\"], format: exit-code}\n",
		"Dockerfile": deps + build + "FROM scratch\nCOPY --from=build /a /a\n", "b.Dockerfile": deps + build + "FROM scratch\nCOPY --from=build /b /b\n",
		"c.Dockerfile": deps + "FROM deps\nCOPY c .\nRUN make c\n", "go.mod": "", "c": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := spec.Load(filepath.Join(dir, "exp.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAPlanSaysWhatImagesShare(t *testing.T) {
	s := sharing(t)
	all := Shared(s, s.Cells(), nil)
	if len(all) != 1 || len(all[0].Stages) != 1 || all[0].Stages[0].Name != "build" || !slices.Equal(all[0].Stages[0].Images, []string{"a", "b"}) {
		t.Fatalf("got %+v", all)
	}
	// deps is built with build: 2 steps for each of three images; build has 2 for each of two.
	if all[0].Steps != 14 || all[0].Common != 10 || all[0].Saved != 6 || all[0].Run != "" {
		t.Errorf("got %+v", all[0])
	}
	setup := trial.Seconds(1)
	record := results.Record{Kind: results.KindTrial, Setup: &setup, Settings: json.RawMessage(`{"build": {"noCache": true}}`), Trial: trial.Trial{ID: "t001"}}
	for _, image := range []string{"a", "b", "c"} {
		for text, seconds := range map[string]int{"[deps 2/2] RUN": 10, "[build 2/2] RUN": 30, "[stage-2 1/1] COPY": 5} {
			if image != "c" || !strings.HasPrefix(text, "[build") {
				record.Spans = append(record.Spans, trial.Span{Name: text, Phase: trial.PhaseBuild, Image: image, Step: text, End: second(seconds)})
			}
		}
	}
	older := results.Run{Dir: "older", Environment: results.Environment{RunID: "older", WorkloadHash: s.Workload.SHA256}, Records: []results.Record{record}}
	other := results.Run{Dir: "other", Environment: results.Environment{RunID: "other", WorkloadHash: "another"}, Records: []results.Record{record}}
	// Of 105 s, deps takes 30 and build 60; two times 10 and once 30 are saved.
	timed := Shared(s, s.Cells(), []results.Run{older, other})
	if len(timed) != 1 || timed[0].Run != "older" || timed[0].CommonShare != 90.0/105 || timed[0].SavedShare != 50.0/105 {
		t.Errorf("got %+v", timed)
	}
}

func TestATrialBuildsCommonStagesByNamesOfItsOwn(t *testing.T) {
	c, err := resolve(sharing(t), trial.Cell{{Factor: "strategy", Level: "shared"}})
	if err != nil {
		t.Fatal(err)
	}
	x := &execution{resolved: c, place: fakePlace{}}
	images := []pipeline.Image{
		{Image: spec.Image{Name: "a", Tag: "localhost/a:1", Dockerfile: "Dockerfile"}, Ref: "own/a", Build: "m-a"},
		{Image: spec.Image{Name: "b"}, Build: "m-b"}, {Image: spec.Image{Name: "c"}, Build: "m-c"},
	}
	stages, err := x.common(images)
	if err != nil || len(stages) != 1 {
		t.Fatalf("got %+v, %v", stages, err)
	}
	if got := stages[0]; got.Name != "" || got.Tag != "" || got.Ref != "" || got.Target != "build" || got.Build != "m-a.build" || got.Dockerfile != "Dockerfile" {
		t.Errorf("got %+v", got)
	}
	if images[0].Ref != "own/a" {
		t.Error("the image itself was changed")
	}
}

func TestImagesThatNearlyShareAStageAreCompared(t *testing.T) {
	c, err := resolve(sharing(t), trial.Cell{{Factor: "strategy", Level: "shared"}})
	if err != nil {
		t.Fatal(err)
	}
	w := &c.workload
	file := filepath.Join(w.Dir, "b.Dockerfile")
	w.Images = w.Images[:2]
	for old, want := range map[string]string{
		"download":        "stage deps of a and stage deps of b are the most alike, and differ first in: RUN go mod download (Dockerfile:3), and RUN go mod vendor (b.Dockerfile:3);",
		"COPY go.mod .":   "differ first in: COPY go.mod . (Dockerfile:2), and RUN go mod download (b.Dockerfile:3)",
		"FROM here/go AS": "differ first in: FROM here/go (Dockerfile:1), and FROM golang (b.Dockerfile:1)",
	} {
		text, err := os.ReadFile(filepath.Join(w.Dir, "Dockerfile"))
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), old, map[string]string{"download": "vendor", "COPY go.mod .": "", "FROM here/go AS": "FROM golang AS"}[old], 1)
		if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
		err = checkShared(fakePlace{}, c)
		if err == nil || !strings.HasPrefix(err.Error(), "strategy shared: no stage is the same in two images") || !strings.Contains(strings.ReplaceAll(err.Error(), w.Dir+"/", ""), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", old, err)
		}
	}
}
