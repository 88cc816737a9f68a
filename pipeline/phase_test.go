package pipeline

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
)

// newRun is a run that reports to the returned trace.
func newRun(cfg Config) (*run, *Trace) {
	trace := &Trace{}
	return &run{cfg: cfg, rec: &recorder{clock: NewClock(0), report: trace.Add}}, trace
}

func limits(p trial.Phase, d time.Duration) map[trial.Phase]time.Duration {
	return map[trial.Phase]time.Duration{p: d}
}

// hang works until it is told to stop.
func hang(ctx context.Context, _ *phase) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestLimitEndsAPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, trace := newRun(Config{Limits: limits(trial.PhaseBuild, time.Minute)})
		began := time.Now()
		err := r.runPhase(t.Context(), trial.PhaseBuild, hang)
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Phase != trial.PhaseBuild || limit.Limit != time.Minute || limit.Silence {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("ended after %v", took)
		}
		spans := trace.Spans(0)
		if len(spans) != 1 || spans[0].Phase != trial.PhaseBuild || spans[0].Error == "" || spans[0].Unfinished {
			t.Errorf("got %+v", spans)
		}
	})
}

func TestLimitKeepsWhatThePhaseHadToSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRun(Config{Limits: limits(trial.PhaseDeploy, time.Minute)})
		err := r.runPhase(t.Context(), trial.PhaseDeploy, func(ctx context.Context, _ *phase) error {
			<-ctx.Done()
			return errors.New("not ready: Deployment shop/app")
		})
		want := "deploy: not done within its limit of 1m0s: not ready: Deployment shop/app"
		if err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
	})
}

func TestSilenceEndsAPhaseThatSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRun(Config{Silence: limits(trial.PhaseBuild, time.Minute)})
		began := time.Now()
		err := r.runPhase(t.Context(), trial.PhaseBuild, func(ctx context.Context, ph *phase) error {
			for range 6 {
				time.Sleep(50 * time.Second)
				ph.log("", "still here")
			}
			return hang(ctx, ph)
		})
		var limit *LimitError
		if !errors.As(err, &limit) || !limit.Silence || limit.Limit != time.Minute {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 6*time.Minute {
			t.Errorf("ended after %v, not a minute after its last words", took)
		}
	})
}

func TestNoLimitIsNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRun(Config{})
		err := r.runPhase(t.Context(), trial.PhaseBuild, func(context.Context, *phase) error {
			time.Sleep(1000 * time.Hour)
			return nil
		})
		if err != nil {
			t.Errorf("got %v", err)
		}
	})
}

func TestAPhaseThatDoesNotStopIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRun(Config{Limits: limits(trial.PhaseCluster, time.Minute)})
		release := make(chan struct{})
		defer close(release)
		began := time.Now()
		err := r.runPhase(t.Context(), trial.PhaseCluster, func(context.Context, *phase) error { <-release; return nil })
		var limit *LimitError
		if took := time.Since(began); !errors.As(err, &limit) || !strings.Contains(err.Error(), "did not stop") || took != time.Minute+Grace {
			t.Errorf("got %v after %v", err, took)
		}
	})
}

// The load beside the builds waits for the cluster and for images. Its limits count its
// own work.
func TestALoadBesideTheBuildsIsTimedByItsOwnWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Images: make([]Image, 2), Limits: limits(trial.PhaseLoad, time.Minute), Silence: limits(trial.PhaseLoad, 30*time.Second)}
		r, trace := newRun(cfg)
		r.there, r.built = make(chan struct{}), make(chan Image, 2)
		var loaded []string
		load := func(ctx context.Context, ph *phase) error {
			for range cfg.Images {
				image, err := r.nextBuilt(ctx, ph)
				if err != nil {
					return err
				}
				time.Sleep(20 * time.Second)
				ph.touch()
				loaded = append(loaded, image.Name)
			}
			return nil
		}
		go func() {
			time.Sleep(10 * time.Second)
			r.built <- Image{Image: spec.Image{Name: "store"}}
			time.Sleep(10 * time.Second)
			close(r.there)
			time.Sleep(10 * time.Minute)
			r.built <- Image{Image: spec.Image{Name: "till"}}
		}()
		if err := r.somethingToLoad(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.runPhase(t.Context(), trial.PhaseLoad, load); err != nil || strings.Join(loaded, " ") != "store till" {
			t.Errorf("loaded %q, %v", loaded, err)
		}
		want := trial.Seconds(10*time.Minute + 20*time.Second)
		if s := trace.Spans(0); len(s) != 1 || s[0].Start != trial.Seconds(20*time.Second) || s[0].End-s[0].Start != want {
			t.Errorf("got %+v", s)
		}
	})
}

func TestALoadSaysHowMuchItSent(t *testing.T) {
	r, trace := newRun(Config{})
	broken := errors.New("the node is gone")
	err := r.runPhase(t.Context(), trial.PhaseLoad, func(_ context.Context, ph *phase) error {
		return ph.sending("load store", "store", "", func(seen io.Writer) error {
			for range 3 {
				if n, err := seen.Write(make([]byte, 5)); n != 5 || err != nil {
					t.Errorf("wrote %d of 5 bytes: %v", n, err)
				}
			}
			return broken
		})
	})
	spans := trace.Spans(0)
	at := slices.IndexFunc(spans, func(s trial.Span) bool { return s.Name == "load store" })
	if !errors.Is(err, broken) || at < 0 || spans[at].Sent != 15 || spans[at].Image != "store" || spans[at].Error != broken.Error() {
		t.Errorf("got %+v, %v; want a span with 15 bytes and the error", spans, err)
	}
}

func TestALoadThatWaitsEndsWithTheBuilds(t *testing.T) {
	r, trace := newRun(Config{Images: make([]Image, 1)})
	r.there, r.built = make(chan struct{}), make(chan Image, 1)
	close(r.there)
	broken := errors.New("exit code 1")
	both := together(r.phase(trial.PhaseBuild, func(context.Context, *phase) error { return broken }), r.loading)
	var at *PhaseError
	if err := both(t.Context()); !errors.As(err, &at) || at.Phase != trial.PhaseBuild || !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if s := trace.Spans(0); len(s) != 1 {
		t.Errorf("a load began: %+v", s)
	}
}

// recordParts makes parts that note when they start and end.
type recordParts struct {
	mu  sync.Mutex
	log []string
}

func (r *recordParts) part(name string) part {
	return func(context.Context) error {
		r.note("+" + name)
		time.Sleep(time.Minute)
		r.note("-" + name)
		return nil
	}
}

func (r *recordParts) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, text)
}

// recordArranged runs a cluster and builds in the order for a start of the cluster, a
// minute each, and returns what they noted.
func recordArranged(t *testing.T, start trial.ClusterStart) []string {
	t.Helper()
	var r recordParts
	synctest.Test(t, func(t *testing.T) {
		for _, p := range arrange(start, r.part("cluster"), r.part("build")) {
			if err := p(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
	return r.log
}

func TestClusterStartsWhenTheCellSays(t *testing.T) {
	for start, want := range map[trial.ClusterStart]string{
		trial.ClusterBefore: "+cluster -cluster +build -build",
		"":                  "+cluster -cluster +build -build",
		trial.ClusterAfter:  "+build -build +cluster -cluster",
	} {
		if got := recordArranged(t, start); strings.Join(got, " ") != want {
			t.Errorf("%s: got %q", start, got)
		}
	}
}

func TestClusterStartsWithTheBuilds(t *testing.T) {
	got := recordArranged(t, trial.ClusterWith)
	slices.Sort(got[:2])
	slices.Sort(got[2:]) // beside each other, in either order
	if strings.Join(got, " ") != "+build +cluster -build -cluster" {
		t.Errorf("got %q", got)
	}
}

func TestTheFirstFailureOfTwoCounts(t *testing.T) {
	r, trace := newRun(Config{})
	broken := errors.New("out of disk")
	both := together(
		r.phase(trial.PhaseCluster, hang),
		r.phase(trial.PhaseBuild, func(context.Context, *phase) error { return broken }))
	err := both(t.Context())
	var at *PhaseError
	if !errors.As(err, &at) || at.Phase != trial.PhaseBuild || !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	for _, s := range trace.Spans(0) {
		if s.Phase == trial.PhaseCluster && !strings.Contains(s.Error, "beside it") {
			t.Errorf("the cluster's span says %q", s.Error)
		}
	}
}
