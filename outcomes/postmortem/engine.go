package postmortem

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
)

func (i *investigation) engineProcess(context.Context) Report {
	const source = trial.SourceEngine
	if i.inside == nil {
		return only(source, trial.StateNotOurs, "", "the engine is the user's own")
	}
	select {
	case <-i.Machine.EngineExited():
		return only(source, trial.StateEnded, "", i.Machine.Exit().Text)
	default:
	}
	p, err := probe.ReadProcess(i.inside.EnginePID())
	if err != nil {
		return only(source, trial.StateEnded, "", err.Error())
	}
	state := trial.StateLives
	if p.Stopped() {
		state = trial.StateStopped
	}
	return only(source, state, "", fmt.Sprintf("process %d (%s) is in state %s", p.PID, p.Name, p.State))
}

func (i *investigation) engineAPI(ctx context.Context) Report {
	const source = trial.SourceEngineAPI
	if err := i.engine.Ping(ctx); err != nil {
		return only(source, unanswered(err), "", err.Error())
	}
	found := only(source, trial.StateAnswers, "", "GET /_ping: OK")
	found.EngineAnswers = true
	return found
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
	const source = trial.SourceEngineLog
	text, err := i.Machine.Log(8 << 10)
	if err != nil {
		return only(source, trial.StateUnreadable, "", err.Error())
	}
	lines := strings.Split(strings.TrimSpace(string(bytes.ToValidUTF8(text, []byte("?")))), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return only(source, trial.StateEmpty, "", "")
	}
	return only(source, trial.StateLastLines, "", strings.Join(lines[max(0, len(lines)-lastLines):], "\n"))
}

// processes lists what works in containers other than the cluster's nodes.
func (i *investigation) processes(ctx context.Context) Report {
	const source = trial.SourceProcesses
	if i.inside == nil {
		return Report{}
	}
	all, err := i.inside.Processes()
	if err != nil {
		return only(source, trial.StateUnreadable, "", err.Error())
	}
	nodes, _ := probe.Nodes(ctx, i.engine, i.Cluster)
	stuck := 0
	for _, p := range all {
		if p.State == "D" {
			stuck++
		}
	}
	return only(source, trial.StateCounted, fmt.Sprintf("%d, of which %d wait for the disk or for memory", len(all), stuck),
		"in containers of builds: "+probe.List(probe.Working(all, nodes)))
}

// cluster looks at the nodes and, when one runs, at the API server.
func (i *investigation) cluster(ctx context.Context) Report {
	nodes, err := probe.Nodes(ctx, i.engine, i.Cluster)
	if err != nil {
		return Report{Evidence: []trial.Evidence{row(trial.SourceCluster, trial.StateUnknown, "", "the engine cannot be asked"),
			row(trial.SourceNode, trial.StateUnknown, "", err.Error())}}
	}
	if len(nodes) == 0 {
		return only(trial.SourceCluster, trial.StateNone, "", "the engine has no node of a cluster "+i.Cluster)
	}
	found := only(trial.SourceCluster, trial.StateNodes, strconv.Itoa(len(nodes)), "")
	found.Nodes = nodes
	port := 0
	for _, n := range nodes {
		state, detail := trial.StateNotRunning, n.State
		if n.Running() {
			state, detail = trial.StateRunning, ""
			port = cmp.Or(port, n.APIPort)
		}
		found.Evidence = append(found.Evidence, row(trial.SourceNode, state, detail, n.Name+": "+n.Status))
	}
	api := row(trial.SourceKubernetes, trial.StateNotAsked, "", "no running node publishes it where it can be asked")
	if i.inside != nil && port != 0 {
		live := probe.Live(ctx, i.inside.Dial, port)
		answers := live == nil
		if found.KubernetesAnswers = &answers; answers {
			api.State, api.Text = trial.StateAnswers, "GET /livez: ok"
		} else {
			api.State, api.Text = unanswered(live), live.Error()
		}
	}
	found.Evidence = append(found.Evidence, api)
	return found
}
