package detect

import (
	"math"
	"slices"
)

// fit is a model of a series with one bend: level before it, and either
// another level or a straight ramp after it.
type fit struct {
	at     int // first value after the bend
	before float64
	last   float64 // of the model at the end
	loss   float64 // sum of squares left
}

// clean cuts what sticks out of its surroundings, so that sums of squares can
// compare the shapes of what remains. It returns the usual spread too.
func clean(values []float64) (cleaned []float64, scale float64) {
	n := len(values)
	smooth, rest := make([]float64, n), make([]float64, n)
	for i := range values {
		smooth[i] = medianOf(slices.Clone(values[max(0, i-3):min(n, i+4)]))
		rest[i] = values[i] - smooth[i]
	}
	scale = spread(slices.Clone(rest))
	cleaned = make([]float64, n)
	for i := range values {
		cleaned[i] = smooth[i] + cut(rest[i], mostScale*scale)
	}
	return cleaned, scale
}

// bestStep is the step of least loss with at least shortest values on either
// side.
func bestStep(values []float64, shortest int) fit {
	n := len(values)
	best := fit{loss: math.Inf(1)}
	var total, squares float64
	for _, v := range values {
		total, squares = total+v, squares+v*v
	}
	var sum float64
	for k := 1; k <= n-shortest; k++ {
		sum += values[k-1]
		if k < shortest {
			continue
		}
		a, b := sum/float64(k), (total-sum)/float64(n-k)
		if loss := squares - sum*a - (total-sum)*b; loss < best.loss {
			best = fit{at: k, before: a, last: b, loss: loss}
		}
	}
	return best
}

// shortestRamp is how many nights a ramp takes: less is a step.
const shortestRamp = 6

// bestRamp is the level that turns into a ramp with the least loss.
func bestRamp(values []float64) fit {
	n := len(values)
	best := fit{loss: math.Inf(1)}
	for at := 0; at <= n-shortestRamp; at++ {
		// Least squares on x, 0 up to at−1 and then 1, 2, 3 …
		var sx, sy, sxx, sxy, syy float64
		for i, v := range values {
			x := float64(max(0, i-at+1))
			sx, sy, sxx, sxy, syy = sx+x, sy+v, sxx+x*x, sxy+x*v, syy+v*v
		}
		m := float64(n)
		slope := (sxy - sx*sy/m) / (sxx - sx*sx/m)
		before := (sy - slope*sx) / m
		loss := syy - sy*sy/m - slope*(sxy-sx*sy/m)
		if loss < best.loss {
			best = fit{at: at, before: before, last: before + slope*float64(n-at), loss: loss}
		}
	}
	return best
}

// clearly is by how much the logarithm of the likelihood must favour a ramp
// before it is called one: until then a change is a step.
const clearly = 2.0

// isRamp compares the two shapes, which have as many parameters.
func isRamp(values []float64) (fit, bool) {
	if len(values) < shortestRamp+2 {
		return fit{}, false
	}
	y, scale := clean(values)
	step, ramp := bestStep(y, 1), bestRamp(y)
	return ramp, scale > 0 && step.loss-ramp.loss >= 2*clearly*scale*scale
}

// oneRamp reports whether a single ramp describes values about as well as two
// steps, at first and second, do: they have two parameters more, which BIC
// (Schwarz 1978) makes worth log n.
func oneRamp(values []float64, first, second int) (fit, bool) {
	n := len(values)
	if n < shortestRamp+2 || first < 1 || second <= first || second >= n {
		return fit{}, false
	}
	y, scale := clean(values)
	ramp := bestRamp(y)
	var steps float64
	for _, part := range [][]float64{y[:first], y[first:second], y[second:]} {
		steps += squaresAround(part)
	}
	return ramp, ramp.loss-steps <= 2*math.Log(float64(n))*scale*scale
}

func squaresAround(values []float64) float64 {
	var sum, squares float64
	for _, v := range values {
		sum, squares = sum+v, squares+v*v
	}
	return squares - sum*sum/float64(len(values))
}
