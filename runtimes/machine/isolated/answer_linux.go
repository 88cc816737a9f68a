package isolated

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// awaitAnswer waits until the engine answers. Both engines have Docker's ping.
func (m *Machine) awaitAnswer(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := m.WatchEndpoint().Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-m.exited:
			return fmt.Errorf("its engine ended before it answered: %s: %s", m.exit.Text, m.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("its engine does not answer: %w: %w: %s", context.Cause(ctx), err, m.lastWords())
		case <-tick.C:
		}
	}
}

// lastWords are the last lines of the engine's log.
func (m *Machine) lastWords() []byte {
	b, _ := m.Log(2000)
	return bytes.TrimSpace(b)
}
