package compare

import (
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// WarningKind is what is doubtful about a decision.
type WarningKind string

// The kinds of warning. Drift does not harm comparisons, which are made inside
// blocks.
const (
	Confounded  WarningKind = "confounded"   // arms never ran in the same place, which may be what differs
	Drift       WarningKind = "drift"        // set-up times rose or fell from block to block
	OrderEffect WarningKind = "order-effect" // set-up times moved with the position in the block
	CarryOver   WarningKind = "carry-over"   // a failure was more often followed by another one
)

// Warning qualifies an answer.
type Warning struct {
	Kind WarningKind
	// P is the p-value of the test, NaN where there was none.
	P float64
	// Change is the share by which times change from one block to the next (Drift).
	Change float64
	// After and Otherwise are the failure rates after a failed trial and after
	// one that worked (CarryOver).
	After, Otherwise float64
	// Arms and Factors are those concerned (Confounded).
	Arms, Factors []string
}

const alphaWarning = 0.01

// warnings checks what the comparisons assume. The trials are in the order in
// which they ran.
func warnings(trials []Trial, factors []string) (all []Warning) {
	if w := confounded(trials, factors); len(w.Arms) > 0 {
		all = append(all, w)
	}
	blocks := residuals(trials)
	if slope, p := drift(blocks); p < alphaWarning {
		all = append(all, Warning{Kind: Drift, P: p, Change: math.Expm1(slope)})
	}
	if p := orderEffect(blocks); p < alphaWarning {
		all = append(all, Warning{Kind: OrderEffect, P: p})
	}
	if w := carryOver(trials); w.P < alphaWarning && w.After > w.Otherwise {
		all = append(all, w)
	}
	return all
}

// cell names an arm in a place.
func cell(t Trial) string { return t.Arm + "\x01" + strings.Join(t.Place, "\x00") }

// confounded finds arms that share no place with another arm, and the factors of
// which they share no level.
func confounded(trials []Trial, factors []string) Warning {
	seen := map[string][]map[string]bool{} // by arm: its places, then its levels of each factor
	for _, t := range trials {
		if seen[t.Arm] == nil {
			for range 1 + len(t.Place) {
				seen[t.Arm] = append(seen[t.Arm], map[string]bool{})
			}
		}
		for i, name := range append([]string{strings.Join(t.Place, "\x00")}, t.Place...) {
			seen[t.Arm][i][name] = true
		}
	}
	w := Warning{Kind: Confounded, P: math.NaN()}
	for x, mine := range seen {
		for k, others := range seen {
			disjoint := func(i int) bool {
				for name := range mine[i] {
					if others[i][name] {
						return false
					}
				}
				return true
			}
			if x >= k || !disjoint(0) {
				continue
			}
			w.Arms = append(w.Arms, x, k)
			for i, f := range factors {
				if disjoint(1 + i) {
					w.Factors = append(w.Factors, f)
				}
			}
		}
	}
	slices.Sort(w.Arms)
	slices.Sort(w.Factors)
	w.Arms, w.Factors = slices.Compact(w.Arms), slices.Compact(w.Factors)
	return w
}

// block has its trials' residuals, the logarithms of their times less the mean of
// their arm in their place, with how many trials of the block ran before each.
type block struct{ before, residuals []float64 }

// residuals are those of all blocks that have some, in the order of their first.
func residuals(trials []Trial) (blocks []*block) {
	type sum struct{ n, logs float64 }
	cells, ran, known := map[string]sum{}, map[string]float64{}, map[string]*block{}
	for _, t := range trials {
		if t.Ready && t.Seconds > 0 {
			own := cells[cell(t)]
			cells[cell(t)] = sum{own.n + 1, own.logs + math.Log(t.Seconds)}
		}
	}
	for _, t := range trials {
		if own := cells[cell(t)]; t.Ready && t.Seconds > 0 && own.n > 1 {
			b := known[t.Block]
			if b == nil {
				b = &block{}
				known[t.Block], blocks = b, append(blocks, b)
			}
			b.before, b.residuals = append(b.before, ran[t.Block]), append(b.residuals, math.Log(t.Seconds)-own.logs/own.n)
		}
		ran[t.Block]++
	}
	return blocks
}

// drift tests for a straight line through the blocks' mean residuals.
func drift(blocks []*block) (slope, p float64) {
	var order, means []float64
	for i, b := range blocks {
		order, means = append(order, float64(i)), append(means, stat.Mean(b.residuals, nil))
	}
	return line(order, means)
}

// orderEffect tests for a slope along the position in the block, block by
// block. Blocks that drift may do so from trial to trial or all at once: a slope
// between none and that of the drift is no effect of the order.
func orderEffect(blocks []*block) float64 {
	var slopes []float64
	length := 0.0
	for _, b := range blocks {
		length += float64(len(b.residuals)) / float64(len(blocks))
		if len(b.residuals) > 2 {
			slope, _ := line(b.before, b.residuals)
			slopes = append(slopes, slope)
		}
	}
	if len(slopes) < 3 {
		return math.NaN()
	}
	trend, _ := drift(blocks)
	mean, spread := stat.MeanStdDev(slopes, nil)
	n := float64(len(slopes))
	none, all := mean/(spread/math.Sqrt(n)), (mean-trend/length)/(spread/math.Sqrt(n))
	if none*all <= 0 {
		return 1
	}
	return tailT(min(math.Abs(none), math.Abs(all)), n-1)
}

// line fits a straight line by least squares and returns its slope with the
// p-value of no slope; NaN for fewer than three points.
func line(x, y []float64) (slope, p float64) {
	if len(x) < 3 {
		return 0, math.NaN()
	}
	_, slope = stat.LinearRegression(x, y, nil, false)
	r, free := stat.Correlation(x, y, nil), float64(len(x)-2)
	return slope, tailT(r*math.Sqrt(free/max(0, 1-r*r)), free)
}

// tailT is the two-sided p-value of Student's t.
func tailT(t, freedom float64) float64 {
	if math.IsNaN(t) {
		return math.NaN()
	}
	return 2 * distuv.StudentsT{Sigma: 1, Nu: freedom}.Survival(math.Abs(t))
}

// carryOver tests whether trials that follow a failed one fail more often than
// others of the same arm in the same place do.
func carryOver(trials []Trial) Warning {
	cells, after, otherwise := urns[string]{}, urn{}, urn{}
	for i := 1; i < len(trials); i++ {
		t, previous := trials[i], trials[i-1]
		if t.Block != previous.Block {
			continue
		}
		own := cells.of(cell(t))
		own.add(t)
		if previous.Ready {
			otherwise.add(t)
			continue
		}
		after.add(t)
		if own.drawn++; !t.Ready {
			own.bad++
		}
	}
	w := Warning{Kind: CarryOver, P: math.NaN(), After: float64(after.failed) / float64(after.n), Otherwise: float64(otherwise.failed) / float64(otherwise.n)}
	if otherwise.n > 0 && after.failed > 0 {
		var all []urn
		for _, u := range cells {
			all = append(all, *u)
		}
		w.P = atLeast(all)
	}
	return w
}
