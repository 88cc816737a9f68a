package stats

import (
	"gonum.org/v1/gonum/stat/distuv"
)

// LogRankTest is the result of LogRank.
type LogRankTest struct {
	ChiSquare float64
	P         float64
	Observed  [2]int     // events in each arm
	Expected  [2]float64 // events expected if the arms did not differ
}

// LogRank tests that two arms have the same time to the event; it has its
// power against proportional hazards and is a secondary test here. Times and
// events as for KaplanMeier.
//
// Mantel, Cancer Chemotherapy Reports 50 (1966) 163.
func LogRank(first []float64, firstEvent []bool, second []float64, secondEvent []bool) (LogRankTest, error) {
	if err := checkSurvival(first, firstEvent); err != nil {
		return LogRankTest{}, err
	}
	if err := checkSurvival(second, secondEvent); err != nil {
		return LogRankTest{}, err
	}
	times := append(append([]float64{}, first...), second...)
	event := append(append([]bool{}, firstEvent...), secondEvent...)
	// Reasons: 0 and 1 leave the first arm without and with the event, 2 and
	// 3 the second.
	all := moments(times, func(i int) int { return index(event[i]) + 2*index(i >= len(first)) }, 3)
	r, variance := LogRankTest{}, 0.0
	inFirst := float64(len(first))
	for _, m := range all {
		n, d := float64(m.atRisk), float64(m.events[1]+m.events[3])
		r.Observed[0] += m.events[1]
		r.Observed[1] += m.events[3]
		r.Expected[0] += d * inFirst / n
		r.Expected[1] += d * (1 - inFirst/n)
		if n > 1 {
			variance += d * inFirst / n * (1 - inFirst/n) * (n - d) / (n - 1)
		}
		inFirst -= float64(m.events[0] + m.events[1])
	}
	if variance == 0 {
		return LogRankTest{}, invalid("no event while both arms were under observation")
	}
	excess := float64(r.Observed[0]) - r.Expected[0]
	r.ChiSquare = excess * excess / variance
	r.P = distuv.ChiSquared{K: 1}.Survival(r.ChiSquare)
	return r, nil
}
