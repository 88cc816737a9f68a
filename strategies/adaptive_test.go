package strategies_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stratbench/stratbench/strategies"
)

const giB = 1 << 30

func TestAdaptiveScheduleHasTheLongestFirst(t *testing.T) {
	s, err := strategies.Named(strategies.Adaptive, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		images []strategies.Image
		want   []string
		peaks  map[string]int64
	}{
		"by weight": {images(2, 6, 4), []string{"b", "c", "a"}, map[string]int64{"a": giB, "b": 3 * giB, "c": 2 * giB}},
		"by time, where all are known": {[]strategies.Image{{Name: "a", Weight: 9, Takes: time.Second, Peak: 7}, {Name: "b", Takes: time.Minute, Peak: 8}},
			[]string{"b", "a"}, map[string]int64{"a": 7, "b": 8}},
		"a time alone is none": {[]strategies.Image{{Name: "a", Weight: 1, Takes: time.Hour}, {Name: "b", Weight: 3}},
			[]string{"b", "a"}, map[string]int64{"a": giB, "b": 3 * giB}},
	} {
		got, err := s.Schedule(c.images)
		if err != nil || !slices.Equal(got.Stages[0].Images, c.want) || !reflect.DeepEqual(got.Admission.Peaks, c.peaks) {
			t.Errorf("%s: got %+v, peaks %v, %v", name, got, got.Admission, err)
		}
		if last := got.Serially(); last.Admission != nil || last.Stages[0].Concurrency != 1 || got.Stages[0].Concurrency != len(c.images) {
			t.Errorf("%s: one by one is %+v, of %+v", name, last, got)
		}
	}
}

// host is a machine whose pressure depends on what is built at the moment.
type host struct {
	room, used int64
	// some and full are the shares of time for which builds wait.
	some, full func(b *builder) float64
	last       strategies.Reading
}

func (h *host) gauge(b *builder) func() (strategies.Reading, bool) {
	return func() (strategies.Reading, bool) {
		now, r := time.Now(), h.last
		r.Room, r.Used = h.room, h.used
		if h.some != nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			passed := time.Duration(0)
			if !r.At.IsZero() {
				passed = now.Sub(r.At)
			}
			r.Pressure = true
			r.Some += time.Duration(h.some(b) * float64(passed))
			r.Full += time.Duration(h.full(b) * float64(passed))
		}
		r.At = now
		h.last = r
		return r, true
	}
}

func always(share float64) func(*builder) float64 { return func(*builder) float64 { return share } }

// adaptive is a schedule of images that each are expected to hold a GiB.
func adaptive(t *testing.T, names ...string) strategies.Schedule {
	t.Helper()
	s, err := strategies.Named(strategies.Adaptive, nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []strategies.Image
	for _, name := range names {
		list = append(list, strategies.Image{Name: name, Peak: giB})
	}
	schedule, err := s.Schedule(list)
	if err != nil {
		t.Fatal(err)
	}
	return schedule
}

func admit(t *testing.T, s strategies.Schedule, h *host, b *builder) (notices []strategies.Notice, err error) {
	t.Helper()
	b.started = time.Now()
	r := strategies.Runner{Notify: func(n strategies.Notice) { notices = append(notices, n) }}
	if h != nil {
		r.Gauge = h.gauge(b)
	}
	err = r.Run(t.Context(), s, b.build)
	if b.running != 0 {
		t.Errorf("%d builds still run after Run returned", b.running)
	}
	return notices, err
}

func kinds(notices []strategies.Notice, kind strategies.NoticeKind) (images []string) {
	for _, n := range notices {
		if n.Kind == kind {
			images = append(images, n.Image)
		}
	}
	return images
}

func tenSeconds(names ...string) map[string]time.Duration {
	takes := map[string]time.Duration{}
	for _, name := range names {
		takes[name] = 10 * time.Second
	}
	return takes
}

func TestBuildsAreAdmittedByMemoryAndPressure(t *testing.T) {
	for name, c := range map[string]struct {
		host *host
		peak int
	}{
		"ample":                    {&host{room: 8 * giB, some: always(0.01), full: always(0)}, 3},
		"room for two":             {&host{room: 3 * giB, some: always(0.01), full: always(0)}, 2},
		"room for less than one":   {&host{room: giB, some: always(0.01), full: always(0)}, 1},
		"most of it in use before": {&host{room: 8 * giB, used: 5 * giB, some: always(0.01), full: always(0)}, 2},
		"under pressure":           {&host{room: 8 * giB, some: always(0.2), full: always(0)}, 1},
		"pressure not known":       {&host{room: 3 * giB}, 2},
		"nothing known":            {nil, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &builder{takes: tenSeconds("a", "b", "c")}
			notices, err := admit(t, adaptive(t, "a", "b", "c"), c.host, b)
			if err != nil || b.peak != c.peak {
				t.Errorf("%s: at most %d at a time, want %d; %v", name, b.peak, c.peak, err)
			}
			if got := kinds(notices, strategies.Admitted); !slices.Equal(got, []string{"a", "b", "c"}) {
				t.Errorf("%s: admitted %q", name, got)
			}
			blind := len(kinds(notices, strategies.Blind))
			if want := c.host != nil && c.host.some == nil; (blind == 1) != want || blind > 1 {
				t.Errorf("%s: %d times by prediction alone", name, blind)
			}
		})
	}
}

func TestAnAdmissionIsSomeSecondsOldBeforeTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &builder{takes: tenSeconds("a", "b", "c")}
		if _, err := admit(t, adaptive(t, "a", "b", "c"), &host{room: 8 * giB, some: always(0), full: always(0)}, b); err != nil {
			t.Fatal(err)
		}
		if want := []string{"0s start a", "2s start b", "4s start c"}; !slices.Equal(b.log[:3], want) {
			t.Errorf("log is %q", b.log)
		}
	})
}

// While more than one is built, all processes wait for memory.
func TestTheYoungestGivesWayOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &builder{takes: tenSeconds("a", "b", "c")}
		full := func(b *builder) float64 {
			if b.running > 1 {
				return 0.9
			}
			return 0
		}
		notices, err := admit(t, adaptive(t, "a", "b", "c"), &host{room: 8 * giB, some: always(0.05), full: full}, b)
		if err != nil {
			t.Fatal(err)
		}
		if got := kinds(notices, strategies.BackedOff); !slices.Equal(got, []string{"b"}) {
			t.Errorf("backed off: %q", got)
		}
		want := []string{"0s start a", "2s start b", "4.5s end b", "10s end a", "10s start b", "20s end b", "20s start c", "30s end c"}
		for i, line := range b.log {
			if i >= len(want) || line != want[i] {
				t.Fatalf("log is %q", b.log)
			}
		}
	})
}

// A build that was told to stop may need a while for it.
func TestABuildIsToldToStopOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &builder{takes: tenSeconds("a", "b")}
		full := func(b *builder) float64 {
			if b.running > 1 {
				return 0.9
			}
			return 0
		}
		h, told := &host{room: 8 * giB, some: always(0.05), full: full}, 0
		r := strategies.Runner{Gauge: h.gauge(b), Notify: func(n strategies.Notice) {
			if n.Kind == strategies.BackedOff {
				told++
			}
		}}
		err := r.Run(t.Context(), adaptive(t, "a", "b"), func(ctx context.Context, image string) error {
			err := b.build(ctx, image)
			if err != nil {
				time.Sleep(7 * time.Second)
			}
			return err
		})
		if err != nil || told != 1 {
			t.Errorf("%v; told %d times", err, told)
		}
	})
}

// What the builds that have ended did to the machine says nothing of the others.
func TestTheEndOfABuildMayEndThePressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &builder{takes: tenSeconds("a", "b", "c")}
		b.takes["a"] = 6500 * time.Millisecond
		full := func(b *builder) float64 {
			if passed := time.Since(b.started); passed > 5*time.Second && passed <= 7*time.Second {
				return 0.9
			}
			return 0
		}
		b.started = time.Now()
		h := &host{room: 8 * giB, some: always(0.05), full: full}
		gauge := h.gauge(b)
		r := strategies.Runner{
			Gauge: func() (strategies.Reading, bool) { // there is a new one each second
				if time.Since(h.last.At) < time.Second {
					return h.last, true
				}
				return gauge()
			},
			Notify: func(n strategies.Notice) {
				if n.Kind == strategies.BackedOff {
					t.Errorf("%v: %s", time.Since(b.started), n.Text)
				}
			},
		}
		if err := r.Run(t.Context(), adaptive(t, "a", "b", "c"), b.build); err != nil {
			t.Error(err)
		}
	})
}

func TestOneBuildIsNeverCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &builder{takes: tenSeconds("a", "b")}
		notices, err := admit(t, adaptive(t, "a", "b"), &host{room: 8 * giB, some: always(1), full: always(1)}, b)
		if err != nil || len(b.log) != 4 || len(kinds(notices, strategies.BackedOff)) > 0 {
			t.Errorf("%v; log %q, %v", err, b.log, notices)
		}
	})
}

// A build may end well although it was told to stop.
func TestWhatIsDoneIsNotDoneAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		done := map[string]int{}
		b := &builder{}
		h := &host{room: 8 * giB, some: always(0), full: always(0.9)}
		r := strategies.Runner{Gauge: h.gauge(b)}
		err := r.Run(t.Context(), adaptive(t, "a", "b"), func(_ context.Context, image string) error {
			time.Sleep(10 * time.Second)
			mu.Lock()
			defer mu.Unlock()
			done[image]++
			return nil
		})
		if err != nil || done["a"] != 1 || done["b"] != 1 {
			t.Errorf("%v; %v", err, done)
		}
	})
}

func TestAFailureEndsAnAdaptiveSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &builder{takes: tenSeconds("a", "b", "c"), fails: map[string]error{"b": errBroken}}
		b.takes["b"] = time.Second
		_, err := admit(t, adaptive(t, "a", "b", "c"), &host{room: 8 * giB, some: always(0), full: always(0)}, b)
		var failed *strategies.ImageError
		if !errors.As(err, &failed) || failed.Image != "b" || err.Error() != "b: "+errBroken.Error() || len(b.log) != 4 {
			t.Errorf("%v; log %q", err, b.log)
		}
	})
}

func TestAnAdaptiveScheduleIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := errors.New("phase build took longer than 3s")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, limit)
		defer cancel()
		b := &builder{takes: tenSeconds("a", "b", "c"), started: time.Now()}
		h := &host{room: 8 * giB, some: always(0), full: always(0)}
		err := strategies.Runner{Gauge: h.gauge(b)}.Run(ctx, adaptive(t, "a", "b", "c"), b.build)
		if !errors.Is(err, limit) || b.running != 0 || len(b.log) != 4 {
			t.Errorf("%v; log %q", err, b.log)
		}
	})
}

// Whatever the machine does, every image is obtained once, the first at once,
// and after a back-off no two are started side by side.
func TestAnyPressureEndsWithAllImages(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			b := &builder{takes: map[string]time.Duration{}}
			var names []string
			for i := range 1 + random.IntN(6) {
				names = append(names, fmt.Sprint("image", i))
				b.takes[names[i]] = time.Duration(1+random.IntN(20)) * time.Second
			}
			h := &host{room: int64(random.IntN(9)) * giB, used: int64(random.IntN(3)) * giB,
				some: func(*builder) float64 { return random.Float64() / 3 }, full: func(*builder) float64 { return random.Float64() }}
			notices, err := admit(t, adaptive(t, names...), h, b)
			stopped := kinds(notices, strategies.BackedOff)
			if err != nil || len(b.log) != 2*(len(names)+len(stopped)) || len(slices.Compact(slices.Sorted(slices.Values(stopped)))) != len(stopped) {
				t.Fatalf("seed %d: %v; log %q; %v", seed, err, b.log, notices)
			}
			// The longest starts at once; what follows a back-off starts when nothing runs.
			running, off := 0, false
			for _, line := range b.log {
				if strings.Contains(line, "start") {
					if off && running > 0 {
						t.Fatalf("seed %d: two at a time after a back-off: %q", seed, b.log)
					}
					running++
				} else {
					running--
				}
				off = off || len(stopped) > 0 && strings.HasSuffix(line, "end "+stopped[0])
			}
		})
	}
}

func TestHostGauge(t *testing.T) {
	r, ok := strategies.HostGauge()
	_, err := os.Stat("/proc/meminfo")
	_, pressure := os.Stat("/proc/pressure/memory")
	if ok != (err == nil) || ok && (r.Room <= r.Used || r.Used <= 0) || r.Pressure != (pressure == nil) {
		t.Errorf("got %+v, %v", r, ok)
	}
}
