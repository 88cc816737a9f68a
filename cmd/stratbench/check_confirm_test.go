package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratbench/stratbench/experiments/confirm"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/simulated"
)

// suspicious is a folder with runs of which the last three are suspected, and
// a spec of theirs.
func suspicious(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, experiment := range []string{"nightly", "weekly"} {
		for name, content := range map[string]string{
			experiment + ".yaml": "apiVersion: stratbench/v1\nname: " + experiment + "\nfactors: {strategy: [serial, parallel]}\nsettings: {runtime: podman}\nworkload: workload.yaml\n",
			"workload.yaml":      "apiVersion: stratbench/v1\nimages: [{name: app, tag: localhost/app:dev, context: app}]\nmanifests: [app.yaml]\ntest: {command: [\"true\"]}\n",
			"app/Dockerfile":     "FROM scratch\n",
			"app.yaml":           "kind: Service\n",
		} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := writeNights([]string{filepath.Join(dir, "data"), "1-14", "slow=12"}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// checked runs check as the command line would, with trials of both states by
// run, and returns its exit code and what it prints.
func checked(t *testing.T, dir, spec string, run func(context.Context, confirm.Options) (results.Run, error)) (int, string) {
	t.Helper()
	var flags checkFlags
	cmd := checkCommand()
	flags.history, flags.dir, flags.format, flags.threshold = filepath.Join(dir, "nights"), filepath.Join(dir, "data"), "table", detect.DefaultThreshold
	flags.spec, flags.runTrials = spec, run
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetContext(t.Context())
	err := flags.run(cmd)
	if err != nil {
		fmt.Fprintln(&out, err)
	}
	return exitCode(err), out.String()
}

// bothStates writes a run of both states the night after, in which the present
// one is slower by a factor.
func bothStates(slower float64) func(context.Context, confirm.Options) (results.Run, error) {
	return func(_ context.Context, o confirm.Options) (results.Run, error) {
		var arms []simulated.Arm
		for _, key := range o.Cells {
			cell := trial.Cell{{Factor: "strategy", Level: strings.TrimPrefix(key, "strategy=")}}
			for level, by := range map[string]float64{results.LastGood: 1, results.Present: slower} {
				arms = append(arms, simulated.Arm{Cell: append(slices.Clone(cell), trial.Assignment{Factor: results.StateFactor, Level: level}), Median: 300 * by, Spread: 0.03})
			}
		}
		slices.SortFunc(arms, func(a, b simulated.Arm) int { return strings.Compare(a.Cell.Key(), b.Cell.Key()) })
		var last results.Run
		for run := range simulated.Nights("nightly-confirm", arms, 15, 5, func(_ int, n *simulated.Night) { n.Blocks = o.Blocks }) {
			last = run
		}
		last.Environment.States = []results.State{{Level: results.LastGood, RunID: o.Good.ID()}, {Level: results.Present}}
		return last, writeRun(filepath.Join(o.Root, last.Dir), last)
	}
}

func TestCheckConfirms(t *testing.T) {
	for slower, want := range map[float64]struct {
		code int
		text string
	}{
		1.4: {exitWorse, "the trials of both states confirm it"},
		1:   {0, "the trials of both states do not show it"},
	} {
		dir := suspicious(t)
		spec := filepath.Join(dir, "nightly.yaml")
		code, text := checked(t, dir, "", nil)
		if code != exitInconclusive || !strings.Contains(text, "stratbench check --confirm SPEC") {
			t.Fatalf("before: %d\n%s", code, text)
		}
		if code, text = checked(t, dir, spec, bothStates(slower)); code != want.code || !strings.Contains(text, want.text) {
			t.Errorf("%v times as slow side by side: %d, want %d and %q\n%s", slower, code, want.code, want.text, text)
		}
		// What was put to the test is kept, and not run again.
		again := func(context.Context, confirm.Options) (results.Run, error) {
			t.Error("the trials were run again")
			return results.Run{}, nil
		}
		if code, _ = checked(t, dir, spec, again); code != want.code {
			t.Errorf("checked again: %d, want %d", code, want.code)
		}
	}
}

// What is run is the suspected cell in the last state before the change.
func TestWhatACheckConfirms(t *testing.T) {
	dir := suspicious(t)
	var got confirm.Options
	_, _ = checked(t, dir, filepath.Join(dir, "nightly.yaml"), func(_ context.Context, o confirm.Options) (results.Run, error) {
		got = o
		return results.Run{}, nil
	})
	if got.Good.ID() != "20260111-020000-nightly" || !slices.Equal(got.Cells, []string{"strategy=serial"}) || got.Present == nil || got.Blocks < 6 {
		t.Errorf("runs %s, %v in %d blocks", got.Good.ID(), got.Cells, got.Blocks)
	}
	if got.Good.Environment.HostID != "simulated" {
		t.Errorf("the last good run was made in %+v", got.Good.Environment)
	}
}

// Where the trials cannot be made the nights alone decide, and it is said why.
func TestCheckCannotConfirm(t *testing.T) {
	dir := suspicious(t)
	for _, c := range []struct {
		spec string
		err  error
		code int
		text string
	}{
		{"nightly.yaml", fmt.Errorf("%w: no git", confirm.ErrNotBuilt), exitInconclusive, "not put to the test: the last good state cannot be built again: no git"},
		{"nightly.yaml", os.ErrPermission, exitFailed, "running the last good state beside the present one: permission denied"},
		{"nightly.yaml", context.Canceled, exitCancelled, "canceled"},
		{"weekly.yaml", nil, exitUsage, "is the experiment weekly, and the check is of nightly"},
		{"missing.yaml", nil, exitUsage, "missing.yaml"},
	} {
		code, text := checked(t, dir, filepath.Join(dir, c.spec), func(context.Context, confirm.Options) (results.Run, error) { return results.Run{}, c.err })
		if code != c.code || !strings.Contains(text, c.text) {
			t.Errorf("%s, %v: %d, want %d and %q\n%s", c.spec, c.err, code, c.code, c.text, text)
		}
	}
}

// A quiet night runs nothing, and a faulty spec is told all the same.
func TestAQuietCheckConfirmsNothing(t *testing.T) {
	dir := suspicious(t)
	data := filepath.Join(dir, "data")
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	if err := writeNights([]string{data, "1-30"}); err != nil {
		t.Fatal(err)
	}
	nothing := func(context.Context, confirm.Options) (results.Run, error) {
		t.Error("trials were run")
		return results.Run{}, nil
	}
	if code, text := checked(t, dir, filepath.Join(dir, "nightly.yaml"), nothing); code != 0 {
		t.Errorf("%d\n%s", code, text)
	}
	if code, text := checked(t, dir, filepath.Join(dir, "app.yaml"), nothing); code != exitUsage {
		t.Errorf("%d\n%s", code, text)
	}
}
