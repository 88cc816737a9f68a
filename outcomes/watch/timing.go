package watch

import (
	"fmt"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// How often the watch looks, and how long a condition must last before it is a finding.
const (
	tick       = 500 * time.Millisecond
	pingEvery  = time.Second
	nodesEvery = 1500 * time.Millisecond
	// deadline is how long a single question may take.
	deadline = 2 * time.Second
	// stoppedFor is longer than a debugger stops a process.
	stoppedFor = 2 * time.Second
	// refusedFor is how long connections to a user's engine may be refused.
	refusedFor = 3 * time.Second
	// A slow build that prints nothing does not wait for memory as long as thrashingFor
	// with a share of its time as large as thrashingShare, in per cent.
	thrashingFor   = 30 * time.Second
	thrashingShare = 60
	// longestPatience is how long a silence may last where no limit is set.
	longestPatience = 2 * time.Minute
	// overdueBy is how long after a limit the trial may take to end by itself.
	overdueBy = 30 * time.Second
)

// spell is the time for which a condition has held without a break.
type spell struct{ from time.Time }

// see records whether the condition holds now, and returns how long it has held.
func (s *spell) see(now time.Time, so bool) time.Duration {
	switch {
	case !so:
		s.from = time.Time{}
		return 0
	case s.from.IsZero():
		s.from = now
	}
	return now.Sub(s.from)
}

// quiet is how long the trial has reported nothing.
func (w *Watch) quiet(now time.Time) time.Duration { return now.Sub(w.heard) }

// patience is d, or three quarters of a phase's limit on silence if that is less: the
// limit itself would end the trial without naming the reason.
func (w *Watch) patience(d time.Duration) time.Duration {
	for p := range w.phases {
		if limit := w.config.Silence[p] * 3 / 4; limit > 0 && limit < d {
			d = limit
		}
	}
	return d
}

// Heard records that the trial has reported something.
func (w *Watch) Heard() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = time.Now()
}

// PhaseBegan records that a phase has begun.
func (w *Watch) PhaseBegan(p trial.Phase) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.phases[p], w.latest, w.heard = now, p, now
}

// PhaseEnded records that a phase has ended. well is true if it succeeded.
func (w *Watch) PhaseEnded(p trial.Phase, well bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.phases, p)
	w.heard = time.Now()
	w.hasCluster = w.hasCluster || p == trial.PhaseCluster && well
}

// Sample takes the newest reading of the machine, and finds thrashing in it.
func (w *Watch) Sample(s trial.Sample) {
	w.mu.Lock()
	now := time.Now()
	lasted, quiet, long := w.pressure.see(now, Pressed(s)), w.quiet(now), w.patience(thrashingFor)
	running := len(w.phases) > 0
	w.mu.Unlock()
	if running && lasted >= long && quiet >= long {
		w.found(Finding{State: trial.StateThrashing, Text: fmt.Sprintf("memory pressure full %.0f %%, above %d %% for %s, with no output for %s, at %s of memory",
			s.Pressure.MemoryFull, thrashingShare, lasted.Round(time.Second), quiet.Round(time.Second), s.Memory)})
	}
}

// Pressed reports whether a machine does little but wait for memory.
func Pressed(s trial.Sample) bool { return s.Pressure.Known && s.Pressure.MemoryFull >= thrashingShare }

// judge finds what shows only after some time: an API that does not answer, and a trial
// past its limits.
func (w *Watch) judge() {
	w.mu.Lock()
	now := time.Now()
	unanswered, err, long := now.Sub(w.answered), w.apiError, w.patience(w.config.APISilence)
	// A machine that waits for memory answers late. Sample reports it as thrashing.
	thrashing := !w.pressure.from.IsZero()
	silent := len(w.phases) > 0 && err != nil && unanswered >= long && w.quiet(now) >= long && !thrashing
	overdue := w.overdue(now)
	w.mu.Unlock()
	if silent {
		w.found(Finding{State: trial.StateEngineSilent,
			Text: fmt.Sprintf("its process lives, and its API has not answered for %s: %v", unanswered.Round(time.Second), err)})
	}
	if overdue != "" {
		w.found(Finding{State: trial.StateOverdue, Text: overdue})
	}
}

// overdue is the limit that the trial has gone past, in words, or empty.
func (w *Watch) overdue(now time.Time) string {
	for p, began := range w.phases {
		limit, silence := w.config.Limits[p], w.config.Silence[p]
		switch {
		case limit > 0 && now.Sub(began) > limit+overdueBy:
			return string(p) + " goes on past its limit of " + limit.String()
		case silence > 0 && w.quiet(now) > silence+overdueBy:
			return "nothing was heard of " + string(p) + " for longer than its limit on silence, " + silence.String()
		}
	}
	return ""
}
