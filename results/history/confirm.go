package history

import (
	"fmt"
	"github.com/stratbench/stratbench/results/analyse"
	"github.com/stratbench/stratbench/results/analyse/stats"
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
			confirmed, tells, err := r.confirms(n.Series[f.Series], f, o)
			if err != nil {
				return nil, fmt.Errorf("comparing the states of run %s: %w", r.RunID, err)
			}
			if tells {
				list = append(list, detect.Confirmation{Night: night, Series: f.Series, Confirmed: confirmed})
			}
		}
	}
	return list, nil
}

// confirms says whether a run of both states confirms a finding, if it tells
// at all. Of a rate the trials of the present state are counted one by one,
// until they have said it.
func (r *Run) confirms(s Series, f detect.Finding, o detect.Options) (confirmed, tells bool, err error) {
	good, present := r.states(s)
	if len(good) == 0 {
		return false, false, nil
	}
	if UnitOf(s.Metric) != UnitShare {
		c, err := detect.Confirm(good, present, f.Better, confirmAlpha, o.Threshold)
		return c.Confirmed, true, err
	}
	var bad []bool
	for _, v := range slices.Concat(present...) {
		bad = append(bad, v > 0)
	}
	decision, _, err := detect.ConfirmRate(f.Before, confirmAlpha).Decide(bad)
	return decision == stats.AcceptHigh, decision != stats.Undecided && !f.Better, err
}

// states are a series' trials of the two states, block by block; of a count 1
// for a bad one and 0 for a good one. Empty where no block has both.
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
	for block := range good {
		if len(good[block]) > 0 && len(present[block]) > 0 {
			return good, present
		}
	}
	return nil, nil
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
