package detect

import (
	"math"
	"math/rand/v2"
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
	levels    []level // by measure
	measures  int
	nights    int
	first     int // place of the first night that counts for any measure
	z, w      []float64
	all       []float64 // weight of a measure's nights together
	least     []float64 // weight that its reference nights must have
}

func newScreen(measures int, threshold float64) *screen {
	return &screen{threshold: threshold, measures: measures, levels: make([]level, measures),
		all: make([]float64, measures), least: make([]float64, measures)}
}

// load takes the nights of a span.
func (c *screen) load(measures []*measure, s span) {
	c.nights = len(s.nights)
	c.first = c.nights
	size := c.nights * c.measures
	if cap(c.z) < size {
		c.z, c.w = make([]float64, 2*size), make([]float64, 2*size)
	}
	c.z, c.w = c.z[:size], c.w[:size]
	clear(c.z)
	clear(c.w)
	for j, m := range measures {
		c.levels[j].fill(m, s, c.threshold)
		c.loadOne(j, m, s.nights)
	}
}

func (c *screen) loadOne(j int, m *measure, nights []int) {
	l := &c.levels[j]
	bound := max(mostScale*l.scale, mostThreshold*c.threshold)
	var sum float64
	c.all[j], c.least[j] = 0, fewestReference
	if m.regime() > nights[0] {
		c.least[j] = fewestAfterRestart
	}
	for i, t := range nights {
		if t < m.regime() || math.IsNaN(l.residual[i]) {
			continue
		}
		// As if half of the variance of a night were that of its trials.
		w := 2 * m.trials[t] / (m.trials[t] + l.trials)
		c.z[i*c.measures+j], c.w[i*c.measures+j] = w*cut(l.residual[i], bound), w
		sum += c.z[i*c.measures+j]
		c.all[j] += w
		c.first = min(c.first, i)
	}
	if c.all[j] == 0 {
		return
	}
	for k := j; k < len(c.z); k += c.measures {
		c.z[k] -= sum / c.all[j] * c.w[k]
	}
}

// extremes of one arrangement of the nights: for each measure the largest
// standardised rise and fall over all windows, of those that reach the
// practical threshold; 0 for none.
type extremes struct{ rise, fall, sumZ, sumW []float64 }

func newExtremes(n int) *extremes {
	return &extremes{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)}
}

// arrange works out the extremes with the given nights as the last ones, the
// very last first.
func (c *screen) arrange(last []int, e *extremes) {
	clear(e.rise)
	clear(e.fall)
	clear(e.sumZ)
	clear(e.sumW)
	from := 0
	for _, k := range windows {
		if k > len(last) {
			break
		}
		for ; from < k; from++ {
			start := last[from] * c.measures
			z, w := c.z[start:start+c.measures], c.w[start:start+c.measures]
			sumZ, sumW := e.sumZ[:len(z)], e.sumW[:len(z)]
			for j := range z {
				sumZ[j] += z[j]
				sumW[j] += w[j]
			}
		}
		c.compare(e)
	}
}

// compare takes the difference of the two sides' means over its standard
// error. With residuals that sum to 0 it is sumZ·all/(w·rest).
func (c *screen) compare(e *extremes) {
	n := c.measures
	sumZ, sumW, all := e.sumZ[:n], e.sumW[:n], c.all[:n]
	for j, z := range sumZ {
		w := sumW[j]
		rest := all[j] - w
		if math.Abs(z)*all[j] < c.threshold*w*rest || w == 0 || rest < c.least[j]-1e-9 {
			continue
		}
		t := math.Abs(z) * math.Sqrt(all[j]/(w*rest)) / c.levels[j].scale
		if z > 0 {
			e.rise[j] = max(e.rise[j], t)
		} else {
			e.fall[j] = max(e.fall[j], t)
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
	c.arrange(last, observed)
	rises, falls := newTallies(observed.rise, family), newTallies(observed.fall, family)
	for draws := 0; draws < mostDraws && !(rises.settled() && falls.settled()); draws++ {
		for i := range last {
			j := i + random.IntN(n-i)
			places[i], places[j] = places[j], places[i]
		}
		c.arrange(places[:len(last)], drawn)
		rises.count(drawn.rise)
		falls.count(drawn.fall)
	}
	return rises.adjusted(c.measures), falls.adjusted(c.measures)
}
