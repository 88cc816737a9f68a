package kindcluster

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/exec"

	"github.com/stratbench/stratbench/internal/trial"
)

// stopLimit is how many seconds the nodes may take to stop in peace. What they
// have written is kept in any case.
const stopLimit = "5"

// Stop stops the nodes, for Boot to start again.
func (c *Cluster) Stop(ctx context.Context) error {
	err := error(nil)
	if c.Endpoint.Runtime == trial.Docker {
		// Kind has a node that ended with an error started again once, and Docker
		// does so when it starts itself, also for one that was told to stop.
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

// StateError says that a cluster is not as Stop leaves it, which is stratbench's own
// fault: its start cannot be measured.
type StateError struct{ Cluster, Found string }

func (e *StateError) Error() string {
	return fmt.Sprintf("the Kind cluster %s was to be started here: %s", e.Cluster, e.Found)
}

// Boot starts the nodes of a cluster that was created and stopped before, and
// waits until they are ready. It sets the time at which the cluster was created.
func Boot(ctx context.Context, o Options, see Observer) (*Cluster, error) {
	if err := o.PointCommands(); err != nil {
		return nil, err
	}
	provider := o.provider(&logger{Observer: see})
	c := &Cluster{Options: o, started: time.Now()}
	err := c.boot(ctx, provider, see)
	if err == nil {
		err = c.settle(ctx, provider, see)
	}
	if err != nil {
		see.evidence(ctx, provider, o.Name)
		return c, fmt.Errorf("starting the Kind cluster %s: %w", o.Name, explain(err))
	}
	return c, nil
}

func (c *Cluster) boot(ctx context.Context, provider *cluster.Provider, see Observer) error {
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
	if err != nil {
		return err
	}
	return see.step("Waiting for the API server", func() error { return c.awaitServer(ctx) })
}

// findStopped finds the nodes, none of which may run: the time that they take is
// the trial's.
func (c *Cluster) findStopped(ctx context.Context, provider *cluster.Provider) (err error) {
	if c.Nodes, err = provider.ListInternalNodes(c.Name); err != nil {
		return err
	}
	if len(c.Nodes) == 0 {
		return &StateError{c.Name, "the engine has no node of it"}
	}
	for _, node := range c.Nodes {
		var container struct{ State struct{ Running bool } }
		if err := ask(ctx, c.Endpoint, "/containers/"+url.PathEscape(node.String())+"/json", &container); err != nil {
			return err
		}
		if container.State.Running {
			return &StateError{c.Name, fmt.Sprintf("its node %s runs already", node)}
		}
	}
	return nil
}

// command runs the engine's command, which is what Kind drives too, on all nodes.
func (c *Cluster) command(ctx context.Context, args ...string) error {
	for _, node := range c.Nodes {
		args = append(args, node.String())
	}
	_, err := exec.CombinedOutputLines(exec.CommandContext(ctx, string(c.Endpoint.Runtime), args...))
	return err
}

// serverEvery is how often the API server is asked whether it is ready: a watch
// that fails waits longer and longer before it tries again.
const serverEvery = 100 * time.Millisecond

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
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+"/readyz", nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(request)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("it answers %s", answer.Status)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("its API server is not ready: %w (%w)", err, context.Cause(ctx))
		case <-time.After(serverEvery):
		}
	}
}

// step does work in a step of the observer's.
func (see Observer) step(name string, work func() error) error {
	end := see.Step(name)
	err := work()
	end(err)
	return err
}
