package isolated

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stratbench/stratbench/runtimes/machine/store"
)

// MakeGolden makes the golden state with a key, unless it is there: it starts
// an engine without a limit, lets fill load into it what every trial finds
// there, ends the engine in peace and keeps what it left on disk. The state is
// there whole or not at all.
func MakeGolden(ctx context.Context, c GoldenConfig, fill func(context.Context, *Machine) error) error {
	if c.Store.Has(store.Golden(c.Key)) {
		return nil
	}
	m, err := Start(ctx, Config{Store: c.Store, From: store.Root(c.Root), Runtime: c.Runtime, Log: c.Log, Binds: c.Binds})
	if err != nil {
		return err
	}
	if err = fill(ctx, m); err != nil {
		err = fmt.Errorf("filling it: %w", err)
	} else {
		err = m.Keep(ctx, store.Golden(c.Key))
	}
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err = errors.Join(err, m.Close(cleanup)); err != nil {
		return fmt.Errorf("making the golden state %s of %s: %w", c.Key, c.Runtime, err)
	}
	return nil
}

// Keep ends the engine in peace and keeps what the machine has on its disk under
// a name in the store: whole or not at all. The machine is dead then, and still
// to be closed. Its workers must have been waited for.
func (m *Machine) Keep(ctx context.Context, name string) error {
	if err := m.Stop(ctx); err != nil {
		return err
	}
	// What is mounted in the machine must be let go of before it is copied.
	if err := m.kill(ctx); err != nil {
		return err
	}
	return m.config.Store.Snapshot(ctx, store.Live(m.id), name, true)
}
