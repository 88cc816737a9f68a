package run

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/stratbench/stratbench/experiments/spec"
	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// ErrAlike means that a run was stopped because all its trials failed alike, and
// ErrNoneReady that it ended without a trial that became ready. The records are
// kept.
var (
	ErrAlike     = errors.New("everything failed alike")
	ErrNoneReady = errors.New("no trial became ready")
)

// leastAlike is how many trials must fail alike before a run is stopped: one may
// fail by chance.
const leastAlike = 2

// beginning follows the first trials of a run. If all of them fail in the same
// phase and for the same cause, the cause is in what they share, and hours of
// further trials would show no more.
type beginning struct {
	// over is true once a trial differed, and in a run that is not watched.
	over   bool
	first  trial.Verdict
	failed int
}

func (b *beginning) take(v trial.Verdict) {
	switch {
	case v.Outcome == trial.RunnerFault: // not the experiment's doing
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

// stop is the error that ends the run before trial i of the plan, if all warm-ups
// or all trials of the first block have failed alike.
func (b *beginning) stop(trials []trial.Trial, i int) error {
	if b.over || b.failed < leastAlike || i == 0 {
		return nil
	}
	what := "the first block"
	switch before := trials[i-1]; {
	case before.WarmUp && !trials[i].WarmUp:
		what = "the warm-ups"
	case !before.WarmUp && trials[0].WarmUp && i == leastAlike:
		what = "the warm-up and the trial after it" // there is only one warm-up
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
	return fmt.Errorf("%w: %s, %d trials, ended as %s in the phase %s, the first with: %s; fix that and start again, continue as it is with --resume, or run with --keep-going",
		ErrAlike, what, b.failed, cause, b.first.Phase, said)
}

// noneReady is the error of a run whose trials all failed to become ready.
func (r *runner) noneReady() error {
	if r.counted == 0 || r.ready {
		return nil
	}
	return fmt.Errorf("%w, of %d; stratbench triage shows why for each", ErrNoneReady, r.counted)
}

// outOfBudget reports whether trial i begins a block that would not end in time.
func (r *runner) outOfBudget(i int) bool {
	trials := r.plan.Trials
	if r.budget == 0 || i > 0 && trials[i-1].Block == trials[i].Block {
		return false
	}
	block := mean(slices.Collect(maps.Values(r.referenced)))
	for _, t := range trials[i:] {
		if t.Block == trials[i].Block {
			block += r.expected(t.Cell)
		}
	}
	return time.Since(r.started)+block > r.budget
}

// expected is how long trials of the cell have taken so far in this run: the mean
// of its own, or else of all trials; 0 while nothing is known.
func (r *runner) expected(c trial.Cell) time.Duration {
	if own := r.took[c.Key()]; len(own) > 0 {
		return mean(own)
	}
	return mean(slices.Concat(slices.Collect(maps.Values(r.took))...))
}

func mean(ds []time.Duration) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	var sum time.Duration
	for _, d := range ds {
		sum += d
	}
	return sum / time.Duration(len(ds))
}

// left estimates how long the trials that remain take.
func (r *runner) left() (left time.Duration) {
	for _, t := range r.plan.Trials {
		if !r.done[t.ID] {
			left += r.expected(t.Cell)
		}
	}
	return left
}

// look is the interim analysis before a new block: whether the trials so far have
// answered the question, and which cells need not be run again. Only whole blocks
// are looked at.
func (r *runner) look(i int) (stop bool, err error) {
	trials := r.plan.Trials
	if r.spec.Design.Stop != spec.StopDecided || trials[i].Block < 2 || trials[i-1].Block == trials[i].Block {
		return false, nil
	}
	run, err := results.ReadRun(r.journal.Dir())
	if err != nil {
		return false, err
	}
	l, err := r.decide(run)
	if err != nil {
		return false, fmt.Errorf("deciding whether to go on: %w", err)
	}
	l.Block = trials[i].Block
	l.Retired = slices.DeleteFunc(l.Retired, r.retired)
	if !l.Stopped && len(l.Retired) == 0 {
		return false, nil
	}
	r.retire(l.Retired)
	if err := r.journal.WriteOnce(results.LookFile(l.Block), l); err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	if l.Stopped {
		r.report.note("stopped before block %d: %s", l.Block, l.Reason)
	}
	return l.Stopped, nil
}

// retired reports whether the cell has no trial left.
func (r *runner) retired(c trial.Cell) bool {
	return !slices.ContainsFunc(r.plan.Trials, func(t trial.Trial) bool { return t.Cell.Key() == c.Key() && !r.done[t.ID] })
}

// retire leaves out the trials that these cells have left.
func (r *runner) retire(cells []trial.Cell) {
	for _, c := range cells {
		r.report.note("[%s] is decided on and not run again", c)
		for _, t := range r.plan.Trials {
			if t.Cell.Key() == c.Key() {
				r.done[t.ID] = true
			}
		}
	}
}
