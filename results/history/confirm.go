package history

import (
	"fmt"
	"github.com/stratbench/stratbench/results/analyse"
	"slices"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/history/detect"
)

// confirmAlpha is the level at which trials of both states confirm.
const confirmAlpha = 0.05

// confirmations are what the runs that compared two states say of what was
// suspected in the last night before each of them.
func (n Nights) confirmations(report detect.Report, o detect.Options) (list []detect.Confirmation, err error) {
	for _, r := range n.Compared {
		night := n.since(r.Environment.Started) - 1
		if night < 0 {
			continue
		}
		for _, f := range report.Findings {
			if f.Series == detect.None || f.Raised > night || f.Certainty != detect.Suspected && f.Raised != night {
				continue
			}
			good, present := r.states(n.Series[f.Series])
			if len(good) == 0 {
				continue
			}
			c, err := detect.Confirm(good, present, !f.Better, confirmAlpha, o.Threshold)
			if err != nil {
				return nil, fmt.Errorf("comparing the states of run %s: %w", r.RunID, err)
			}
			list = append(list, detect.Confirmation{Night: night, Series: f.Series, Confirmed: c.Confirmed})
		}
	}
	return list, nil
}

// states are a series' trials of the two states, block by block; of a count 1
// for a bad one and 0 for a good one. Empty where neither has any.
func (r *Run) states(s Series) (good, present [][]float64) {
	for _, t := range r.Trials {
		cell := r.Cells[t.Cell]
		level, _ := cell.Level(results.StateFactor)
		if t.Block < 1 || !t.judged() || results.WithoutState(cell).Key() != s.Cell.Key() {
			continue
		}
		value, ok := t.value(s.Metric)
		if !ok {
			continue
		}
		for len(good) < t.Block {
			good, present = append(good, nil), append(present, nil)
		}
		switch level {
		case results.LastGood:
			good[t.Block-1] = append(good[t.Block-1], value)
		case results.Present:
			present[t.Block-1] = append(present[t.Block-1], value)
		}
	}
	some := func(block []float64) bool { return len(block) > 0 }
	if !slices.ContainsFunc(good, some) || !slices.ContainsFunc(present, some) {
		return nil, nil
	}
	return good, present
}

// value is a trial's figure: of a count 1 for a bad trial, 0 for a good one.
func (t *Trial) value(m analyse.Metric) (v float64, ok bool) {
	if UnitOf(m) != UnitShare {
		v = t.measure(m)
		return v, v > 0
	}
	counts, bad := t.count(m)
	if bad {
		v = 1
	}
	return v, counts
}
