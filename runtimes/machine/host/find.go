// Package host drives the engine that the user runs already: found where the
// user's own tools find it, left as it is, never pruned and never restarted.
package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

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

// Restarting reports whether an engine is there and does not answer just now,
// as one that is starting: somebody listens, or left the socket behind.
func (e *NotFoundError) Restarting() bool {
	for _, err := range e.Tried {
		for _, sign := range []error{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF, context.DeadlineExceeded} {
			if errors.Is(err, sign) {
				return true
			}
		}
	}
	return false
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
func Find(ctx context.Context, runtime trial.Runtime) (runtimes.Endpoint, error) {
	set, err := configured(runtime)
	if err != nil {
		return runtimes.Endpoint{}, fmt.Errorf("finding the user's %s engine: %w", runtime, err)
	}
	candidates := []runtimes.Endpoint{set}
	if set.Address == "" {
		candidates = sockets(runtime)
	}
	missing := &NotFoundError{Runtime: runtime}
	for _, e := range candidates {
		err := answers(ctx, e)
		if err == nil {
			e.Native = native(ctx, e)
			return e, nil
		}
		if set.Address == "" && errors.Is(err, os.ErrNotExist) {
			continue
		}
		missing.Tried = append(missing.Tried, fmt.Errorf("%s, from %s: %w", e.Address, e.Source, err))
	}
	return runtimes.Endpoint{}, missing
}

// answerTime is how long an engine may take to answer while it is looked for.
const answerTime = 3 * time.Second

// answers pings the engine.
func answers(ctx context.Context, e runtimes.Endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return e.Ping(ctx)
}
