// Package kindcluster creates Kind clusters in an engine that is chosen
// explicitly, and makes sure of what Kind leaves open: that the node runs in
// that engine, and that it is ready.
package kindcluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/exec"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Options say which cluster is to be created, and where.
type Options struct {
	// Name names the cluster, and the network of its own that it gets: Kind's
	// usual one, "kind", may be a user's.
	Name      string
	NodeImage string
	// Endpoint is the engine's that is to host the nodes.
	Endpoint runtimes.Endpoint
	Config   *v1alpha4.Cluster
	// NodeSubnet is what the node image gives the pods of every node, where it has
	// a network that leads to no other node: the nodes are then joined.
	NodeSubnet string
	// Kubeconfig is the file to which access to the cluster is written. The
	// user's own is never touched.
	Kubeconfig string
}

// Cluster is a cluster that was created.
type Cluster struct {
	Options
	Nodes []nodes.Node
	// Host is what really hosts the nodes, as verified.
	Host Host
	// Created is when the cluster was created, of one that Boot has started.
	Created time.Time
	// started is when Boot began; a node that was ready before is not yet.
	started time.Time
	// snapshotter is what the nodes' containerd unpacks images for.
	snapshotter string
}

// Create creates the cluster and waits until its nodes are ready. On failure
// the nodes are left as they are, so that evidence can be read; Delete removes
// them. Kind cannot be interrupted: when ctx ends, Create returns and leaves
// Kind behind, to be ended by Delete or with the process.
func Create(ctx context.Context, o Options, see Observer) (*Cluster, error) {
	if err := o.PointCommands(); err != nil {
		return nil, err
	}
	log := &logger{Observer: see}
	provider := o.provider(log)
	if err := o.create(ctx, provider); err != nil {
		see.evidence(ctx, provider, o.Name)
		return nil, fmt.Errorf("creating the Kind cluster %s: %w", o.Name, explain(err))
	}
	c := &Cluster{Options: o}
	err := c.settle(ctx, provider, see)
	if err != nil {
		see.evidence(ctx, provider, o.Name)
	}
	return c, err
}

// BringsNetwork says that the cluster comes without a network: its nodes are
// ready only when something that is deployed has brought one.
func (o Options) BringsNetwork() bool { return o.Config.Networking.DisableDefaultCNI }

// settle waits until the nodes are ready, unless they cannot be yet, and
// meanwhile learns about them.
func (c *Cluster) settle(ctx context.Context, provider *cluster.Provider, see Observer) error {
	if c.BringsNetwork() {
		return c.learn(ctx, provider)
	}
	end := see.Step("Waiting for nodes to be ready")
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		err = c.WaitReady(ctx, see)
		end(err)
		return err
	})
	group.Go(func() error { return c.learn(ctx, provider) })
	return group.Wait()
}

// learn finds the nodes, who hosts them and what they unpack images for, and
// joins them where they are not.
func (c *Cluster) learn(ctx context.Context, provider *cluster.Provider) error {
	return await(ctx, func() (err error) {
		if c.Nodes, err = provider.ListInternalNodes(c.Name); err != nil {
			return fmt.Errorf("listing the nodes of the Kind cluster %s: %w", c.Name, explain(err))
		}
		if c.Host, err = c.verify(ctx, c.Nodes); err != nil {
			return err
		}
		if c.snapshotter, err = findSnapshotter(ctx, c.Nodes[0]); err != nil {
			return err
		}
		return c.join(ctx)
	})
}

// Delete removes the cluster, or what there is of it, and its kubeconfig.
func Delete(ctx context.Context, o Options) error {
	if err := o.PointCommands(); err != nil {
		return err
	}
	provider := o.provider(&logger{Observer: silent})
	err := await(ctx, func() error {
		if o.Endpoint.Runtime == trial.Podman {
			o.killNodes(ctx, provider)
		}
		return provider.Delete(o.Name, o.Kubeconfig)
	})
	if err != nil {
		return fmt.Errorf("deleting the Kind cluster %s: %w", o.Name, explain(err))
	}
	return nil
}

// killNodes spares the wait of podman rm --force, which unlike Docker's first
// asks a container to stop and gives it ten seconds. Whether there was
// something to kill does not matter: what is left is then deleted.
func (o Options) killNodes(ctx context.Context, provider *cluster.Provider) {
	all, err := provider.ListInternalNodes(o.Name)
	if err != nil {
		return
	}
	for _, node := range all {
		_, _ = o.Endpoint.Ask(ctx, http.MethodPost, "/v1.40/containers/"+url.PathEscape(node.String())+"/kill")
	}
}

var silent = Observer{Log: func(string) {}, Evidence: func(string) {}, Step: func(string) func(error) { return func(error) {} }}

// provider picks Kind's provider by name. Left to itself, Kind passes over a
// KIND_EXPERIMENTAL_PROVIDER that it does not know and prefers docker.
func (o Options) provider(log *logger) *cluster.Provider {
	by := cluster.ProviderWithDocker()
	if o.Endpoint.Runtime == trial.Podman {
		by = cluster.ProviderWithPodman()
	}
	return cluster.NewProvider(cluster.ProviderWithLogger(log), by)
}

// PointCommands makes the engine's CLI, which is what Kind drives, talk to the same
// engine as everything else, and Kind use the cluster's own network. Kind
// offers no other way than the environment.
func (o Options) PointCommands() error {
	before := os.Environ()
	wanted := o.Endpoint.Environ(before)
	for _, v := range before {
		if !slices.Contains(wanted, v) {
			name, _, _ := strings.Cut(v, "=")
			os.Unsetenv(name)
		}
	}
	for _, v := range wanted {
		name, value, _ := strings.Cut(v, "=")
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("pointing the %s command at %s: %w", o.Endpoint.Runtime, o.Endpoint, err)
		}
	}
	network := "KIND_EXPERIMENTAL_DOCKER_NETWORK"
	if o.Endpoint.Runtime == trial.Podman {
		network = "KIND_EXPERIMENTAL_PODMAN_NETWORK"
	}
	if err := os.Setenv(network, o.Name); err != nil {
		return fmt.Errorf("naming the network of the Kind cluster %s: %w", o.Name, err)
	}
	return o.guardRemote()
}

func (o Options) create(ctx context.Context, provider *cluster.Provider) error {
	return await(ctx, func() error {
		// Kind's own wait for readiness reports success when it times out, so
		// it is not used.
		return provider.Create(o.Name,
			cluster.CreateWithV1Alpha4Config(o.Config),
			cluster.CreateWithNodeImage(o.NodeImage),
			cluster.CreateWithKubeconfigPath(o.Kubeconfig),
			cluster.CreateWithRetain(true))
	})
}

// await runs work, and stops waiting for it when ctx ends.
func await(ctx context.Context, work func() error) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// commandError is a failure of a command of Kind's, with what it printed.
type commandError struct {
	err    error
	output string
}

func (e *commandError) Error() string { return e.err.Error() + "\n" + e.output }
func (e *commandError) Unwrap() error { return e.err }

// explain adds what the failed command printed, which Kind keeps to itself.
func explain(err error) error {
	if run := exec.RunErrorForError(err); run != nil && len(run.Output) > 0 {
		explained := &commandError{err, ending(string(run.Output))}
		if bytes.Contains(run.Output, []byte(lostWords)) {
			return &LostInputError{explained}
		}
		return explained
	}
	return err
}

// ending bounds what a command printed: kubeadm prints much, its cause last.
func ending(text string) string {
	const most = 8 << 10
	if len(text) > most {
		return "…" + text[len(text)-most:]
	}
	return text
}

// evidenceTime bounds what is spent on reading evidence, even of a node that
// no longer answers.
const evidenceTime = 2 * time.Second

// evidence logs what the nodes have to say about a failure.
func (see Observer) evidence(ctx context.Context, provider *cluster.Provider, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), evidenceTime)
	defer cancel()
	err := await(ctx, func() error {
		nodes, err := provider.ListInternalNodes(name)
		for _, node := range nodes {
			err = errors.Join(err, see.nodeEvidence(ctx, node))
		}
		return err
	})
	if err != nil {
		see.Evidence("reading evidence from the nodes: " + explain(err).Error())
	}
}

func (see Observer) nodeEvidence(ctx context.Context, node nodes.Node) error {
	see.Evidence("last messages of " + node.String() + ":")
	lines, err := exec.CombinedOutputLines(node.CommandContext(ctx, "journalctl", "--no-pager", "--output=short-monotonic", "--lines=60"))
	for _, line := range lines {
		see.Evidence(line)
	}
	return err
}
