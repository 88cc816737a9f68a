package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
		if !errors.As(err, &limit) || limit.Phase != trial.PhaseBuild || limit.Limit != time.Minute || !timedOut(err) {
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
		var silence *SilenceError
		if !errors.As(err, &silence) || silence.Silence != time.Minute {
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
		if took := time.Since(began); !timedOut(err) || !strings.Contains(err.Error(), "did not stop") || took != time.Minute+grace {
			t.Errorf("got %v after %v", err, took)
		}
	})
}

// recordParts makes parts that note when they run and check what runs already.
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

// recordArranged runs the parts of a trial in the order for a start of the
// cluster, each for a minute, and returns what they noted.
func recordArranged(t *testing.T, start trial.ClusterStart) []string {
	t.Helper()
	var r recordParts
	synctest.Test(t, func(t *testing.T) {
		for _, p := range arrange(start, r.part("cluster"), r.part("build"), r.part("load"), r.part("deploy")) {
			if err := p(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
	return r.log
}

func TestClusterStartsWhenTheCellSays(t *testing.T) {
	for start, want := range map[trial.ClusterStart]string{
		trial.ClusterBefore: "+cluster -cluster +build -build +load -load +deploy -deploy",
		"":                  "+cluster -cluster +build -build +load -load +deploy -deploy",
		trial.ClusterAfter:  "+build -build +cluster -cluster +load -load +deploy -deploy",
	} {
		if got := recordArranged(t, start); strings.Join(got, " ") != want {
			t.Errorf("%s: got %q", start, got)
		}
	}
}

func TestClusterStartsWithTheBuilds(t *testing.T) {
	got := recordArranged(t, trial.ClusterWith)
	slices.Sort(got[:2])
	slices.Sort(got[2:4]) // beside each other, in either order
	if strings.Join(got, " ") != "+build +cluster -build -cluster +load -load +deploy -deploy" {
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
