// Package host drives the engine that the user runs already: found where the
// user's own tools find it, left as it is, never pruned and never restarted.
package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// Engine is a user's engine.
type Engine struct {
	Runtime trial.Runtime
	// Endpoint is its address: "unix:///run/docker.sock", "ssh://…", "npipe://…".
	Endpoint string
	// Identity is the key of an address that begins with ssh.
	Identity string
	// Source tells where it was found: "DOCKER_HOST", "docker context colima".
	Source string
}

// Client is the variable by which the engine's own command finds it.
func (e Engine) Client() []string {
	if e.Runtime == trial.Docker {
		return []string{"DOCKER_HOST=" + e.Endpoint}
	}
	env := []string{"CONTAINER_HOST=" + e.Endpoint}
	if e.Identity != "" {
		env = append(env, "CONTAINER_SSHKEY="+e.Identity)
	}
	return env
}

// NotFoundError says that no engine of a runtime answers.
type NotFoundError struct {
	Runtime trial.Runtime
	// Tried are the places looked at, with what happened there.
	Tried []error
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no %s engine answers on this host (%s); start it, or name it in %s",
		e.Runtime, reasons(e.Tried), variable(e.Runtime))
}

func (e *NotFoundError) Unwrap() []error { return e.Tried }

func reasons(tried []error) string {
	if len(tried) == 0 {
		return "there is no socket of one"
	}
	texts := make([]string, len(tried))
	for i, err := range tried {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func variable(r trial.Runtime) string {
	if r == trial.Docker {
		return "DOCKER_HOST"
	}
	return "CONTAINER_HOST"
}

// Find finds the user's engine of a runtime and makes sure that it answers.
// What the user has set, in the environment or as a context or connection, is
// final: only without it are the usual sockets tried.
func Find(ctx context.Context, runtime trial.Runtime) (Engine, error) {
	set, err := configured(runtime)
	if err != nil {
		return Engine{}, fmt.Errorf("finding the user's %s engine: %w", runtime, err)
	}
	candidates := []Engine{set}
	if set.Endpoint == "" {
		candidates = sockets(runtime)
	}
	missing := &NotFoundError{Runtime: runtime}
	for _, e := range candidates {
		err := e.answers(ctx)
		if err == nil {
			return e, nil
		}
		if set.Endpoint == "" && errors.Is(err, os.ErrNotExist) {
			continue
		}
		missing.Tried = append(missing.Tried, fmt.Errorf("%s, from %s: %w", e.Endpoint, e.Source, err))
	}
	return Engine{}, missing
}

func configured(runtime trial.Runtime) (Engine, error) {
	if v := os.Getenv(variable(runtime)); v != "" {
		return Engine{Runtime: runtime, Endpoint: v, Identity: os.Getenv("CONTAINER_SSHKEY"), Source: variable(runtime)}, nil
	}
	if runtime == trial.Docker {
		return dockerContext()
	}
	return podmanConnection()
}

// answers pings the engine. Both engines have Docker's ping. Addresses that
// only the engine's client can reach are taken for answering if a connection
// to them can be made at all.
func (e Engine) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	scheme, address, ok := strings.Cut(e.Endpoint, "://")
	if !ok {
		return fmt.Errorf("%q is no address of an engine: it has no scheme, such as unix://", e.Endpoint)
	}
	switch scheme {
	case "unix":
		return ping(ctx, scheme, address)
	case "tcp", "http":
		return connect(ctx, "tcp", address)
	case "ssh":
		_, at, found := strings.Cut(address, "@")
		if !found {
			at = address
		}
		at, _, _ = strings.Cut(at, "/")
		if _, _, err := net.SplitHostPort(at); err != nil {
			at = net.JoinHostPort(at, "22")
		}
		return connect(ctx, "tcp", at)
	default: // npipe: its folder is a list of pipes
		_, err := os.Stat(strings.ReplaceAll(address, "/", `\`))
		return err
	}
}

func connect(ctx context.Context, network, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func ping(ctx context.Context, network, address string) error {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/_ping", nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", answer.Status)
	}
	return nil
}
