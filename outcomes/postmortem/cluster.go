package postmortem

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
)

// cluster looks at the nodes and, when one runs, at the API server.
func (i *investigation) cluster(ctx context.Context) finding {
	nodes, err := i.engine.Nodes(ctx, i.Cluster)
	if err != nil {
		return func(r *Report) {
			r.add(trial.SourceCluster, trial.StateUnknown, "the engine cannot be asked")
			r.add(trial.SourceNode, trial.StateUnknown, err.Error())
		}
	}
	live, asked := i.kubernetes(ctx, nodes)
	return func(r *Report) {
		r.Nodes, r.NodesKnown = nodes, true
		if len(nodes) == 0 {
			r.add(trial.SourceCluster, trial.StateNone, "the engine has no node of a cluster "+i.Cluster)
			return
		}
		r.count(trial.SourceCluster, trial.StateNodes, strconv.Itoa(len(nodes)), "")
		for _, n := range nodes {
			text := n.Name + ": " + n.Status
			if n.Running() {
				r.add(trial.SourceNode, trial.StateRunning, text)
			} else {
				r.count(trial.SourceNode, trial.StateNotRunning, n.State, text)
			}
		}
		if !asked {
			r.add(trial.SourceKubernetes, trial.StateNotAsked, "no running node publishes it where it can be asked")
			return
		}
		answers := live == nil
		r.KubernetesAnswers = &answers
		if answers {
			r.add(trial.SourceKubernetes, trial.StateAnswers, "GET /livez: ok")
			return
		}
		r.add(trial.SourceKubernetes, unanswered(live), live.Error())
	}
}

func (i *investigation) kubernetes(ctx context.Context, nodes []probe.Node) (err error, asked bool) {
	if i.inside == nil {
		return nil, false
	}
	for _, n := range nodes {
		if n.Running() && n.APIPort != 0 {
			return probe.NewKubernetes(i.inside.Dial, n.APIPort).Live(ctx), true
		}
	}
	return nil, false
}

func (i *investigation) kills(context.Context) finding {
	const source = trial.SourceOOM
	counted := int64(0)
	for _, s := range i.Samples {
		counted = max(counted, s.OOMKills)
	}
	if i.inside == nil {
		return row(source, trial.StateNamesUnknown, fmt.Sprintf("%d kills counted", counted))
	}
	var names []string
	for _, k := range i.inside.OOMKills() {
		names = append(names, fmt.Sprintf("%s (process %d)", k.Name, k.PID))
	}
	counted = max(counted, int64(len(names)))
	if counted == 0 {
		return row(source, trial.StateNone, "the kernel killed nobody for want of memory")
	}
	return func(r *Report) {
		r.count(source, trial.StateKilled, fmt.Sprintf("%d in all", counted), strings.Join(names, ", "))
	}
}
