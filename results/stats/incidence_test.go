package stats

import "testing"

func TestIncidenceAgainstR(t *testing.T) {
	checkReferences(t, "survival", 1e-6, map[string]func([]float64) []float64{
		"incidence": func(v []float64) (out []float64) {
			for _, x := range incidenceCase(v) {
				out = append(out, x.Incidence)
			}
			return out
		},
		"incidence_gray": func(v []float64) []float64 {
			share := 0.0
			for _, x := range incidenceCase(v) {
				if x.Time <= 9 {
					share = x.Incidence
				}
			}
			return []float64{share}
		},
	})
}

// incidenceCase takes a reference case's arguments: their number, the times, the
// causes (0 is cut off), and the cause in question.
func incidenceCase(v []float64) []Step {
	n := int(v[0])
	ends := make([]End, n)
	for i, cause := range v[1+n : 1+2*n] {
		switch cause {
		case 0:
			ends[i] = CutOff
		case v[1+2*n]:
			ends[i] = ThisWay
		default:
			ends[i] = AnotherWay
		}
	}
	return Incidence(v[1:1+n], ends)
}

func TestIncidenceOfNothing(t *testing.T) {
	if curve := Incidence(nil, nil); curve != nil {
		t.Errorf("no trial has a curve: %v", curve)
	}
}
