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

// progress is what the trial has reported.
type progress struct {
	heard  time.Time
	phases map[trial.Phase]time.Time // those under way, with their start
	latest trial.Phase
}

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

// answers is when an API last answered, and how it has failed since then.
type answers struct {
	// last is when it last answered, err the error since then.
	last  time.Time
	err   error
	stuck spell // connections are refused
}

// quiet is how long the trial has reported nothing.
func (w *Watch) quiet(now time.Time) time.Duration { return now.Sub(w.progress.heard) }

// patience is d, or three quarters of a phase's limit on silence if that is less: the
// limit itself would end the trial without naming the reason.
func (w *Watch) patience(d time.Duration) time.Duration {
	for p := range w.progress.phases {
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
	w.progress.heard = time.Now()
}

// PhaseBegan records that a phase has begun.
func (w *Watch) PhaseBegan(p trial.Phase) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.progress.phases == nil {
		w.progress.phases = map[trial.Phase]time.Time{}
	}
	now := time.Now()
	w.progress.phases[p], w.progress.latest, w.progress.heard = now, p, now
}

// PhaseEnded records that a phase has ended. well is true if it succeeded.
func (w *Watch) PhaseEnded(p trial.Phase, well bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.progress.phases, p)
	w.progress.heard = time.Now()
	if p == trial.PhaseCluster && well {
		w.nodes.expected = true
	}
}

// Sample takes the newest reading of the machine, and finds thrashing in it.
func (w *Watch) Sample(s trial.Sample) {
	w.mu.Lock()
	now := time.Now()
	lasted := w.pressure.see(now, Pressed(s))
	quiet := w.quiet(now)
	phase, running := w.progress.latest, len(w.progress.phases) > 0
	long := w.patience(thrashingFor)
	from := w.pressure.from
	w.mu.Unlock()
	if running && lasted >= long && quiet >= long {
		w.found(Finding{State: trial.StateThrashing, Phase: phase, Since: w.since(from), Text: fmt.Sprintf("memory pressure full %.0f %%, above %d %% for %s, with no output for %s, at %s of memory",
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
	unanswered, err := now.Sub(w.api.last), w.api.err
	phase, running := w.progress.latest, len(w.progress.phases) > 0
	silent := running && err != nil && unanswered >= w.patience(w.config.APISilence) && w.quiet(now) >= w.patience(w.config.APISilence)
	thrashing := !w.pressure.from.IsZero()
	last := w.api.last
	overdue, why := w.overdue(now)
	w.mu.Unlock()
	// A machine that waits for memory answers late. Sample reports it as thrashing.
	if silent && !thrashing {
		w.found(Finding{State: trial.StateEngineSilent, Phase: phase, Since: w.since(last),
			Text: fmt.Sprintf("its process lives, and its API has not answered for %s: %v", unanswered.Round(time.Second), err)})
	}
	if overdue {
		w.found(Finding{State: trial.StateOverdue, Phase: phase, Text: why})
	}
}

// overdue reports whether the trial has gone past one of its limits, and which.
func (w *Watch) overdue(now time.Time) (bool, string) {
	for p, began := range w.progress.phases {
		limit, silence := w.config.Limits[p], w.config.Silence[p]
		switch {
		case limit > 0 && now.Sub(began) > limit+overdueBy:
			return true, string(p) + " goes on past its limit of " + limit.String()
		case silence > 0 && w.quiet(now) > silence+overdueBy:
			return true, "nothing was heard of " + string(p) + " for longer than its limit on silence, " + silence.String()
		}
	}
	return false, ""
}
