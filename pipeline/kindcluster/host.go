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

// hostOf is what the engine that has the node is.
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
