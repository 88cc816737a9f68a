package stats

import (
	"math"
	"slices"
)

// BenjaminiHochberg returns the p-values adjusted so that comparing each with
// q keeps the expected share of false rejections at q for independent or
// positively dependent tests. The result is in the order of p.
//
// Benjamini & Hochberg, JRSS B 57 (1995) 289.
func BenjaminiHochberg(p []float64) ([]float64, error) {
	order, err := ascending(p)
	if err != nil {
		return nil, err
	}
	adjusted, running := make([]float64, len(p)), 1.0
	for rank := len(order) - 1; rank >= 0; rank-- {
		i := order[rank]
		running = min(running, p[i]*float64(len(p))/float64(rank+1))
		adjusted[i] = running
	}
	return adjusted, nil
}

func ascending(p []float64) ([]int, error) {
	order := make([]int, len(p))
	for i, v := range p {
		if math.IsNaN(v) || v < 0 || v > 1 {
			return nil, invalid("p[%d] is %v", i, v)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case p[i] < p[j]:
			return -1
		case p[i] > p[j]:
			return 1
		}
		return 0
	})
	return order, nil
}
