package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is a closed interval. An infinite end means that the data put no
// bound on that side at the level asked for.
type Interval struct{ Lower, Upper float64 }

// Contains reports whether x lies in the interval, ends included.
func (i Interval) Contains(x float64) bool { return i.Lower <= x && x <= i.Upper }

// Bounded reports whether both ends are finite.
func (i Interval) Bounded() bool {
	return !math.IsInf(i.Lower, 0) && !math.IsInf(i.Upper, 0)
}

// twoSidedZ is the standard normal quantile of a two-sided interval.
func twoSidedZ(conf float64) float64 {
	return distuv.UnitNormal.Quantile(0.5 + conf/2)
}
