package run

import (
	"errors"
	"fmt"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// ErrAlike says that a run was stopped because all of it failed alike, and
// ErrNoneReady that it ended and no trial of it became ready. What was
// recorded is kept.
var (
	ErrAlike     = errors.New("everything failed alike")
	ErrNoneReady = errors.New("no trial became ready")
)

// leastAlike is how many trials must have failed alike before a run is
// stopped: one may have failed by chance.
const leastAlike = 2

// beginning follows the first trials of a run. When all of them fail in the
// same phase, of the same cause, what they have in common is at fault, and
// hours of further trials would tell no more.
type beginning struct {
	// over is true when a trial differed, or when the run is not watched.
	over   bool
	first  trial.Verdict
	failed int
}

// take adds a trial.
func (b *beginning) take(rec results.Record, injected bool) {
	v := rec.Verdict
	switch {
	case injected, v.Outcome == trial.RunnerFault: // which say nothing of the experiment
	case v.Outcome == trial.OK:
		b.over = true
	case b.failed == 0:
		b.first, b.failed = v, 1
	case v.Outcome == b.first.Outcome && v.Phase == b.first.Phase && v.Cause == b.first.Cause:
		b.failed++
	default:
		b.over = true
	}
}

// stop says why the run ends before trial i of the plan: all warm-ups, or all
// of the first block, have failed alike.
func (b *beginning) stop(trials []trial.Trial, i int) error {
	if b.over || b.failed < leastAlike || i == 0 {
		return nil
	}
	what := "the first block"
	switch before := trials[i-1]; {
	case before.WarmUp && !trials[i].WarmUp:
		what = "the warm-ups"
	case !before.WarmUp && trials[0].WarmUp && i == leastAlike:
		what = "the warm-up and the trial after it" // of one warm-up alone
	case before.Block == 1 && trials[i].Block == 2:
	default:
		return nil
	}
	cause := string(b.first.Outcome)
	if b.first.Cause != "" {
		cause += ", " + string(b.first.Cause)
	}
	said := b.first.Error
	if most := 300; len(said) > most {
		said = said[:most] + "…" // it may hold a command's whole output
	}
	return fmt.Errorf("%w: %s, %d trials, ended as %s in the phase %s, the first with: %s; mend that and start again, or continue as it is with --resume, or run with --keep-going",
		ErrAlike, what, b.failed, cause, b.first.Phase, said)
}

// noneReady is the error of a run that has trials, none of which became ready.
// Those that were broken on purpose do not count.
func (r *runner) noneReady() error {
	if r.counted == 0 || r.ready {
		return nil
	}
	return fmt.Errorf("%w, of %d; stratbench triage says of each why", ErrNoneReady, r.counted)
}

// count notes whether a recorded trial became ready.
func (r *runner) count(rec results.Record) {
	if rec.Kind != results.KindTrial || !measured(rec) || r.injected(rec.Trial) {
		return
	}
	r.counted++
	r.ready = r.ready || rec.Setup != nil
}

// injected is true of a trial that is to be broken on purpose.
func (r *runner) injected(t trial.Trial) bool {
	s, _, err := r.cell(t.Cell)
	return err == nil && s.Fault != "" && s.Fault != trial.NoFault
}
