package results

import "github.com/stratbench/stratbench/internal/trial"

// Standing is what a trial is to every analysis: only those that count are
// findings about the system under test.
type Standing int

// The standings, in the order in which they are decided: an injected warm-up
// is a warm-up.
const (
	// Counts: the trial was measured, and enters every figure.
	Counts Standing = iota
	// WarmUp: run and recorded, and never analysed.
	WarmUp
	// InjectedFault: something was broken on purpose. What came of it says how
	// well faults are told apart (stratbench faults), and nothing of the engines.
	InjectedFault
	// NotMeasured: stratbench could not measure it, or the user stopped it.
	NotMeasured
)

// StandingOf decides a trial's standing. Simulated and imported trials count
// as others do: a study of them says that it is one.
func StandingOf(warmUp, injected bool, o trial.Outcome) Standing {
	switch {
	case warmUp:
		return WarmUp
	case injected:
		return InjectedFault
	case o == trial.RunnerFault || o == trial.Cancelled:
		return NotMeasured
	}
	return Counts
}

// Standing is the record's standing as a trial.
func (r *Record) Standing() Standing {
	return StandingOf(r.Trial.WarmUp, r.Fault != nil, r.Verdict.Outcome)
}
