package kindcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sigs.k8s.io/kind/pkg/cluster/nodes"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

// Host is the engine that hosts a node, and the node image as that engine knows it.
type Host struct {
	Runtime trial.Runtime
	ImageID string
}

// verify asks the engine under test itself for the nodes, because Kind uses whatever
// program is called docker or podman.
func (o Options) verify(ctx context.Context, all []nodes.Node) (Host, error) {
	if len(all) == 0 {
		return Host{}, fmt.Errorf("verifying who hosts the Kind cluster %s: Kind lists no node", o.Name)
	}
	host, err := Host{}, error(nil)
	for _, node := range all {
		if host, err = inspect(ctx, o.Endpoint, node.String()); err != nil {
			return host, fmt.Errorf("verifying that %s hosts the node %s: %w", o.Endpoint.Runtime, node, err)
		}
		if want := o.Endpoint.Runtime; host.Runtime != want {
			return host, &InvalidError{Err: fmt.Errorf("the node %s runs in %s, although this trial is of %s; check which program the name %s leads to",
				node, host.Runtime, want, want)}
		}
	}
	return host, nil
}

func inspect(ctx context.Context, engine runtimes.Endpoint, node string) (Host, error) {
	var version struct{ Components []struct{ Name string } }
	var container struct{ Image string }
	err := errors.Join(ask(ctx, engine, "/version", &version), ask(ctx, engine, "/containers/"+url.PathEscape(node)+"/json", &container))
	if err != nil {
		return Host{}, err
	}
	host := Host{Runtime: trial.Docker, ImageID: container.Image}
	for _, c := range version.Components {
		if strings.HasPrefix(c.Name, "Podman") {
			host.Runtime = trial.Podman
		}
	}
	if !strings.HasPrefix(host.ImageID, "sha256:") {
		host.ImageID = "sha256:" + host.ImageID
	}
	return host, nil
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
