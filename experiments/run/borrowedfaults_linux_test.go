package run

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/report"
)

// borrowedFault is a fault of the fault matrix that befalls a user's engine.
type borrowedFault struct {
	name, what string
	// only is the engine that it befalls; empty is each.
	only trial.Runtime
	// base is the image that the workload is built on; empty is the lab's.
	base   func(t *testing.T, c *computer) string
	trials int
	// at is the line of the first trial's log at which the fault strikes.
	at       string
	strike   func(c *computer, t *testing.T)
	truth    []trial.Outcome
	phase    trial.Phase
	cause    trial.Cause
	recovers bool
}

var borrowedFaults = []borrowedFault{
	{name: "login-missing", what: "the base image is in a registry that wants a login, which the user has not",
		base: func(t *testing.T, c *computer) string {
			return servePrivate(t, c.RegistryHost(), "", "") + "/private/go:1"
		},
		at: "> build", strike: func(*computer, *testing.T) {}, trials: 1,
		truth: []trial.Outcome{trial.PullFailed}, phase: trial.PhaseBuild, cause: "denied"},
	{name: "port-taken", what: "a container of the user's took the port that the cluster publishes",
		at: "> build", strike: (*computer).takePort, trials: 1,
		truth: []trial.Outcome{trial.ClusterCreateFailed}, phase: trial.PhaseCluster, cause: "ports"},
	{name: "engine-restart", what: "the engine was stopped, and started again after 3 s",
		at: "> build two", strike: (*computer).restart, trials: 2,
		truth: []trial.Outcome{trial.EngineCrash}, phase: trial.PhaseBuild, recovers: true},
	// Podman's containers do not end with its service.
	{name: "engine-stop", only: trial.Docker, what: "the engine was told to stop while kubeadm ran, and started again after 3 s",
		at: "> Starting control-plane", strike: (*computer).restartInKubeadm, trials: 2,
		truth: []trial.Outcome{trial.EngineCrash}, phase: trial.PhaseCluster, recovers: true},
}

// TestFaultsOnAUsersEngine has faults on engines that stratbench did not start:
// each is recognised, stratbench waits for an engine that comes back, and nothing
// is left on it. It takes minutes and is part of the fault matrix:
// STRATBENCH_FAULT_ROWS is the file for its rows.
func TestFaultsOnAUsersEngine(t *testing.T) {
	if os.Getenv("STRATBENCH_FAULT_ROWS") == "" {
		t.Skip("make fault-matrix runs it")
	}
	needMachines(t)
	start := computers(t)
	var runs []results.Run
	for _, rt := range trial.Runtimes() {
		t.Run(string(rt), func(t *testing.T) {
			for _, f := range borrowedFaults {
				if f.only != "" && f.only != rt {
					continue
				}
				t.Run(f.name, func(t *testing.T) {
					c := start(t, rt)
					c.want = c.belongings(t)
					c.ends(t, func() { runs = append(runs, c.suffer(t, f)) })
				})
			}
		})
	}
	if path := os.Getenv("STRATBENCH_FAULT_ROWS"); !t.Failed() {
		var rows bytes.Buffer
		err := report.Faults(runs).Write(&rows, report.FormatMarkdown)
		if err == nil {
			err = os.WriteFile(path, rows.Bytes(), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// suffer has a run suffer a fault, and returns it with the fault in its first
// trial, as it is in the records of trials that stratbench breaks itself.
func (c *computer) suffer(t *testing.T, f borrowedFault) results.Run {
	t.Helper()
	base := "stratbench.local/go:1.26"
	if f.base != nil {
		base = f.base(t, c)
	}
	p := c.startSpec(t, c.writeSpec(t, "testdata/borrowed/workload.yaml", fmt.Sprintf(`
factors: {strategy: [serial]}
settings:
  runtime: %s
  clusterStart: after
  nodeImage: %s
  build: {noCache: true, args: {GO_IMAGE: %q, RUN_IMAGE: "stratbench.local/run:bookworm"}}
design: {replicates: %d, warmUp: 0, reference: false, seed: 1}
`, c.rt, nodeImage, base, f.trials)))
	dir := p.awaits(t, f.at)
	struck := time.Now()
	f.strike(c, t)
	p.wait(t)
	if f.recovers {
		c.excuseUnreported(t, p)
		c.excuseForgotten(t, p)
	}
	run, trials := readTrials(t, dir)
	if len(trials) != f.trials {
		t.Fatalf("%d trials are recorded, want %d: %s", len(trials), f.trials, p.said)
	}
	i := slices.IndexFunc(run.Records, func(r results.Record) bool { return r.Trial.ID == "t001" })
	hit := &run.Records[i]
	at := trial.Seconds(struck.Sub(hit.Started))
	hit.Fault = &results.Injected{Name: f.name, Do: f.name, Truth: f.truth, Phase: f.phase, At: &at, What: f.what}
	v := hit.Verdict
	if !slices.Contains(f.truth, v.Outcome) || v.Phase != f.phase || f.cause != "" && v.Cause != f.cause {
		t.Errorf("classified as %s, truly %s/%s in %s; error %q, evidence %+v", report.Verdict(v), f.truth[0], f.cause, f.phase, v.Error, v.Evidence)
	}
	recovered := slices.ContainsFunc(hit.Spans, func(s trial.Span) bool { return s.Name == "recovery" && s.Error == "" })
	if recovered != f.recovers {
		t.Errorf("recovered: %v, want %v", recovered, f.recovers)
	}
	if last := trials[len(trials)-1]; f.recovers && last.Verdict.Outcome != trial.OK {
		t.Errorf("the trial after it: %s", last.Verdict.Error)
	}
	return run
}

// excuseUnreported lets one image without a name stay, if the run says so: that
// of the step at which Podman, or the run, was killed, before the image was named
// to anyone. A user's own build at that moment leaves the same.
func (c *computer) excuseUnreported(t *testing.T, p *program) {
	t.Helper()
	// Those of the user's own builds since are among them.
	const note = "images without a name that came since t001 began: "
	for thing, names := range c.belongings(t).without(c.want) {
		if strings.HasPrefix(thing, "image ") && names == "" && strings.Contains(p.said.String(), note) {
			c.want[thing] = ""
		}
	}
}

// excuseForgotten lets records of Docker's build cache stay, if the run says so: of
// a build that ran when Docker was stopped, and that it has forgotten since.
func (c *computer) excuseForgotten(t *testing.T, p *program) {
	t.Helper()
	for thing := range c.belongings(t).without(c.want) {
		if strings.HasPrefix(thing, "build cache ") && strings.Contains(p.said.String(), "or the engine was stopped before it recorded who made them") {
			c.want[thing] = ""
		}
	}
}

// takePort has a container of the user's publish a port of the workload's
// until the trial has ended.
func (c *computer) takePort(t *testing.T) {
	client := string(c.rt)
	c.command(t, client, "run", "--detach", "--name", "of-the-user", "--publish", "127.0.0.1:18091:80", "stratbench.local/go:1.26", "sleep", "600").wait(t)
	t.Cleanup(func() { c.command(t, client, "rm", "--force", "of-the-user").wait(t) })
	const his = "container of-the-user"
	c.want[his] = c.belongings(t)[his]
}

// restartInKubeadm restarts the engine a moment after Kind has begun to run kubeadm.
func (c *computer) restartInKubeadm(t *testing.T) {
	time.Sleep(2 * time.Second)
	c.restart(t)
}

// restart stops the engine and starts it again.
func (c *computer) restart(t *testing.T) {
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	c.startEngine(t)
	const own = "network bridge" // which Docker makes again
	if now := c.belongings(t); now[own] != "" {
		c.want[own] = now[own]
	}
}
