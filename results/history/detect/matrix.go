package detect

import (
	"errors"
	"fmt"
	"math"
)

// ErrInput is wrapped by every error of this package that the caller's numbers
// cause.
var ErrInput = errors.New("invalid history")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInput, fmt.Sprintf(format, args...))
}

// Matrix is every series of one host over the same nights, in their order.
type Matrix struct {
	Nights []Night
	Series []Series
}

// Night is one run of the experiment.
type Night struct {
	// Day counts days from any fixed one; it does not fall from a night to
	// the next. Nights need not be a day apart.
	Day int
	// Unfit nights stay in the series and are not used for judging: the host
	// was busy.
	Unfit bool
	// Reference is how long the fixed calibration workload took that night,
	// the median in seconds; 0 where it did not run.
	Reference float64
}

// Series is one metric of one cell: a measure, or a count of bad trials.
type Series struct {
	// Name is told in errors only.
	Name string
	// Primary series share half of the false alarms among them: the metric
	// that the reader cares about most, setup time as a rule. Without any the
	// series are all alike.
	Primary bool
	// Values has for each night the trials' values of a measure, positive and
	// in any one unit; empty where there are none. Nil for a count.
	Values [][]float64
	// Bad of Trials happened in each night. Nil for a measure.
	Bad, Trials []int
}

// IsCount reports whether the series is a count of bad trials.
func (s Series) IsCount() bool { return s.Values == nil }

func (m Matrix) check() error {
	for i, n := range m.Nights {
		if i > 0 && n.Day < m.Nights[i-1].Day {
			return invalid("night %d is of day %d, after one of day %d", i, n.Day, m.Nights[i-1].Day)
		}
		if !(n.Reference >= 0) || math.IsInf(n.Reference, 1) {
			return invalid("night %d has a reference of %v s", i, n.Reference)
		}
	}
	for i, s := range m.Series {
		if err := s.check(len(m.Nights)); err != nil {
			return fmt.Errorf("series %d (%s): %w", i, s.Name, err)
		}
	}
	return nil
}

func (s Series) check(nights int) error {
	if !s.IsCount() {
		return s.checkValues(nights)
	}
	if len(s.Bad) != nights || len(s.Trials) != nights {
		return invalid("%d and %d counts for %d nights", len(s.Bad), len(s.Trials), nights)
	}
	for i, bad := range s.Bad {
		if bad < 0 || bad > s.Trials[i] {
			return invalid("night %d: %d bad of %d trials", i, bad, s.Trials[i])
		}
	}
	return nil
}

func (s Series) checkValues(nights int) error {
	if len(s.Values) != nights || s.Bad != nil || s.Trials != nil {
		return invalid("%d nights of values and %d counts for %d nights", len(s.Values), len(s.Bad), nights)
	}
	for i, trials := range s.Values {
		for _, v := range trials {
			if !(v > 0) || math.IsInf(v, 1) {
				return invalid("night %d: value %v has no logarithm", i, v)
			}
		}
	}
	return nil
}
