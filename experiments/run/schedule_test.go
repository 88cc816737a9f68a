package run

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/isolated"
	"github.com/stratbench/stratbench/strategies"
)

func TestWhatATrialGoesOnAfter(t *testing.T) {
	for _, c := range []struct {
		v    trial.Verdict
		want bool
	}{
		{trial.Verdict{Outcome: trial.EngineCrash, Phase: trial.PhaseBuild}, true},
		{trial.Verdict{Outcome: trial.EngineHang, Phase: trial.PhaseCluster}, true},
		{trial.Verdict{Outcome: trial.HostExhausted, Phase: trial.PhaseBuild, Cause: trial.CauseMemoryThrashing}, true},
		{trial.Verdict{Outcome: trial.HostExhausted, Phase: trial.PhaseCluster, Cause: trial.CauseInotify}, false},
		{trial.Verdict{Outcome: trial.EngineCrash, Phase: trial.PhaseDeploy}, false},
		{trial.Verdict{Outcome: trial.BuildOOM, Phase: trial.PhaseBuild}, false},
		{trial.Verdict{Outcome: trial.OK}, false},
	} {
		if got := lostInSetup(c.v, true); got != c.want {
			t.Errorf("%+v: got %v", c.v, got)
		}
		x := &execution{do: pipeline.Trial, resolved: resolved{settings: spec.Settings{OnCrash: trial.CrashSerial}}}
		x.record.Verdict = c.v
		x.trace.Add(pipeline.Event{Kind: pipeline.SpanEnd, SpanID: 1, Span: &trial.Span{Name: "build", Phase: trial.PhaseBuild}})
		if got := x.mayGoOn(&isolated.Machine{}); got != c.want {
			t.Errorf("%+v: may go on: %v", c.v, got)
		}
		if x.mayGoOn(&borrowed{}) {
			t.Errorf("%+v: goes on on an engine of the user's", c.v)
		}
		if x.settings.OnCrash = ""; x.mayGoOn(&isolated.Machine{}) {
			t.Errorf("%+v: goes on without being asked to", c.v)
		}
	}
}

// Beside builds, what loads or waits for images may notice first that the engine is gone.
func TestATrialGoesOnWhateverNoticedTheLoss(t *testing.T) {
	build := trial.Span{Name: "build", Phase: trial.PhaseBuild}
	x := &execution{do: pipeline.Trial, resolved: resolved{settings: spec.Settings{OnCrash: trial.CrashSerial}}}
	x.record.Verdict = trial.Verdict{Outcome: trial.EngineCrash, Phase: trial.PhaseLoad}
	x.trace.Add(pipeline.Event{Kind: pipeline.SpanStart, SpanID: 1, Span: &build})
	if !x.mayGoOn(&isolated.Machine{}) {
		t.Error("gives up while images are built")
	}
	x.trace.Add(pipeline.Event{Kind: pipeline.SpanEnd, SpanID: 1, Span: &build})
	if x.mayGoOn(&isolated.Machine{}) {
		t.Error("goes on when all is built")
	}
}

func TestTheFirstAttemptIsKept(t *testing.T) {
	log, err := openTrialLog(filepath.Join(t.TempDir(), "log.txt"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	x := &execution{clock: pipeline.NewClock(pipeline.Now() - int64(10*time.Second)), log: log}
	x.record.Samples = []trial.Sample{{At: second(1), CPU: second(4), OOMKills: 2, Pressure: trial.Pressure{MemorySomeTotal: second(3)}}}
	build := trial.Span{Name: "build", Phase: trial.PhaseBuild, Start: second(2)}
	x.trace.Add(pipeline.Event{Kind: pipeline.SpanStart, SpanID: 1, Span: &build})
	x.trace.Add(pipeline.Event{Seen: &trial.Evidence{State: trial.StateBackedOff}})
	x.keepAttempt(trial.Verdict{Outcome: trial.EngineCrash, Phase: trial.PhaseBuild, Cause: trial.CauseSIGKILL,
		Evidence: []trial.Evidence{{Rule: trial.RuleWatch, At: second(7)}, {Rule: trial.RuleWatch, At: second(8)}}})
	if len(x.own) != 2 || !x.own[0].Unfinished || x.own[1].Name != "crash" || x.own[1].Start != second(7) || x.own[1].End < second(10) ||
		x.own[1].Error != "engine-crash, cause sigkill" {
		t.Errorf("spans: %+v", x.own)
	}
	if x.began != second(2) || len(x.record.Observed) != 1 || len(x.trace.Spans(0)) != 0 || len(x.trace.Seen) != 0 {
		t.Errorf("began at %v; observed %+v; the next worker begins with %+v", x.began, x.record.Observed, x.trace.Spans(0))
	}
	// The machine is another, and its totals begin at 0.
	next := after(x.before, trial.Sample{At: second(12), CPU: second(1), OOMKills: 1, Pressure: trial.Pressure{MemorySomeTotal: second(1)}})
	if next.CPU != second(5) || next.OOMKills != 3 || next.Pressure.MemorySomeTotal != second(4) {
		t.Errorf("the next sample is %+v", next)
	}
	x.record.Samples = append(x.record.Samples, next)
	if own := x.samples(); len(own) != 1 || own[0].OOMKills != 1 {
		t.Errorf("of the machine that the trial goes on with: %+v", x.samples())
	}
}

func TestAWorkerIsSentWhatIsReadOfTheMemory(t *testing.T) {
	out, in := io.Pipe()
	feed, received := &memoryFeed{}, &readings{}
	followed := make(chan struct{})
	go func() { received.follow(json.NewDecoder(out)); close(followed) }()
	if _, known := received.latest(); known {
		t.Error("a reading is known before there is one")
	}
	sample := func(anon trial.Bytes) trial.Sample {
		return trial.Sample{MemoryAnon: anon, Pressure: trial.Pressure{Known: true, MemorySomeTotal: second(3), MemoryFullTotal: second(2)}}
	}
	feed.take(sample(5)) // before there is a worker
	feed.sendTo(json.NewEncoder(in))
	feed.take(sample(7))
	feed.sendTo(nil)
	feed.take(sample(9)) // after it has ended
	in.Close()
	<-followed
	r, known := received.latest()
	if !known || r.Used != 7 || !r.Pressure || r.Some != 3*time.Second || r.Full != 2*time.Second || r.At.IsZero() {
		t.Errorf("got %+v, %v", r, known)
	}
}

func TestAUsersEngineIsNotRestarted(t *testing.T) {
	place := &borrowedPlace{of: machine.Host}
	for begins, s := range map[string]spec.Settings{
		"onCrash serial: ":    {OnCrash: trial.CrashSerial},
		"cluster prebooted: ": {Cluster: trial.ClusterPrebooted},
		"build.cache local: ": {Build: spec.BuildSettings{Cache: trial.CacheLocal}},
	} {
		if err := place.check(resolved{settings: s}); err == nil || !strings.HasPrefix(err.Error(), begins) {
			t.Errorf("got %v", err)
		}
	}
	shared := cellWith(t, strategies.Shared, spec.Settings{Build: spec.BuildSettings{NoCache: true}}, spec.Workload{})
	if err := place.check(shared); err == nil || !strings.Contains(err.Error(), "write build: {noCache: false}") {
		t.Errorf("got %v", err)
	}
	if shared.settings.Build.NoCache = false; place.check(shared) != nil {
		t.Error("images may not share stages from a user's cache")
	}
	if err := place.check(resolved{settings: spec.Settings{OnCrash: "fail"}}); err != nil {
		t.Errorf("got %v", err)
	}
}

// cellWith is a cell with a strategy, if it names one.
func cellWith(t *testing.T, strategy string, s spec.Settings, w spec.Workload) resolved {
	t.Helper()
	c := resolved{spec: &spec.Spec{}, settings: s, workload: w}
	if c.settings.Strategy = strategy; strategy != "" {
		var err error
		if c.strategy, err = strategies.Named(strategy, nil); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// A cell whose levels make no sense together is refused, and the others run.
func TestNodesPullOnlyWhatIsPulled(t *testing.T) {
	w := spec.Workload{Images: []spec.Image{{Name: "a"}}}
	nodePull := spec.LoadSettings{Path: trial.LoadNodePull}
	var pointless *pointlessError
	err := checkSchedule(cellWith(t, strategies.Parallel, spec.Settings{Load: nodePull}, w))
	if !errors.As(err, &pointless) || !strings.HasPrefix(err.Error(), "load.path node-pull: the strategy parallel builds") {
		t.Errorf("got %v", err)
	}
	if err := checkSchedule(cellWith(t, strategies.Registry, spec.Settings{Load: nodePull}, w)); err != nil {
		t.Errorf("got %v", err)
	}
	pushed := spec.LoadSettings{Path: trial.LoadRegistry}
	err = checkSchedule(cellWith(t, strategies.Registry, spec.Settings{Load: pushed}, w))
	if !errors.As(err, &pointless) || !strings.HasPrefix(err.Error(), "load.path registry: the images of the strategy registry are in a registry") {
		t.Errorf("got %v", err)
	}
	if err := checkSchedule(cellWith(t, strategies.Parallel, spec.Settings{Load: pushed}, w)); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestOnlyBuildsHaveACache(t *testing.T) {
	w := spec.Workload{Images: []spec.Image{{Name: "a"}}}
	cached := spec.BuildSettings{Cache: trial.CacheRegistry}
	var pointless *pointlessError
	err := checkSchedule(cellWith(t, strategies.Registry, spec.Settings{Build: cached}, w))
	if !errors.As(err, &pointless) || !strings.HasPrefix(err.Error(), "build.cache registry: the strategy registry pulls") {
		t.Errorf("got %v", err)
	}
	if err := checkSchedule(cellWith(t, strategies.Parallel, spec.Settings{Build: cached}, w)); err != nil {
		t.Errorf("got %v", err)
	}
}

// A build argument that names an image of the workload gets the image's name in the trial,
// however complete the name is. A word without a tag is no name.
func TestABuildArgumentGetsTheNameInTheTrial(t *testing.T) {
	args := map[string]string{"BASE": "docker.io/library/lib:latest", "TOOLS": "mine/lib:2", "SERVICE": "lib", "TOP": "top:1"}
	w := spec.Workload{Images: []spec.Image{{Name: "top", Tag: "top:1"}, {Name: "lib", Tag: "lib:latest", Tags: []string{"mine/lib:2"}}}}
	x := &execution{r: &runner{me: holder{Mark: "mark"}}, trial: trial.Trial{ID: "t001"}, resolved: resolved{workload: w}}
	cfg := pipeline.Config{Images: []pipeline.Image{{Image: spec.Image{Name: "top", Tag: "top:1", Args: args}}, {Image: spec.Image{Name: "lib", Tag: "lib:latest"}}}}
	x.nameImages(&cfg)
	lib := imageName("mark", "t001", "lib")
	want := map[string]string{"BASE": lib, "TOOLS": lib, "SERVICE": "lib", "TOP": imageName("mark", "t001", "top")}
	if got := cfg.Images[0].Args; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A further context that names an image of the workload gets the image's name in the
// trial, with and without a tag.
func TestAFurtherContextGetsTheNameInTheTrial(t *testing.T) {
	w := spec.Workload{Images: []spec.Image{{Name: "top", Tag: "top:1"}, {Name: "lib", Tag: "lib:latest"}}}
	x := &execution{r: &runner{me: holder{Mark: "mark"}}, trial: trial.Trial{ID: "t001"}, resolved: resolved{workload: w}}
	contexts := map[string]string{"base": "docker-image://lib", "tools": "docker-image://golang:1.26", "lib": "/lib"}
	cfg := pipeline.Config{Images: []pipeline.Image{{Image: spec.Image{Name: "top", Tag: "top:1", Contexts: contexts}}, {Image: spec.Image{Name: "lib", Tag: "lib:latest"}}}}
	x.nameImages(&cfg)
	want := map[string]string{"base": "docker-image://" + imageName("mark", "t001", "lib"), "tools": "docker-image://golang:1.26", "lib": "/lib"}
	if got := cfg.Images[0].Contexts; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	w.Images[0].Contexts = map[string]string{"base": "docker-image://lib"}
	if how := builtOn(w, nil, w.Images[0], w.Images[1]); how != "context base" {
		t.Errorf("it is built on the other by %q", how)
	}
}

// What BuildKit replaces in builds without the cache is the trial's own, unless the user
// says whose it is.
func TestCacheMountsOfAUsersDockerAreNotReplaced(t *testing.T) {
	for name, c := range map[string]struct {
		runtime trial.Runtime
		noCache bool
		ledger  *ledger
		given   string
		want    string
	}{
		"a user's Docker":           {trial.Docker, true, &ledger{}, "", clusterName("mark", "t001")},
		"a namespace of the user's": {trial.Docker, true, &ledger{}, "mine", "mine"},
		"with the cache":            {trial.Docker, false, &ledger{}, "", ""},
		"an isolated machine":       {trial.Docker, true, nil, "", ""},
		"Podman, which has none":    {trial.Podman, true, &ledger{}, "", ""},
	} {
		args := map[string]string{}
		if c.given != "" {
			args[cacheMountNamespace] = c.given
		}
		x := &execution{r: &runner{me: holder{Mark: "mark"}}, trial: trial.Trial{ID: "t001"}, ledger: c.ledger}
		cfg := pipeline.Config{Endpoint: runtimes.Endpoint{Runtime: c.runtime}, Settings: spec.Settings{Build: spec.BuildSettings{NoCache: c.noCache}},
			Images: []pipeline.Image{{Image: spec.Image{Name: "a", Tag: "a:1", Args: args}}, {Image: spec.Image{Name: "b", Tag: "b:1", Command: []string{"make"}}}}}
		x.nameImages(&cfg)
		if got := cfg.Images[0].Args[cacheMountNamespace]; got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func second(n int) trial.Seconds { return trial.Seconds(time.Duration(n) * time.Second) }

// withTop is the workload that works with one more image, top: first, or else last.
func withTop(first, image string) string {
	const images, app = "images:\n", "  - {name: app, tag: \"localhost/app:e2e\", context: img}\n"
	top := "  - {name: top, tag: \"localhost/top:e2e\", " + image + "}\n"
	if first != "" {
		return strings.Replace(works()["w.yaml"], images, images+top, 1)
	}
	return strings.Replace(works()["w.yaml"], app, app+top, 1)
}

func TestSchedulesThatCannotBeFollowed(t *testing.T) {
	const head = "apiVersion: stratbench/v1\nname: e\nworkload: w.yaml\n"
	const own = "apiVersion: stratbench/v1\nimages: [{name: a}, {name: b}]\nsetup: {command: [./test.sh, %s]}\n"
	for name, c := range map[string]struct{ exp, workload, want string }{
		"a crash in a set-up command": {head + "settings: {runtime: docker, strategy: serial}\nfactors: {onCrash: [fail, serial]}\n", strings.Replace(own, "%s", "x", 1),
			"exp.yaml:5:27: onCrash serial: the set-up command builds by itself"},
		"etcd in a set-up command": {head + "settings: {runtime: docker, strategy: serial}\nfactors: {etcd: [default, noFsync]}\n", strings.Replace(own, "%s", "x", 1),
			"exp.yaml:5:27: etcd noFsync: the set-up command makes its cluster by itself"},
		"dns in a set-up command": {head + "settings: {runtime: docker, strategy: serial}\nfactors: {dns: [default, quick]}\n", strings.Replace(own, "%s", "x", 1),
			"exp.yaml:5:26: dns quick: the set-up command makes its cluster by itself"},
		"a later strategy that pulls, in a set-up command": {head + "settings: {runtime: docker}\nfactors: {strategy: [serial, registry]}\n", strings.Replace(own, "%s", "x", 1),
			"exp.yaml:5:30: strategy registry pulls images that stratbench has built and pushed before"},
		"a cluster from before in a set-up command": {head + "settings: {strategy: serial, cluster: prebooted}\nfactors: {runtime: [docker]}\n", strings.Replace(own, "%s", "x", 1),
			"exp.yaml:4:39: cluster prebooted: the set-up command makes its cluster by itself"},
		"a build cache in a set-up command": {head + "settings: {strategy: serial, build: {cache: local}}\nfactors: {runtime: [docker]}\n", strings.Replace(own, "%s", "x", 1),
			"exp.yaml:4:45: build.cache: the set-up command builds by itself"},
		"a build cache that no step looks into": {head + "settings: {runtime: docker, strategy: serial}\nfactors: {build.cache: [none, registry]}\n", works()["w.yaml"],
			"exp.yaml:5:31: build.cache registry: build.noCache, which is true by default, runs every step again"},
		"a cold build cache that is none": {head + "settings: {runtime: docker, build: {cacheStart: cold}}\nfactors: {strategy: [serial]}\n", works()["w.yaml"],
			"exp.yaml:4:49: build.cacheStart cold: there is no cache, because build.cache is none"},
		"build caches": {head + "settings: {runtime: docker, strategy: serial, build: {noCache: false}}\nfactors: {build.cache: [none, local, registry], build.cacheStart: [cold, warm]}\n", works()["w.yaml"], ""},
		"loads in a set-up command": {head + "settings: {strategy: serial, load: {when: asBuilt}}\nfactors: {runtime: [docker]}\n", strings.Replace(own, "%s", "x", 1),
			"load.when asBuilt: the set-up command loads by itself"},
		"layers of a set-up command": {head + "settings: {strategy: serial}\nfactors: {runtime: [docker], load.path: [archive, shared]}\n", strings.Replace(own, "%s", "x", 1),
			"exp.yaml:5:51: load.path shared: the set-up command loads by itself"},
		"layers that are sent once": {head + "settings: {runtime: docker, strategy: serial}\nfactors: {load.path: [archive, shared], load.when: [after, asBuilt], load.together: [true, false]}\n", works()["w.yaml"], ""},
		"nodes that pull for a set-up command": {head + "settings: {strategy: serial, load: {path: node-pull}}\nfactors: {runtime: [docker]}\n", strings.Replace(own, "%s", "x", 1),
			"load.path node-pull: the set-up command loads by itself"},
		"loads without a cluster": {head + "settings: {runtime: docker, strategy: serial, clusterStart: after}\nfactors: {load.when: [after, asBuilt]}\n", works()["w.yaml"],
			"exp.yaml:5:30: load.when asBuilt: with clusterStart after, there is no cluster while images are built"},
		"deploys in a set-up command": {head + "settings: {strategy: serial, deploy: {when: asLoaded}}\nfactors: {runtime: [docker]}\n", strings.Replace(own, "%s", "x", 1),
			"deploy.when asLoaded: the set-up command deploys by itself"},
		"deploys without a cluster": {head + "settings: {runtime: docker, strategy: serial, clusterStart: after}\nfactors: {deploy.when: [after, asLoaded]}\n", works()["w.yaml"],
			"exp.yaml:5:32: deploy.when asLoaded: with clusterStart after, there is no cluster while images are built"},
		"deploys beside the builds": {head + "settings: {runtime: docker, strategy: serial}\nfactors: {deploy.when: [after, asLoaded]}\n", works()["w.yaml"], ""},
		"loads beside the builds":   {head + "settings: {runtime: docker, strategy: serial}\nfactors: {load.when: [after, asBuilt]}\n", works()["w.yaml"], ""},
		"adaptive by a number": {head + "settings: {runtime: docker}\nfactors: {strategy: [serial, adaptive]}\n", strings.Replace(own, "%s", `"{{concurrency}}"`, 1),
			"exp.yaml:5:30: strategy adaptive: the set-up command gets neither {{schedule}} nor {{strategy}}"},
		"adaptive by the schedule": {head + "settings: {runtime: docker}\nfactors: {strategy: [adaptive]}\n", strings.Replace(own, "%s", `"{{ schedule }}"`, 1), ""},
		"built from each other": {head + "settings: {runtime: docker}\nfactors: {strategy: [adaptive]}\n",
			withTop("", `context: img, args: {BASE: "localhost/app:e2e"}`),
			"exp.yaml:5:22: strategy adaptive: it does not finish app before it begins top, which is built on it (argument BASE); use serial, with app first"},
		"at once and built from each other, by the complete name": {head + "settings: {runtime: docker}\nfactors: {strategy: [adaptive]}\n",
			strings.Replace(works()["w.yaml"], "images:\n", "images:\n  - {name: top, tag: \"top:e2e\", context: img}\n  - {name: web, tag: \"web:1\", context: img, args: {BASE: \"docker.io/library/top:e2e\"}}\n", 1),
			"exp.yaml:5:22: strategy adaptive: it does not finish top before it begins web, which is built on it (argument BASE)"},
		"shared and built from each other": {head + "settings: {runtime: docker}\nfactors: {strategy: [serial, shared]}\n",
			withTop("", `context: img, args: {BASE: "localhost/app:e2e"}`),
			"exp.yaml:5:30: strategy shared: it does not finish app before it begins top, which is built on it (argument BASE)"},
		"at once and built from each other": {head + "settings: {runtime: docker}\nfactors: {strategy: [serial, parallel]}\n",
			withTop("", `command: [sh, -c, "docker build --build-arg BASE=$STRATBENCH_IMAGE_APP -t $STRATBENCH_IMAGE ."]`),
			"exp.yaml:5:30: strategy parallel: it does not finish app before it begins top, which is built on it (variable STRATBENCH_IMAGE_APP)"},
		"in the wrong order": {head + "settings: {runtime: docker}\nfactors: {strategy: [serial]}\n",
			withTop("top", `context: img, args: {BASE: "localhost/app:e2e"}`),
			"exp.yaml:5:22: strategy serial: it does not finish app before it begins top"},
		"in the right order": {head + "settings: {runtime: docker}\nstrategies: {mine: {stages: [[app], [top]]}}\nfactors: {strategy: [serial, 2+1, registry, mine]}\n",
			withTop("", `weight: 2, context: img, args: {BASE: "localhost/app:e2e"}`), ""},
		"a command with a build cache": {head + "settings: {runtime: docker, strategy: serial, build: {noCache: false}}\nfactors: {build.cache: [none, local]}\n",
			withTop("", `command: [./test.sh]`), "exp.yaml:5:31: build.cache local: a command builds the image top, and has a cache of its own or none"},
		"shared by a set-up command": {head + "settings: {runtime: docker}\nfactors: {strategy: [serial, shared]}\n", strings.Replace(own, "%s", `"{{strategy}}"`, 1),
			"exp.yaml:5:30: strategy shared: the set-up command builds by itself"},
		"nothing to share": {head + "settings: {runtime: docker}\nfactors: {strategy: [serial, shared]}\n", works()["w.yaml"],
			"exp.yaml:5:30: strategy shared: no stage is the same in two images, so nothing can be built once: no two images have a stage with a name"},
	} {
		files := works()
		files["img/Dockerfile"] = "ARG BASE=scratch\nFROM ${BASE}\n"
		files["exp.yaml"], files["w.yaml"] = c.exp, c.workload
		certain, _ := inspected(t, files, usersSite())
		if c.want == "" && certain != "" || !strings.Contains(certain, c.want) || strings.Count(certain, "\n") > 1 {
			t.Errorf("%s: got\n%s\nwant %s", name, certain, c.want)
		}
	}
}

// For the watch, a deployment beside builds and loads begins when the load has ended.
func TestADeploymentBesideTheLoadBeginsAfterIt(t *testing.T) {
	for name, c := range map[string]struct {
		asLoaded bool
		phases   string // < ends a phase
		want     string // the phases that begin for the watch
	}{
		"it waits for a load":        {true, "deploy load <build <load", "load deploy"},
		"it ends before the load":    {true, "load deploy <deploy <load", "load"},
		"it begins after the load":   {true, "load <load deploy", "load deploy"},
		"after the load, as usually": {false, "load <load deploy <deploy", "load deploy"},
	} {
		var began []string
		b := beside{asLoaded: c.asLoaded}
		for text := range strings.FieldsSeq(c.phases) {
			phase, ends := strings.CutPrefix(text, "<")
			if p, begins := b.begins(!ends, trial.Phase(phase)); begins {
				began = append(began, string(p))
			}
		}
		if got := strings.Join(began, " "); got != c.want {
			t.Errorf("%s: %q began, want %q", name, got, c.want)
		}
	}
}

func TestWhatADeploymentBesideTheBuildsCannotFollow(t *testing.T) {
	s := spec.Settings{Deploy: spec.DeploySettings{When: trial.DeployAsLoaded}}
	apply := spec.Step{Apply: []string{"a.yaml"}, Timeout: spec.Duration(time.Minute)}
	err := checkSchedule(cellWith(t, "", s, spec.Workload{Deploy: []spec.Step{{Apply: []string{"a.yaml"}}, apply}}))
	if err == nil || !strings.HasPrefix(err.Error(), "deploy.when asLoaded: the timeout of step 2 of the deployment") {
		t.Errorf("got %v", err)
	}
	for phase, hooks := range (spec.Hooks{trial.PhaseDeploy: {Before: []string{"true"}}, trial.PhaseLoad: {After: []string{"true"}}}) {
		err := checkSchedule(cellWith(t, "", s, spec.Workload{Hooks: spec.Hooks{phase: hooks}}))
		if err == nil || !strings.HasPrefix(err.Error(), "deploy.when asLoaded: the hooks before deploy and after load") {
			t.Errorf("a hook of %s: %v", phase, err)
		}
	}
	wait := spec.Step{Wait: &spec.Wait{}, Timeout: spec.Duration(time.Minute)}
	if err := checkSchedule(cellWith(t, "", s, spec.Workload{Deploy: []spec.Step{wait}})); err != nil {
		t.Errorf("got %v", err)
	}
}

// A load beside the builds may wait for a build as long as that may take.
func TestALoadThatWaitsIsNotOverdue(t *testing.T) {
	for _, c := range []struct{ load, build, want time.Duration }{
		{time.Minute, 20 * time.Minute, 21 * time.Minute}, {time.Minute, 0, 0}, {0, time.Minute, 0},
	} {
		limits := map[trial.Phase]time.Duration{trial.PhaseLoad: c.load, trial.PhaseBuild: c.build}
		if waitsForBuilds(limits); limits[trial.PhaseLoad] != c.want || limits[trial.PhaseBuild] != c.build {
			t.Errorf("%+v: got %v", c, limits)
		}
	}
}
