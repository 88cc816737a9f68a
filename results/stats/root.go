package stats

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
