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

// inflation is the variance of the mean of n nights in a row, over that of n
// independent ones.
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
	return min(mostHidden, (m.inflation(n)-1)/n)
}

const (
	// memoryLags is over how many nights a resemblance is followed.
	memoryLags = 8
	// fewestRemembered nights of one regime are needed to estimate it: a change that
	// is not sure yet is most of what fewer nights show.
	fewestRemembered = 20
	// slowest is the slowest decay that two months of nights can show.
	slowest    = 0.9
	mostHidden = 0.5
)

// remember estimates the memory of measures from the nights of their regimes,
// without the newest: a change in these would look like a resemblance. The decay
// is common to all measures. The share of each is drawn towards that of its metric
// by as much as chance explains, and that of a metric towards none. A measure of
// too few nights keeps what it had.
//
// James & Stein, Proceedings of the Fourth Berkeley Symposium 1 (1961) 361; Efron & Morris, Journal of the American Statistical Association 70 (1975) 311.
func remember(measures []*measure, nights []int) {
	var r []lags
	var known []*measure
	for _, m := range measures {
		if l, ok := m.autocorrelation(place(nights, m.regime())); ok {
			known, r = append(known, m), append(r, l)
		}
	}
	// Centre and slope are those of the nights themselves, and hide a part of the
	// resemblance: all the more, the stronger it is.
	seen := slices.Clone(r)
	for range 3 {
		shares(known, r, bestDecay(r))
		for i, m := range known {
			n := seen[i].nights
			hidden := min(mostHidden, 2*m.memory.inflation(n)/n)
			for l, v := range seen[i].at {
				r[i].at[l] = v*(1-hidden) + hidden
			}
		}
	}
}

// lags are the autocorrelations of some nights at lags from 1 on.
type lags struct {
	nights float64
	at     [memoryLags]float64
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
		all, chance := byMetric[m.metric], 1/(r[i].nights*weight) // the variance of a share
		mean, own := stat.Mean(all, nil), 0.0
		if len(all) > 1 {
			own = max(0, 1-chance/stat.Variance(all, nil))
		}
		// Cells share the nights, so that the mean of many may be as uncertain as one.
		typical := mean * max(0, 1-chance/(mean*mean))
		m.memory.share = min(1, max(0, typical+own*(m.memory.share-mean)))
	}
}

// autocorrelation is that of the residuals from place from on, but the newest,
// without their slope. A night that went astray counts for little.
func (m *measure) autocorrelation(from int) (r lags, known bool) {
	residuals := m.residual[from:max(from, len(m.residual)-longestWindow)]
	var count, sx, sy, sxx, sxy float64
	for i, v := range residuals {
		if !math.IsNaN(v) {
			x := float64(i)
			count, sx, sy, sxx, sxy = count+1, sx+x, sy+v, sxx+x*x, sxy+x*v
		}
	}
	if count < fewestRemembered {
		return r, false
	}
	slope := (sxy - sx*sy/count) / (sxx - sx*sx/count)
	rest := make([]float64, len(residuals))
	var squares float64
	for i, v := range residuals {
		rest[i] = cut(v-sy/count-slope*(float64(i)-sx/count), mostScale*m.scale)
		if !math.IsNaN(v) {
			squares += rest[i] * rest[i] / count
		}
	}
	if squares == 0 {
		return r, false
	}
	r.nights = count
	for l := range r.at {
		var sum, pairs float64
		for i := l + 1; i < len(rest); i++ {
			if product := rest[i] * rest[i-l-1]; !math.IsNaN(product) {
				sum, pairs = sum+product, pairs+1
			}
		}
		if pairs > 0 {
			r.at[l] = sum / pairs / squares
		}
	}
	return r, true
}
