package detect

import (
	"slices"

	"github.com/stratbench/stratbench/results/stats"
)

// Kind is what sort of change was found.
type Kind int

// The kinds.
const (
	Step  Kind = iota // a measure changed from one night to the next
	Drift             // a measure creeps
	Rate              // bad trials became more or less frequent
	Host              // the host itself changed: most series with the reference
)

func (k Kind) String() string { return [...]string{"step", "drift", "rate", "host"}[k] }

// Certainty is how sure a finding is.
type Certainty int

// The certainties. Suspected ones are expected about once in nine nights and
// are no regression before something confirms them.
const (
	Refuted   Certainty = iota // trials of both sides showed nothing
	Suspected                  // worth trials of both sides the same night
	Certain                    // by the nights alone
	Confirmed                  // trials of both sides showed it
)

func (c Certainty) String() string {
	return [...]string{"refuted", "suspected", "certain", "confirmed"}[c]
}

// None stands for no series and no finding.
const None = -1

// Finding is one change.
type Finding struct {
	Kind      Kind
	Series    int // None for Host
	Better    bool
	Certainty Certainty
	Raised    int // night that first said so
	Settled   int // night in which it became more than suspected; None if never
	Since     int // first night after the change
	// P is adjusted for all series and for all windows looked at: that of the
	// night, for anything at all being found.
	P float64
	// Before and After are the typical values on the two sides (medians of
	// nights, or rates). Of a drift: where it began, and where it is.
	Before, After float64
	// Ratio of After to Before, with its 95 % interval; of a Rate the
	// interval is that of the difference of the rates.
	Ratio float64
	CI    stats.Interval
	// Together is the share of all measures that moved the same way in the
	// same nights: a change common to most is not of this cell alone.
	Together float64
	// Undoes is the earlier finding whose change this one took back to within
	// the practical threshold, and UndoneBy the reverse; else None.
	Undoes, UndoneBy int
}

// Regression reports whether the finding makes a night fail: for the worse,
// sure, and in the strategies rather than in the host.
func (f Finding) Regression() bool {
	return !f.Better && f.Certainty >= Certain && f.Kind != Host
}

// State is the verdict on one night.
type State int

// The states, the one that decides last.
const (
	NoData       State = iota // no series has a trial
	Unfit                     // marked so: not judged
	HostShifted               // the reference and most series moved: not judged
	Inconclusive              // too few nights for any alarm
	Quiet
	Improved
	Suspicious // something is suspected for the worse
	Regressed
)

func (s State) String() string {
	return [...]string{"no data", "unfit", "host shifted", "inconclusive", "quiet", "improved", "suspicious", "regressed"}[s]
}

// Judgement is what was to be said after a night, from it and those before.
type Judgement struct {
	State State
	// Needs is how many more fit nights it takes until a regression can be
	// certain; 0 where it can.
	Needs int
	// Worse and Better are the p-values of the night, for any series having
	// changed that way; 1 where not judged.
	Worse, Better float64
	// Findings are the indices of those raised or made surer this night.
	Findings []int
}

// Report is a history judged night by night.
type Report struct {
	Nights   []Judgement
	Findings []Finding // in the order of Raised
	// FalseAlarm and FalseSuspicion are on average how many fit nights pass
	// until the first of either in a host where nothing changes, as designed.
	FalseAlarm, FalseSuspicion float64
}

// counts is true for a night that series are cut by: one that was judged, or
// among the first of a host that stayed as it then was.
func (r Report) counts(t int) bool {
	return r.Nights[t].State >= Inconclusive || slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Kind == Host && f.Since <= t && t <= f.Raised && r.Nights[t].State == HostShifted
	})
}

// Open are the indices of the regressions that nothing has undone.
func (r Report) Open() (open []int) {
	for i, f := range r.Findings {
		if f.Regression() && f.UndoneBy == None {
			open = append(open, i)
		}
	}
	return open
}
