package enginetest

import (
	"context"
	"testing"
	"time"

	"github.com/stratbench/stratbench/runtimes"
)

func (s suite) events(t *testing.T) {
	const name = "stratbench.local/enginetest/event:1"
	s.remove(t, name)
	ctx, cancel := context.WithCancel(within(t, time.Minute))
	defer cancel()
	events, err := s.Engine.Events(ctx)
	must(t, err)
	before := time.Now()
	must(t, s.Engine.Tag(ctx, baseImage, name))
	e := next(t, events, "tag")
	if e.Type != "image" || e.Name == "" {
		t.Errorf("tagging an image is the event %+v", e)
	}
	if late := e.At.Sub(before); late < -time.Second || late > 10*time.Second {
		t.Errorf("the event's moment is %s after what caused it", late)
	}
	cancel()
	for end := time.After(5 * time.Second); ; {
		select {
		case _, ok := <-events:
			if !ok {
				return
			}
		case <-end:
			t.Fatal("the events did not end with their context")
		}
	}
}

// next waits for an event of the action.
func next(t *testing.T, events <-chan runtimes.Event, action string) runtimes.Event {
	t.Helper()
	for end := time.After(10 * time.Second); ; {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatal("the events ended")
			}
			t.Logf("%+v", e)
			if e.Action == action {
				return e
			}
		case <-end:
			t.Fatalf("no event %q came", action)
		}
	}
}
