package strategies_test

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stratbench/stratbench/strategies"
)

const second = time.Second

func TestBounds(t *testing.T) {
	alone := map[string]time.Duration{"a": 2 * second, "b": 6 * second, "c": 2 * second}
	cpu := map[string]time.Duration{"a": 3 * second, "b": 9 * second, "c": 3 * second}
	for _, test := range []struct {
		name   string
		stages []strategies.Stage
		cpu    map[string]time.Duration
		cores  int
		want   strategies.Bound
	}{
		{"serial", []strategies.Stage{stage(1, "a", "b", "c")}, cpu, 2, strategies.Bound{CriticalPath: 10 * second, CPU: 7500 * time.Millisecond, Lower: 10 * second}},
		{"parallel is bound by two cores", []strategies.Stage{stage(3, "a", "b", "c")}, cpu, 2, strategies.Bound{CriticalPath: 6 * second, CPU: 7500 * time.Millisecond, Lower: 7500 * time.Millisecond}},
		{"parallel with cores to spare", []strategies.Stage{stage(3, "a", "b", "c")}, cpu, 8, strategies.Bound{CriticalPath: 6 * second, CPU: 1875 * time.Millisecond, Lower: 6 * second}},
		// Stage 1: path 2 s, CPU 3 s. Stage 2: path 6 s, CPU 4.5 s.
		{"2+1: each stage by its own", []strategies.Stage{stage(2, "a", "c"), stage(1, "b")}, cpu, 2, strategies.Bound{CriticalPath: 8 * second, CPU: 7500 * time.Millisecond, Lower: 9 * second}},
		{"two at a time", []strategies.Stage{stage(2, "a", "b", "c")}, nil, 2, strategies.Bound{CriticalPath: 6 * second, Lower: 6 * second}},
	} {
		got, err := strategies.Bounds(strategies.Schedule{Stages: test.stages}, alone, test.cpu, test.cores)
		if err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v; want %+v", test.name, got, err, test.want)
		}
	}
}

// A run in which nothing is in the way of anything never beats the bound, and
// reaches it where one image decides.
func TestNoRunBeatsTheBound(t *testing.T) {
	alone := map[string]time.Duration{"a": 3 * second, "b": 5 * second, "c": 2 * second, "d": 4 * second, "e": second}
	for concurrency := 1; concurrency <= 5; concurrency++ {
		synctest.Test(t, func(t *testing.T) {
			s := strategies.Schedule{Stages: []strategies.Stage{stage(concurrency, "a", "b", "c"), stage(concurrency, "d", "e")}}
			length, err := run(t, t.Context(), s, &builder{takes: maps.Clone(alone)})
			if err != nil {
				t.Fatal(err)
			}
			bound, err := strategies.Bounds(s, alone, nil, 1)
			if err != nil || bound.Lower > length {
				t.Errorf("concurrency %d: took %v, less than the bound %v (%v)", concurrency, length, bound.Lower, err)
			}
			if (concurrency == 1 || concurrency >= 3) && bound.Lower != length {
				t.Errorf("concurrency %d: took %v; the bound %v is not tight", concurrency, length, bound.Lower)
			}
		})
	}
}

func TestBoundsNeedEveryImage(t *testing.T) {
	s := strategies.Schedule{Stages: []strategies.Stage{stage(2, "a", "b")}}
	known := map[string]time.Duration{"a": second, "b": second}
	half := map[string]time.Duration{"a": second}
	for name, err := range map[string]error{
		"time": boundsError(s, half, nil, 2), "CPU time": boundsError(s, known, half, 2), "cores": boundsError(s, known, nil, 0),
		"concurrency": boundsError(strategies.Schedule{Stages: []strategies.Stage{stage(0, "a")}}, known, nil, 1),
	} {
		if err == nil {
			t.Errorf("bounds without %s are accepted", name)
		}
	}
}

func boundsError(s strategies.Schedule, alone, cpu map[string]time.Duration, cores int) error {
	_, err := strategies.Bounds(s, alone, cpu, cores)
	return err
}
