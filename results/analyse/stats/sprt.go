package stats

import "math"

// SPRT is Wald's sequential test of one event rate: an acceptable one Low
// against an unacceptable one High. Alpha bounds the chance of deciding for
// High at a rate of Low or less, Beta that of deciding for Low at High.
//
// Wald, Annals of Mathematical Statistics 16 (1945) 117.
type SPRT struct{ Low, High, Alpha, Beta float64 }

// Verdict is what a sequential test has decided.
type Verdict int

// The verdicts.
const (
	Undecided Verdict = iota
	AcceptLow
	AcceptHigh
)

func (s SPRT) check() error {
	if !(s.Low > 0 && s.Low < s.High && s.High < 1) {
		return invalid("rates %v and %v", s.Low, s.High)
	}
	if !(s.Alpha > 0 && s.Beta > 0 && s.Alpha+s.Beta < 1) {
		return invalid("errors %v and %v", s.Alpha, s.Beta)
	}
	return nil
}

// Decide returns the verdict and the number of trials it took, all of them
// where they leave it undecided. events says of each trial in its order
// whether the event happened.
func (s SPRT) Decide(events []bool) (Verdict, int, error) {
	if err := s.check(); err != nil {
		return Undecided, 0, err
	}
	high, low := math.Log((1-s.Beta)/s.Alpha), math.Log(s.Beta/(1-s.Alpha))
	var sum float64
	for i, e := range events {
		if e {
			sum += math.Log(s.High / s.Low)
		} else {
			sum += math.Log1p(-s.High) - math.Log1p(-s.Low)
		}
		switch {
		case sum >= high:
			return AcceptHigh, i + 1, nil
		case sum <= low:
			return AcceptLow, i + 1, nil
		}
	}
	return Undecided, len(events), nil
}
