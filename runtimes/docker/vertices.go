package docker

import (
	"fmt"
	"time"

	bkclient "github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"github.com/stratbench/stratbench/runtimes"
)

// vertices turns the vertices of BuildKit's graph into steps. Several may run at
// once.
type vertices struct {
	report func(runtimes.Progress)
	start  time.Time
	known  map[digest.Digest]*vertex
	names  map[string]int
}

type vertex struct {
	name string
	// started is when the vertex last started by the engine's clock. It distinguishes a
	// new start from a repeated report.
	started time.Time
	open    bool
}

func newVertices(report func(runtimes.Progress)) *vertices {
	return &vertices{report: report, start: time.Now(), known: map[digest.Digest]*vertex{}, names: map[string]int{}}
}

func (v *vertices) take(status *bkclient.SolveStatus) {
	for _, reported := range status.Vertexes {
		x := v.vertex(reported.Digest, reported.Name)
		// BuildKit repeats its reports, and may start a finished vertex again.
		if s := reported.Started; s != nil && !x.open && !s.Equal(x.started) {
			x.started, x.open = *s, true
			v.report(runtimes.Progress{Step: x.name, Started: v.here(*s)})
		}
		if c := reported.Completed; c != nil && x.open && !c.Before(x.started) {
			x.open = false
			v.report(runtimes.Progress{Step: x.name, Ended: v.here(*c), Cached: reported.Cached, Error: reported.Error})
		}
	}
	for _, log := range status.Logs {
		v.report(runtimes.Progress{Step: v.vertex(log.Vertex, log.Vertex.String()).name, Output: log.Data})
	}
}

// vertex finds or adds a vertex. Different vertices may have the same name; the name
// of a step is unique.
func (v *vertices) vertex(id digest.Digest, name string) *vertex {
	if known, ok := v.known[id]; ok {
		return known
	}
	v.names[name]++
	if n := v.names[name]; n > 1 {
		name = fmt.Sprintf("%s (%d)", name, n)
	}
	v.known[id] = &vertex{name: name}
	return v.known[id]
}

// close ends what is still open after the build: steps that were cut off, or whose
// engine was.
func (v *vertices) close(err error) {
	cause := "the build ended first"
	if err != nil {
		cause = err.Error()
	}
	for _, x := range v.known {
		if x.open {
			x.open = false
			v.report(runtimes.Progress{Step: x.name, Ended: time.Now(), Error: cause})
		}
	}
}

// here converts a time of the engine's clock to this process's. The clocks differ only
// if the engine is on another kernel; a time outside the build so far is then moved to
// the build's start or to now.
func (v *vertices) here(t time.Time) time.Time {
	since := min(max(t.Sub(v.start), 0), time.Since(v.start))
	return v.start.Add(since)
}
