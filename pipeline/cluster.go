package pipeline

import (
	"context"

	"github.com/stratbench/stratbench/pipeline/kindcluster"
)

// createCluster is the phase cluster: from nothing to nodes ready.
func (t *run) createCluster(ctx context.Context, ph *phase) error {
	if t.cfg.Again != nil {
		const name = "delete what is left of the cluster"
		if err := ph.within(name, "", name, func() error { return Delete(ctx, t.cfg) }); err != nil {
			return err
		}
	}
	cluster, err := kindcluster.Create(ctx, t.cfg.kind(t.inputs.kind), kindcluster.Observer{
		Log:      func(line string) { ph.log("", line) },
		Evidence: ph.evidence,
		Step: func(name string) func(error) {
			return ph.span(name, "", name).end
		},
	})
	if cluster == nil {
		return err
	}
	t.set(func(r *Result) {
		r.NodeProvider, r.NodeImageID = cluster.Host.Runtime, cluster.Host.ImageID
		t.cluster = cluster
	})
	return err
}
