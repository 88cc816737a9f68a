package history

import (
	"slices"
	"strings"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/study"
)

const (
	// confirmAlpha is the level of all series together that a night put in doubt.
	confirmAlpha = 0.05
	// confirmMisses is how often trials that exclude a raised rate may miss one.
	confirmMisses = 0.05
	// leastUsual is the lowest rate that a raised one is distinguished from: with
	// a lower one a single bad trial would confirm.
	leastUsual = 0.02
	// blocksOfRate let a failure rate be told from the usual one in most cases:
	// nine good trials refute a rise to 30 %, two bad ones among nine confirm it.
	blocksOfRate = 12
)

// Alarms are the findings that trials of both states would settle, if none were made: what is
// suspected for the worse, and what became a regression in this run.
func (c Check) Alarms() []Finding {
	return slices.DeleteFunc(slices.Clone(c.Findings), func(f Finding) bool {
		return f.Kind != FindingSuspect && f.Kind != FindingRegression || f.LastGood == "" || f.Tried != ""
	})
}

// BlocksToConfirm is how many blocks, with a trial of each state in each,
// settle the alarms: one more than the tests need at the least.
func BlocksToConfirm(alarms []Finding) int {
	blocks := compare.BlocksToTell(len(alarms), confirmAlpha) + 1
	if slices.ContainsFunc(alarms, func(f Finding) bool { return f.Unit == study.UnitShare }) {
		blocks = max(blocks, blocksOfRate)
	}
	return blocks
}

// tried is the run of both states of a series since the last night; empty for none.
func (n Nights) tried(s Series) (run string) {
	for _, r := range n.Compared {
		if good, _ := r.states(s); len(good) > 0 && n.since(r.Environment.Started) == len(n.Runs) {
			run = r.RunID
		}
	}
	return run
}

// question is what trials of both states are run for: a series in a night.
type question struct{ night, series int }

// confirmations are what runs of both states show of the night before each of them.
func (n Nights) confirmations(report detect.Report, threshold float64) map[question]detect.Confirmation {
	showed := map[question]detect.Confirmation{}
	for _, r := range n.Compared {
		night := n.since(r.Environment.Started) - 1
		if night < 0 {
			continue
		}
		var asked []detect.Finding
		for _, i := range report.Nights[night].Findings {
			f := report.Findings[i]
			if f.Series == detect.None || f.Better {
				continue
			}
			if good, _ := r.states(n.Series[f.Series]); len(good) > 0 {
				asked = append(asked, f)
			}
		}
		for _, f := range asked {
			c, tells := n.confirm(r, f, confirmAlpha/float64(len(asked)), threshold)
			q := question{night, f.Series}
			if _, known := showed[q]; tells && !known {
				showed[q] = c
			}
		}
	}
	return showed
}

// confirm decides whether a run of both states confirms or excludes a finding; tells is false
// where it can do neither. Of a rate the trials of the present state are held against what is
// usual, which the nights know better than so few trials of the last good one.
func (n Nights) confirm(r *Run, f detect.Finding, alpha, threshold float64) (c detect.Confirmation, tells bool) {
	s := n.Series[f.Series]
	good, present := r.states(s)
	// Only when all that changed with the finding is part of a state had the run
	// one side without it. What a newer engine does is in both sides.
	undone := !slices.ContainsFunc(r.Environment.States, func(s results.State) bool { return len(s.NotUndone) > 0 }) &&
		!slices.ContainsFunc(n.Causes(s.Cell, f.Since), func(c Cause) bool { return !ofState(c.What) })
	if s.Metric.Unit() != study.UnitShare {
		d := compare.Change(good, present, alpha)
		c.Confirmed, c.Excluded = d.P <= alpha && d.Change >= threshold, undone && d.Upper < threshold
		return c, !d.TooFew(alpha)
	}
	bad, trials := 0, slices.Concat(present...)
	for _, v := range trials {
		bad += int(v)
	}
	usual := min(0.9, max(leastUsual, f.Before))
	confirmed, excluded := compare.Raised(bad, len(trials), usual, detect.Raised(usual), alpha, confirmMisses)
	c.Confirmed, c.Excluded = confirmed, undone && excluded
	return c, confirmed || excluded
}

// ofState is true for what is built again with a state.
func ofState(what string) bool {
	return slices.ContainsFunc([]string{settingOf, recipeOf, contextOf, "workload", "spec", "git revision", "tests in the suite"},
		func(part string) bool { return strings.HasPrefix(what, part) })
}

// states are a series' trials of the two states, block by block; of a count 1
// for a bad one and 0 for a good one. Empty where no block has both.
func (r *Run) states(s Series) (good, present [][]float64) {
	both := false
	for _, t := range r.Trials {
		cell := r.Cells[t.Cell]
		level, _ := cell.Level(results.StateFactor)
		if t.Block < 1 || !t.counts() || results.WithoutState(cell).Key() != s.Cell.Key() {
			continue
		}
		value, ok := t.Of(s.Metric)
		if !ok {
			continue
		}
		for len(good) < t.Block {
			good, present = append(good, nil), append(present, nil)
		}
		at := t.Block - 1
		switch level {
		case results.LastGood:
			good[at] = append(good[at], value)
		case results.Present:
			present[at] = append(present[at], value)
		}
		both = both || len(good[at]) > 0 && len(present[at]) > 0
	}
	if !both {
		return nil, nil
	}
	return good, present
}
