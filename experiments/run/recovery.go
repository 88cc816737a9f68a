package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/outcomes/probe"
	"github.com/stratbench/stratbench/runtimes/machine"
)

// answerLimit is how long an engine may take to answer after it was started.
const answerLimit = time.Minute

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
	}
	x.r.unrecovered = fmt.Errorf("%w: %d attempts after %s failed, the last with: %w; %s", ErrUnrecovered, lostInARow, x.trial.ID, last, cure(place))
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
	m, err := place.start(ctx, x.settings, x.trial.ID, filepath.Clean(dir))
	if err != nil {
		return nil, err
	}
	return m, answers(ctx, probe.Engine{Endpoint: m.WatchEndpoint()})
}

func answers(ctx context.Context, engine probe.Engine) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	for {
		asked, done := context.WithTimeout(ctx, 2*time.Second)
		err := engine.Ping(asked)
		done()
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

// closed takes a machine down, and remembers what was left of it.
func (x *execution) closed(m machine.Machine) {
	if err := x.close(m); err != nil {
		x.r.unclean = append(x.r.unclean, err)
	}
}
