package kindcluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/kind/pkg/cluster/nodeutils"
	"sigs.k8s.io/kind/pkg/exec"
)

// nodeNetwork is the subnet of a node's pods, and the node's own address.
type nodeNetwork struct{ subnet, address string }

// join connects the nodes if their image gives the pods of each node the same subnet
// and no route to other nodes: each further node gets the subnet that the cluster has
// for it, and every node gets routes to the others.
func (c *Cluster) join(ctx context.Context) error {
	if c.NodeSubnet == "" || len(c.Nodes) < 2 {
		return nil
	}
	all, err := c.nodeNetworks(ctx)
	if err != nil {
		return fmt.Errorf("asking the Kind cluster %s where its nodes are: %w", c.Name, explain(err))
	}
	for _, node := range c.Nodes {
		var script strings.Builder
		for name, w := range all {
			if name != node.String() {
				fmt.Fprintf(&script, "ip route replace %s via %s\n", w.subnet, w.address)
			}
		}
		// Containerd reloads a network configuration that has changed.
		fmt.Fprintf(&script, "sed -i 's,%s,%s,' /etc/cni/net.d/*.conflist\n", c.NodeSubnet, all[node.String()].subnet)
		if _, err := exec.CombinedOutputLines(node.CommandContext(ctx, "sh", "-ec", script.String())); err != nil {
			return fmt.Errorf("connecting the node %s to the others: %w", node, explain(err))
		}
	}
	return nil
}

// nodeNetworks waits until the networks of all nodes are known. The first node keeps
// the subnet of the image, because its pods run already.
func (c *Cluster) nodeNetworks(ctx context.Context) (map[string]nodeNetwork, error) {
	first, err := nodeutils.BootstrapControlPlaneNode(c.Nodes)
	if err != nil {
		return nil, err
	}
	for {
		lines, err := exec.OutputLines(first.CommandContext(ctx, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "get", "nodes",
			`--output=jsonpath={range .items[*]}{.metadata.name} {.spec.podCIDR}{"\n"}{end}`))
		if err != nil {
			return nil, err
		}
		all := map[string]nodeNetwork{}
		for _, line := range lines {
			if f := strings.Fields(line); len(f) == 2 {
				all[f[0]] = nodeNetwork{subnet: f[1]}
			}
		}
		if len(all) == len(c.Nodes) {
			all[first.String()] = nodeNetwork{subnet: c.NodeSubnet}
			for _, node := range c.Nodes {
				// From the engine: after a start the API still has the addresses from before.
				address, _, err := node.IP()
				if err != nil {
					return nil, fmt.Errorf("reading the address of the node %s: %w", node, err)
				}
				all[node.String()] = nodeNetwork{all[node.String()].subnet, address}
			}
			return all, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
