// Package detect finds changes in the nightly series of one host: which cell's
// setup time, phase, memory, crash rate or failed tests changed, in which
// night, how, by how much, and how sure that is.
//
// It is pure: numbers in, findings out; no clock, no I/O, no global random
// source. A verdict on a night rests on that night and those before it only, so
// a history that is judged again gets the same verdict on each of its nights. Looking back,
// a whole series is cut into segments (segments.go).
package detect

import "github.com/stratbench/stratbench/results/stats"

// Matrix is every series of one host over the same nights, in their order.
type Matrix struct {
	Nights []Night
	Series []Series
}

// Night is one run of the experiment.
type Night struct {
	// Unfit nights stay in the series and are not judged by: the host was busy.
	Unfit bool
	// Reference is how long the fixed calibration workload took that night,
	// the median in seconds; 0 where it did not run.
	Reference float64
}

// Series is one metric of one cell: a measure, or a count of bad trials.
type Series struct {
	// Metric is what is measured, in any words: cells are taken to vary alike in it.
	Metric string
	// Primary series share half of the false alarms: the metric that the reader
	// cares about most, setup time as a rule. If none is primary, all are alike.
	Primary bool
	// Values has for each night the trials' values of a measure, positive and
	// in any one unit; empty where there are none. Nil for a count.
	Values [][]float64
	// Bad of Trials happened in each night. Nil for a measure.
	Bad, Trials []int
}

// IsCount reports whether the series is a count of bad trials.
func (s Series) IsCount() bool { return s.Values == nil }

// has reports whether the series has a figure in a night.
func (s Series) has(night int) bool {
	return s.IsCount() && s.Trials[night] > 0 || !s.IsCount() && len(s.Values[night]) > 0
}

// count adds up what happened in some nights.
func (s Series) count(nights []int) (a stats.Arm) {
	for _, t := range nights {
		a.Events += s.Bad[t]
		a.Trials += s.Trials[t]
	}
	return a
}

const (
	// DefaultThreshold is the smallest share by which a measure must change to be
	// reported, unless the user names another.
	DefaultThreshold = 0.05
	// RateThreshold is the smallest difference of rates that is reported.
	RateThreshold = 0.1
	// reference is the most nights that recent ones are compared with.
	reference = 60
)

// The error rates per night, over the whole matrix: alarm is that of certain
// changes for the worse, and again of certain ones for the better; suspicion is
// that of suspicions, which are for the worse only.
var alarm, suspicion = 0.005, 0.15

// Shares of the error rates by what looks for a change.
const (
	alarmSteps, alarmDrifts, alarmRates = 0.6, 0.2, 0.2
	suspectSteps, suspectRates          = 1.0 / 3, 2.0 / 3
)

// Restart is a night from which a series is compared with none before: a change
// that was accepted. Series None is all of them.
type Restart struct{ Night, Series int }

// Decide returns what trials of both sides, run because of finding f in a night,
// showed; asked is false where nobody ran any.
type Decide func(night int, f Finding) (c Confirmation, asked bool)

// Confirmation is the outcome of trials of both sides: they show the change, exclude one that
// matters, or neither. What they exclude is withdrawn even if it was certain.
type Confirmation struct{ Confirmed, Excluded bool }

// Kind is what sort of change was found.
type Kind string

// The kinds.
const (
	Step  Kind = "step"  // a measure changed from one night to the next
	Drift Kind = "drift" // a measure creeps
	Rate  Kind = "rate"  // bad trials became more or less frequent
	Host  Kind = "host"  // the host itself changed: most series with the reference
)

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

// None stands for no series and no night.
const None = -1

// Finding is one change.
type Finding struct {
	Kind      Kind
	Series    int // None for Host
	Better    bool
	Certainty Certainty
	Raised    int // night that first showed it
	Settled   int // night in which it became more than suspected; None if never
	Since     int // first night after the change
	// P is that of anything being found in the night: adjusted for all series and windows.
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
	// Undone is set when a later change took this one back to within the threshold.
	Undone bool
}

// confidence of the intervals of findings.
const confidence = 0.95

// Regression reports whether the finding makes a night fail: for the worse,
// sure, and in the strategies rather than in the host.
func (f Finding) Regression() bool {
	return !f.Better && f.Certainty >= Certain && f.Kind != Host
}

// Open reports whether the finding is a regression that nothing has undone.
func (f Finding) Open() bool { return f.Regression() && !f.Undone }

// State is what was done with one night.
type State int

// The states. Only a judged night can have findings about series.
const (
	NoData      State = iota // no series has a trial
	Unfit                    // marked so: not judged
	HostShifted              // the reference and most series moved: not judged
	Judged
)

// Judgement is the verdict on a night, from it and those before.
type Judgement struct {
	State State
	// Needs is how many more fit nights it takes until a regression can be certain.
	Needs int
	// Findings are the indices of those raised or made surer this night.
	Findings []int
}

// Report is a history judged night by night.
type Report struct {
	Nights   []Judgement
	Findings []Finding // in the order of Raised
	// Judged are the nights that series are cut by: those that were judged, and the
	// first of a host that stayed as it then was.
	Judged []int
	Odds
}

// Odds are what an alarm is worth on this host, as of the last night judged.
type Odds struct {
	// FalseAlarm is how many quiet nights pass, on average and as designed, until
	// the check is wrong once, over all series together.
	FalseAlarm stats.Value `json:"nights_to_a_false_alarm"`
	// Correlation is that of a night's set-up times with those of the night
	// before, AfterAWeek with those of the night a week before, and Wider the
	// factor by which the mean of five nights has to differ more for it than among
	// independent nights.
	Correlation stats.Value `json:"correlation_with_the_night_before"`
	AfterAWeek  stats.Value `json:"correlation_with_a_week_before"`
	Wider       stats.Value `json:"five_nights_must_differ_more_by"`
}
