package detect

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A step whose first nights are erratic: a short slope describes it better than
// a step does, but Theil and Sen's interval of that slope is from falling to
// rising. It is told as steps. (Of the seeds one for which that is so.)
func TestASlopeThatMayBeNoneIsNoDrift(t *testing.T) {
	random := rand.New(rand.NewPCG(26, 1))
	l := &line{Series: Series{Values: make([][]float64, 30)}, threshold: math.Log1p(Default.Threshold)}
	for night := range 30 {
		value := 0.02 * random.NormFloat64()
		switch {
		case night >= 20:
			value = 0.3 + 0.02*random.NormFloat64()
		case night >= 12:
			value = 0.3 + 0.12*random.NormFloat64()
		}
		l.nights, l.values = append(l.nights, night), append(l.values, value)
	}
	l.cut(999, rand.New(rand.NewPCG(1, 1)))
	l.adjusted = make([]float64, len(l.cuts))
	if len(l.cuts) == 0 {
		t.Fatal("no cut")
	}
	run := l.sameWay(0)
	_, end := l.bounds(run)
	if _, is := l.drift(0, run, 0, end); !is {
		t.Fatal("a slope does not describe it better: this asks nothing")
	}
	s := l.segmentation()
	for _, c := range s.Changes {
		if c.Until != None {
			t.Errorf("a drift by %.2f to %.2f", c.CI.Lower, c.CI.Upper)
		}
	}
	if len(s.Changes) != run || s.Changes[0].Ratio < 1.1 {
		t.Errorf("%d changes, want %d steps up: %+v", len(s.Changes), run, s.Changes)
	}
}
