// Package probe asks one question of one thing, within the deadline of its context: which
// nodes there are, whether the API server lives, what a process does. Each goes over a
// connection of its own, so that nothing that hangs a client hangs the answer.
package probe

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stratbench/stratbench/runtimes"
)

// Node is a container that is a node of a Kind cluster, as the engine lists it.
type Node struct {
	ID    string `json:"Id"`
	Names []string
	// State is the engine's word: running, exited, dead, paused.
	State string
	// Status is the engine's sentence: "Exited (137) 3 seconds ago".
	Status string
	Ports  []struct{ PrivatePort, PublicPort int }
	Mounts []struct{ Name string }
}

// Name is the name of the node's container.
func (n Node) Name() string { return strings.TrimPrefix(strings.Join(n.Names, ","), "/") }

// nameless matches the names that engines give to volumes which nobody has named.
var nameless = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Volumes are the node's own: those that nobody has named.
func (n Node) Volumes() (names []string) {
	for _, m := range n.Mounts {
		if nameless.MatchString(m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// Running reports whether the node runs.
func (n Node) Running() bool { return n.State == "running" }

// Killed reports whether the node was ended from outside, by SIGINT, SIGKILL or SIGTERM.
func (n Node) Killed() bool {
	return slices.ContainsFunc([]string{"130", "137", "143"}, func(code string) bool { return strings.HasPrefix(n.Status, "Exited ("+code+")") })
}

// APIPort is where the machine publishes the Kubernetes API of a node that runs, or 0.
func (n Node) APIPort() (port int) {
	for _, p := range n.Ports {
		if p.PrivatePort == 6443 && n.Running() {
			port = p.PublicPort
		}
	}
	return port
}

// Nodes lists the nodes of the Kind cluster of that name, also those that run
// no more, by the part of the HTTP API that Docker and Podman have in common.
func Nodes(ctx context.Context, engine runtimes.Endpoint, cluster string) ([]Node, error) {
	filter, _ := json.Marshal(map[string][]string{"label": {"io.x-k8s.kind.cluster=" + cluster}}) // never fails
	text, err := engine.Ask(ctx, http.MethodGet, "/containers/json?all=true&filters="+url.QueryEscape(string(filter)))
	if err != nil {
		return nil, err
	}
	var nodes []Node
	if err := json.Unmarshal(text, &nodes); err != nil {
		return nil, fmt.Errorf("reading the engine's list of containers: %w", err)
	}
	return nodes, nil
}

// Live returns nil if the API server that a machine publishes at a port of its own
// loopback address is live. It needs no credentials; dial connects to an address as it is
// seen inside the machine.
func Live(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), port int) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/livez", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{
		DialContext: dial, DisableKeepAlives: true,
		// The question is whether the server answers, not who it is: its certificate is the cluster's own.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	began := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		return runtimes.Unanswered(ctx, began, err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 2000))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the API server answers %s: %.200s", answer.Status, text)
	}
	return nil
}
