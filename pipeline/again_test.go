package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/strategies"
)

// An image that was finished before the engine was lost is kept, and what is
// built once more has a name that the engine has not seen.
func TestASetUpThatGoesOnKeepsWhatIsDone(t *testing.T) {
	cfg := twoImages(t)
	cfg.Again = new(trial.Seconds)
	cfg.Images[0].Build, cfg.Images[1].Build = "m-store", "m-till"
	var ids []string
	engine := &scriptedEngine{has: map[string]runtimes.ImageID{"own.test/store:1": "sha256:kept"},
		build: func(b runtimes.Build, _ func(runtimes.Progress)) error { ids = append(ids, b.ID); return nil }}
	result, _ := buildOnly(t.Context(), cfg, engine)
	want := []BuiltImage{{"store", "shop.test/store:v2", "sha256:kept"}, {"till", "shop.test/till", "sha256:built"}}
	if result.Err != nil || !slices.Equal(result.Images, want) || !slices.Equal(ids, []string{"m-till-after"}) {
		t.Errorf("got %+v, built %q", result, ids)
	}
}

func TestAFirstSetUpBuildsWhatTheEngineHas(t *testing.T) {
	engine := &scriptedEngine{has: map[string]runtimes.ImageID{"own.test/store:1": "sha256:old"}}
	if result, _ := buildOnly(t.Context(), twoImages(t), engine); result.Err != nil || len(engine.calls) != 2 {
		t.Errorf("got %+v, calls %q", result, engine.calls)
	}
}

// slowEngine builds for ten seconds, or until it is told to stop.
type slowEngine struct{ scriptedEngine }

func (e *slowEngine) Build(ctx context.Context, b runtimes.Build, _ func(runtimes.Progress)) (runtimes.ImageID, error) {
	e.note(b.ID)
	select {
	case <-time.After(10 * time.Second):
		return "sha256:built", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func TestABuildThatGivesWayIsEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := twoImages(t)
		cfg.Images[0].Build, cfg.Images[1].Build = "m-store", "m-till"
		cfg.Schedule = strategies.Schedule{Strategy: strategies.Adaptive, Stages: []strategies.Stage{{Images: []string{"store", "till"}, Concurrency: 2}},
			Admission: &strategies.Admission{Room: 8 << 30, Peaks: map[string]int64{"store": 1 << 30, "till": 1 << 30}}}
		began := time.Now()
		pressed := func() (strategies.Reading, bool) {
			passed := time.Since(began)
			return strategies.Reading{At: time.Now(), Some: passed / 20, Full: passed * 9 / 10, Pressure: true}, true
		}
		engine, trace := &slowEngine{}, &Trace{}
		result := start(t.Context(), cfg, engine, NewClock(0), trace.Add, func(r *run) error {
			r.gauge = pressed
			return r.runPhase(t.Context(), trial.PhaseBuild, r.build)
		})
		if result.Err != nil || len(result.Images) != 2 || !slices.Equal(engine.calls, []string{"m-store", "m-till", "m-till-again"}) {
			t.Errorf("got %+v, builds %q", result, engine.calls)
		}
		seen := trace.Seen
		if len(seen) != 1 || seen[0].State != trial.StateBackedOff || seen[0].Detail != "till" || len(seen[0].Unknown()) > 0 {
			t.Errorf("seen: %+v", seen)
		}
		gaveWay := slices.ContainsFunc(trace.Spans(0), func(s trial.Span) bool {
			return s.Name == "build till" && strings.HasPrefix(s.Error, "backed off: ")
		})
		if !gaveWay {
			t.Errorf("no span says that a build gave way: %+v", trace.Spans(0))
		}
	})
}

func TestPredictionAloneIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := twoImages(t)
		cfg.Schedule.Stages[0].Concurrency = 2
		cfg.Schedule.Admission = &strategies.Admission{Room: 8 << 30, Peaks: map[string]int64{"store": 1 << 30, "till": 1 << 30}}
		trace := &Trace{}
		result := start(t.Context(), cfg, &slowEngine{}, NewClock(0), trace.Add, func(r *run) error {
			return r.runPhase(t.Context(), trial.PhaseBuild, r.build)
		})
		if seen := trace.Seen; result.Err != nil || len(seen) != 1 || !strings.HasPrefix(seen[0].Text, "by prediction alone: ") {
			t.Errorf("got %v, seen %+v", result.Err, seen)
		}
	})
}

var errNoSuchImage = fmt.Errorf("no such image: %w", errdefs.ErrNotFound)

// Image implements runtimes.Engine.
func (e *scriptedEngine) Image(_ context.Context, ref string) (runtimes.ImageID, error) {
	if id, there := e.has[ref]; there {
		return id, nil
	}
	return "", errNoSuchImage
}
