package pipeline

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// scriptedEngine notes its calls, and builds by a script.
type scriptedEngine struct {
	runtimes.Engine
	mu    sync.Mutex
	calls []string
	// has are images by their names.
	has   map[string]runtimes.ImageID
	build func(runtimes.Build, func(runtimes.Progress)) error
}

func (e *scriptedEngine) note(call string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, call)
}

func (e *scriptedEngine) Build(_ context.Context, b runtimes.Build, report func(runtimes.Progress)) (runtimes.ImageID, error) {
	e.note("build " + b.Tag)
	if e.build != nil {
		return "sha256:built", e.build(b, report)
	}
	return "sha256:built", nil
}

func (e *scriptedEngine) Pull(_ context.Context, ref string, _ bool, _ io.Writer) (runtimes.ImageID, error) {
	e.note("pull " + ref)
	return "sha256:pulled", nil
}

func (e *scriptedEngine) Push(_ context.Context, ref string, _ bool, _ io.Writer) error {
	e.note("push " + ref)
	return nil
}

func twoImages(t *testing.T) Config {
	return Config{
		Images: []Image{
			{Image: spec.Image{Name: "store", Tag: "shop.test/store:v2"}, Ref: "own.test/store:1"},
			{Image: spec.Image{Name: "till", Tag: "shop.test/till"}, Ref: "own.test/till:1"},
		},
		Schedule: strategies.Schedule{Strategy: "serial", Stages: []strategies.Stage{
			{Images: []string{"store", "till"}, Concurrency: 1}}},
		Registry: "host:5000/lab/",
		WorkDir:  t.TempDir(),
	}
}

func buildOnly(ctx context.Context, cfg Config, engine runtimes.Engine) (Result, *Trace) {
	trace := &Trace{}
	result := start(ctx, cfg, engine, NewClock(0), trace.Add, func(t *run) error {
		return t.runPhase(ctx, trial.PhaseBuild, t.build)
	})
	return result, trace
}

func preparation(ctx context.Context, task Task, cfg Config, engine runtimes.Engine, report Reporter) Result {
	cfg.Task = task
	return Run(ctx, cfg, engine, NewClock(0), nil, report)
}

func TestBuildStepsBecomeSpans(t *testing.T) {
	began := time.Now()
	engine := &scriptedEngine{build: func(b runtimes.Build, report func(runtimes.Progress)) error {
		if b.Tag != "own.test/store:1" {
			return nil
		}
		report(runtimes.Progress{Step: "[1/3] COPY", Started: began})
		report(runtimes.Progress{Output: []byte("half a ")})
		report(runtimes.Progress{Output: []byte("line\n")})
		report(runtimes.Progress{Step: "[1/3] COPY", Ended: began.Add(2 * time.Second), Made: "5d41402abc4b"})
		report(runtimes.Progress{Step: "COMMIT own.test/store:1", Started: began, Ended: began})
		report(runtimes.Progress{Step: "[2/3] RUN", Ended: began.Add(3 * time.Second), Cached: true})
		report(runtimes.Progress{Step: "[3/3] RUN", Started: began.Add(3 * time.Second)})
		return nil
	}}
	result, trace := buildOnly(t.Context(), twoImages(t), engine)
	if result.Err != nil || len(result.Images) != 2 || result.Images[0] != (BuiltImage{"store", "shop.test/store:v2", "sha256:built"}) {
		t.Errorf("got %+v", result)
	}
	steps := map[string]trial.Span{}
	for _, s := range trace.Spans(0) {
		if s.Step != "" {
			steps[s.Step] = s
		}
	}
	if got := steps["[1/3] COPY"]; got.Length() != trial.Seconds(2*time.Second) || got.Image != "store" || got.Phase != trial.PhaseBuild {
		t.Errorf("got %+v", got)
	}
	if got := steps["[2/3] RUN"]; !got.Cached || got.Length() != 0 {
		t.Errorf("got %+v", got)
	}
	if got, ok := steps["[3/3] RUN"]; !ok || got.Unfinished {
		t.Errorf("a step that the engine left open: %+v", got)
	}
	if _, ok := steps["COMMIT shop.test/store:v2"]; !ok {
		t.Errorf("no step has the workload's name for its image: %v", steps)
	}
}

func TestBuildOutputIsLoggedInWholeLines(t *testing.T) {
	engine := &scriptedEngine{build: func(_ runtimes.Build, report func(runtimes.Progress)) error {
		report(runtimes.Progress{Output: []byte("half a ")})
		report(runtimes.Progress{Output: []byte("line\nthe last")})
		return nil
	}}
	cfg := twoImages(t)
	cfg.Images, cfg.Schedule.Stages[0].Images = cfg.Images[:1], []string{"store"}
	var logged []string
	start(t.Context(), cfg, engine, NewClock(0), func(e Event) {
		if e.Kind == Log {
			logged = append(logged, e.Image+": "+e.Text)
		}
	}, func(r *run) error { return r.runPhase(t.Context(), trial.PhaseBuild, r.build) })
	if !slices.Equal(logged, []string{"store: half a line", "store: the last"}) {
		t.Errorf("got %q", logged)
	}
}

// Common stages are built first, without the cache if the trial asks for that; the
// images find them in it.
func TestCommonStagesAreBuiltBeforeTheImages(t *testing.T) {
	for _, again := range []*trial.Seconds{nil, new(trial.Seconds)} {
		cfg := twoImages(t)
		cfg.Settings.Build.NoCache, cfg.Again = true, again
		cfg.Common = []Image{{Image: spec.Image{Context: "/shop", Target: "build"}, Build: "m-store.build"}, {Image: spec.Image{Context: "/shop", Target: "web"}, Build: "m-till.web"}}
		var built []runtimes.Build
		engine := &scriptedEngine{build: func(b runtimes.Build, report func(runtimes.Progress)) error {
			built = append(built, b)
			report(runtimes.Progress{Step: "[build 1/1] RUN make", Started: time.Now()})
			return nil
		}}
		result, trace := buildOnly(t.Context(), cfg, engine)
		if result.Err != nil || len(result.Images) != 2 || len(built) != 4 {
			t.Fatalf("got %+v after %+v", result, built)
		}
		for i, want := range []struct{ tag, target string }{{"", "build"}, {"", "web"}, {"own.test/store:1", ""}, {"own.test/till:1", ""}} {
			anew := want.tag == "" && again == nil
			if b := built[i]; b.Tag != want.tag || b.Target != want.target || b.NoCache != anew || want.tag == "" && b.ID == "" {
				t.Errorf("build %d is %+v, want %+v; anew: %v", i+1, b, want, anew)
			}
		}
		if built[0].ID == built[1].ID {
			t.Errorf("two builds are called %s", built[0].ID)
		}
		names, steps := []string{}, 0
		for _, s := range trace.Spans(0) {
			if strings.HasPrefix(s.Name, trial.CommonStage) && s.Phase == trial.PhaseBuild && s.Image == "" && s.EndedWell() {
				names = append(names, s.Name)
			}
			if s.Step != "" && s.Image == "" {
				steps++
			}
		}
		if !slices.Equal(names, []string{"common stage build", "common stage web"}) || steps != 2 {
			t.Errorf("the spans are %q, with %d steps", names, steps)
		}
	}
}

func TestAFailedCommonStageEndsTheBuilds(t *testing.T) {
	broken := errors.New("exit code 1")
	engine := &scriptedEngine{build: func(runtimes.Build, func(runtimes.Progress)) error { return broken }}
	cfg := twoImages(t)
	cfg.Common = []Image{{Image: spec.Image{Target: "build"}, Build: "m-store.build"}}
	result, _ := buildOnly(t.Context(), cfg, engine)
	if v := result.Verdict(); result.Image != "" || !errors.Is(result.Err, broken) || v.Outcome != trial.BuildFailed || v.Phase != trial.PhaseBuild || len(engine.calls) != 1 {
		t.Errorf("got %+v after %q", result, engine.calls)
	}
}

func TestFailedBuildNamesItsImage(t *testing.T) {
	broken := errors.New("exit code 1")
	engine := &scriptedEngine{build: func(b runtimes.Build, _ func(runtimes.Progress)) error {
		if b.Tag == "own.test/till:1" {
			return broken
		}
		return nil
	}}
	result, _ := buildOnly(t.Context(), twoImages(t), engine)
	v := result.Verdict()
	if result.Image != "till" || !errors.Is(result.Err, broken) || v.Outcome != trial.BuildFailed || v.Phase != trial.PhaseBuild {
		t.Errorf("got %+v, %+v", result, v)
	}
}

func TestPublishedImagesAreThosePulled(t *testing.T) {
	cfg := twoImages(t)
	published, pulled := &scriptedEngine{}, &scriptedEngine{}
	if r := preparation(t.Context(), Publish, cfg, published, func(Event) {}); r.Err != nil {
		t.Fatal(r.Err)
	}
	cfg.Schedule.Pull = true
	buildOnly(t.Context(), cfg, pulled)
	for _, ref := range []string{"own.test/store:1", "own.test/till:1"} {
		if !slices.Contains(published.calls, "push "+ref) || !slices.Contains(pulled.calls, "pull "+ref) {
			t.Errorf("%s: pushed %q, pulled %q", ref, published.calls, pulled.calls)
		}
	}
}

// A hook may make what is built, also where it is built to be pulled.
func TestAPublicationHasTheHooksOfTheBuild(t *testing.T) {
	cfg, trace := twoImages(t), &Trace{}
	made := filepath.Join(t.TempDir(), "made")
	cfg.ClusterName = "c"
	cfg.Hooks, cfg.HooksDir = spec.Hooks{trial.PhaseBuild: {Before: []string{"touch", made}, After: []string{"rm", made}}}, cfg.WorkDir
	engine := &scriptedEngine{build: func(runtimes.Build, func(runtimes.Progress)) error {
		_, err := os.Stat(made)
		return err
	}}
	result := preparation(t.Context(), Publish, cfg, engine, trace.Add)
	if _, err := os.Stat(made); result.Err != nil || err == nil || len(engine.calls) != 4 {
		t.Errorf("got %+v after %q; the hook after the build: %v", result, engine.calls, err)
	}
	spans := trace.Spans(0)
	if len(spans) < 3 || spans[0].Name != "build" || spans[1].Name != "hook before build" || spans[len(spans)-1].Name != "hook after build" {
		t.Errorf("got %+v", spans)
	}
	cfg.Hooks[trial.PhaseBuild] = spec.Hook{Before: []string{"false"}}
	engine.calls = nil
	result = preparation(t.Context(), Publish, cfg, engine, func(Event) {})
	if v := result.Verdict(); v.Outcome != trial.BuildFailed || v.Phase != trial.PhaseBuild || len(engine.calls) > 0 {
		t.Errorf("with a hook that fails: got %+v after %q", v, engine.calls)
	}
}

func TestImagesHaveCachesOfTheirOwn(t *testing.T) {
	var built []runtimes.Build
	engine := &scriptedEngine{build: func(b runtimes.Build, _ func(runtimes.Progress)) error {
		built = append(built, b)
		return nil
	}}
	cfg := twoImages(t)
	cfg.CacheFrom, cfg.CacheTo = "host:5000/warm", "host:5000/cold"
	if r := preparation(t.Context(), Fill, cfg, engine, func(Event) {}); r.Err != nil || len(r.Images) != 2 {
		t.Fatalf("got %+v", r)
	}
	if built[0].CacheFrom != "host:5000/warm/store" || built[1].CacheTo != "host:5000/cold/till" {
		t.Errorf("got %+v", built)
	}
	cfg.CacheFrom, cfg.CacheTo = "", ""
	buildOnly(t.Context(), cfg, engine)
	if last := built[3]; last.CacheFrom+last.CacheTo != "" {
		t.Errorf("got %+v", last)
	}
}

func TestAWarmCacheThatGivesNothingIsNotMeasured(t *testing.T) {
	for name, c := range map[string]struct {
		steps  []string
		cached []string
		want   trial.Outcome
	}{
		"docker, nothing":        {[]string{"[build 1/2] FROM a", "[build 2/2] COPY . /"}, nil, trial.RunnerFault},
		"docker, the base image": {[]string{"[2/2] RUN make"}, []string{"[1/2] FROM a"}, trial.RunnerFault},
		"docker, a step":         {[]string{"[build 2/2] RUN make"}, []string{"[stage-1 2/2] COPY --from=build /a /"}, trial.OK},
		"podman, nothing":        {[]string{"[1/2] STEP 1/2: FROM a", "[1/2] STEP 2/2: RUN make", "[2/2] COMMIT b"}, nil, trial.RunnerFault},
		"podman, a step":         {[]string{"STEP 3/3: RUN make"}, []string{"STEP 2/3: ADD a /"}, trial.OK},
		"nothing to be cached":   {[]string{"STEP 1/2: FROM a", "STEP 2/2: CMD b"}, nil, trial.OK},
	} {
		engine := &scriptedEngine{build: func(_ runtimes.Build, report func(runtimes.Progress)) error {
			for _, step := range slices.Concat(c.steps, c.cached) {
				report(runtimes.Progress{Step: step, Ended: time.Now(), Cached: slices.Contains(c.cached, step)})
			}
			return nil
		}}
		cfg := twoImages(t)
		if result, _ := buildOnly(t.Context(), cfg, engine); result.Verdict().Outcome != trial.OK {
			t.Errorf("%s, without a warm cache: got %+v", name, result.Verdict())
		}
		cfg.Task, cfg.Settings.Build.Cache = Trial, trial.CacheLocal
		if result, _ := buildOnly(t.Context(), cfg, engine); result.Verdict().Outcome != c.want {
			t.Errorf("%s: got %+v", name, result.Verdict())
		}
	}
}

func TestFaultyInputStartsNothing(t *testing.T) {
	cases := map[string]func(*Config){
		"no Kind config": func(c *Config) { c.KindConfig = "/none" },
		"faulty patch":   func(c *Config) { c.KindPatches = []string{"x: y"} },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := twoImages(t)
			spoil(&cfg)
			engine := &scriptedEngine{}
			result := Run(t.Context(), cfg, engine, NewClock(0), nil, func(Event) {})
			if v := result.Verdict(); v.Outcome != trial.RunnerFault || v.Phase != "" || len(engine.calls) > 0 {
				t.Errorf("got %+v after %q", v, engine.calls)
			}
		})
	}
}

// A command gets the name that the image must have on the trial's engine. The image is
// then like any other.
func TestAnImageThatACommandBuilds(t *testing.T) {
	for _, name := range []string{"DOCKER_HOST", "KIND_EXPERIMENTAL_DOCKER_NETWORK"} {
		t.Setenv(name, os.Getenv(name))
	}
	dir := t.TempDir()
	builtBy := func(script string) Config {
		cfg := twoImages(t)
		cfg.Endpoint = runtimes.Endpoint{Runtime: trial.Docker, Address: "unix:///run/none.sock"}
		cfg.Images[0].Command, cfg.Images[0].Dir, cfg.Images[0].Env = []string{"sh", "-c", script}, dir, map[string]string{"MODE": "e2e"}
		return cfg
	}
	const script = `echo "$MODE $STRATBENCH_IMAGE $DOCKER_HOST" >made`
	engine := &scriptedEngine{has: map[string]runtimes.ImageID{"own.test/store:1": "sha256:made"}}
	result, trace := buildOnly(t.Context(), builtBy(script), engine)
	want := []BuiltImage{{"store", "shop.test/store:v2", "sha256:made"}, {"till", "shop.test/till", "sha256:built"}}
	if result.Err != nil || !slices.Equal(result.Images, want) || !slices.Equal(engine.calls, []string{"build own.test/till:1"}) {
		t.Errorf("got %+v, calls %q", result, engine.calls)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "made")); err != nil || string(text) != "e2e own.test/store:1 unix:///run/none.sock\n" {
		t.Errorf("the command got %q, %v", text, err)
	}
	if !slices.ContainsFunc(trace.Spans(0), func(s trial.Span) bool { return s.Name == "build store" && s.Image == "store" }) {
		t.Errorf("the build has no span: %+v", trace.Spans(0))
	}
	engine.calls = nil
	result = preparation(t.Context(), Publish, builtBy(script), engine, func(Event) {})
	if pushed := []string{"push own.test/store:1", "build own.test/till:1", "push own.test/till:1"}; result.Err != nil || !slices.Equal(engine.calls, pushed) {
		t.Errorf("got %+v, calls %q", result, engine.calls)
	}
	for script, want := range map[string]string{"exit 3": "running sh: exit status 3", "true": "sh succeeded, and the engine has no image own.test/store:1"} {
		result, _ := buildOnly(t.Context(), builtBy(script), &scriptedEngine{})
		if v := result.Verdict(); v.Outcome != trial.BuildFailed || !strings.Contains(v.Error, want) {
			t.Errorf("%s: got %+v", script, v)
		}
	}
}

func TestWithoutImagesNothingIsBuiltOrLoaded(t *testing.T) {
	engine := &scriptedEngine{}
	result := start(t.Context(), Config{Settings: spec.Settings{Load: spec.LoadSettings{Together: true}}, WorkDir: t.TempDir()}, engine, NewClock(0), func(Event) {}, func(r *run) error {
		if err := r.runPhase(t.Context(), trial.PhaseBuild, r.build); err != nil {
			return err
		}
		return r.runPhase(t.Context(), trial.PhaseLoad, r.load)
	})
	if result.Err != nil || len(engine.calls) > 0 {
		t.Errorf("got %+v, calls %q", result, engine.calls)
	}
}
