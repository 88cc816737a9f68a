package run

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/runtimes/connect"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// TestHostEngine runs an experiment on a Docker that stratbench did not start:
// the test runs stratbench inside an isolated machine, where that machine's
// engine is the host's. A name of the workload is taken there before the run,
// and must mean the same afterwards.
func TestHostEngine(t *testing.T) {
	needMachines(t)
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	m := golden(t, trial.Docker, here)
	engine, err := connect.Engine(t.Context(), m.WatchEndpoint())
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	const taken, free = "stratbench.local/red:test", "stratbench.local/green:test"
	if err := engine.Tag(t.Context(), "stratbench.local/run:bookworm", taken); err != nil {
		t.Fatal(err)
	}
	before, err := engine.Image(t.Context(), taken)
	if err != nil {
		t.Fatal(err)
	}

	for _, r := range runInside(t, m, filepath.Join(here, "host.yaml")) {
		if r.Verdict.Outcome != trial.OK || r.Machine.Kind != string(machine.Host) || r.Machine.NodeProvider != "docker" {
			t.Errorf("%s: %s on %s, node on %s: %s", r.Trial, r.Verdict.Outcome, r.Machine.Kind, r.Machine.NodeProvider, r.Verdict.Error)
		}
	}
	if after, err := engine.Image(t.Context(), taken); err != nil || after != before {
		t.Errorf("%s was %s and is %s, %v", taken, before, after, err)
	}
	if id, err := engine.Image(t.Context(), free); err == nil {
		t.Errorf("%s is left behind: %s", free, id)
	}
	if left := inside(t, m, "docker", "ps", "--all", "--quiet"); left != "" {
		t.Errorf("containers are left behind: %s", left)
	}
}

// golden starts a machine in its golden state, without a memory limit.
func golden(t *testing.T, rt trial.Runtime, binds ...string) machine.Machine {
	t.Helper()
	cache, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	p := newIsolatedPlace(cache, binds)
	s := experiments.Settings{Runtime: rt}
	if err := p.prepare(t.Context(), []experiments.Settings{s}, func(text string) { t.Log(text) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.close() })
	m, err := p.start(t.Context(), s, "t", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return m
}

// runInside has this program run an experiment in the machine, and returns the
// trials that it recorded there.
func runInside(t *testing.T, m machine.Machine, spec string) []results.Record {
	t.Helper()
	text := inside(t, m, m.Self(), runnerCommand, spec, "/tmp/results", "", string(machine.Host))
	var trials []results.Record
	if err := json.Unmarshal([]byte(text), &trials); err != nil || len(trials) != 2 {
		t.Fatalf("the run inside recorded %d trials, %v: %s", len(trials), err, text)
	}
	return trials
}

func inside(t *testing.T, m machine.Machine, argv ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	// A runner's standard input tells it to stop when it closes.
	stdin, keepOpen, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer keepOpen.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, os.Stderr
	if err := m.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, out.String())
	}
	return strings.TrimSpace(out.String())
}
