// Package probe asks one question of one thing, within a deadline: does the
// engine answer, do the nodes run, does the cluster's API server live. Each
// question goes over a connection of its own, so that nothing that hangs a
// client hangs the answer.
package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Engine asks an engine over its HTTP API, by the part of it that Docker and
// Podman have in common.
type Engine struct {
	client *http.Client
	// Endpoint is the engine's address as the runner reaches it.
	Endpoint string
}

// NewEngine returns a prober of the engine at an address such as
// unix:///run/docker.sock or tcp://127.0.0.1:2375. It connects with each
// question.
func NewEngine(endpoint string) *Engine {
	network, address, _ := strings.Cut(endpoint, "://")
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return &Engine{Endpoint: endpoint, client: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: dial,
	}}}
}

// Reachable says whether the engine can be asked at all: not every address is
// one that plain HTTP reaches.
func (e *Engine) Reachable() bool {
	network, _, _ := strings.Cut(e.Endpoint, "://")
	return network == "unix" || network == "tcp"
}

// Ping answers nil when the engine's API answers.
func (e *Engine) Ping(ctx context.Context) error {
	_, err := e.get(ctx, "/_ping")
	return err
}

// Node is a container that is a node of a Kind cluster.
type Node struct {
	ID   string
	Name string
	// State is the engine's word: running, exited, dead, paused.
	State string
	// Status is the engine's sentence: "Exited (137) 3 seconds ago".
	Status string
	// APIPort is where the machine publishes the node's Kubernetes API, or 0.
	APIPort int
}

// Running says whether the node runs.
func (n Node) Running() bool { return n.State == "running" }

// kubernetesPort is where a node serves the Kubernetes API, inside.
const kubernetesPort = 6443

// Nodes lists the nodes of the Kind cluster of that name, also those that run
// no more.
func (e *Engine) Nodes(ctx context.Context, cluster string) ([]Node, error) {
	filter, err := json.Marshal(map[string][]string{"label": {"io.x-k8s.kind.cluster=" + cluster}})
	if err != nil {
		return nil, err
	}
	text, err := e.get(ctx, "/v1.40/containers/json?all=true&filters="+url.QueryEscape(string(filter)))
	if err != nil {
		return nil, err
	}
	var listed []struct {
		ID     string `json:"Id"`
		Names  []string
		State  string
		Status string
		Ports  []struct{ PrivatePort, PublicPort int }
	}
	if err := json.Unmarshal(text, &listed); err != nil {
		return nil, fmt.Errorf("reading the engine's list of containers: %w", err)
	}
	nodes := make([]Node, len(listed))
	for i, c := range listed {
		nodes[i] = Node{ID: c.ID, Name: strings.TrimPrefix(strings.Join(c.Names, ","), "/"), State: c.State, Status: c.Status}
		for _, p := range c.Ports {
			if p.PrivatePort == kubernetesPort {
				nodes[i].APIPort = p.PublicPort
			}
		}
	}
	return nodes, nil
}

// longestAnswer bounds what is read of an answer.
const longestAnswer = 4 << 20

func (e *Engine) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine"+path, nil)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	answer, err := e.client.Do(request)
	if err != nil {
		return nil, unanswered(ctx, began, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, longestAnswer))
	if err != nil {
		return nil, unanswered(ctx, began, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the engine answers %s to %s: %.200s", answer.Status, path, text)
	}
	return text, nil
}

// unanswered says how long was waited in vain: a question that hangs is an
// answer, too.
func unanswered(ctx context.Context, began time.Time, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("no answer within %s: %w", time.Since(began).Round(100*time.Millisecond), context.Cause(ctx))
}
