package spec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/testreport"
	"github.com/stratbench/stratbench/strategies"
)

const wholeSpec = `apiVersion: stratbench/v1
name: whole
description: everything at once
factors:
  runtime: [podman, docker]
  memory: [7GiB, 12.5GiB]
  strategy: [2+1, mine]
  build.args.GO.VERSION: [1.10, {name: next, value: "1.26"}]
  load.together: [true, false]
  workload.images.db.args.MODE: [fast]
  workload.images.db.weight: [1.5]
  workload.test.env: [{name: quiet, value: {QUIET: "yes"}}]
settings:
  engine: trixie
  clusterStart: with
  build: {noCache: false, args: {A: "1"}}
  nodeImage: kindest/node:v1.34.3
  machine: {kind: isolated, cpus: 1.5}
  registry: {prefix: "127.0.0.1:5000/bench", plainHTTP: true}
strategies:
  mine: {stages: [[db], [api]]}
design:
  {replicates: 3, warmUp: 0, seed: 18446744073709551615, reference: false, indifference: 0.05, leaveOut: [{strategy: mine, load.together: true}],
   hypotheses: [{kind: time, of: {build.args.GO.VERSION: 1.10}, against: {build.args.GO.VERSION: next}, ratio: 1.5, where: {load.together: false}}]}
limits: {phase: {build: 20m}, silence: {test: 90s}, apiSilence: 2m, teardown: 1m30s}
budget: 2h30m
workload: w/workload.yaml
`

const wholeWorkload = `apiVersion: stratbench/v1
images:
  - {name: api, tag: "localhost/api:dev", context: ..}
  - {name: db, tag: "registry.example.com/db:1", context: ., dockerfile: db/Dockerfile, weight: 3, args: {B: "2"}}
kindConfig: kind.yaml
manifests: [z.yaml, deploy]
ready: {urls: ["http://127.0.0.1:8080/readyz"]}
test: {command: [go, test], dir: e2e, format: junit, report: out.xml, knownFailures: [TestX]}
`

// whole writes a spec that uses everything, and returns its path.
func whole(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"spec.yaml": wholeSpec, "w/workload.yaml": wholeWorkload, "Dockerfile": "FROM scratch", "w/db/Dockerfile": "FROM scratch",
		"w/kind.yaml": "kind: Cluster", "w/z.yaml": "z", "w/deploy/b.yml": "b", "w/deploy/a.json": "a", "w/deploy/README": "no", "w/e2e/x.go": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "spec.yaml")
}

func TestLoadDecodesEverything(t *testing.T) {
	path := whole(t)
	dir := filepath.Dir(path)
	got := load(t, path)
	const gib = trial.Bytes(1 << 30)
	wantFactors := []trial.Factor{
		{Name: "runtime", Levels: []trial.Level{{Name: "podman", Value: "podman"}, {Name: "docker", Value: "docker"}}},
		{Name: "memory", Levels: []trial.Level{{Name: "7GiB", Value: 7 * gib}, {Name: "12.5GiB", Value: 12*gib + gib/2}}},
		{Name: "strategy", Levels: []trial.Level{{Name: "2+1", Value: "2+1"}, {Name: "mine", Value: "mine"}}},
		{Name: "build.args.GO.VERSION", Levels: []trial.Level{{Name: "1.10", Value: "1.10"}, {Name: "next", Value: "1.26"}}},
		{Name: "load.together", Levels: []trial.Level{{Name: "true", Value: true}, {Name: "false", Value: false}}},
		{Name: "workload.images.db.args.MODE", Levels: []trial.Level{{Name: "fast", Value: "fast"}}},
		{Name: "workload.images.db.weight", Levels: []trial.Level{{Name: "1.5", Value: 1.5}}},
		{Name: "workload.test.env", Levels: []trial.Level{{Name: "quiet", Value: map[string]any{"QUIET": "yes"}}}},
	}
	same(t, "factors", got.Factors, wantFactors)
	same(t, "settings", got.Settings, spec.Settings{
		Engine: "trixie", ClusterStart: trial.ClusterWith,
		Build: spec.BuildSettings{Args: map[string]string{"A": "1"}}, Load: spec.LoadSettings{Together: true},
		NodeImage: "kindest/node:v1.34.3", Machine: spec.MachineSettings{Kind: spec.MachineIsolated, CPUs: 1.5},
		Registry: spec.RegistrySettings{Prefix: "127.0.0.1:5000/bench", PlainHTTP: true},
	})
	same(t, "strategies", got.Strategies, map[string]strategies.Own{"mine": {Stages: [][]string{{"db"}, {"api"}}}})
	same(t, "design", got.Design, spec.Design{Replicates: 3, Seed: 1<<64 - 1, SeedGiven: true, Indifference: 0.05,
		LeaveOut: []trial.Levels{{"strategy": "mine", "load.together": "true"}},
		Hypotheses: []trial.Hypothesis{{Kind: trial.HypothesisTime, Of: trial.Levels{"build.args.GO.VERSION": "1.10"},
			Against: trial.Levels{"build.args.GO.VERSION": "next"}, Ratio: 1.5, Where: trial.Levels{"load.together": "false"}}}})
	same(t, "build limit and default", []time.Duration{got.Limits.Phase["build"], got.Limits.Phase["test"], got.Limits.Silence["test"], got.Budget},
		[]time.Duration{20 * time.Minute, 15 * time.Minute, 90 * time.Second, 150 * time.Minute})
	same(t, "limits and a default", []spec.Duration{got.Limits.APISilence, got.Limits.Describe, got.Limits.Teardown},
		[]spec.Duration{spec.Duration(2 * time.Minute), spec.Duration(10 * time.Second), spec.Duration(90 * time.Second)})
	same(t, "images", got.Workload.Images, []spec.Image{
		{Name: "api", Tag: "localhost/api:dev", Context: dir, Dockerfile: "Dockerfile", Weight: 1},
		{Name: "db", Tag: "registry.example.com/db:1", Context: dir + "/w", Dockerfile: "db/Dockerfile", Weight: 3, Args: map[string]string{"B": "2"}},
	})
	same(t, "manifests", got.Workload.Manifests, []string{dir + "/w/z.yaml", dir + "/w/deploy/a.json", dir + "/w/deploy/b.yml"})
	same(t, "test", got.Workload.Test, spec.Test{Command: []string{"go", "test"}, Dir: dir + "/w/e2e",
		Format: testreport.JUnit, Report: dir + "/w/e2e/out.xml", KnownFailures: []string{"TestX"}})
	same(t, "Kind config", got.Workload.KindConfig, dir+"/w/kind.yaml")
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s are\n%+v\nwant\n%+v", what, got, want)
	}
}

func TestDesignCellsSayHowTheyDifferFromTheFirstLevels(t *testing.T) {
	s := spec.Spec{Factors: []trial.Factor{
		{Name: "runtime", Levels: []trial.Level{{Name: "podman"}, {Name: "docker"}}},
		{Name: "strategy", Levels: []trial.Level{{Name: "serial"}, {Name: "registry"}}},
		{Name: "load.path", Levels: []trial.Level{{Name: "archive"}, {Name: "node-pull"}}},
	}}
	s.Design.Cells = []trial.Levels{{"strategy": "serial"}, {"strategy": "registry", "load.path": "node-pull"}}
	s.Design.LeaveOut = []trial.Levels{{"runtime": "docker", "strategy": "serial"}}
	var got []string
	for _, cell := range s.Cells() {
		got = append(got, cell.String())
	}
	same(t, "cells", got, []string{"podman serial archive", "podman registry node-pull", "docker registry node-pull"})
}

func TestWarmBuildsAreThoseWithACacheThatIsNotCold(t *testing.T) {
	for _, c := range []struct {
		build spec.BuildSettings
		want  bool
	}{
		{spec.BuildSettings{}, false},
		{spec.BuildSettings{Cache: "none", CacheStart: "warm"}, false},
		{spec.BuildSettings{Cache: trial.CacheLocal}, true},
		{spec.BuildSettings{Cache: trial.CacheRegistry, CacheStart: "warm"}, true},
		{spec.BuildSettings{Cache: trial.CacheRegistry, CacheStart: trial.CacheCold}, false},
	} {
		if got := c.build.Warm(); got != c.want {
			t.Errorf("%+v: warm is %v", c.build, got)
		}
	}
}

func TestDefaults(t *testing.T) {
	got := load(t, "../quick.yaml")
	s := got.Settings
	if !s.Build.NoCache || !s.Load.Together || s.ClusterStart != trial.ClusterBefore || s.Machine.Kind != spec.MachineAuto {
		t.Errorf("defaults are %+v", s)
	}
	if got.Design.SeedGiven || got.Budget != 0 {
		t.Errorf("design %+v, budget %v", got.Design, got.Budget)
	}
}

func TestCellPutsLevelsInTheirPlaces(t *testing.T) {
	spec := load(t, whole(t))
	cells := spec.Cells()
	settings, workload, err := spec.Cell(cells[len(cells)-1])
	if err != nil {
		t.Fatal(err)
	}
	want := spec.Settings
	want.Runtime, want.Memory, want.Strategy = trial.Docker, 12<<30+1<<29, "mine"
	want.Build.Args = map[string]string{"A": "1", "GO.VERSION": "1.26"}
	want.Load.Together = false
	same(t, "settings", settings, want)
	same(t, "db image", workload.Images[1].Args, map[string]string{"B": "2", "MODE": "fast"})
	if workload.Images[1].Weight != 1.5 || workload.Test.Env["QUIET"] != "yes" || workload.Dir != spec.Workload.Dir {
		t.Errorf("workload is %+v", workload)
	}
	// The spec itself, and so the next cell, stays as it was.
	if len(spec.Workload.Images[1].Args) != 1 || len(spec.Settings.Build.Args) != 1 || spec.Workload.Test.Env != nil {
		t.Error("a cell has changed the spec")
	}
	empty, same1, err := spec.Cell(nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "settings of no cell", empty, spec.Settings)
	same(t, "workload of no cell", same1, spec.Workload)
}

func TestCellOfAnotherSpec(t *testing.T) {
	spec := load(t, "../quick.yaml")
	for _, a := range []trial.Assignment{{Factor: "memory", Level: "9GiB"}, {Factor: "engine", Level: "trixie"}} {
		if _, _, err := spec.Cell(trial.Cell{a}); err == nil {
			t.Errorf("%v is accepted", a)
		}
	}
}

// Records keep a cell's settings as JSON.
func TestSettingsSurviveJSON(t *testing.T) {
	loaded := load(t, whole(t))
	for _, cell := range loaded.Cells() {
		settings, _, err := loaded.Cell(cell)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(settings)
		if err != nil {
			t.Fatal(err)
		}
		var again spec.Settings
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		same(t, "settings after JSON", again, settings)
	}
}

func TestHashFollowsContentsAndNotPlaces(t *testing.T) {
	one, other := whole(t), whole(t)
	before := load(t, one)
	if before.SHA256 != load(t, other).SHA256 || len(before.SHA256) != 64 {
		t.Errorf("two copies of a spec have different hashes, %s", before.SHA256)
	}
	for _, file := range []string{"w/workload.yaml", "w/db/Dockerfile", "w/kind.yaml", "w/deploy/b.yml", "spec.yaml"} {
		path := filepath.Join(filepath.Dir(one), file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(text, "# changed\n"...), 0o644); err != nil {
			t.Fatal(err)
		}
		after := load(t, one)
		if after.SHA256 == before.SHA256 {
			t.Errorf("a change of %s leaves the hash as it was", file)
		}
		before = after
	}
}

func TestDockerfileBehindALinkOutOfTheContext(t *testing.T) {
	path := whole(t)
	dockerfile := filepath.Join(filepath.Dir(path), "w", "db", "Dockerfile")
	if err := os.Remove(dockerfile); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../Dockerfile", dockerfile); err != nil {
		t.Fatal(err)
	}
	if _, err := spec.Load(path); err == nil || !strings.Contains(err.Error(), "must be a file inside the context") {
		t.Errorf("got %v", err)
	}
}

func TestTooLargeAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spec.yaml")
	if err := os.WriteFile(path, []byte("#"+strings.Repeat("x", 1<<20)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := spec.Load(path); err == nil || !strings.Contains(err.Error(), "is larger than 1048576 bytes") {
		t.Errorf("got %v", err)
	}
	if _, err := spec.Load(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a folder as spec: got %v", err)
	}
}

// For any input, the loader returns a spec that can be planned, or issues that all
// have a position and a cure.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(wholeSpec), []byte(wholeWorkload))
	for _, s := range archives(f) {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, text, workload []byte) {
		path := whole(t)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "w/workload.yaml"), workload, 0o644); err != nil {
			t.Fatal(err)
		}
		loaded, err := spec.Load(path)
		if err != nil {
			checkIssues(t, err)
			return
		}
		for _, cell := range loaded.Cells()[:1] {
			if _, _, err := loaded.Cell(cell); err != nil {
				t.Errorf("loaded, but %v", err)
			}
		}
	})
}

// TestSetUpsAsTheyAreElsewhere has forms that other tools know: short names of
// images, **.yaml, and a suite that deploys by itself.
func TestSetUpsAsTheyAreElsewhere(t *testing.T) {
	path := whole(t)
	file := filepath.Join(filepath.Dir(path), "w", "workload.yaml")
	text := strings.Replace(wholeWorkload, "localhost/api:dev", "api:dev", 1)
	for manifests, want := range map[string]int{"manifests: [z.yaml, \"**.json\"]": 2, "deploy: []": 0} {
		if err := os.WriteFile(file, []byte(strings.Replace(text, "manifests: [z.yaml, deploy]", manifests, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		w := load(t, path).Workload
		if len(w.Manifests) != want || len(w.Steps()) != min(want, 1) || w.Images[0].Tag != "api:dev" {
			t.Errorf("%s: got %+v", manifests, w)
		}
	}
}

// TestPatternsOfManifests has wildcards in folders and in files.
func TestPatternsOfManifests(t *testing.T) {
	path := whole(t)
	dir := filepath.Join(filepath.Dir(path), "w")
	for _, name := range []string{"svc/a/k8s/app.yaml", "svc/a/k8s/README.md", "svc/b/k8s/app.yaml", "svc/b/k8s/deep/rule.json", "svc/b/src/app.yaml"} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string]string{
		"svc/a/k8s/*":         "svc/a/k8s/README.md svc/a/k8s/app.yaml",
		"svc/a/k8s/**":        "svc/a/k8s/app.yaml",
		"svc/*/k8s/app.yaml":  "svc/a/k8s/app.yaml svc/b/k8s/app.yaml",
		"svc/*/k8s/*.yaml":    "svc/a/k8s/app.yaml svc/b/k8s/app.yaml",
		"svc/*/k8s/**":        "svc/a/k8s/app.yaml svc/b/k8s/app.yaml svc/b/k8s/deep/rule.json",
		"svc/**/k8s/**.json":  "svc/b/k8s/deep/rule.json",
		"svc/**/k8s/app.yaml": "svc/a/k8s/app.yaml svc/b/k8s/app.yaml",
		"svc/b/*":             "! no file in svc/b matches *; nothing would be deployed, so correct the path, or write svc/b/** for the manifests in all folders below",
		"svc/**/*.yml":        "! no file below svc matches *.yml; nothing would be deployed, so correct the path",
		"gone/*.yaml":         "! folder gone: no such file or directory",
		"svc/[a":              "! \"[a\" is not a pattern",
	} {
		text := strings.Replace(wholeWorkload, "manifests: [z.yaml, deploy]", "manifests: ["+strconv.Quote(pattern)+"]", 1)
		if err := os.WriteFile(filepath.Join(dir, "workload.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		loaded, err := spec.Load(path)
		got := fmt.Sprint(err)
		if err == nil {
			got = strings.Join(loaded.Workload.Manifests, " ")
		}
		got = strings.ReplaceAll(got, dir+"/", "")
		if problem, is := strings.CutPrefix(want, "! "); is && !strings.Contains(got, problem) || !is && got != want {
			t.Errorf("%s: got %s, want %s", pattern, got, want)
		}
	}
}

// TestLinksAndEmptyFolders has manifests behind links, and the folder of a submodule that
// git has not filled.
func TestLinksAndEmptyFolders(t *testing.T) {
	path := whole(t)
	dir := filepath.Join(filepath.Dir(path), "w")
	for name, to := range map[string]string{"linked": "deploy", "deploy/more.yaml": "../z.yaml"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "workload.yaml")
	change := func(old, new string) {
		if err := os.WriteFile(file, []byte(strings.Replace(wholeWorkload, old, new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	change("manifests: [z.yaml, deploy]", "manifests: [deploy]")
	plain := load(t, path).Workload.Manifests
	change("manifests: [z.yaml, deploy]", "manifests: [\"linked/**\"]")
	if got := load(t, path).Workload.Manifests; len(got) != len(plain) || !slices.Contains(got, filepath.Join(dir, "linked", "more.yaml")) {
		t.Errorf("got %q, want as many as %q", got, plain)
	}
	if err := os.Mkdir(filepath.Join(dir, "module"), 0o755); err != nil {
		t.Fatal(err)
	}
	change("manifests: [z.yaml, deploy]", "deploy: [{kustomize: module}, {helm: {chart: module}}]")
	if _, err := spec.Load(path); err == nil || strings.Count(err.Error(), "run git submodule update --init") != 2 {
		t.Errorf("got %v", err)
	}
}

func TestFoldersOfWhatCommandsName(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"e2e", "hack", "charts/app"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "hack/e2e.sh"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	w := spec.Workload{Dir: filepath.Join(dir, "e2e"), Test: spec.Test{
		Dir:     filepath.Join(dir, "e2e"),
		Command: []string{"sh", "../hack/e2e.sh", "../charts/app", "../out/report.xml", "--", ".."},
	}}
	want := []string{filepath.Join(dir, "charts/app"), filepath.Join(dir, "e2e"), filepath.Join(dir, "hack")}
	if got := w.Folders(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
