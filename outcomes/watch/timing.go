package watch

import (
	"time"

	"github.com/stratbench/stratbench/internal/trial"
)

// How often the watch looks, and how long something must last before it is
// called what it is.
const (
	tick       = 500 * time.Millisecond
	pingEvery  = time.Second
	nodesEvery = 1500 * time.Millisecond
	// deadline is how long a single question may take.
	deadline = 2 * time.Second
	// stoppedFor keeps a debugger's short stop from being a finding.
	stoppedFor = 2 * time.Second
	// refusedFor is how long nobody may listen at a user's engine's address.
	refusedFor = 3 * time.Second
	// thrashingFor and thrashingShare are what a slow build never shows
	// together with silence.
	thrashingFor   = 30 * time.Second
	thrashingShare = 60
	// longestPatience is how long a silence may be before it is looked into
	// where no limit is set.
	longestPatience = 2 * time.Minute
	// overdueBy is how long the trial may take to end itself at a limit.
	overdueBy = 30 * time.Second
)

// progress is what the trial told of itself.
type progress struct {
	heard  time.Time
	phases map[trial.Phase]time.Time // those under way, with their start
	latest trial.Phase
}

// spell is how long something has been so without a break.
type spell struct{ from time.Time }

// see takes one look, and returns for how long it has been so.
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

// answers is how an API has been answering.
type answers struct {
	// last is when it last answered, err what it said since.
	last  time.Time
	err   error
	stuck spell // nobody listens
}

// quiet is for how long nothing was heard.
func (w *Watch) quiet(now time.Time) time.Duration { return now.Sub(w.progress.heard) }

// patience is how long a phase's silence may last before something that does
// not answer is called dead: less than the phase's own limit, which would
// otherwise end the trial without a reason.
func (w *Watch) patience(d time.Duration) time.Duration {
	for p := range w.progress.phases {
		if limit := w.config.Silence[p] * 3 / 4; limit > 0 && limit < d {
			d = limit
		}
	}
	return d
}

// Heard notes that the trial said something.
func (w *Watch) Heard() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.progress.heard = time.Now()
}

// PhaseBegan and PhaseEnded note where the trial is.
func (w *Watch) PhaseBegan(p trial.Phase) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.progress.phases == nil {
		w.progress.phases = map[trial.Phase]time.Time{}
	}
	now := time.Now()
	w.progress.phases[p], w.progress.latest, w.progress.heard = now, p, now
}

// PhaseEnded notes that a phase is over; well says that it came to a good end.
func (w *Watch) PhaseEnded(p trial.Phase, well bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.progress.phases, p)
	w.progress.heard = time.Now()
	if p == trial.PhaseCluster && well {
		w.nodes.expected = true
	}
}

// Sample takes in what the machine was doing just now.
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
		w.found(Finding{State: trial.StateThrashing, Phase: phase, Since: w.since(from), Text: thrashingText(s, lasted, quiet)})
	}
}

// Pressed says whether a machine does little but wait for memory.
func Pressed(s trial.Sample) bool { return s.Pressure.Known && s.Pressure.MemoryFull >= thrashingShare }

// judge looks at what only time can tell.
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
	// A machine that waits for memory answers late. Which of the two it is, the
	// pressure decides, and its time comes first.
	if silent && !thrashing {
		w.found(Finding{State: trial.StateEngineSilent, Phase: phase, Since: w.since(last), Text: silentText(unanswered, err)})
	}
	if overdue {
		w.found(Finding{State: trial.StateOverdue, Phase: phase, Text: why})
	}
}

// overdue says whether the trial should have ended itself long ago.
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
