package detect

import "math"

const (
	// fewestHostNights of reference are needed to tell a slow host.
	fewestHostNights = 5
	// hostUnusual is how many usual spreads the reference must move.
	hostUnusual = 3.0
	// leastHostScale is the reference's own resolution, in logs.
	leastHostScale = 0.01
	// hostStays is after how many nights in a row a host that has shifted is taken to stay so.
	hostStays = 5
)

// host follows the reference workload. A night in which it and most measures
// moved together says nothing about the strategies.
type host struct {
	log     []float64 // NaN where unknown or moved by itself
	regime  int
	pending []int // last nights in a row that were shifted the same way
	slower  bool
}

func newHost(nights []Night) *host {
	h := &host{log: make([]float64, len(nights))}
	for t, n := range nights {
		h.log[t] = math.NaN()
		if n.Reference > 0 {
			h.log[t] = math.Log(n.Reference)
		}
	}
	return h
}

// in is the reference in some nights: logs from their median, 0 where unknown.
func (h *host) in(nights []int) []float64 {
	logs := make([]float64, len(nights))
	center, _ := h.usual(nights)
	for i, t := range nights {
		if v := h.log[t] - center; t >= h.regime && !math.IsNaN(v) {
			logs[i] = v
		}
	}
	return logs
}

// usual is where the reference stands in some nights, and its spread: infinite for too few.
func (h *host) usual(nights []int) (center, scale float64) {
	var logs []float64
	for _, t := range nights {
		if t >= h.regime && !math.IsNaN(h.log[t]) {
			logs = append(logs, h.log[t])
		}
	}
	center = medianOf(logs)
	if len(logs) < fewestHostNights {
		return center, math.Inf(1)
	}
	for i := range logs {
		logs[i] -= center
	}
	return center, max(leastHostScale, spread(logs))
}

// shifted reports whether the host was another one in night t than in the
// nights before: its reference moved by more than is usual and than matters,
// and moves, the measures' own, went the same way in more than half of them.
func (h *host) shifted(t int, before []int, moves []float64, threshold float64) bool {
	center, scale := h.usual(before)
	d := h.log[t] - center
	if !(math.Abs(d) >= max(threshold, hostUnusual*scale)) {
		h.pending = nil
		return false
	}
	same := 0
	for _, v := range moves {
		if v*d > 0 && math.Abs(v) >= threshold/2 {
			same++
		}
	}
	if 2*same <= len(moves) {
		h.log[t], h.pending = math.NaN(), nil
		return false
	}
	if h.slower != (d > 0) {
		h.pending = nil
	}
	h.slower, h.pending = d > 0, append(h.pending, t)
	return true
}
