package detect

// Options are the choices of a check. Default has those that are simulated.
type Options struct {
	// Threshold is the practical one: changes of a measure by a smaller share
	// are not reported, however significant.
	Threshold float64
	// RateThreshold is the same for rates, as a difference.
	RateThreshold float64
	// Alarm is the error rate per night over the whole matrix of certain
	// changes for the worse, and again of those for the better. Suspicion is
	// that of suspicions, for the worse only.
	Alarm, Suspicion float64
	// Reference is the most nights that recent ones are compared with.
	Reference int
}

// Default are the shipped options.
var Default = Options{Threshold: 0.05, RateThreshold: 0.1, Alarm: 0.005, Suspicion: 0.15, Reference: 60}

func (o Options) check() error {
	switch {
	case !(o.Threshold > 0 && o.Threshold < 1) || !(o.RateThreshold > 0 && o.RateThreshold < 1):
		return invalid("thresholds of %v and %v are not between 0 and 1", o.Threshold, o.RateThreshold)
	case !(o.Alarm >= 1e-3 && o.Alarm <= o.Suspicion && o.Suspicion < 1):
		return invalid("error rates of %v and %v a night; 0.001 ≤ alarm ≤ suspicion < 1", o.Alarm, o.Suspicion)
	case o.Reference < fewestReference || o.Reference > 1000:
		return invalid("%d reference nights are not from %d to 1000", o.Reference, fewestReference)
	}
	return nil
}

// Shares of the error rates by what looks for a change.
const (
	alarmSteps, alarmDrifts, alarmRates = 0.6, 0.2, 0.2
	suspectSteps, suspectRates          = 1.0 / 3, 2.0 / 3
)

// Decisions are what was learned or decided outside the series.
type Decisions struct {
	Confirmations []Confirmation
	Restarts      []Restart
}

// Confirmation is the outcome of trials of both sides, run because something
// was said of a series in a night.
type Confirmation struct {
	Night, Series int
	// Confirmed is that they show the change. Excluded is that they show that
	// there is none which matters: that takes back a certain one too.
	Confirmed, Excluded bool
}

// Restart says that a series is compared with no night before this one: a
// change that was accepted. Series None is all of them.
type Restart struct{ Night, Series int }

// decide answers what trials of both sides showed of a finding: asked is false
// where nobody looked.
type decide func(night int, f Finding) (c Confirmation, asked bool)

func (d Decisions) decide(night int, f Finding) (c Confirmation, asked bool) {
	for _, c := range d.Confirmations {
		if c.Night == night && c.Series == f.Series {
			return c, true
		}
	}
	return c, false
}
