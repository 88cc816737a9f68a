package postmortem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/outcomes/probe"
)

func (i *investigation) engineProcess(context.Context) finding {
	const source = "engine process"
	if i.inside == nil {
		return row(source, "not ours to see", "the engine is the user's own")
	}
	select {
	case <-i.Machine.EngineExited():
		return row(source, "ended", i.Machine.Exit())
	default:
	}
	p, err := probe.ReadProcess(i.inside.EnginePID())
	switch {
	case err != nil:
		return row(source, "ended", err.Error())
	case p.Stopped():
		return row(source, "stopped", fmt.Sprintf("process %d (%s) is in state %s", p.PID, p.Name, p.State))
	}
	return row(source, "lives", fmt.Sprintf("process %d (%s) is in state %s", p.PID, p.Name, p.State))
}

func (i *investigation) engineAPI(ctx context.Context) finding {
	const source = "engine API"
	if err := i.engine.Ping(ctx); err != nil {
		return row(source, unanswered(err), err.Error())
	}
	return func(r *Report) {
		r.EngineAnswers = true
		r.add(source, "answers", "GET /_ping: OK")
	}
}

// unanswered tells an API that hangs from one that refuses.
func unanswered(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "hangs"
	}
	return "does not answer"
}

// lastLines is how much of the engine's log is kept.
const lastLines = 12

func (i *investigation) engineLog(context.Context) finding {
	const source = "engine log"
	text, err := i.Machine.Log(8 << 10)
	if err != nil {
		return row(source, "cannot be read", err.Error())
	}
	lines := strings.Split(strings.TrimSpace(string(bytes.ToValidUTF8(text, []byte("?")))), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return row(source, "empty", "")
	}
	return row(source, "last lines", strings.Join(lines[max(0, len(lines)-lastLines):], "\n"))
}

// processes lists what works in containers other than the cluster's nodes.
func (i *investigation) processes(ctx context.Context) finding {
	const source = "processes"
	if i.inside == nil {
		return func(*Report) {}
	}
	all, err := i.inside.Processes()
	if err != nil {
		return row(source, "cannot be listed", err.Error())
	}
	nodes, _ := i.engine.Nodes(ctx, i.Cluster)
	working := probe.Working(all, nodes)
	stuck := 0
	for _, p := range all {
		if p.State == "D" {
			stuck++
		}
	}
	return func(r *Report) {
		r.add(source, fmt.Sprintf("%d, of which %d wait for the disk or for memory", len(all), stuck),
			"in containers of builds: "+probe.List(working))
	}
}
