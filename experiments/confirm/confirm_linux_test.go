package confirm

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments/run"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/study"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
)

// TestMain lets the test program be a machine's first process and a worker.
func TestMain(m *testing.M) {
	isolated.Main()
	if len(os.Args) > 1 && os.Args[1] == run.WorkerCommand {
		if err := run.Work(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// needMachines fails a test in CI, and skips it elsewhere, if no isolated machine
// can be started.
func needMachines(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("real engines: not in -short")
	}
	if err := machine.Possible(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no isolated machine can be had: %v", err)
		}
		t.Skipf("no isolated machine can be had: %v", err)
	}
}

const tinySpec = `apiVersion: stratbench/v1
name: tiny
workload: workload.yaml
factors: {clusterStart: [with]}
settings: {runtime: podman, memory: 3GiB, strategy: parallel, machine: {kind: isolated}}
design: {replicates: 1, warmUp: 0}
`

// tinyProject is the tiny workload of the runner's own tests.
func tinyProject(t *testing.T) map[string]string {
	t.Helper()
	const tiny = "../run/testdata/tiny"
	files := map[string]string{"spec.yaml": tinySpec}
	err := filepath.WalkDir(tiny, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(tiny, path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestBothStatesOnARealEngine slows every image's build by some seconds, and
// runs one block of the state before and the one after on real Podman.
func TestBothStatesOnARealEngine(t *testing.T) {
	needMachines(t)
	s := sceneOf(t, tinyProject(t))
	s.write(t, "server/Dockerfile", strings.Replace(tinyProject(t)["server/Dockerfile"], "COPY server.go .", "COPY server.go .\nRUN sleep 20", 1))
	both, err := Run(t.Context(), Options{Good: s.good, Present: s.present(t), Blocks: 1, Root: t.TempDir(),
		Report: func(u run.Update) {
			if u.Note != "" {
				t.Log(u.Note)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := answer.Worsened(study.Gather([]results.Run{both}), results.StateFactor, results.LastGood, results.Present, []study.Metric{"build"})
	trials := both.Trials()
	if err != nil || len(trials) != 2 || len(both.Done(results.KindReference)) != 1 || w.Verdict != answer.TooFew || w.Blocks != 5 {
		t.Fatalf("%d trials, %d references: %s, %d blocks needed, %v", len(trials), len(both.Done(results.KindReference)), w.Verdict, w.Blocks, err)
	}
	for _, tr := range trials {
		if tr.Verdict.Outcome != trial.OK {
			t.Errorf("%s: %s: %s", tr.Trial, tr.Verdict.Outcome, tr.Verdict.Error)
		}
	}
	build := w.Comparisons[2]
	if slower := float64(build.Typical[1] - build.Typical[0]); build.Metric != "build" || slower < 5 {
		t.Errorf("builds took %v s and %v s, want about 20 s more", build.Typical[0], build.Typical[1])
	}
	for _, name := range []string{"last-good-spec.yaml", "last-good-workload.yaml", "present-spec.yaml", results.SpecFile} {
		if _, err := os.Stat(filepath.Join(both.Dir, name)); err != nil {
			t.Error(err)
		}
	}
	cache, err := run.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "scratch-*", "last-good*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
