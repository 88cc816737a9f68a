package compare

import (
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/results/stats"
)

// WarningKind is what is doubtful about a decision.
type WarningKind string

// The kinds of warning. Drift does not harm comparisons, which are made inside
// blocks. The last two are about the source of imported trials.
const (
	Confounded WarningKind = "confounded" // arms never ran in the same place, which may be what differs
	Untried    WarningKind = "untried"    // arms never ran in a place where others did
	Drift      WarningKind = "drift"      // set-up times rose or fell from block to block
	CarryOver  WarningKind = "carry-over" // a failure was more often followed by another one
	Imported   WarningKind = "imported"   // lines can be true and seldom are
	MixedUnits WarningKind = "mixed-units"
)

// Warning qualifies an answer.
type Warning struct {
	Kind WarningKind `json:"kind"`
	// P is the p-value of the test, NaN where there was none.
	P stats.Value `json:"p"`
	// Change is the share by which times change from one block to the next (Drift).
	Change float64 `json:"change,omitempty"`
	// After and Otherwise are the failure rates after a failed trial and after
	// one that worked (CarryOver).
	After     float64 `json:"failures_after_failure,omitempty"`
	Otherwise float64 `json:"failures_otherwise,omitempty"`
	// Arms and Factors are those concerned (Confounded; arms of Untried).
	Arms    []string `json:"strategies,omitempty"`
	Factors []string `json:"factors,omitempty"`
	// Where has the level that is a place, or the levels that are one together (Untried).
	Where Where `json:"where,omitempty"`
	// Detail is the line and what is doubtful about it (Imported), or where times seem
	// to be in several units (MixedUnits).
	Detail string `json:"detail,omitempty"`
}

const alphaWarning = 0.01

// Warnings checks what comparisons assume. The trials are in the order they ran in.
func Warnings(trials []Trial, factors []string) (all []Warning) {
	seen := map[string][]map[string]bool{} // by arm: its places, then its levels of each factor
	for _, t := range trials {
		if seen[t.Arm] == nil {
			for range 1 + len(t.Place) {
				seen[t.Arm] = append(seen[t.Arm], map[string]bool{})
			}
		}
		for i, name := range append([]string{t.placeKey()}, t.Place...) {
			seen[t.Arm][i][name] = true
		}
	}
	if apart := confounded(seen, factors); len(apart.Arms) > 0 {
		all = append(all, apart)
	}
	all = append(all, untried(trials, seen, factors)...)
	if slope, p := drift(trials); p < alphaWarning {
		all = append(all, Warning{Kind: Drift, P: stats.Value(p), Change: math.Expm1(slope)})
	}
	if w := carryOver(trials); w.P < alphaWarning && w.After > w.Otherwise {
		all = append(all, w)
	}
	return all
}

// cell names an arm in a place.
func (t Trial) cell() string { return t.Arm + "\x01" + t.placeKey() }

// confounded finds arms that share no place, and the factors of which no level.
func confounded(seen map[string][]map[string]bool, factors []string) Warning {
	w := Warning{Kind: Confounded, P: stats.Value(math.NaN())}
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

// untried finds the levels at which arms have no trial, and the places where they have
// none although they ran at each of its levels.
func untried(trials []Trial, seen map[string][]map[string]bool, factors []string) (all []Warning) {
	warn := func(where Where, lacks func(seen []map[string]bool) bool) {
		lacking := slices.DeleteFunc(slices.Sorted(maps.Keys(seen)), func(arm string) bool { return !lacks(seen[arm]) })
		if len(lacking) > 0 {
			all = append(all, Warning{Kind: Untried, P: stats.Value(math.NaN()), Arms: lacking, Where: where})
		}
	}
	for i, f := range factors {
		for _, level := range Levels(trials, i) {
			warn(Where{f: {level}}, func(seen []map[string]bool) bool { return !seen[1+i][level] })
		}
	}
	places := map[string][]string{}
	for _, t := range trials {
		places[t.placeKey()] = t.Place
	}
	for _, name := range slices.Sorted(maps.Keys(places)) {
		where := Where{}
		for i, level := range places[name] {
			where[factors[i]] = AnyOf{level}
		}
		warn(where, func(seen []map[string]bool) bool {
			for i, level := range places[name] {
				if !seen[1+i][level] {
					return false
				}
			}
			return !seen[0][name]
		})
	}
	return all
}

// drift tests for a straight line through the blocks' mean residuals, in the order of
// their first trials. A residual is the logarithm of a time less the mean of its arm
// in its place.
func drift(trials []Trial) (slope, p float64) {
	type sum struct{ n, logs float64 }
	cells, known := map[string]sum{}, map[string]int{}
	for _, t := range trials {
		if t.Ready && t.Seconds > 0 {
			own := cells[t.cell()]
			cells[t.cell()] = sum{own.n + 1, own.logs + math.Log(t.Seconds)}
		}
	}
	var blocks [][]float64
	for _, t := range trials {
		own := cells[t.cell()]
		if !t.Ready || !(t.Seconds > 0) || own.n < 2 {
			continue
		}
		at, seen := known[t.Block]
		if !seen {
			at = len(blocks)
			known[t.Block], blocks = at, append(blocks, nil)
		}
		blocks[at] = append(blocks[at], math.Log(t.Seconds)-own.logs/own.n)
	}
	var order, means []float64
	for i, residuals := range blocks {
		order, means = append(order, float64(i)), append(means, stat.Mean(residuals, nil))
	}
	return line(order, means)
}

// line fits a straight line by least squares and returns its slope with the
// p-value of no slope; NaN for fewer than three points.
func line(x, y []float64) (slope, p float64) {
	if len(x) < 3 {
		return 0, math.NaN()
	}
	_, slope = stat.LinearRegression(x, y, nil, false)
	r, free := stat.Correlation(x, y, nil), float64(len(x)-2)
	t := r * math.Sqrt(free/max(0, 1-r*r))
	if math.IsNaN(t) {
		return slope, t
	}
	return slope, 2 * distuv.StudentsT{Sigma: 1, Nu: free}.Survival(math.Abs(t))
}

// carryOver tests whether trials after a failed one fail more often than others alike.
func carryOver(trials []Trial) Warning {
	cells, after, otherwise := map[string]urn{}, urn{}, urn{}
	for i := 1; i < len(trials); i++ {
		t, previous := trials[i], trials[i-1]
		if t.Block != previous.Block {
			continue
		}
		own := cells[t.cell()].with(t)
		if previous.Ready {
			otherwise = otherwise.with(t)
		} else {
			after = after.with(t)
			if own.drawn++; !t.Ready {
				own.bad++
			}
		}
		cells[t.cell()] = own
	}
	w := Warning{Kind: CarryOver, P: stats.Value(math.NaN()), After: float64(after.failed) / float64(after.n), Otherwise: float64(otherwise.failed) / float64(otherwise.n)}
	if otherwise.n > 0 && after.failed > 0 {
		w.P = stats.Value(atLeast(slices.Collect(maps.Values(cells))))
	}
	return w
}
