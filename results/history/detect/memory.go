package detect

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// memory is how nights of a measure resemble those before them: nights that lie
// l apart are correlated by share·decay^l, as a level that wanders is, with what
// each night has by itself on top. Its zero value is that of independent nights.
type memory struct{ share, decay float64 }

func (m memory) correlation(nights float64) float64 { return m.share * math.Pow(m.decay, nights) }

// inflation is the variance of the mean of n nights in a row, over that of n independent ones.
func (m memory) inflation(n float64) float64 {
	if m.share == 0 || n <= 1 {
		return 1
	}
	far := 1 - m.decay
	return 1 + 2*m.share*m.decay/far*(1-(1-math.Pow(m.decay, n))/(n*far))
}

// widening is by how much the difference between the last k of n nights and
// those before spreads more than if the n nights were in a random order.
func (m memory) widening(k, n float64) float64 {
	rest := max(1, n-k)
	difference := (m.inflation(k)*rest + m.inflation(rest)*k) / (k + rest)
	return math.Sqrt(difference / (1 - m.hidden(n)))
}

// hidden is the share of the variance that n nights do not show around their own
// centre, beyond what independent ones hide.
func (m memory) hidden(n float64) float64 {
	return min(mostHidden, (m.inflation(n)-1)/max(1, n))
}

const (
	// memoryLags is over how many nights a resemblance is followed.
	memoryLags = 8
	// fewestRemembered nights of a regime are needed to estimate it: a change that is
	// not sure yet is most of what fewer nights show.
	fewestRemembered = 15
	// slowest is the slowest decay that two months of nights can show.
	slowest    = 0.9
	mostHidden = 0.5
)

// remember estimates the memory of measures from the nights that they looked at last, without
// the newest: a change would look like a resemblance. All have one decay; the share of each is
// drawn towards that of its metric by as much as chance explains. Too few nights change nothing.
//
// Efron & Morris, Journal of the American Statistical Association 70 (1975) 311.
func remember(measures []*measure, nights []int) {
	var r []lags
	var known []*measure
	for _, m := range measures {
		if l, ok := m.autocorrelation(nights); ok {
			known, r = append(known, m), append(r, l)
		}
	}
	// Three figures of the trend are those of the nights themselves, and hide the more of the
	// resemblance, the stronger it is. The second round knows how strong; more follow chance.
	seen := slices.Clone(r)
	for range 2 {
		shares(known, r, bestDecay(r))
		for i, m := range known {
			n := seen[i].nights / seen[i].regimes
			hidden := min(mostHidden, 3*m.memory.inflation(n)/n)
			for l, v := range seen[i].at {
				r[i].at[l] = v*(1-hidden) + hidden
			}
		}
	}
}

// lags are the autocorrelations of nights, of some regimes, at lags from 1 on.
type lags struct {
	nights, regimes float64
	at              [memoryLags]float64
}

// along is the share that fits autocorrelations with the given decay best, by
// least squares, and weight the sum of the squares of the powers of the decay.
func (r lags) along(decay float64) (share, weight float64) {
	power := decay
	for _, v := range r.at {
		share, weight = share+v*power, weight+power*power
		power *= decay
	}
	return share / weight, weight
}

// bestDecay explains the most of the autocorrelations of all measures.
func bestDecay(r []lags) (best float64) {
	most := math.Inf(-1)
	for decay := 0.1; decay < slowest+0.01; decay += 0.05 {
		explained := 0.0
		for _, l := range r {
			share, weight := l.along(decay)
			explained += max(0, share) * share * weight
		}
		if explained > most {
			best, most = decay, explained
		}
	}
	return best
}

// shares gives each measure its memory.
func shares(measures []*measure, r []lags, decay float64) {
	byMetric := map[string][]float64{}
	var weight float64
	for i, m := range measures {
		m.memory = memory{decay: decay}
		m.memory.share, weight = r[i].along(decay)
		byMetric[m.metric] = append(byMetric[m.metric], m.memory.share)
	}
	for i, m := range measures {
		all := byMetric[m.metric]
		mean, own, chance := stat.Mean(all, nil), 0.0, 1/(r[i].nights*weight)
		if len(all) > 1 {
			own = max(0, 1-chance/stat.Variance(all, nil))
		}
		m.memory.share = min(1, max(0, mean+own*(m.memory.share-mean)))
	}
}

// autocorrelation is the mean over the regimes of the residuals, without the newest
// nights, where each regime has enough of them.
func (m *measure) autocorrelation(nights []int) (r lags, known bool) {
	end := max(0, len(m.residual)-longestWindow)
	for regime, start := 1, 0; start < end; regime++ {
		next := end
		if regime < len(m.regimes) {
			next = min(end, place(nights, m.regimes[regime]))
		}
		if at, count := autocorrelation(m.residual[start:next], mostScale*m.scale); count > 0 {
			for l, v := range at {
				r.at[l] = (r.at[l]*r.nights + v*count) / (r.nights + count)
			}
			r.nights, r.regimes = r.nights+count, r.regimes+1
		}
		start = next
	}
	return r, r.nights > 0
}

// autocorrelation is that of residuals from their trend, a parabola, and how many
// there are: 0 for too few. None of them counts for more than bound. A slow rise
// that has not been found yet would look like a resemblance.
func autocorrelation(residuals []float64, bound float64) (at [memoryLags]float64, count float64) {
	var places, known []float64
	for i, v := range residuals {
		if !math.IsNaN(v) {
			places, known = append(places, float64(i)), append(known, v)
		}
	}
	if len(known) < fewestRemembered {
		return at, 0
	}
	count = float64(len(known))
	bends := make([]float64, len(places))
	for i, x := range places {
		bends[i] = x * x
	}
	straighten(places, known)
	straighten(places, bends)
	straighten(bends, known)
	rest := slices.Clone(residuals)
	var squares float64
	for i, v := range known {
		v = cut(v, bound)
		rest[int(places[i])] = v
		squares += v * v / count
	}
	if squares == 0 {
		return at, 0
	}
	for l := range at {
		var sum, pairs float64
		for i := l + 1; i < len(rest); i++ {
			if product := rest[i] * rest[i-l-1]; !math.IsNaN(product) {
				sum, pairs = sum+product, pairs+1
			}
		}
		if pairs > 0 {
			at[l] = sum / pairs / squares
		}
	}
	return at, count
}

// straighten takes the straight line on x out of y.
func straighten(x, y []float64) {
	level, slope := stat.LinearRegression(x, y, nil, false)
	for i := range y {
		y[i] -= level + slope*x[i]
	}
}
