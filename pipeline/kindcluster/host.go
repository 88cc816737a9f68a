package kindcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"sigs.k8s.io/kind/pkg/cluster/nodes"

	"github.com/stratbench/stratbench/internal/trial"
)

// Host is the engine that hosts a node, and the node image as that engine
// knows it.
type Host struct {
	Runtime   trial.Runtime `json:"runtime"`
	Container string        `json:"container"`
	ImageID   string        `json:"image_id"`
}

// MismatchError says that a node runs in another engine than the one that was
// asked for: the trial would measure the wrong thing.
type MismatchError struct {
	Node       string
	Want, Host trial.Runtime
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("the node %s runs in %s, although this trial is of %s; check which program the name %s leads to",
		e.Node, e.Host, e.Want, e.Want)
}

// verify asks the engine under test itself for the nodes: Kind works through
// whatever answers to the name docker or podman.
func (o Options) verify(ctx context.Context, all []nodes.Node) (Host, error) {
	if len(all) == 0 {
		return Host{}, fmt.Errorf("verifying who hosts the Kind cluster %s: Kind lists no node", o.Name)
	}
	host, err := Host{}, error(nil)
	for _, node := range all {
		if host, err = inspect(ctx, o.ask(), node.String()); err != nil {
			return host, fmt.Errorf("verifying that %s hosts the node %s: %w", o.Runtime, node, err)
		}
		if host.Runtime != o.Runtime {
			return host, &MismatchError{Node: node.String(), Want: o.Runtime, Host: host.Runtime}
		}
	}
	return host, nil
}

// asker fetches a path of the API that both engines offer.
type asker func(ctx context.Context, path string, answer any) error

func inspect(ctx context.Context, ask asker, node string) (Host, error) {
	var version struct{ Components []struct{ Name string } }
	var container struct{ ID, Image string }
	err := errors.Join(ask(ctx, "/version", &version), ask(ctx, "/containers/"+url.PathEscape(node)+"/json", &container))
	if err != nil {
		return Host{}, err
	}
	host := Host{Runtime: trial.Docker, Container: container.ID, ImageID: container.Image}
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

// ask returns how to reach the engine: at its endpoint, or through its CLI
// where the endpoint takes more than a connection (ssh, TLS).
func (o Options) ask() asker {
	scheme, address, _ := strings.Cut(o.Endpoint, "://")
	switch scheme {
	case "unix":
		return askAPI("unix", address)
	case "tcp", "http":
		return askAPI("tcp", strings.TrimSuffix(address, "/"))
	}
	return askCLI(string(o.Runtime))
}

func askAPI(network, address string) asker {
	client := &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}},
	}
	return func(ctx context.Context, path string, answer any) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine"+path, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return fmt.Errorf("asking the engine at %s: %w", address, err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("asking the engine at %s for %s: it answered %s", address, path, response.Status)
		}
		if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
			return fmt.Errorf("reading what the engine at %s says of %s: %w", address, path, err)
		}
		return nil
	}
}

// askCLI answers the two questions from the CLI's own output, which carries
// the same fields.
func askCLI(program string) asker {
	return func(ctx context.Context, path string, answer any) error {
		args := []string{"version", "--format", "{{json .Server}}"}
		if name, ok := strings.CutPrefix(path, "/containers/"); ok {
			args = []string{"inspect", "--type=container", "--format", "{{json .}}", strings.TrimSuffix(name, "/json")}
		}
		out, err := exec.CommandContext(ctx, program, args...).Output()
		if err != nil {
			return fmt.Errorf("running %s %s: %w", program, args[0], err)
		}
		if path == "/version" {
			out = named(out)
		}
		return json.Unmarshal(out, answer)
	}
}

// named gives an engine a name that its CLI does not: Docker's CLI lists the
// components of the server, Podman's lists none, under whatever name it runs.
func named(version []byte) []byte {
	if strings.Contains(string(version), "Components") {
		return version
	}
	return []byte(`{"Components":[{"Name":"Podman Engine"}]}`)
}
