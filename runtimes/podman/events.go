package podman

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/containers/podman/v5/pkg/bindings/system"
	"github.com/containers/podman/v5/pkg/domain/entities/types"

	"github.com/stratbench/stratbench/runtimes"
)

// Events implements runtimes.Engine.
func (e *Engine) Events(ctx context.Context) (<-chan runtimes.Event, error) {
	options := new(system.EventsOptions).WithStream(true).
		WithFilters(map[string][]string{"type": {"container", "image"}})
	in := make(chan types.Event)
	if err := system.Events(e.call(ctx), in, nil, options); err != nil {
		return nil, fmt.Errorf("listening to the events of podman: %w", err)
	}
	out := make(chan runtimes.Event)
	go func() {
		defer close(out)
		// The bindings close in, and would wait for ever if it were not read.
		for m := range in {
			select {
			case out <- event(m):
			case <-ctx.Done():
			}
		}
	}()
	return out, nil
}

// actions are the names that differ from those of runtimes.Event.
var actions = map[string]string{"died": "die"}

func event(m types.Event) runtimes.Event {
	action, ok := actions[string(m.Action)]
	if !ok {
		action = string(m.Action)
	}
	name := m.Actor.Attributes["name"]
	if name == "" {
		name = m.Actor.ID
	}
	return runtimes.Event{
		At:     time.Unix(0, m.TimeNano),
		Type:   string(m.Type),
		Action: action,
		Name:   name,
		Attrs:  attributes(m.Actor.Attributes),
	}
}

// attributes leaves out those that do not apply, which Podman sends empty, and
// gives the exit code the name it has at Docker.
func attributes(in map[string]string) map[string]string {
	out := maps.Clone(in)
	maps.DeleteFunc(out, func(_, value string) bool { return value == "" })
	if code, ok := out["containerExitCode"]; ok {
		delete(out, "containerExitCode")
		out["exitCode"] = code
	}
	return out
}
