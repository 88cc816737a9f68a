package docker

import (
	"errors"
	"strings"
	"testing"
	"time"

	bkclient "github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"github.com/stratbench/stratbench/runtimes"
)

// book records what vertices reports.
type book struct {
	steps []runtimes.Progress
	out   strings.Builder
}

func (b *book) report(p runtimes.Progress) {
	if len(p.Output) > 0 {
		b.out.WriteString(p.Step + "|" + string(p.Output))
		return
	}
	b.steps = append(b.steps, p)
}

func status(vertices ...*bkclient.Vertex) *bkclient.SolveStatus {
	return &bkclient.SolveStatus{Vertexes: vertices}
}

func TestVertices(t *testing.T) {
	var b book
	v := newVertices(b.report)
	v.start = v.start.Add(-time.Hour)
	at := func(minutes int) *time.Time {
		moment := v.start.Add(time.Duration(minutes) * time.Minute).Round(0)
		return &moment
	}
	one, two := digest.FromString("one"), digest.FromString("two")
	v.take(status(&bkclient.Vertex{Digest: one, Name: "RUN a"}))
	v.take(status(&bkclient.Vertex{Digest: one, Name: "RUN a", Started: at(1)}, &bkclient.Vertex{Digest: two, Name: "RUN a", Started: at(2)}))
	v.take(status(&bkclient.Vertex{Digest: one, Name: "RUN a", Started: at(1)}))
	v.take(&bkclient.SolveStatus{Logs: []*bkclient.VertexLog{{Vertex: two, Data: []byte("hello\n")}}})
	v.take(status(&bkclient.Vertex{Digest: one, Name: "RUN a", Started: at(1), Completed: at(3), Cached: true}))
	v.take(status(&bkclient.Vertex{Digest: one, Name: "RUN a", Started: at(1), Completed: at(3), Cached: true}))
	v.take(status(&bkclient.Vertex{Digest: one, Name: "RUN a", Started: at(4), Completed: at(5), Error: "exit code: 7"}))
	v.close(errors.New("cut off"))

	want := []struct {
		step   string
		start  int
		end    int
		cached bool
		err    string
	}{
		{"RUN a", 1, 0, false, ""}, {"RUN a (2)", 2, 0, false, ""}, {"RUN a", 0, 3, true, ""},
		{"RUN a", 4, 0, false, ""}, {"RUN a", 0, 5, false, "exit code: 7"}, {"RUN a (2)", 0, 60, false, "cut off"},
	}
	if len(b.steps) != len(want) {
		t.Fatalf("%d reports, want %d: %+v", len(b.steps), len(want), b.steps)
	}
	for i, w := range want {
		got := b.steps[i]
		if got.Step != w.step || minute(v, got.Started) != w.start || minute(v, got.Ended) != w.end ||
			got.Cached != w.cached || got.Error != w.err {
			t.Errorf("report %d is %+v, want %+v", i, got, w)
		}
	}
	if got := b.out.String(); got != "RUN a (2)|hello\n" {
		t.Errorf("the output is %q", got)
	}
}

// minute is the minute of the build at t, or 0 for the zero time.
func minute(v *vertices, t time.Time) int {
	if t.IsZero() {
		return 0
	}
	return int(t.Sub(v.start).Round(time.Minute) / time.Minute)
}

// TestVerticesOfAnotherClock checks that no step is outside the build, even if the engine's
// clock is wrong.
func TestVerticesOfAnotherClock(t *testing.T) {
	for _, wrong := range []time.Duration{-time.Hour, time.Hour} {
		var b book
		v := newVertices(b.report)
		start, end := time.Now().Add(wrong), time.Now().Add(wrong+time.Second)
		v.take(status(&bkclient.Vertex{Digest: "x", Name: "RUN a", Started: &start, Completed: &end}))
		for _, p := range b.steps {
			for _, moment := range []time.Time{p.Started, p.Ended} {
				if !moment.IsZero() && (moment.Before(v.start) || moment.After(time.Now())) {
					t.Errorf("with the clock off by %s, a moment is %s after the build's start", wrong, moment.Sub(v.start))
				}
			}
		}
	}
}
