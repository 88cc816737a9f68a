package strategies_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stratbench/stratbench/strategies"
)

// builder is a build function that takes virtual time and keeps count.
type builder struct {
	takes   map[string]time.Duration // default a second
	fails   map[string]error
	started time.Time
	mu      sync.Mutex
	running int
	peak    int
	log     []string
}

func (b *builder) build(ctx context.Context, image string) error {
	b.note(+1, "start "+image)
	defer b.note(-1, "end "+image)
	length := b.takes[image]
	if length == 0 {
		length = time.Second
	}
	select {
	case <-time.After(length):
		return b.fails[image]
	case <-ctx.Done():
		time.Sleep(500 * time.Millisecond) // an engine that is slow to stop
		return fmt.Errorf("build stopped: %w", ctx.Err())
	}
}

func (b *builder) note(change int, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running += change
	b.peak = max(b.peak, b.running)
	b.log = append(b.log, fmt.Sprintf("%v %s", time.Since(b.started), what))
}

// run executes a schedule in virtual time; it fails the test when something
// still runs afterwards.
func run(t *testing.T, ctx context.Context, s strategies.Schedule, b *builder) (time.Duration, error) {
	t.Helper()
	b.started = time.Now()
	err := strategies.Runner{}.Run(ctx, s, b.build)
	length := time.Since(b.started)
	if b.running != 0 {
		t.Errorf("%d builds still run after Run returned", b.running)
	}
	return length, err
}

func TestConcurrencyIsReachedAndNeverExceeded(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", "f", "g"}
	for concurrency := 1; concurrency <= len(names)+2; concurrency++ {
		synctest.Test(t, func(t *testing.T) {
			b := &builder{takes: map[string]time.Duration{"a": 3 * time.Second, "d": 2 * time.Second}}
			if _, err := run(t, t.Context(), strategies.Schedule{Stages: []strategies.Stage{stage(concurrency, names...)}}, b); err != nil {
				t.Error(err)
			}
			if want := min(concurrency, len(names)); b.peak != want {
				t.Errorf("concurrency %d: at most %d ran at a time, want %d", concurrency, b.peak, want)
			}
			if len(b.log) != 2*len(names) {
				t.Errorf("concurrency %d: log is %q", concurrency, b.log)
			}
		})
	}
}

func TestStagesFollowEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &builder{takes: map[string]time.Duration{"a": 4 * time.Second, "heavy": 6 * time.Second}}
		length, err := run(t, t.Context(), strategies.Schedule{Stages: []strategies.Stage{stage(2, "a", "c"), stage(1, "heavy")}}, b)
		if err != nil || length != 10*time.Second || b.peak != 2 {
			t.Errorf("took %v with a peak of %d, %v", length, b.peak, err)
		}
		if last := b.log[len(b.log)-2:]; !reflect.DeepEqual(last, []string{"4s start heavy", "10s end heavy"}) {
			t.Errorf("ends with %q", last)
		}
	})
}

func TestImagesStartInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &builder{}
		if _, err := run(t, t.Context(), strategies.Schedule{Stages: []strategies.Stage{stage(1, "c", "a", "b")}}, b); err != nil {
			t.Fatal(err)
		}
		want := []string{"0s start c", "1s end c", "1s start a", "2s end a", "2s start b", "3s end b"}
		if !slices.Equal(b.log, want) {
			t.Errorf("log is %q", b.log)
		}
	})
}

var errBroken = errors.New("server probably quit: unexpected EOF")

func TestFirstFailureStopsSiblingsAndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &builder{
			takes: map[string]time.Duration{"a": 10 * time.Second, "b": 2 * time.Second, "c": 10 * time.Second},
			fails: map[string]error{"b": errBroken},
		}
		s := strategies.Schedule{Stages: []strategies.Stage{stage(3, "a", "b", "c", "never"), stage(1, "next")}}
		length, err := run(t, t.Context(), s, b)
		if length != 2500*time.Millisecond {
			t.Errorf("took %v; want the failure at 2s and half a second for the others to stop", length)
		}
		var failed *strategies.ImageError
		if !errors.As(err, &failed) || failed.Image != "b" || !errors.Is(err, errBroken) {
			t.Errorf("error is %v", err)
		}
		if err.Error() != "b: "+errBroken.Error() {
			t.Errorf("error %q tells of more than the failure", err)
		}
		if text := strings.Join(b.log, "\n"); strings.Contains(text, "never") || strings.Contains(text, "next") {
			t.Errorf("images were started after the failure:\n%s", text)
		}
	})
}

func TestSeveralFailuresAreJoinedInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := errors.New("no space left")
		err := strategies.Runner{}.Run(t.Context(), strategies.Schedule{Stages: []strategies.Stage{stage(2, "a", "b")}},
			func(ctx context.Context, image string) error {
				if image == "a" { // fails for a reason of its own after b has
					<-ctx.Done()
					return end
				}
				time.Sleep(time.Second)
				return errBroken
			})
		if want := "b: " + errBroken.Error() + "\na: no space left"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

func TestCancelledRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := errors.New("phase build took longer than 3s")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, limit)
		defer cancel()
		b := &builder{takes: map[string]time.Duration{"a": time.Minute, "b": time.Minute}}
		length, err := run(t, ctx, strategies.Schedule{Stages: []strategies.Stage{stage(2, "a", "b", "c"), stage(1, "d")}}, b)
		if length != 3500*time.Millisecond || !errors.Is(err, limit) || len(b.log) != 4 {
			t.Errorf("took %v, %v; log %q", length, err, b.log)
		}
	})
}

func TestRunBeforeItStarts(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := &builder{}
	if _, err := run(t, ctx, strategies.Schedule{Stages: []strategies.Stage{stage(1, "a")}}, b); !errors.Is(err, context.Canceled) || len(b.log) != 0 {
		t.Errorf("%v; log %q", err, b.log)
	}
}

func TestImpossibleConcurrency(t *testing.T) {
	b := &builder{}
	if _, err := run(t, t.Context(), strategies.Schedule{Stages: []strategies.Stage{stage(0, "a")}}, b); err == nil {
		t.Error("a stage without concurrency hangs or does nothing, and is accepted")
	}
}
