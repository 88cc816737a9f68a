package pipeline

import (
	"context"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/pipeline/deploy"
	"github.com/stratbench/stratbench/pipeline/kindcluster"
)

// createCluster is the phase cluster: it creates the cluster, or starts its stopped
// nodes, and waits until the nodes are ready.
func (t *run) createCluster(ctx context.Context, ph *phase) error {
	if t.cfg.Again != nil {
		const name = "delete what is left of the cluster"
		if err := ph.within(name, "", name, func() error { return Delete(ctx, t.cfg) }); err != nil {
			return err
		}
	}
	obtain := kindcluster.Create
	if t.cfg.Settings.Cluster == trial.ClusterPrebooted && t.cfg.Task != Preboot && t.cfg.Again == nil {
		obtain = kindcluster.Boot
	}
	cluster, err := obtain(ctx, t.cfg.kind(t.kind), kindcluster.Observer{
		Log:      func(line string) { ph.log("", line) },
		Evidence: ph.evidence,
		Step:     func(name string) func(error) { return ph.span(name, "", name).end },
	})
	if cluster == nil {
		return err
	}
	t.set(func(r *Result) {
		r.NodeProvider = cluster.Host
		if age := trial.Seconds(time.Since(cluster.Created)); !cluster.Created.IsZero() {
			r.ClusterAge = &age
		}
		t.cluster = cluster
	})
	return err
}

// preboot creates the cluster that trials start, and stops its nodes.
func (t *run) preboot(ctx context.Context, ph *phase) error {
	if err := t.createCluster(ctx, ph); err != nil {
		return err
	}
	const dns, stop = "DNS available", "stop the nodes"
	if !t.cluster.LacksNetwork() { // without a network, it never is
		err := ph.within(dns, "", dns, func() error { // it is the last part that Kind itself deploys
			client, err := deploy.Connect(ctx, t.cfg.Kubeconfig(), deploy.Observer{Log: func(line string) { ph.log("", line) }})
			if err != nil {
				return err
			}
			return client.Until(ctx, deploy.Condition{For: "condition=Available", Object: "deployment/coredns", Namespace: "kube-system"})
		})
		if err != nil {
			return err
		}
	}
	return ph.within(stop, "", stop, func() error { return t.cluster.Stop(ctx) })
}
