package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/runtimes"
	"github.com/stratbench/stratbench/runtimes/machine"
	"github.com/stratbench/stratbench/runtimes/machine/host"
)

// answerLimit is how long an engine may take to answer after it was started.
var answerLimit = time.Minute

// lost says whether an outcome leaves the engine behind in a state that must
// be recovered from.
func lost(o trial.Outcome) bool {
	switch o {
	case trial.EngineCrash, trial.EngineHang, trial.HostExhausted, trial.Storage:
		return true
	}
	return false
}

// recover takes a lost machine away and starts a fresh one, until its engine
// answers: what the loss costs is a span of the trial that caused it. The
// fresh machine is then closed, as every trial starts its own.
func (x *execution) recover(ctx context.Context, place place, m machine.Machine) {
	var last error
	for range lostInARow {
		var fresh machine.Machine
		last = x.within("recovery", func() (err error) {
			if err := x.r.awaitEngine(ctx, place); err != nil {
				return err
			}
			if err := x.close(m); err != nil {
				return err
			}
			fresh, err = x.fresh(ctx, place)
			return err
		})
		if fresh != nil {
			x.closed(fresh)
		}
		if last == nil || ctx.Err() != nil {
			return
		}
		if errors.Is(last, ErrUnrecovered) {
			x.r.unrecovered = last
			return
		}
	}
	x.r.unrecovered = fmt.Errorf("%w: %d attempts after %s failed, the last with: %w; %s", ErrUnrecovered, lostInARow, x.trial.ID, last, cure(place))
}

// awaitEngine waits for an engine of the user's that does not answer: it may
// be restarting, as it does when its package is upgraded.
func (r *runner) awaitEngine(ctx context.Context, p place) error {
	borrowed, ok := p.(*borrowedPlace)
	if !ok || borrowed.of != machine.Host {
		return nil
	}
	e := borrowed.engine
	err := ping(ctx, e)
	if err == nil || ctx.Err() != nil {
		return nil
	}
	r.report(Update{Note: fmt.Sprintf("%s at %s does not answer (%v); it may be restarting: waiting for it, up to %s", e.Runtime, e, err, answerLimit)})
	began := time.Now()
	if err := answers(ctx, e); ctx.Err() != nil {
		return context.Cause(ctx)
	} else if err != nil {
		return fmt.Errorf("%w: %w; %s", ErrUnrecovered, err, cure(p))
	}
	r.report(Update{Note: fmt.Sprintf("%s answers again, after %s", e.Runtime, time.Since(began).Round(time.Second/10))})
	return nil
}

// awaitFound waits for engines of the user's that are there and do not answer,
// before it is settled where the trials run.
func (r *runner) awaitFound(ctx context.Context) {
	for _, rt := range r.runtimes() {
		said := false
		for began := time.Now(); time.Since(began) < answerLimit && ctx.Err() == nil; time.Sleep(time.Second) {
			_, err := host.Find(ctx, rt)
			var missing *host.NotFoundError
			if !errors.As(err, &missing) || !missing.Restarting() {
				break
			}
			if !said {
				said = true
				r.report(Update{Note: fmt.Sprintf("%v; it may be restarting: waiting for it, up to %s", err, answerLimit)})
			}
		}
	}
}

// cure says what a user can do about an engine that does not come back.
func cure(p place) string {
	if p.kind() == machine.Host {
		return "the engine is your own: start it again (systemctl restart docker, or podman.socket), then continue with --resume"
	}
	return "see stratbench doctor and the engine's log beside the trial's, then continue with --resume"
}

// fresh starts a machine as the next trial will, and waits until its engine
// answers.
func (x *execution) fresh(ctx context.Context, place place) (machine.Machine, error) {
	dir, err := x.r.scratch.sub("recovery-" + x.trial.ID)
	if err != nil {
		return nil, err
	}
	m, err := place.start(ctx, x.settings, x.state(), x.trial.ID, filepath.Clean(dir))
	if err != nil {
		return nil, err
	}
	return m, answers(ctx, m.WatchEndpoint())
}

func answers(ctx context.Context, engine runtimes.Endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	for {
		err := ping(ctx, engine)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the engine does not answer within %s: %w", answerLimit, errors.Join(err, context.Cause(ctx)))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func ping(ctx context.Context, engine runtimes.Endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return engine.Ping(ctx)
}

// closed takes a machine down, and remembers what was left of it.
func (x *execution) closed(m machine.Machine) {
	if err := x.close(m); err != nil {
		x.r.unclean = append(x.r.unclean, err)
	}
}
