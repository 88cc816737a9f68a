package compare

import "math"

// Foresight is what blocks without a failure are expected to tell of arms.
type Foresight struct {
	// RuledOut is the least share more that an arm must take, to be ruled out
	// after the planned blocks in half of all cases.
	RuledOut float64
	// Settled is after how many blocks arms that are as fast as each other are
	// told to be so, and failures that nobody has seen are excluded.
	Settled int
}

// Foresee works out what so many blocks of the arms, at so many places, can
// decide when the logarithms of the times in a cell have the given standard
// deviation.
func Foresee(arms, places, blocks int, spread, indifference float64) Foresight {
	rivals, margin := float64(max(1, arms-1)), math.Log1p(indifference)
	after := func(blocks int) advantage {
		pairs := places * blocks
		v := advantage{spread: math.Sqrt2 * spread, pairs: pairs, freedom: float64(pairs - 1)}
		if arms > 2 && v.freedom >= 1 {
			v.freedom += mostPrior
		}
		return v
	}
	f := Foresight{RuledOut: math.Expm1(-after(blocks).lower(alphaRuledOut / rivals))}
	clean := cleanTrials(indifference)
	for f.Settled = 1; f.Settled < mostBlocks; f.Settled++ {
		if f.Settled*places >= clean && after(f.Settled).within(margin, alphaWithin/rivals) {
			break
		}
	}
	return f
}
