package postmortem

import (
	"context"
	"fmt"
	"strings"

	"github.com/stratbench/stratbench/outcomes/probe"
)

// cluster looks at the nodes and, when one runs, at the API server.
func (i *investigation) cluster(ctx context.Context) finding {
	nodes, err := i.engine.Nodes(ctx, i.Cluster)
	if err != nil {
		return func(r *Report) {
			r.add("Kind cluster", "not known", "the engine cannot be asked")
			r.add("node container", "not known", err.Error())
		}
	}
	live, asked := i.kubernetes(ctx, nodes)
	return func(r *Report) {
		r.Nodes, r.NodesKnown = nodes, true
		if len(nodes) == 0 {
			r.add("Kind cluster", "none", "the engine has no node of a cluster "+i.Cluster)
			return
		}
		r.add("Kind cluster", fmt.Sprintf("%d nodes", len(nodes)), "")
		for _, n := range nodes {
			r.add("node container", n.State, n.Name+": "+n.Status)
		}
		if !asked {
			r.add("Kubernetes API", "not asked", "no running node publishes it where it can be asked")
			return
		}
		answers := live == nil
		r.KubernetesAnswers = &answers
		if answers {
			r.add("Kubernetes API", "answers", "GET /livez: ok")
			return
		}
		r.add("Kubernetes API", unanswered(live), live.Error())
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
	const source = "OOM events"
	counted := int64(0)
	for _, s := range i.Samples {
		counted = max(counted, s.OOMKills)
	}
	if i.inside == nil {
		return row(source, "names not known", fmt.Sprintf("%d kills counted", counted))
	}
	var names []string
	for _, k := range i.inside.OOMKills() {
		names = append(names, fmt.Sprintf("%s (process %d)", k.Name, k.PID))
	}
	counted = max(counted, int64(len(names)))
	if counted == 0 {
		return row(source, "none", "the kernel killed nobody for want of memory")
	}
	return row(source, fmt.Sprintf("%d kills", counted), strings.Join(names, ", "))
}
