package enginetest

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stratbench/stratbench/runtimes"
)

// recorder records a build's progress and fails the test for what no engine may
// report.
type recorder struct {
	t     *testing.T
	began time.Time
	busy  atomic.Bool
	// started, if it is set, is called for each step that starts.
	started func(name string)
	open    map[string]time.Time
	steps   []step
	output  bytes.Buffer
}

type step struct {
	name       string
	start, end time.Time
	cached     bool
	err        string
}

func newRecorder(t *testing.T) *recorder {
	return &recorder{t: t, began: time.Now(), open: map[string]time.Time{}}
}

func (r *recorder) report(p runtimes.Progress) {
	if !r.busy.CompareAndSwap(false, true) {
		r.t.Error("progress is reported from two goroutines at a time")
		return
	}
	defer r.busy.Store(false)
	switch start, ok := r.open[p.Step]; {
	case !p.Started.IsZero():
		if ok {
			r.t.Errorf("step %q starts while it is open", p.Step)
		}
		r.sane(p.Step, p.Started)
		r.open[p.Step] = p.Started
		if r.started != nil {
			r.started(p.Step)
		}
	case !p.Ended.IsZero():
		if !ok {
			r.t.Errorf("step %q ends without having started", p.Step)
		}
		r.sane(p.Step, p.Ended)
		if p.Ended.Before(start) {
			r.t.Errorf("step %q ends %s before it starts", p.Step, start.Sub(p.Ended))
		}
		delete(r.open, p.Step)
		r.steps = append(r.steps, step{p.Step, start, p.Ended, p.Cached, p.Error})
	default:
		r.output.Write(p.Output)
	}
}

func (r *recorder) sane(name string, at time.Time) {
	if now := time.Now(); at.Before(r.began) || at.After(now) {
		r.t.Errorf("step %q: %s is outside the build so far (%s to %s)", name, at, r.began, now)
	}
}

// close checks that no step was left open and logs the steps.
func (r *recorder) close() {
	for name := range r.open {
		r.t.Errorf("step %q has no end", name)
	}
	for _, s := range r.steps {
		r.t.Logf("%8.3fs +%.3fs cached=%-5t %q %s", s.start.Sub(r.began).Seconds(),
			s.end.Sub(s.start).Seconds(), s.cached, s.name, s.err)
	}
	if r.t.Failed() {
		r.t.Logf("output:\n%s", r.output.String())
	}
}

// find returns the one step whose name contains text.
func (r *recorder) find(text string) step {
	var found []step
	for _, s := range r.steps {
		if strings.Contains(s.name, text) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		r.t.Fatalf("%d steps contain %q, want 1; output:\n%s", len(found), text, r.output.String())
	}
	return found[0]
}
