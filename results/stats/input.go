package stats

import (
	"errors"
	"fmt"
	"math"
)

// ErrInput is wrapped by every error of this package that the caller's
// numbers cause: too few, not finite, negative or out of range.
var ErrInput = errors.New("invalid statistical input")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInput, fmt.Sprintf(format, args...))
}

func checkConfidence(conf float64) error {
	if !(conf > 0 && conf < 1) {
		return invalid("confidence level %v is not between 0 and 1", conf)
	}
	return nil
}

func checkProbability(name string, p float64) error {
	if !(p >= 0 && p <= 1) {
		return invalid("%s %v is not a probability", name, p)
	}
	return nil
}

func checkLevel(name string, alpha float64) error {
	if !(alpha > 0 && alpha < 1) {
		return invalid("%s %v is not strictly between 0 and 1", name, alpha)
	}
	return nil
}

func checkFinite(name string, xs []float64) error {
	for i, x := range xs {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return invalid("%s[%d] is %v", name, i, x)
		}
	}
	return nil
}

// checkTimes accepts what a duration can be: finite and not negative.
func checkTimes(name string, xs []float64) error {
	for i, x := range xs {
		if !(x >= 0) || math.IsInf(x, 1) {
			return invalid("%s[%d] is %v", name, i, x)
		}
	}
	return nil
}
