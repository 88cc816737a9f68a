// Package host drives the engine that the user runs already: found where the
// user's own tools find it, left as it is, never pruned and never restarted.
package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
)

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
		return runtimes.Endpoint{}, &SettingError{Runtime: runtime, Err: err}
	}
	candidates := []runtimes.Endpoint{set}
	if set.Address == "" {
		candidates = sockets(runtime)
	} else if _, err := set.Transport(); err != nil {
		return runtimes.Endpoint{}, &SettingError{Runtime: runtime, Err: fmt.Errorf("%s: %w", set.Source, err)}
	}
	missing := &NotFoundError{Runtime: runtime, Set: set.Source}
	for _, e := range candidates {
		err := answers(ctx, e)
		if err == nil {
			e.Native = native(ctx, e)
			return e, nil
		}
		if set.Address == "" && errors.Is(err, os.ErrNotExist) {
			continue
		}
		missing.Tried = append(missing.Tried, &UnreachableError{Runtime: runtime, Address: e.Address, Err: err})
	}
	return runtimes.Endpoint{}, missing
}

// answerTime is how long an engine may take to answer while it is looked for.
const answerTime = 3 * time.Second

// answers pings the engine, and makes sure that no other runtime's answers there.
func answers(ctx context.Context, e runtimes.Endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answering, err := e.Answering(ctx)
	if err == nil && answering != e.Runtime {
		return &otherEngineError{answering}
	}
	return err
}

// otherEngineError says that an engine of another runtime answers.
type otherEngineError struct{ answering trial.Runtime }

func (e *otherEngineError) Error() string { return string(e.answering) + " answers" }
