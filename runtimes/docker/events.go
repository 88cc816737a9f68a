package docker

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"github.com/stratbench/stratbench/runtimes"
)

// Events implements runtimes.Engine.
func (e *Engine) Events(ctx context.Context) (<-chan runtimes.Event, error) {
	wanted := filters.NewArgs(filters.Arg("type", "container"), filters.Arg("type", "image"))
	messages, errs := e.api.Events(ctx, events.ListOptions{Filters: wanted})
	select {
	case err := <-errs:
		return nil, fmt.Errorf("listening to the events of docker: %w", err)
	default:
	}
	out := make(chan runtimes.Event)
	go func() {
		defer close(out)
		for {
			select {
			case m := <-messages:
				select {
				case out <- event(m):
				case <-ctx.Done():
				}
			case <-errs:
				return
			}
		}
	}()
	return out, nil
}

// actions are the names that differ from those of runtimes.Event.
var actions = map[events.Action]string{
	events.ActionDestroy: "remove",
	events.ActionDelete:  "remove",
}

func event(m events.Message) runtimes.Event {
	action, ok := actions[m.Action]
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
		Attrs:  m.Actor.Attributes,
	}
}
