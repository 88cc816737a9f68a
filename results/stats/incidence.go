package stats

import (
	"cmp"
	"math"
	"slices"
)

// Incidence is the cumulative incidence of one way to end: the share of
// trials that ended in this way by each time.
type Incidence []IncidenceStep

// IncidenceStep is the curve from Time on.
type IncidenceStep struct {
	Time      float64
	AtRisk    int
	Events    int // ends of this way at Time
	Incidence float64
	StdErr    float64
}

// CumulativeIncidence estimates a curve for each way in which a trial may
// end, each in the presence of the others: ready, and every class of crash.
// cause has 0 for a trial cut off at its time and 1 to causes otherwise;
// element c−1 of the result is cause c. All curves have the same times.
//
// Aalen & Johansen, Scandinavian Journal of Statistics 5 (1978) 141. Standard
// errors by the delta method: Marubini & Valsecchi, Analysing Survival Data
// (1995) §10.4.
func CumulativeIncidence(times []float64, cause []int, causes int) ([]Incidence, error) {
	if err := checkCauses(times, cause, causes); err != nil {
		return nil, err
	}
	all := moments(times, cause, causes)
	curves := make([]Incidence, causes)
	for c := range curves {
		curves[c] = incidence(all, c+1)
	}
	return curves, nil
}

func checkCauses(times []float64, cause []int, causes int) error {
	if len(times) == 0 || len(times) != len(cause) || causes < 1 {
		return invalid("%d times, %d ends, %d kinds of end", len(times), len(cause), causes)
	}
	for i, c := range cause {
		if c < 0 || c > causes {
			return invalid("cause[%d] is %d", i, c)
		}
	}
	return checkTimes("times", times)
}

func incidence(all []moment, cause int) Incidence {
	var curve Incidence
	survival, sum := 1.0, 0.0
	v := incidenceVariance{}
	for _, m := range all {
		n, mine := float64(m.atRisk), float64(m.events[cause])
		ended := 0.0
		for _, d := range m.events[1:] {
			ended += float64(d)
		}
		sum += survival * mine / n
		v.add(n, ended, mine, survival, sum)
		survival *= 1 - ended/n
		curve = append(curve, IncidenceStep{m.time, m.atRisk, m.events[cause], sum, math.Sqrt(max(0, v.at(sum)))})
	}
	return curve
}

// incidenceVariance keeps the sums of the delta-method variance of F(t),
// Σ (F(t)−Fⱼ)² dⱼ/(nⱼ(nⱼ−dⱼ)) + Σ Sⱼ² cⱼ(nⱼ−cⱼ)/nⱼ³ − 2 Σ (F(t)−Fⱼ) Sⱼ cⱼ/nⱼ²,
// by powers of F(t): a pass instead of one a time.
type incidenceVariance struct{ square, linear, constant float64 }

func (v *incidenceVariance) add(n, ended, mine, survival, sum float64) {
	if n > ended {
		w := ended / (n * (n - ended))
		v.square += w
		v.linear -= 2 * sum * w
		v.constant += sum * sum * w
	}
	v.constant += survival * survival * mine * (n - mine) / (n * n * n)
	w := survival * mine / (n * n)
	v.linear -= 2 * w
	v.constant += 2 * sum * w
}

func (v incidenceVariance) at(sum float64) float64 {
	return v.square*sum*sum + v.linear*sum + v.constant
}

// moment is one distinct time: who was still under observation before it, and
// how many left at it, by reason.
type moment struct {
	time   float64
	atRisk int
	events []int // 0 is cut off
}

func moments(times []float64, reason []int, reasons int) (all []moment) {
	order := make([]int, len(times))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(times[i], times[j]) })
	for at, i := range order {
		if len(all) == 0 || all[len(all)-1].time != times[i] {
			all = append(all, moment{times[i], len(times) - at, make([]int, reasons+1)})
		}
		all[len(all)-1].events[reason[i]]++
	}
	return all
}
