package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/issue"
	"github.com/stratbench/stratbench/internal/trial"
)

func writeAll(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhereACellHasItsSettings(t *testing.T) {
	dir := t.TempDir()
	writeAll(t, dir, map[string]string{
		"e.yaml": `apiVersion: stratbench/v1
name: e
workload: w.yaml
settings: {runtime: docker, strategy: serial}
factors:
  nodeImage: [kindest/node:v1.34.0, {name: new, value: "kindest/node:v1.37.0"}]
  workload.images.a.args.MODE: [x, y]
`,
		"w.yaml": `apiVersion: stratbench/v1
images:
  - {name: a, tag: "localhost/a:1", context: a}
manifests: [m.yaml]
test: {command: [./t]}
`,
		"a/Dockerfile": "FROM scratch\n", "m.yaml": "", "t": "",
	})
	spec, err := spec.Load(filepath.Join(dir, "e.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	cell := trial.Cell{{Factor: "nodeImage", Level: "new"}, {Factor: "workload.images.a.args.MODE", Level: "y"}}
	for setting, want := range map[string]struct {
		file string
		at   issue.Position
	}{
		"runtime":                     {"e.yaml", issue.Position{Line: 4, Column: 21}},
		"nodeImage":                   {"e.yaml", issue.Position{Line: 6, Column: 37}},
		"workload.images.a.args.MODE": {"e.yaml", issue.Position{Line: 7, Column: 36}},
		"workload.images.a.tag":       {"w.yaml", issue.Position{Line: 3, Column: 20}},
		"workload.images.a.args.GONE": {"w.yaml", issue.Position{Line: 3, Column: 5}},
		"workload.manifests.0":        {"w.yaml", issue.Position{Line: 4, Column: 13}},
		"workload.kindConfig":         {"w.yaml", issue.Position{Line: 1, Column: 1}},
	} {
		if file, at := spec.Where(cell, setting); filepath.Base(file) != want.file || at != want.at {
			t.Errorf("%s: got %s %v, want %+v", setting, file, at, want)
		}
	}
}

func TestWishesAreNoKeys(t *testing.T) {
	dir := t.TempDir()
	writeAll(t, dir, map[string]string{
		"e.yaml": "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\nsettings: {runtime: docker, strategy: serial}\nfactors: {}\nteardown: {}\n",
		"w.yaml": `apiVersion: stratbench/v1
images:
  - {name: a, tag: "localhost/a:1", context: a, buildArgs: {A: b}, cacheFrom: last}
manifests: [m.yaml]
ready: {conditions: []}
test: {command: [./t], timeout: 20m}
`,
		"a/Dockerfile": "FROM scratch\n", "m.yaml": "",
	})
	_, err := spec.Load(filepath.Join(dir, "e.yaml"))
	for _, want := range []string{
		"e.yaml:6:1: unknown key teardown; write hooks: {test: {after: [COMMAND]}} in the workload",
		"w.yaml:3:49: unknown key images.0.buildArgs; write args",
		"w.yaml:3:68: unknown key images.0.cacheFrom; the settings build.cache and build.noCache decide about caches",
		"w.yaml:5:9: unknown key ready.conditions; services are ready when every applied object is ready",
		"w.yaml:6:24: unknown key test.timeout; limits belong in the experiment's spec",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing from:\n%v", want, err)
		}
	}
}

func TestFullName(t *testing.T) {
	for ref, want := range map[string]string{
		"app":                      "docker.io/library/app:latest",
		"app:v1":                   "docker.io/library/app:v1",
		"team/app:v1":              "docker.io/team/app:v1",
		"localhost/app":            "localhost/app:latest",
		"stratbench.local/app:e2e": "stratbench.local/app:e2e",
		"host:5000/app":            "host:5000/app:latest",
		"Not A Name":               "Not A Name",
	} {
		if got := spec.FullName(ref); got != want {
			t.Errorf("%s: got %s, want %s", ref, got, want)
		}
	}
}
