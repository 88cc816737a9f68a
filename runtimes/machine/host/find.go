// Package host finds the engine that the user already runs, in the same places as the user's
// own tools do. The engine is left as it is, never pruned and never restarted.
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

// Find finds the user's engine of a runtime and checks that it answers. If the user has named
// an engine, in the environment or as a context or connection, only that one is tried;
// otherwise the usual sockets are.
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

// answerTime is how long Find waits for an engine's answer. systemd starts a Podman only when
// somebody connects, and a loaded host starts it in seconds. It is a variable for the tests.
var answerTime = 10 * time.Second

// answers pings the engine and checks that it is one of the expected runtime.
func answers(ctx context.Context, e runtimes.Endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answering, err := e.Answering(ctx)
	if err == nil && answering != e.Runtime {
		return &otherEngineError{answering}
	}
	return err
}

// otherEngineError is the error if an engine of another runtime answers.
type otherEngineError struct{ answering trial.Runtime }

func (e *otherEngineError) Error() string { return string(e.answering) + " answers" }
