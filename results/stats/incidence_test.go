package stats

import (
	"errors"
	"math"
	"testing"
)

// group takes the next group off a reference case's arguments.
func group(v []float64) (times []float64, status []int, rest []float64) {
	n := int(v[0])
	for _, s := range v[1+n : 1+2*n] {
		status = append(status, int(s))
	}
	return v[1 : 1+n], status, v[1+2*n:]
}

func TestIncidenceAgainstR(t *testing.T) {
	checkReferences(t, "survival", 1e-6, map[string]func([]float64) ([]float64, error){
		"incidence":          incidenceCase(func(x IncidenceStep) float64 { return x.Incidence }),
		"incidence_se":       incidenceCase(func(x IncidenceStep) float64 { return x.StdErr }),
		"incidence_gray":     incidenceAt(9, func(x IncidenceStep) float64 { return x.Incidence }),
		"incidence_se_uncut": incidenceAt(0, func(x IncidenceStep) float64 { return x.StdErr }),
	})
}

func incidenceCase(value func(IncidenceStep) float64) func([]float64) ([]float64, error) {
	return func(v []float64) (out []float64, err error) {
		times, cause, rest := group(v)
		curves, err := CumulativeIncidence(times, cause, 3)
		if err != nil {
			return nil, err
		}
		for _, x := range curves[int(rest[0])-1] {
			out = append(out, value(x))
		}
		return out, nil
	}
}

func incidenceAt(t float64, value func(IncidenceStep) float64) func([]float64) ([]float64, error) {
	return func(v []float64) ([]float64, error) {
		times, cause, rest := group(v)
		curves, err := CumulativeIncidence(times, cause, 3)
		if err != nil {
			return nil, err
		}
		at := t
		if len(rest) > 1 {
			at = rest[1]
		}
		return []float64{value(stepAt(curves[int(rest[0])-1], at))}, nil
	}
}

// stepAt is the step that is in force at a time.
func stepAt(c Incidence, t float64) (step IncidenceStep) {
	for _, s := range c {
		if s.Time <= t {
			step = s
		}
	}
	return step
}

func TestIncidenceRefuses(t *testing.T) {
	for name, err := range map[string]error{
		"nothing":       second(CumulativeIncidence(nil, nil, 1)),
		"lengths":       second(CumulativeIncidence([]float64{1, 2}, []int{1}, 1)),
		"negative":      second(CumulativeIncidence([]float64{-1}, []int{1}, 1)),
		"NaN":           second(CumulativeIncidence([]float64{math.NaN()}, []int{1}, 1)),
		"cause unknown": second(CumulativeIncidence([]float64{1}, []int{3}, 2)),
		"no causes":     second(CumulativeIncidence([]float64{1}, []int{0}, 0)),
		"end at never":  second(CumulativeIncidence([]float64{math.Inf(1)}, []int{1}, 1)),
	} {
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
