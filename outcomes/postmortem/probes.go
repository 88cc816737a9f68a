package postmortem

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/host"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
)

func (i *investigation) engineProcess(context.Context) Report {
	if i.inside == nil {
		return only(trial.StateNotOurs, "the engine is the user's own")
	}
	select {
	case <-i.Machine.EngineExited():
		return only(trial.StateEnded, i.Machine.Exit().Text)
	default:
	}
	p, err := probe.ReadProcess(i.inside.EnginePID())
	if err != nil {
		return only(trial.StateEnded, err.Error())
	}
	state := trial.StateLives
	if probe.Stopped(p) {
		state = trial.StateStopped
	}
	return only(state, fmt.Sprintf("process %d (%s) is in state %s", p.PID, p.Comm, p.State))
}

func (i *investigation) engineAPI(ctx context.Context) Report {
	if err := i.engine.Ping(ctx); err != nil {
		return only(unanswered(err), err.Error())
	}
	return only(trial.StateAnswers, "GET /_ping: OK")
}

// unanswered distinguishes an API that hangs from one that refuses.
func unanswered(err error) trial.State {
	if errors.Is(err, context.DeadlineExceeded) {
		return trial.StateHangs
	}
	return trial.StateSilent
}

// lastLines is how much of the engine's log is kept.
const lastLines = 12

func (i *investigation) engineLog(context.Context) Report {
	text, err := i.Machine.Log(8 << 10)
	if err != nil {
		return only(trial.StateUnreadable, err.Error())
	}
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(text), "?")), "\n")
	if lines[0] == "" {
		return only(trial.StateEmpty, "")
	}
	return only(trial.StateLastLines, strings.Join(lines[max(0, len(lines)-lastLines):], "\n"))
}

// processes lists what works in containers other than the cluster's nodes.
func (i *investigation) processes(ctx context.Context) Report {
	if i.inside == nil {
		return Report{}
	}
	all, err := i.inside.Processes()
	if err != nil {
		return only(trial.StateUnreadable, err.Error())
	}
	nodes, _ := probe.Nodes(ctx, i.engine, i.Cluster)
	stuck := 0
	for _, p := range all {
		if p.State == "D" {
			stuck++
		}
	}
	return measured(trial.StateCounted, fmt.Sprintf("%d, of which %d wait for the disk or for memory", len(all), stuck),
		"in containers of builds: "+probe.List(probe.Working(all, nodes)))
}

// cluster looks at the nodes and, when one runs, at the API server.
func (i *investigation) cluster(ctx context.Context) Report {
	nodes, err := probe.Nodes(ctx, i.engine, i.Cluster)
	if err != nil {
		found := only(trial.StateUnknown, "the engine cannot be asked")
		found.Evidence = append(found.Evidence, trial.Evidence{Source: trial.SourceNode, State: trial.StateUnknown, Text: err.Error()})
		return found
	}
	if len(nodes) == 0 {
		return only(trial.StateNone, "the engine has no node of a cluster "+i.Cluster)
	}
	found := measured(trial.StateNodes, strconv.Itoa(len(nodes)), "")
	found.Nodes = nodes
	port := 0
	for _, n := range nodes {
		row := trial.Evidence{Source: trial.SourceNode, State: trial.StateNotRunning, Detail: n.State, Text: n.Name() + ": " + n.Status}
		if n.Running() {
			row.State, row.Detail = trial.StateRunning, ""
			port = cmp.Or(port, n.APIPort())
		}
		found.Evidence = append(found.Evidence, row)
	}
	api := trial.Evidence{Source: trial.SourceKubernetes, State: trial.StateNotAsked, Text: "no running node publishes it where it can be asked"}
	if i.inside != nil && port != 0 {
		api.State, api.Text = trial.StateAnswers, "GET /livez: ok"
		if err := probe.Live(ctx, i.inside.Dial, port); err != nil {
			api.State, api.Text = unanswered(err), err.Error()
		}
	}
	found.Evidence = append(found.Evidence, api)
	return found
}

func (i *investigation) memory(context.Context) Report {
	last, err := i.Machine.Sample()
	if err != nil {
		return only(trial.StateUnknown, err.Error())
	}
	var peak trial.Bytes
	var worst float64
	for _, s := range append(i.Samples, last) {
		peak, worst = max(peak, s.Peak()), max(worst, s.Pressure.MemoryFull)
	}
	limit := "no limit"
	if i.MemoryLimit > 0 {
		limit = "the limit " + i.MemoryLimit.String()
	}
	pressure := "the kernel reports no pressure"
	if last.Pressure.Known {
		pressure = fmt.Sprintf("memory full %.0f %% (worst %.0f %%), I/O full %.0f %%", last.Pressure.MemoryFull, worst, last.Pressure.IOFull)
	}
	return measured(trial.StateInUse, fmt.Sprintf("%s of %s", last.Memory, limit), fmt.Sprintf("peak %s; %s", peak, pressure))
}

func (i *investigation) kills(context.Context) Report {
	counted := int64(0)
	for _, s := range i.Samples {
		counted = max(counted, s.OOMKills)
	}
	if i.inside == nil {
		return only(trial.StateNamesUnknown, fmt.Sprintf("%d kills counted", counted))
	}
	var names []string
	for _, k := range i.inside.OOMKills() {
		names = append(names, fmt.Sprintf("%s (process %d)", k.Name, k.PID))
	}
	if counted = max(counted, int64(len(names))); counted == 0 {
		return only(trial.StateNone, "the kernel killed nobody for want of memory")
	}
	return measured(trial.StateKilled, fmt.Sprintf("%d in all", counted), strings.Join(names, ", "))
}

// fullBelow is the room under which a disk is as good as full: less than any
// layer of an image.
const fullBelow = 8 << 20

func (i *investigation) disk(context.Context) Report {
	if i.inside == nil {
		return only(trial.StateNotOurs, "the engine is the user's own")
	}
	free, total, err := host.Room(i.inside.Root())
	if err != nil {
		return only(trial.StateUnreadable, err.Error())
	}
	text := fmt.Sprintf("%s of %s", free, total)
	if free >= fullBelow {
		return only(trial.StateFree, text)
	}
	return only(trial.StateFull, text+" free")
}
