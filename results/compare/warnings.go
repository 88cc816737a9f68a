package compare

import (
	"math"
	"slices"
	"strings"
)

// WarningKind is what is doubtful about a decision.
type WarningKind string

// The kinds of warning.
const (
	// Confounded: two arms were never run in the same place and block, so that
	// nothing tells the arm from where it ran.
	Confounded WarningKind = "confounded"
	// Drift: set-up times rose or fell from block to block. Comparisons are made
	// inside blocks and are not harmed.
	Drift WarningKind = "drift"
	// OrderEffect: set-up times moved with the position in the block.
	OrderEffect WarningKind = "order-effect"
	// CarryOver: a failure was more often followed by another one.
	CarryOver WarningKind = "carry-over"
)

// Warning qualifies an answer.
type Warning struct {
	Kind WarningKind
	// P is the p-value of the test, NaN where there was none.
	P float64
	// Change is by which share times change from one block to the next (Drift).
	Change float64
	// After and Otherwise are the failure rates after a failed trial and after
	// one that worked (CarryOver).
	After, Otherwise float64
	// Arms and Factors are those concerned (Confounded).
	Arms, Factors []string
}

const alphaWarning = 0.01

// warnings looks for what the comparisons take for granted. The trials are in
// the order in which they ran.
func warnings(trials []Trial, factors []string) (all []Warning) {
	if w, found := confounded(trials, factors); found {
		all = append(all, w)
	}
	rest := residuals(trials)
	if w, found := drift(rest); found {
		all = append(all, w)
	}
	if p := orderEffect(rest); p < alphaWarning {
		all = append(all, Warning{Kind: OrderEffect, P: p})
	}
	if w, found := carryOver(trials); found {
		all = append(all, w)
	}
	return all
}

// confounded finds arms that share no place with another arm.
func confounded(trials []Trial, factors []string) (Warning, bool) {
	places := map[string]map[string][]string{}
	for _, t := range trials {
		if places[t.Arm] == nil {
			places[t.Arm] = map[string][]string{}
		}
		places[t.Arm][strings.Join(t.Place, "\x00")] = t.Place
	}
	w := Warning{Kind: Confounded, P: math.NaN()}
	for x, mine := range places {
		for k, others := range places {
			if x < k && !shareKey(mine, others) {
				w.Arms = append(w.Arms, x, k)
				for i, f := range factors {
					if !shareLevel(mine, others, i) {
						w.Factors = append(w.Factors, f)
					}
				}
			}
		}
	}
	for _, list := range []*[]string{&w.Arms, &w.Factors} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return w, len(w.Arms) > 0
}

func shareKey(a, b map[string][]string) bool {
	for key := range a {
		if _, both := b[key]; both {
			return true
		}
	}
	return false
}

func shareLevel(a, b map[string][]string, factor int) bool {
	for _, x := range a {
		for _, y := range b {
			if x[factor] == y[factor] {
				return true
			}
		}
	}
	return false
}

// residual is the logarithm of a time less what its arm takes in its place.
type residual struct {
	block string
	value float64
	// position counts the block's trials before it.
	position int
}

func residuals(trials []Trial) (all []residual) {
	cell := func(t Trial) string { return t.Arm + "\x01" + strings.Join(t.Place, "\x00") }
	logs, position := map[string][]float64{}, map[string]int{}
	for _, t := range trials {
		if t.Ready && t.Seconds > 0 {
			logs[cell(t)] = append(logs[cell(t)], math.Log(t.Seconds))
		}
	}
	for _, t := range trials {
		if own := logs[cell(t)]; t.Ready && t.Seconds > 0 && len(own) > 1 {
			all = append(all, residual{t.Block, math.Log(t.Seconds) - average(own), position[t.Block]})
		}
		position[t.Block]++
	}
	return all
}

// drift tests for a straight line through the blocks' mean residuals.
func drift(rest []residual) (Warning, bool) {
	order, byBlock := []string{}, map[string][]float64{}
	for _, r := range rest {
		if byBlock[r.block] == nil {
			order = append(order, r.block)
		}
		byBlock[r.block] = append(byBlock[r.block], r.value)
	}
	slope, p := line(len(order), func(i int) (float64, float64) { return float64(i), average(byBlock[order[i]]) })
	return Warning{Kind: Drift, P: p, Change: math.Expm1(slope)}, p < alphaWarning
}

// orderEffect tests for a slope along the position in the block, block by
// block. Blocks that drift may do so from trial to trial or all at once: a slope
// between none and that of the drift is no effect of the order.
func orderEffect(rest []residual) float64 {
	order, byBlock := []string{}, map[string][]residual{}
	for _, r := range rest {
		if byBlock[r.block] == nil {
			order = append(order, r.block)
		}
		byBlock[r.block] = append(byBlock[r.block], r)
	}
	var slopes []float64
	means := make([]float64, len(order))
	length := 0.0
	for i, name := range order {
		b := byBlock[name]
		for _, r := range b {
			means[i] += r.value / float64(len(b))
		}
		length += float64(len(b)) / float64(len(order))
		if slope, _ := line(len(b), func(i int) (float64, float64) { return float64(b[i].position), b[i].value }); len(b) > 2 {
			slopes = append(slopes, slope)
		}
	}
	if len(slopes) < 3 {
		return math.NaN()
	}
	drift, _ := line(len(means), func(i int) (float64, float64) { return float64(i), means[i] })
	mean, squares := average(slopes), 0.0
	for _, v := range slopes {
		squares += (v - mean) * (v - mean)
	}
	n := float64(len(slopes))
	away := func(from float64) float64 { return (mean - from) / math.Sqrt(squares/(n-1)/n) }
	none, all := away(0), away(drift/length)
	if none*all <= 0 {
		return 1
	}
	return tailT(min(math.Abs(none), math.Abs(all)), n-1)
}

// line fits a straight line by least squares and returns its slope with the
// p-value of no slope.
func line(n int, point func(int) (x, y float64)) (slope, p float64) {
	if n < 3 {
		return 0, math.NaN()
	}
	var sx, sy, sxx, sxy, syy float64
	for i := range n {
		x, y := point(i)
		sx, sy = sx+x, sy+y
		sxx, sxy, syy = sxx+x*x, sxy+x*y, syy+y*y
	}
	m := float64(n)
	sxx, sxy, syy = sxx-sx*sx/m, sxy-sx*sy/m, syy-sy*sy/m
	slope = sxy / sxx
	rest := max(0, syy-slope*sxy)
	return slope, tailT(slope/math.Sqrt(rest/(m-2)/sxx), m-2)
}

// tailT is the two-sided p-value of Student's t.
func tailT(t, freedom float64) float64 {
	if math.IsNaN(t) {
		return math.NaN()
	}
	return 2 * studentTail(freedom, math.Abs(t))
}

// carryOver tests whether trials that follow a failed one fail more often than
// others of the same arm in the same place do.
func carryOver(trials []Trial) (Warning, bool) {
	cells, counts := map[string]*urn{}, [2]urn{}
	for i := 1; i < len(trials); i++ {
		t, previous := trials[i], trials[i-1]
		if t.Block != previous.Block {
			continue
		}
		key := t.Arm + "\x01" + strings.Join(t.Place, "\x00")
		if cells[key] == nil {
			cells[key] = &urn{}
		}
		cells[key].add(t)
		if previous.Ready {
			counts[0].add(t)
			continue
		}
		counts[1].add(t)
		cells[key].drawn++
		if !t.Ready {
			cells[key].bad++
		}
	}
	w := Warning{Kind: CarryOver, P: math.NaN()}
	if counts[0].n == 0 || counts[1].failed == 0 {
		return w, false
	}
	var urns []urn
	for _, u := range cells {
		urns = append(urns, *u)
	}
	w.P = atLeast(urns)
	w.After, w.Otherwise = float64(counts[1].failed)/float64(counts[1].n), float64(counts[0].failed)/float64(counts[0].n)
	return w, w.P < alphaWarning && w.After > w.Otherwise
}
