package analyse

import (
	"cmp"
	"math"
	"slices"

	"github.com/stratbench/stratbench/results/analyse/stats"
)

// residual is a trial's log set-up time less its cell's median: what is left
// when the cell is taken out.
type residual struct {
	Observation
	value float64
	cell  int
}

func (s Study) residuals() (all []residual) {
	for i, c := range s.Cells {
		trials := filter(s.Of(c), func(o Observation) bool { return o.Ready && o.Setup > 0 })
		logs := make([]float64, len(trials))
		for j, o := range trials {
			logs[j] = math.Log(o.Setup)
		}
		middle, err := stats.Quantile(logs, 0.5)
		if err != nil || len(logs) < 2 {
			continue
		}
		for j, o := range trials {
			all = append(all, residual{o, logs[j] - middle, i})
		}
	}
	return all
}

// mostForTrend keeps the trend tests, which look at all pairs, quick.
const mostForTrend = 2000

// warnings are those over all cells together.
func (s Study) warnings() []Warning { return s.checked }

// check looks for what moved or carried over in all cells together.
func (s Study) check() (warnings []Warning) {
	if s.Simulated() {
		warnings = append(warnings, about(SimulatedTrials, "", filter(s.Trials, func(o Observation) bool { return o.Record.Simulated })))
	}
	if n := len(s.injected); n > 0 {
		warnings = append(warnings, Warning{Kind: InjectedTrials, Count: n, Trials: s.injected[:min(n, mostNamed)]})
	}
	if s.sequential() {
		warnings = append(warnings, Warning{Kind: StoppedEarly})
	}
	all := s.residuals()
	if p, ok := trend(all, func(r residual) int64 { return r.Record.Started.UnixNano() }); ok && p < Alpha {
		warnings = append(warnings, withP(Drift, p))
	}
	if p, ok := trend(all, func(r residual) int64 { return int64(r.Place) }); ok && p < Alpha {
		warnings = append(warnings, withP(OrderEffect, p))
	}
	if p, ok := carryOver(all); ok && p < Alpha {
		warnings = append(warnings, withP(CarryOver, p))
	}
	return append(warnings, s.hostWarnings(all)...)
}

// trend tests residuals in the order of a key for a trend.
func trend(all []residual, key func(residual) int64) (p float64, ok bool) {
	type keyed struct {
		key   int64
		value float64
	}
	sorted := make([]keyed, len(all))
	for i, r := range all {
		sorted[i] = keyed{key(r), r.value}
	}
	slices.SortStableFunc(sorted, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	step := max(1, (len(sorted)+mostForTrend-1)/mostForTrend)
	var values []float64
	for i := 0; i < len(sorted); i += step {
		values = append(values, sorted[i].value)
	}
	t, err := stats.MannKendall(values)
	return t.P, err == nil
}

// carryOver tests whether trials that followed a failed one took another time
// than those that followed a good one, inside cells.
func carryOver(all []residual) (p float64, ok bool) {
	if len(all) > mostForTrend {
		all = all[:mostForTrend]
	}
	var values []float64
	var after []bool
	var cell []int
	for _, r := range all {
		if r.Record.Previous == nil {
			continue
		}
		values = append(values, r.value)
		after = append(after, r.Record.Previous.Outcome != "ok")
		cell = append(cell, r.cell)
	}
	t, err := permuteRanks(values, after, cell)
	return t.twoSided, err == nil
}
