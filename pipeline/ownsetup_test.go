package pipeline

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// ownSetupOf runs a trial whose set-up is a shell script. It needs no engine, because
// only the script would use one.
func ownSetupOf(t *testing.T, script string, change func(*Config)) (Result, *Trace, string) {
	t.Helper()
	for _, name := range []string{"PATH", "DOCKER_HOST", "KIND_EXPERIMENTAL_DOCKER_NETWORK"} {
		t.Setenv(name, os.Getenv(name))
	}
	dir := t.TempDir()
	cfg := Config{
		ClusterName: "own-t001", WorkDir: filepath.Join(dir, "work"), NodeImage: "shop.test/node:1",
		Endpoint: runtimes.Endpoint{Runtime: trial.Docker, Address: "unix:///run/none.sock"},
		Schedule: strategies.Schedule{Strategy: "2+1", Stages: []strategies.Stage{{Images: []string{"a", "b"}, Concurrency: 2}, {Images: []string{"c"}, Concurrency: 1}}},
		Limits:   map[trial.Phase]time.Duration{}, Silence: map[trial.Phase]time.Duration{},
		Setup: &spec.Setup{Command: []string{"sh", "-c", script}, Dir: dir, Timeout: spec.Duration(time.Minute), Silence: spec.Duration(time.Minute)},
	}
	if change != nil {
		change(&cfg)
	}
	trace, log := &Trace{}, ""
	result := Run(t.Context(), cfg, nil, NewClock(0), nil, func(e Event) {
		trace.Add(e)
		if e.Kind == Log {
			log += string(e.Phase) + ": " + e.Text + "\n"
		}
	})
	return result, trace, log
}

// phasesIn are the phases of a trace, in the order of their beginnings.
func phasesIn(trace *Trace) (phases []string) {
	for _, s := range trace.Spans(0) {
		if s.Phase != "" {
			phases = append(phases, string(s.Phase))
		}
	}
	return phases
}

func lengthOf(t *testing.T, trace *Trace, name string) time.Duration {
	t.Helper()
	for _, s := range trace.Spans(0) {
		if s.Name == name {
			return s.Length().Duration()
		}
	}
	t.Fatalf("there is no span %s", name)
	return 0
}

func patterns(marks spec.Marks) func(*Config) {
	return func(c *Config) { c.Setup.Marks = marks }
}

var byPatterns = patterns(spec.Marks{
	trial.PhaseCluster: {Start: "^==> cluster"},
	trial.PhaseBuild:   {Start: "^==> build", End: "^built all"},
	trial.PhaseDeploy:  {Start: "^==> deploy"},
	trial.PhaseTest:    {Start: "^Running Suite"},
})

func TestPhasesAreSeenInWhatASetUpPrints(t *testing.T) {
	result, trace, log := ownSetupOf(t, `echo "==> cluster"; sleep 0.2; echo "==> build a"; echo "==> build b"; sleep 0.3; echo built all; echo between
echo "==> deploy" >&2; sleep 0.1; echo "Running Suite"; sleep 0.4`, byPatterns)
	if v := result.Verdict(); v.Outcome != trial.OK || result.Setup == nil {
		t.Fatalf("got %+v", v)
	}
	if got, want := phasesIn(trace), []string{"cluster", "build", "deploy", "test"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	// A line counts when it is read, which may be late on a machine with other work.
	for name, slept := range map[string]time.Duration{"cluster": 200 * time.Millisecond, "build": 300 * time.Millisecond, "deploy": 100 * time.Millisecond, "test": 400 * time.Millisecond, trial.SetupSpan: time.Second} {
		if got := lengthOf(t, trace, name); got < slept/2 {
			t.Errorf("%s took %s, of which it slept %s", name, got, slept)
		}
	}
	if whole, setup := lengthOf(t, trace, trial.SetupSpan), result.Setup.Duration(); whole-setup < 200*time.Millisecond || setup < 300*time.Millisecond {
		t.Errorf("set up within %s of %s: the tests are none of it", setup, whole)
	}
	for _, want := range []string{"build: ==> build b\n", "build: built all\n", ": between\n"} {
		if !strings.Contains("\n"+log, "\n"+want) {
			t.Errorf("%q is missing from the log:\n%s", want, log)
		}
	}
}

func TestPhasesAreMarkedByTheSetUpItself(t *testing.T) {
	result, trace, _ := ownSetupOf(t, `echo build start >>"$STRATBENCH_MARKS"; sleep 0.2; echo build end >>"$STRATBENCH_MARKS"; echo deploy start >>"$STRATBENCH_MARKS"; sleep 0.1; echo deploy end >>"$STRATBENCH_MARKS"`, nil)
	if v := result.Verdict(); v.Outcome != trial.OK {
		t.Fatalf("got %+v", v)
	}
	if got := phasesIn(trace); !slices.Equal(got, []string{"build", "deploy"}) {
		t.Errorf("got %q", got)
	}
}

func TestAMarkHasTheTimeOfItsWriting(t *testing.T) {
	file := filepath.Join(t.TempDir(), "marks")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	run, trace := newRun(Config{})
	m := newMarker(t.Context(), func(error) {}, run, nil)
	for _, end := range []string{"start", "end"} {
		if err := WriteMark(file, trial.PhaseLoad, end); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	opened, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	over := make(chan struct{})
	close(over)
	m.follow(opened, over) // long after both
	if got := lengthOf(t, trace, "load"); got < 100*time.Millisecond || got > 5*time.Second {
		t.Errorf("got %s", got)
	}
}

func TestMarksThatDoNotPair(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		change func(*Config)
		want   string
	}{
		"no end":           {`echo "==> build"`, byPatterns, "the end of the phase build was not seen"},
		"no beginning":     {`echo built all`, byPatterns, "the phase build ended without a start"},
		"twice":            {`echo "==> build"; echo built all; echo "==> build"; echo built all`, byPatterns, "the phase build began again after its end"},
		"no such phase":    {`echo cook start >>"$STRATBENCH_MARKS"`, nil, `"cook start" is no mark`},
		"called, no end":   {`echo load start >>"$STRATBENCH_MARKS"`, nil, "the end of the phase load was not seen"},
		"called, no begin": {`echo load end >>"$STRATBENCH_MARKS"`, nil, "the phase load ended without a start"},
	} {
		result, _, _ := ownSetupOf(t, c.script, c.change)
		if v := result.Verdict(); v.Outcome != trial.RunnerFault || !strings.Contains(v.Error, c.want) {
			t.Errorf("%s: got %+v, want %s", name, v, c.want)
		}
	}
}

func TestSetUpsThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		script  string
		change  func(*Config)
		outcome trial.Outcome
		phase   trial.Phase
		want    string
	}{
		"in a phase":          {`echo "==> build"; exit 3`, byPatterns, trial.BuildFailed, trial.PhaseBuild, "exit status 3"},
		"after a phase":       {`echo "==> build"; echo built all; exit 3`, byPatterns, trial.SetupFailed, "", "sh: exit status 3"},
		"with no marks":       {`exit 1`, nil, trial.SetupFailed, "", "exit status 1"},
		"its own group":       {`echo "==> deploy"; kill -9 0`, byPatterns, trial.DeployFailed, trial.PhaseDeploy, "ended by a signal"},
		"a limit of its own":  {`sleep 30 & sleep 30`, func(c *Config) { c.Setup.Timeout = spec.Duration(300 * time.Millisecond) }, trial.SetupFailed, "", "not done within its limit of 300ms"},
		"silence":             {`sleep 30`, func(c *Config) { c.Setup.Silence = spec.Duration(300 * time.Millisecond) }, trial.SetupFailed, "", "nothing happened for 300ms"},
		"a limit of a phase":  {`echo "==> deploy"; while true; do echo waiting; sleep 0.05; done`, func(c *Config) { byPatterns(c); c.Limits[trial.PhaseDeploy] = 300 * time.Millisecond }, trial.DeployFailed, trial.PhaseDeploy, "not done within its limit"},
		"silence in a phase":  {`echo "==> deploy"; sleep 30`, func(c *Config) { byPatterns(c); c.Silence[trial.PhaseDeploy] = 300 * time.Millisecond }, trial.DeployFailed, trial.PhaseDeploy, "nothing happened for 300ms"},
		"no such program":     {``, func(c *Config) { c.Setup.Command = []string{"./gone"} }, trial.SetupFailed, "", "starting ./gone"},
		"what prepares it":    {`true`, func(c *Config) { c.Setup.Prepare = []string{"sh", "-c", "exit 4"} }, trial.RunnerFault, "", "preparing the trial: the command setup.prepare: running sh: exit status 4"},
		"marks and a failure": {`echo built all; exit 5`, byPatterns, trial.SetupFailed, "", "exit status 5"},
	} {
		result, _, _ := ownSetupOf(t, c.script, c.change)
		if v := result.Verdict(); v.Outcome != c.outcome || v.Phase != c.phase || !strings.Contains(v.Error, c.want) || result.Setup != nil {
			t.Errorf("%s: got %+v, want %s in %s: %s", name, v, c.outcome, c.phase, c.want)
		}
	}
}

func TestWhatASetUpIsTold(t *testing.T) {
	result, _, log := ownSetupOf(t, `env | grep -E "^(STRATBENCH|KIND|KUBECONFIG|DOCKER_HOST|OWN)" | sort; command -v stratbench; cat "$STRATBENCH_KIND_CONFIG"`, func(c *Config) {
		c.Setup.Env = map[string]string{"OWN": "1", "KIND_EXPERIMENTAL_DOCKER_NETWORK": "kind"}
		c.KindPatches = []string{"kind: Cluster"}
		c.Setup.Prepare = []string{"sh", "-c", "echo prepared"}
	})
	if v := result.Verdict(); v.Outcome != trial.OK {
		t.Fatalf("got %+v", v)
	}
	for _, want := range []string{
		"prepared", "DOCKER_HOST=unix:///run/none.sock", "KIND_CLUSTER_NAME=own-t001", "KIND_EXPERIMENTAL_DOCKER_NETWORK=kind", "KIND_EXPERIMENTAL_PROVIDER=docker", "OWN=1",
		"STRATBENCH_CLUSTER=own-t001", "STRATBENCH_CONCURRENCY=2", "STRATBENCH_NODE_IMAGE=shop.test/node:1", "STRATBENCH_RUNTIME=docker", "STRATBENCH_STRATEGY=2+1",
		`STRATBENCH_SCHEDULE={"strategy":"2+1","stages":[{"images":["a","b"],"concurrency":2},{"images":["c"],"concurrency":1}]}`, "/work/kubeconfig", "/bin/stratbench", "kind: Cluster",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is missing from\n%s", want, log)
		}
	}
}

func TestWhatASetUpLeavesRunningServesTheTestsAndEnds(t *testing.T) {
	began := time.Now()
	result, _, log := ownSetupOf(t, `(sleep 60; echo never) & echo $! >pid; sleep 0.1; echo up`, func(c *Config) {
		c.Test = spec.Test{Command: []string{"sh", "-c", `kill -0 "$(cat pid)" && echo "it serves" && printf '%s\n' '=== RUN   TestA' '--- PASS: TestA (0.00s)' PASS`}, Dir: c.Setup.Dir, Format: "go-verbose"}
	})
	if v := result.Verdict(); v.Outcome != trial.OK || !strings.Contains(log, "it serves") || !strings.Contains(log, "left processes running") {
		t.Fatalf("got %+v and\n%s", v, log)
	}
	if took := time.Since(began); took > 30*time.Second || result.Setup.Duration() > 20*time.Second {
		t.Errorf("what was left running was waited for: %s, set up in %s", took, result.Setup.Duration())
	}
}

func TestCleanup(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"PATH", "DOCKER_HOST", "KIND_EXPERIMENTAL_DOCKER_NETWORK"} {
		t.Setenv(name, os.Getenv(name))
	}
	cfg := Config{ClusterName: "own-t001", WorkDir: filepath.Join(dir, "work"), Endpoint: runtimes.Endpoint{Runtime: trial.Docker, Address: "unix:///run/none.sock"},
		Setup: &spec.Setup{Dir: dir, Cleanup: []string{"sh", "-c", `echo "$STRATBENCH_CLUSTER" >cleaned; (sleep 1; touch late) >/dev/null 2>&1 &`}, Timeout: spec.Duration(time.Minute)}}
	if err := Cleanup(t.Context(), cfg, NewClock(0), func(Event) {}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "cleaned")); err != nil || string(text) != "own-t001\n" {
		t.Errorf("got %q, %v", text, err)
	}
	time.Sleep(1200 * time.Millisecond)
	if _, err := os.Stat(filepath.Join(dir, "late")); err == nil {
		t.Error("what it left running outlives it")
	}
}
