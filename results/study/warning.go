package study

// WarningKind says what is doubtful about a figure.
type WarningKind string

// The kinds of warning.
const (
	// SingleTrial: one trial shows what can happen, not how often or how long
	// it takes.
	SingleTrial WarningKind = "single-trial"
	// NotRun: the cell was planned, or refused, and has no measured trial.
	NotRun WarningKind = "not-run"
	// InvalidTrials: trials that stratbench could not measure.
	InvalidTrials WarningKind = "invalid-trials"
	// InjectedTrials: trials that were broken on purpose, and are left out.
	InjectedTrials WarningKind = "injected-trials"
	// Conditional: times are of successful trials only.
	Conditional WarningKind = "conditional"
	// Residue: something varied inside a cell that should not have.
	Residue WarningKind = "residue"
	// Ties: equal times, which measured ones should not be.
	Ties WarningKind = "ties"
	// HostBusy: the host was busy before these trials began.
	HostBusy WarningKind = "host-busy"
	// HostVaried: the reference workload took longer before some blocks of a run.
	HostVaried WarningKind = "host-varied"
	// HostFollowed: set-up times of blocks rose with the reference workload's.
	HostFollowed WarningKind = "host-followed"
	// StoppedEarly: a look at the trials decided how long the run was.
	StoppedEarly WarningKind = "stopped-early"
	// UnknownTimes: trials whose times were not recorded.
	UnknownTimes WarningKind = "unknown-times"
	// SimulatedTrials: no engine produced these trials.
	SimulatedTrials WarningKind = "simulated"
	// ImportedTrials: stratbench did not measure these trials.
	ImportedTrials WarningKind = "imported"
	// CutOffTrials: trials that a limit ended, known only to take longer.
	CutOffTrials WarningKind = "cut-off"
)

// Warning qualifies the figure that it is attached to.
type Warning struct {
	Kind WarningKind `json:"kind"`
	// Detail names what it is about: a field, a factor.
	Detail string `json:"detail,omitempty"`
	// Trials are those concerned, at most the first ten; Count is all.
	Trials []string `json:"trials,omitempty"`
	Count  int      `json:"count,omitempty"`
	// P is the p-value of the check.
	P *Value `json:"p,omitempty"`
	// Share is the size of what was found: 0.12 is 12 %.
	Share *Value `json:"share,omitempty"`
}

const mostNamed = 10

func about(kind WarningKind, trials []Observation) Warning {
	w := Warning{Kind: kind, Count: len(trials)}
	for i, o := range trials {
		if i == mostNamed {
			break
		}
		w.Trials = append(w.Trials, o.Record.Trial.ID)
	}
	return w
}

func withP(kind WarningKind, p float64) Warning {
	v := Value(p)
	return Warning{Kind: kind, P: &v}
}
