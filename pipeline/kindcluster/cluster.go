// Package kindcluster creates Kind clusters on a given engine. It makes sure of two
// things that Kind does not: that the nodes run on that engine, and that they are
// ready.
package kindcluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/exec"
	"sigs.k8s.io/kind/pkg/log"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Options describe a cluster, and where it is created.
type Options struct {
	// Name is the name of the cluster and of its network. Kind's usual network,
	// "kind", may be a user's.
	Name      string
	NodeImage string
	// Endpoint is the engine that hosts the nodes.
	Endpoint runtimes.Endpoint
	Config   *v1alpha4.Cluster
	// NodeSubnet is the subnet that the node image gives the pods of every node, if
	// its network does not lead from one node to another. The nodes are then joined.
	NodeSubnet string
	// Kubeconfig is the file for access to the cluster. The user's own is never
	// touched.
	Kubeconfig string
}

// Cluster is a cluster that was created or started.
type Cluster struct {
	Options
	Nodes []nodes.Node
	// Host is what really hosts the nodes, as verified.
	Host trial.Runtime
	// Created is when the cluster was created. Only Boot sets it.
	Created time.Time
	// started is when Boot began. What a node reported before does not count.
	started time.Time
	// snapshotter is the one for which the nodes' containerd unpacks images.
	snapshotter string
	// layers are those that ImportLacking has brought into all nodes, by their files in
	// the engine's archives.
	layers map[string]v1.Descriptor
}

// Create creates the cluster and waits until its nodes are ready. After a failure the
// nodes are left as they are, so that evidence can be read, until Delete removes
// them. Kind cannot be interrupted: when ctx ends, Create returns and leaves Kind
// running, until Delete or the end of the process stops it.
func Create(ctx context.Context, o Options, see Observer) (*Cluster, error) {
	if err := o.PointCommands(); err != nil {
		return nil, err
	}
	see, patched := o.patchDNS(see)
	provider := o.provider(&logger{Observer: see})
	err := await(ctx, func() error {
		// Kind's own wait for readiness reports success when it times out, so it is
		// not used.
		err := provider.Create(o.Name,
			cluster.CreateWithV1Alpha4Config(o.Config),
			cluster.CreateWithNodeImage(o.NodeImage),
			cluster.CreateWithKubeconfigPath(o.Kubeconfig),
			cluster.CreateWithRetain(true))
		if cause := patched(); cause != nil {
			return cause
		}
		return err
	})
	if err != nil {
		see.evidence(ctx, provider, o.Name)
		return nil, fmt.Errorf("creating the Kind cluster %s: %w", o.Name, explain(err))
	}
	c := &Cluster{Options: o}
	if err = c.settle(ctx, provider, see); err != nil {
		see.evidence(ctx, provider, o.Name)
	}
	return c, err
}

// LacksNetwork reports whether the cluster comes without a network. Its nodes are
// ready only once something that is deployed has brought one.
func (o Options) LacksNetwork() bool { return o.Config.Networking.DisableDefaultCNI }

// settle waits until the nodes are ready, unless they lack a network, and meanwhile
// learns about them.
func (c *Cluster) settle(ctx context.Context, provider *cluster.Provider, see Observer) error {
	if c.LacksNetwork() {
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

// learn finds the nodes, their host and their snapshotter, and joins their networks.
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

// Delete removes the cluster, or what is left of it, and its kubeconfig.
func Delete(ctx context.Context, o Options) error {
	if o.Name == "" { // to Kind, that is the user's cluster "kind"
		return errors.New("deleting a Kind cluster: it has no name")
	}
	if err := o.PointCommands(); err != nil {
		return err
	}
	provider := o.provider(log.NoopLogger{})
	err := await(ctx, func() error {
		if o.Endpoint.Runtime == trial.Podman {
			// podman rm --force, unlike Docker's, first asks a container to stop and gives it
			// ten seconds. Errors do not matter, because what is left is then deleted.
			if all, err := provider.ListInternalNodes(o.Name); err == nil {
				for _, node := range all {
					_, _ = o.Endpoint.Ask(ctx, http.MethodPost, "/containers/"+url.PathEscape(node.String())+"/kill")
				}
			}
		}
		return provider.Delete(o.Name, o.Kubeconfig)
	})
	if err != nil {
		return fmt.Errorf("deleting the Kind cluster %s: %w", o.Name, explain(err))
	}
	return nil
}

// provider chooses Kind's provider by name. Kind itself would ignore a
// KIND_EXPERIMENTAL_PROVIDER that it does not know, and prefer docker.
func (o Options) provider(to log.Logger) *cluster.Provider {
	by := cluster.ProviderWithDocker()
	if o.Endpoint.Runtime == trial.Podman {
		by = cluster.ProviderWithPodman()
	}
	return cluster.NewProvider(cluster.ProviderWithLogger(to), by)
}

// PointCommands sets environment variables, which Kind offers as the only way: they
// make the engine's CLI, which Kind calls, talk to the engine of the trial, and Kind
// use the cluster's own network.
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

// await waits for work, until ctx ends.
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

// InvalidError reports that the trial could not be measured, for a reason that is not
// the engine's. Cause may be empty.
type InvalidError struct {
	Cause trial.Cause
	Err   error
}

func (e *InvalidError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *InvalidError) Unwrap() error { return e.Err }

// explain adds the output of the failed command, which Kind leaves out. Of a long
// output it adds the end: kubeadm prints the cause last.
func explain(err error) error {
	run := exec.RunErrorForError(err)
	if run == nil || len(run.Output) == 0 {
		return err
	}
	const most = 8 << 10
	output := string(run.Output)
	if len(output) > most {
		output = "…" + output[len(output)-most:]
	}
	err = fmt.Errorf("%w\n%s", err, output)
	if bytes.Contains(run.Output, []byte(lostInput)) {
		return &InvalidError{trial.CauseLostInput, fmt.Errorf("%w; run stratbench where the podman command works on the engine's own store, as the engine's user", err)}
	}
	return err
}

// evidenceTime bounds the time for reading evidence. A node may not answer any more.
const evidenceTime = 2 * time.Second

// evidence logs the last messages of the nodes after a failure.
func (see Observer) evidence(ctx context.Context, provider *cluster.Provider, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), evidenceTime)
	defer cancel()
	err := await(ctx, func() error {
		nodes, err := provider.ListInternalNodes(name)
		for _, node := range nodes {
			see.Evidence("last messages of " + node.String() + ":")
			lines, failed := exec.CombinedOutputLines(node.CommandContext(ctx, "journalctl", "--no-pager", "--output=short-monotonic", "--lines=60"))
			for _, line := range lines {
				see.Evidence(line)
			}
			err = errors.Join(err, failed)
		}
		return err
	})
	if err != nil {
		see.Evidence("reading evidence from the nodes: " + explain(err).Error())
	}
}

// verify returns the engine that really hosts the nodes. It asks the engine under test
// itself for them, because Kind uses whatever program is called docker or podman.
func (o Options) verify(ctx context.Context, all []nodes.Node) (host trial.Runtime, err error) {
	if len(all) == 0 {
		return "", fmt.Errorf("verifying who hosts the Kind cluster %s: Kind lists no node", o.Name)
	}
	for _, node := range all {
		if host, err = hostOf(ctx, o.Endpoint, node.String()); err != nil {
			return host, fmt.Errorf("verifying that %s hosts the node %s: %w", o.Endpoint.Runtime, node, err)
		}
		if want := o.Endpoint.Runtime; host != want {
			return host, &InvalidError{Err: fmt.Errorf("the node %s runs in %s, although this trial is of %s; check which program the name %s leads to",
				node, host, want, want)}
		}
	}
	return host, nil
}

// hostOf returns the type of the engine that has the node.
func hostOf(ctx context.Context, engine runtimes.Endpoint, node string) (trial.Runtime, error) {
	var version struct{ Components []struct{ Name string } }
	err := errors.Join(ask(ctx, engine, "/version", &version), ask(ctx, engine, "/containers/"+url.PathEscape(node)+"/json", &struct{}{}))
	if err != nil {
		return "", err
	}
	for _, c := range version.Components {
		if strings.HasPrefix(c.Name, "Podman") {
			return trial.Podman, nil
		}
	}
	return trial.Docker, nil
}

// ask reads a path of the API that both engines have.
func ask(ctx context.Context, engine runtimes.Endpoint, path string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	text, err := engine.Ask(ctx, http.MethodGet, path)
	if err != nil {
		return fmt.Errorf("asking the engine at %s: %w", engine, err)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("reading what the engine at %s answers to %s: %w", engine, path, err)
	}
	return nil
}
