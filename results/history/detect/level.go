package detect

import "math"

// span is the fit nights that a night is judged on, itself the last, with the
// host's reference workload in them.
type span struct {
	nights []int
	host   []float64 // log of the reference from its median; 0 where unknown
}

// level is a measure over a span: host taken out, and what is left.
type level struct {
	at       []float64 // log, NaN where there is none
	residual []float64 // from the center of its regime
	scale    float64   // of a night around it
	trials   float64   // a night, on average
	center   float64   // of the current regime

	buffer []float64
}

const (
	// leastScale keeps a series without spread from making every change
	// significant: in practical thresholds.
	leastScale = 0.1
	// mostHost is the largest move of the reference that its influence is
	// estimated from.
	mostHost = 0.1
)

// fill works the level out. Center and residual are those of each regime by
// itself, so that the spread around a regime of few nights is known from those
// before.
func (l *level) fill(m *measure, s span, threshold float64) {
	l.at, l.residual = l.at[:0], l.residual[:0]
	for _, t := range s.nights {
		l.at = append(l.at, m.at[t])
	}
	l.centerRegimes(m, s)
	if share := l.hostShare(s.host); share > 0 {
		for i, h := range s.host {
			l.at[i] -= share * h
		}
		l.residual = l.residual[:0]
		l.centerRegimes(m, s)
	}
	l.scale = max(leastScale*threshold, spread(l.known(l.residual)))
	l.trials = meanTrials(m, s.nights)
}

func meanTrials(m *measure, nights []int) float64 {
	var trials, with float64
	for _, t := range nights {
		if m.trials[t] > 0 {
			trials, with = trials+m.trials[t], with+1
		}
	}
	return trials / max(1, with)
}

// known copies what is no NaN.
func (l *level) known(values []float64) []float64 {
	l.buffer = l.buffer[:0]
	for _, v := range values {
		if !math.IsNaN(v) {
			l.buffer = append(l.buffer, v)
		}
	}
	return l.buffer
}

func (l *level) centerRegimes(m *measure, s span) {
	r := 0
	for start := 0; start < len(s.nights); {
		for r+1 < len(m.regimes) && m.regimes[r+1] <= s.nights[start] {
			r++
		}
		end := start + 1
		for end < len(s.nights) && (r+1 == len(m.regimes) || s.nights[end] < m.regimes[r+1]) {
			end++
		}
		l.center = medianOf(l.known(l.at[start:end]))
		for _, v := range l.at[start:end] {
			l.residual = append(l.residual, v-l.center)
		}
		start = end
	}
}

// hostShare is how much of a move of the host's reference the measure makes
// too, from 0 to 1: the slope of the regression on it, with residuals cut.
// What moves with a fixed workload is the host's doing.
func (l *level) hostShare(host []float64) float64 {
	bound := 3 * spread(l.known(l.residual))
	var both, own float64
	for i, h := range host {
		if r := l.residual[i]; !math.IsNaN(r) {
			h = cut(h, mostHost)
			both, own = both+h*cut(r, bound), own+h*h
		}
	}
	if own == 0 {
		return 0
	}
	return min(1, max(0, both/own))
}
