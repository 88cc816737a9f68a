package stats

import "math"

// bisect returns where f changes sign between lo and hi, to the last bits of
// a float64. It assumes that f(lo) and f(hi) do not have the same sign; f may
// jump. Bisection is slow and cannot miss, which is what is wanted here: no
// caller is in an inner loop.
func bisect(f func(float64) float64, lo, hi float64) float64 {
	positiveAtLo := f(lo) > 0
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid == lo || mid == hi {
			break
		}
		if (f(mid) > 0) == positiveAtLo {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + (hi-lo)/2
}

// maximise returns the largest value of f found on [lo, hi]: a grid of steps
// intervals, each local maximum of the grid refined by golden section.
func maximise(f func(float64) float64, lo, hi float64, steps int) (arg, value float64) {
	xs, ys := make([]float64, steps+1), make([]float64, steps+1)
	value = math.Inf(-1)
	for i := range xs {
		xs[i] = lo + (hi-lo)*float64(i)/float64(steps)
		if ys[i] = f(xs[i]); ys[i] > value {
			arg, value = xs[i], ys[i]
		}
	}
	coarse := value
	for i := range xs {
		left, right := max(i-1, 0), min(i+1, steps)
		// A grid point far under the best cannot hide a higher peak: the
		// callers' functions are smooth at the scale of the grid.
		if ys[i] < ys[left] || ys[i] < ys[right] || ys[i] < 0.9*coarse {
			continue
		}
		if x, y := golden(f, xs[left], xs[right]); y > value {
			arg, value = x, y
		}
	}
	return arg, value
}

func golden(f func(float64) float64, lo, hi float64) (arg, value float64) {
	const ratio = 0.6180339887498949
	x1, x2 := hi-ratio*(hi-lo), lo+ratio*(hi-lo)
	f1, f2 := f(x1), f(x2)
	for range 60 {
		if f1 >= f2 {
			hi, x2, f2 = x2, x1, f1
			x1 = hi - ratio*(hi-lo)
			f1 = f(x1)
		} else {
			lo, x1, f1 = x1, x2, f2
			x2 = lo + ratio*(hi-lo)
			f2 = f(x2)
		}
	}
	if f1 >= f2 {
		return x1, f1
	}
	return x2, f2
}
