package detect

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// windows are how many of the last nights are compared with those before: a
// large change shows in two, a small one in many.
var windows = [...]int{1, 2, 3, 5, 8}

const (
	longestWindow = 8
	// fewestReference nights stand on the other side.
	fewestReference = 5
	// fewestAfterRestart suffice after a restart, where the spread is known.
	fewestAfterRestart = 3
	// One night counts for at most mostScale of its usual spread, or for
	// mostThreshold practical thresholds where that is more.
	mostScale, mostThreshold = 3.0, 2.0
)

// screen compares the last nights with those before in all measures at once.
// Its matrices go night by night: weighted residuals from the mean, and
// weights, 0 where there is no value or the night is of an earlier regime.
type screen struct {
	threshold float64 // in logs
	measures  int
	nights    int
	first     int // place of the first night that counts for any measure
	z, w      []float64
	scale     []float64 // of a measure
	// wider are the scales of the differences that are judged, of a window and measure: nights
	// that resemble their neighbours differ more from those before than in a random order.
	wider [len(windows)][]float64
	// beyond are p-values of the differences that need no arrangement, 0 for none.
	beyond []float64
	all    []float64 // weight of its nights together
	least  []float64 // weight that its reference nights must have
}

// newScreen takes the nights that a night is judged on, with the host's reference.
func newScreen(measures []*measure, nights []int, host []float64, threshold float64) *screen {
	n, size := len(measures), len(measures)*len(nights)
	c := &screen{threshold: threshold, measures: n, nights: len(nights), first: len(nights), z: make([]float64, size), w: make([]float64, size),
		scale: make([]float64, n), beyond: make([]float64, n), all: make([]float64, n), least: make([]float64, n)}
	for i := range c.wider {
		c.wider[i] = make([]float64, n)
	}
	for _, m := range measures {
		m.look(nights, host, threshold)
	}
	remember(measures, nights)
	for j, m := range measures {
		for i, k := range windows {
			c.wider[i][j] = m.scale * m.memory.widening(float64(k), float64(len(nights)))
		}
		bound := max(mostScale*m.scale, mostThreshold*threshold)
		c.scale[j], c.least[j] = m.scale, fewestReference
		if m.regime() > nights[0] {
			c.least[j] = fewestAfterRestart
		}
		var sum float64
		for i, t := range nights {
			if t < m.regime() || math.IsNaN(m.residual[i]) {
				continue
			}
			// As if half of the variance of a night were that of its trials.
			w := 2 * m.trials[t] / (m.trials[t] + m.perNight)
			c.z[i*c.measures+j], c.w[i*c.measures+j] = w*cut(m.residual[i], bound), w
			sum += c.z[i*c.measures+j]
			c.all[j] += w
			c.first = min(c.first, i)
		}
		for k := j; c.all[j] > 0 && k < len(c.z); k += c.measures {
			c.z[k] -= sum / c.all[j] * c.w[k]
		}
	}
	c.findBeyond(measures, nights)
	return c
}

// extremes of one arrangement of the nights: for each measure the largest standardised rise and
// fall over all windows, of those that reach the practical threshold; 0 for none.
type extremes struct{ rise, fall, sumZ, sumW []float64 }

func newExtremes(n int) *extremes {
	return &extremes{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)}
}

// arrange works out the extremes with the given nights as the last ones, the very last first,
// and the scales of each window. Compared is the difference of the two sides' means over its
// standard error: with residuals that sum to 0 it is sumZ·all/(w·rest).
func (c *screen) arrange(last []int, scales *[len(windows)][]float64, e *extremes) {
	clear(e.rise)
	clear(e.fall)
	clear(e.sumZ)
	clear(e.sumW)
	n, from := c.measures, 0
	sumZ, sumW, all := e.sumZ[:n], e.sumW[:n], c.all[:n]
	for i, k := range windows {
		if k > len(last) {
			break
		}
		scale := scales[i][:n]
		for ; from < k; from++ {
			start := last[from] * n
			z, w := c.z[start:start+n], c.w[start:start+n]
			for j := range z {
				sumZ[j] += z[j]
				sumW[j] += w[j]
			}
		}
		for j, z := range sumZ {
			w := sumW[j]
			rest := all[j] - w
			if math.Abs(z)*all[j] < c.threshold*w*rest || w == 0 || rest < c.least[j]-1e-9 {
				continue
			}
			t := math.Abs(z) * math.Sqrt(all[j]/(w*rest)) / scale[j]
			if z > 0 {
				e.rise[j] = max(e.rise[j], t)
			} else {
				e.fall[j] = max(e.fall[j], t)
			}
		}
	}
}

// mostDraws bounds the arrangements drawn.
const mostDraws = 4999

// test gives each measure's p-value of a rise and of a fall, adjusted for all
// measures of its family and all windows. Whole nights are rearranged, all
// measures together, so that what they share is in the distribution too.
func (c *screen) test(family []bool, random *rand.Rand) (rise, fall []float64) {
	n := c.nights - c.first
	last, places := make([]int, min(longestWindow, n)), make([]int, n)
	for i := range places {
		places[i] = c.first + i
	}
	for i := range last {
		last[i] = c.nights - 1 - i
	}
	observed, drawn := newExtremes(c.measures), newExtremes(c.measures)
	c.arrange(last, &c.wider, observed)
	var scales [len(windows)][]float64
	for i := range scales {
		scales[i] = c.scale
	}
	rises, falls := newTallies(observed.rise, family), newTallies(observed.fall, family)
	all := slices.Concat(rises, falls)
	for draws := 0; draws < mostDraws && slices.ContainsFunc(all, (*tally).open); draws++ {
		for i := range last {
			j := i + random.IntN(n-i)
			places[i], places[j] = places[j], places[i]
		}
		c.arrange(places[:len(last)], &scales, drawn)
		for _, t := range rises {
			t.count(drawn.rise)
		}
		for _, t := range falls {
			t.count(drawn.fall)
		}
	}
	rise, fall = adjusted(rises, c.measures), adjusted(falls, c.measures)
	for j, p := range c.beyond {
		switch {
		case p > 0:
			rise[j] = min(rise[j], p)
		case p < 0:
			fall[j] = min(fall[j], -p)
		}
	}
	return rise, fall
}

// From a widening of leastWider on, a night's cut can hide any change from the arrangements;
// they need not be asked about a difference of farOff standard errors.
const leastWider, farOff = 1.2, 8.0

// findBeyond looks for measures whose last nights, by the median of three at least, lie so far
// from those before that neither chance nor the memory of nights explains it. The p-value, for
// all measures and windows, has the sign of the change.
func (c *screen) findBeyond(measures []*measure, nights []int) {
	for j, m := range measures {
		var most float64
		known := known(m.residual[place(nights, m.regime()):])
		for i, k := range windows {
			rest := len(known) - k
			if k < fewestAfterRestart || rest < fewestReference || c.wider[i][j] < leastWider*m.scale {
				continue
			}
			difference := medianOf(slices.Clone(known[rest:])) - medianOf(slices.Clone(known[:rest]))
			t := difference * math.Sqrt(float64(k*rest)/float64(len(known))) / c.wider[i][j]
			if math.Abs(difference) >= c.threshold && math.Abs(t) > math.Abs(most) {
				most = t
			}
		}
		if math.Abs(most) >= farOff {
			// Of the upper tail of a normal distribution, and never nothing.
			p := max(math.SmallestNonzeroFloat64, math.Erfc(math.Abs(most)/math.Sqrt2)/2)
			c.beyond[j] = math.Copysign(min(1, p*float64(len(measures)*len(windows))), most)
		}
	}
}

// enough arrangements that are as extreme as the observed one show that it is
// not: the drawing stops there.
//
// Besag & Clifford, Biometrika 78 (1991) 301.
const enough = 10

// tally counts the arrangements of the nights that are as extreme as the observed one, for each
// measure over itself and all less extreme ones: the step-down of Westfall & Young,
// Resampling-Based Multiple Testing (1993) algorithm 2.8.
type tally struct {
	observed []float64
	moved    []int // measures that moved at all, from the most extreme
	still    []int // the others of the family
	exceeded []int // by place in moved
	draws    int
}

// newTallies makes one for the primary measures and one for the rest, where there are any.
func newTallies(observed []float64, primary []bool) (all []*tally) {
	for _, family := range []bool{true, false} {
		t := &tally{observed: observed}
		for j, v := range observed {
			switch {
			case primary[j] != family:
			case v > 0:
				t.moved = append(t.moved, j)
			default:
				t.still = append(t.still, j)
			}
		}
		if len(t.moved)+len(t.still) == 0 {
			continue
		}
		slices.SortStableFunc(t.moved, func(a, b int) int { return cmp.Compare(observed[b], observed[a]) })
		t.exceeded = make([]int, len(t.moved))
		all = append(all, t)
	}
	return all
}

// open is true until more arrangements would decide nothing.
func (t *tally) open() bool { return len(t.moved) > 0 && t.exceeded[0] < enough }

func (t *tally) count(drawn []float64) {
	if !t.open() {
		return
	}
	t.draws++
	var most float64
	for _, j := range t.still {
		most = max(most, drawn[j])
	}
	for i := len(t.moved) - 1; i >= 0; i-- {
		j := t.moved[i]
		most = max(most, drawn[j])
		// Equal sums may differ in their last bits.
		if most >= t.observed[j]*(1-1e-9) {
			t.exceeded[i]++
		}
	}
}

// adjusted are the p-values, (k+1)/(draws+1) or k/draws where enough stopped
// the drawing; each family has its share of the errors.
//
// Phipson & Smyth, Statistical Applications in Genetics and Molecular Biology 9 (2010) 39.
func adjusted(tallies []*tally, measures int) []float64 {
	p := slices.Repeat([]float64{1}, measures)
	for _, t := range tallies {
		var running float64
		for i, j := range t.moved {
			share := float64(t.exceeded[i]+1) / float64(t.draws+1)
			if t.exceeded[0] >= enough {
				share = float64(t.exceeded[i]) / float64(t.draws)
			}
			running = max(running, share)
			p[j] = min(1, running*float64(len(tallies)))
		}
	}
	return p
}
