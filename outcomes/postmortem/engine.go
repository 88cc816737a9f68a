package postmortem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
)

func (i *investigation) engineProcess(context.Context) finding {
	const source = trial.SourceEngine
	if i.inside == nil {
		return row(source, trial.StateNotOurs, "the engine is the user's own")
	}
	select {
	case <-i.Machine.EngineExited():
		return row(source, trial.StateEnded, i.Machine.Exit().Text)
	default:
	}
	p, err := probe.ReadProcess(i.inside.EnginePID())
	switch {
	case err != nil:
		return row(source, trial.StateEnded, err.Error())
	case p.Stopped():
		return row(source, trial.StateStopped, fmt.Sprintf("process %d (%s) is in state %s", p.PID, p.Name, p.State))
	}
	return row(source, trial.StateLives, fmt.Sprintf("process %d (%s) is in state %s", p.PID, p.Name, p.State))
}

func (i *investigation) engineAPI(ctx context.Context) finding {
	const source = trial.SourceEngineAPI
	if err := i.engine.Ping(ctx); err != nil {
		return row(source, unanswered(err), err.Error())
	}
	return func(r *Report) {
		r.EngineAnswers = true
		r.add(source, trial.StateAnswers, "GET /_ping: OK")
	}
}

// unanswered tells an API that hangs from one that refuses.
func unanswered(err error) trial.State {
	if errors.Is(err, context.DeadlineExceeded) {
		return trial.StateHangs
	}
	return trial.StateSilent
}

// lastLines is how much of the engine's log is kept.
const lastLines = 12

func (i *investigation) engineLog(context.Context) finding {
	const source = trial.SourceEngineLog
	text, err := i.Machine.Log(8 << 10)
	if err != nil {
		return row(source, trial.StateUnreadable, err.Error())
	}
	lines := strings.Split(strings.TrimSpace(string(bytes.ToValidUTF8(text, []byte("?")))), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return row(source, trial.StateEmpty, "")
	}
	return row(source, trial.StateLastLines, strings.Join(lines[max(0, len(lines)-lastLines):], "\n"))
}

// processes lists what works in containers other than the cluster's nodes.
func (i *investigation) processes(ctx context.Context) finding {
	const source = trial.SourceProcesses
	if i.inside == nil {
		return func(*Report) {}
	}
	all, err := i.inside.Processes()
	if err != nil {
		return row(source, trial.StateUnreadable, err.Error())
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
		r.count(source, trial.StateCounted, fmt.Sprintf("%d, of which %d wait for the disk or for memory", len(all), stuck),
			"in containers of builds: "+probe.List(working))
	}
}
