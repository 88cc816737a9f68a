package kindcluster

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/exec"

	"github.com/stratbench/stratbench/internal/trial"
)

// stopLimit is how many seconds the nodes may take to stop. What they have written is
// kept in any case.
const stopLimit = "5"

// KeptKubelet is how the kubelet of a kept node differs from Kind's. It would start beside
// containerd, end because that cannot serve it yet, and start again a second later.
const KeptKubelet = "[Unit]\nAfter=containerd.service\n[Service]\nRestartSec=100ms\n"

// Stop stops the nodes. Boot starts them again.
func (c *Cluster) Stop(ctx context.Context) error {
	err := c.keepKubelets(ctx)
	if err == nil && c.Endpoint.Runtime == trial.Docker {
		// Kind asks Docker to restart a node once after an error, and Docker does so
		// when it starts, even if the node was told to stop.
		err = c.command(ctx, "update", "--restart=no")
	}
	if err == nil {
		err = c.command(ctx, "stop", "-t", stopLimit)
	}
	if err != nil {
		return fmt.Errorf("stopping the nodes of the Kind cluster %s: %w", c.Name, explain(err))
	}
	return nil
}

// Boot starts the nodes of a cluster that was created and stopped before, and waits
// until they are ready.
func Boot(ctx context.Context, o Options, see Observer) (*Cluster, error) {
	if err := o.PointCommands(); err != nil {
		return nil, err
	}
	provider := o.provider(&logger{Observer: see})
	c := &Cluster{Options: o, started: time.Now()}
	err := see.step("Starting nodes", func() error {
		return await(ctx, func() error {
			if err := c.findStopped(ctx, provider); err != nil {
				return err
			}
			if err := c.command(ctx, "start"); err != nil {
				return err
			}
			return provider.ExportKubeConfig(c.Name, c.Kubeconfig, false)
		})
	})
	if err == nil {
		err = see.step("Waiting for the API server", func() error { return c.awaitServer(ctx) })
	}
	if err == nil {
		err = c.settle(ctx, provider, see)
	}
	if err != nil {
		see.evidence(ctx, provider, o.Name)
		return c, fmt.Errorf("starting the Kind cluster %s: %w", o.Name, explain(err))
	}
	return c, nil
}

func (c *Cluster) keepKubelets(ctx context.Context) error {
	for _, node := range c.Nodes {
		write := node.CommandContext(ctx, "sh", "-c", `mkdir -p "$0" && cat >"$0/20-kept.conf"`, "/etc/systemd/system/kubelet.service.d").SetStdin(strings.NewReader(KeptKubelet))
		if _, err := exec.CombinedOutputLines(write); err != nil {
			return err
		}
	}
	return nil
}

// findStopped finds the nodes. None of them may be running, because the time that they
// take to start belongs to the trial.
func (c *Cluster) findStopped(ctx context.Context, provider *cluster.Provider) (err error) {
	if c.Nodes, err = provider.ListInternalNodes(c.Name); err != nil {
		return err
	}
	if len(c.Nodes) == 0 {
		return &InvalidError{Err: fmt.Errorf("the Kind cluster %s cannot be started: the engine has no node of it", c.Name)}
	}
	for _, node := range c.Nodes {
		var container struct{ State struct{ Running bool } }
		if err := ask(ctx, c.Endpoint, "/containers/"+url.PathEscape(node.String())+"/json", &container); err != nil {
			return err
		}
		if container.State.Running {
			return &InvalidError{Err: fmt.Errorf("the start of the Kind cluster %s cannot be measured: its node %s is running already", c.Name, node)}
		}
	}
	return nil
}

// command runs a command of the engine's CLI, which Kind calls too, on all nodes.
func (c *Cluster) command(ctx context.Context, args ...string) error {
	for _, node := range c.Nodes {
		args = append(args, node.String())
	}
	_, err := exec.CombinedOutputLines(exec.CommandContext(ctx, string(c.Endpoint.Runtime), args...))
	return err
}

// serverEvery is how often the API server is asked whether it is ready. A watch would
// not do: it waits longer and longer after each failure.
const serverEvery = 100 * time.Millisecond

// awaitServer waits until the API server is ready and the leases from before are ended.
func (c *Cluster) awaitServer(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of the Kind cluster %s: %w", c.Name, err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return fmt.Errorf("connecting to the Kind cluster %s: %w", c.Name, err)
	}
	client.Timeout = 2 * time.Second
	request := func(method, path string) (status int, err error) {
		request, err := http.NewRequestWithContext(ctx, method, config.Host+path, nil)
		if err != nil {
			return 0, err
		}
		answer, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	}
	for {
		status, err := request(http.MethodGet, "/readyz")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("it answers %d", status)
		}
		if err == nil {
			err = endLeases(request)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("its API server is not ready: %w (%w)", err, context.Cause(ctx))
		case <-time.After(serverEvery):
		}
	}
}

// endLeases ends the leases of the controllers that ended with the nodes. Those that have
// started would wait 15 seconds for them, and make no pods until then.
func endLeases(request func(method, path string) (int, error)) error {
	for _, name := range []string{"kube-controller-manager", "kube-scheduler"} {
		status, err := request(http.MethodDelete, "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"+name)
		if err == nil && status != http.StatusOK && status != http.StatusNotFound {
			err = fmt.Errorf("the API server answers %d", status)
		}
		if err != nil {
			return fmt.Errorf("ending the lease of %s from before the stop: %w", name, err)
		}
	}
	return nil
}
