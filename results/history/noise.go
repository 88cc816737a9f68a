package history

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/stratbench/stratbench/results/study"
)

// Noise is how much a series of times or of memory varies where nothing
// changed. Both are standard deviations of logarithms: 0.04 is about 4 %.
type Noise struct {
	// InNight is of the trials of a cell within a night.
	InNight study.Value `json:"in_night"`
	// ByNight is of the nights of a segment, beyond what their trials make
	// them differ; 0 where nothing beyond that was seen.
	ByNight study.Value `json:"by_night"`
}

// noise estimates both components of variance by their moments, over the fit
// nights of the flat segments. Trials are nested in nights, nights in
// segments; there need not be equally many of them.
//
// Searle, Casella & McCulloch, Variance Components, 1992, chapter 3.
func (n Nights) noise(s Series, segments []Segment) Noise {
	var trials, nights sumOfSquares
	weight := 0.0
	for _, part := range segments {
		means, sizes := n.meansOf(s, part, &trials)
		if len(means) < 2 {
			continue
		}
		_, variance := stat.MeanVariance(means, sizes)
		all := floats.Sum(sizes)
		nights.add(variance*(all-1), float64(len(means)-1))
		weight += all - floats.Dot(sizes, sizes)/all
	}
	inNight := trials.mean()
	byNight := max(0, nights.mean()-inNight) * nights.freedom / weight
	return Noise{InNight: study.Value(math.Sqrt(inNight)), ByNight: study.Value(math.Sqrt(byNight))}
}

// meansOf are the mean logarithm of each fit night of a segment and of how
// many trials that is; how these vary around it is added to trials.
func (n Nights) meansOf(s Series, part Segment, trials *sumOfSquares) (means, sizes []float64) {
	for night := part.Start; night < part.End && !part.Drift; night++ {
		if len(s.Values[night]) == 0 || n.Fitness[night].Unfit() {
			continue
		}
		var logs []float64
		for _, v := range s.Values[night] {
			logs = append(logs, math.Log(v))
		}
		mean, variance := stat.MeanVariance(logs, nil)
		if size := float64(len(logs)); size > 1 {
			trials.add(variance*(size-1), size-1)
		}
		means, sizes = append(means, mean), append(sizes, float64(len(logs)))
	}
	return means, sizes
}

// sumOfSquares is one with its degrees of freedom.
type sumOfSquares struct{ sum, freedom float64 }

func (s *sumOfSquares) add(sum, freedom float64) {
	s.sum, s.freedom = s.sum+sum, s.freedom+freedom
}

// mean is the mean square; undefined without a degree of freedom.
func (s sumOfSquares) mean() float64 { return s.sum / s.freedom }
