package detect

// Options are the choices of a check. Default has those that are simulated.
type Options struct {
	// Threshold is the practical one: smaller changes than this share of a
	// measure are not reported, however significant.
	Threshold float64
	// RateThreshold is the same for rates, as a difference.
	RateThreshold float64
	// Alarm and Suspicion are the error rates per night over the whole matrix
	// for the worse, and again as much for the better.
	Alarm, Suspicion float64
	// Reference is the most nights that recent ones are compared with.
	Reference int
}

// Default are the shipped options.
var Default = Options{Threshold: 0.05, RateThreshold: 0.1, Alarm: 0.005, Suspicion: 0.1, Reference: 60}

// Decisions are what was learned or decided outside the series.
type Decisions struct {
	Confirmations []Confirmation
	Restarts      []Restart
}

// Confirmation is the outcome of trials of both sides, run because a series
// was suspected in a night.
type Confirmation struct {
	Night, Series int
	Confirmed     bool
}

// Restart says that a series is compared with no night before this one: a
// change that was accepted. Series None is all of them.
type Restart struct{ Night, Series int }
