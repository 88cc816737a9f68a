package stats

// Arm is one side of a comparison of rates: Events in Trials.
type Arm struct{ Events, Trials int }

func (a Arm) rate() float64 { return float64(a.Events) / float64(a.Trials) }

// Alternative is the direction a test looks in. Less means that the event is
// rarer (or the value smaller) in the first arm.
type Alternative int

// The directions of a test.
const (
	TwoSided Alternative = iota
	Less
	Greater
)

func checkArms(a, b Arm) error {
	if err := checkCount(a.Events, a.Trials); err != nil {
		return err
	}
	return checkCount(b.Events, b.Trials)
}

func checkAlternative(alt Alternative) error {
	if alt != TwoSided && alt != Less && alt != Greater {
		return invalid("alternative %d is not known", alt)
	}
	return nil
}
