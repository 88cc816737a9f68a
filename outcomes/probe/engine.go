// Package probe asks one question of one thing, within a deadline: does the
// engine answer, do the nodes run, does the cluster's API server live. Each
// question goes over a connection of its own, so that nothing that hangs a
// client hangs the answer.
package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/stratbench/stratbench/runtimes"
)

// Engine asks an engine over its HTTP API, by the part of it that Docker and
// Podman have in common. It connects with each question.
type Engine struct {
	// Endpoint is the engine's as the runner reaches it.
	Endpoint runtimes.Endpoint
}

// Ping answers nil when the engine's API answers.
func (e Engine) Ping(ctx context.Context) error {
	return e.Endpoint.Ping(ctx)
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
func (e Engine) Nodes(ctx context.Context, cluster string) ([]Node, error) {
	filter, err := json.Marshal(map[string][]string{"label": {"io.x-k8s.kind.cluster=" + cluster}})
	if err != nil {
		return nil, err
	}
	text, err := e.Endpoint.Ask(ctx, http.MethodGet, "/v1.40/containers/json?all=true&filters="+url.QueryEscape(string(filter)))
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
