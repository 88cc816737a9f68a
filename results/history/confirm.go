package history

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/study"
)

// confirmAlpha is the level at which trials of both states confirm, for all
// series together that were in doubt in a night.
const confirmAlpha = 0.05

const (
	// confirmMisses is how often trials that exclude a raised rate may miss one.
	confirmMisses = 0.05
	// leastUsual is the lowest rate that a raised one is told apart from: with
	// a lower one a single bad trial would confirm.
	leastUsual = 0.02
)

// blocksOfRate let a failure rate be told from the usual one in most cases:
// nine good trials refute a rise to 30 %, two bad ones among nine confirm it.
const blocksOfRate = 12

// Alarms are the findings that trials of both states would settle: what is
// suspected for the worse, and what became a regression in this run, of that
// what they were not yet made for.
func (c Check) Alarms() (alarms []Finding) {
	for _, f := range c.Findings {
		if (f.Kind == FindingSuspect || f.Kind == FindingRegression) && f.LastGood != "" && f.Tried == "" {
			alarms = append(alarms, f)
		}
	}
	return alarms
}

// tried is the run of both states, made since the last night, that has trials
// of a series; empty for none.
func (n Nights) tried(s Series) (run string) {
	for _, r := range n.Compared {
		if good, _ := r.states(s); len(good) > 0 && n.since(r.Environment.Started) == len(n.Runs) {
			run = r.RunID
		}
	}
	return run
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

// Records reads the run's records.
func (r *Run) Records() (results.Run, error) {
	runs, err := records(r.key, r.paths)
	if err != nil || len(runs) == 0 {
		return results.Run{}, errors.Join(err, fmt.Errorf("run %s is no longer in the history", r.RunID))
	}
	run, _ := join(runs)
	run.Dir = r.RunID
	return run, nil
}

// confirmations are what the runs that compared two states say of what was
// found in the last night before each of them.
func (n Nights) confirmations(report detect.Report, o detect.Options) (list []detect.Confirmation) {
	for _, r := range n.Compared {
		night := n.since(r.Environment.Started) - 1
		if night < 0 {
			continue
		}
		asked := n.asked(r, night, report)
		for _, f := range asked {
			if c, tells := n.confirm(r, f, confirmAlpha/float64(len(asked)), o); tells {
				c.Night = night
				list = append(list, c)
			}
		}
	}
	return list
}

// asked are the findings for the worse of a night that a run of both states
// has trials of.
func (n Nights) asked(r *Run, night int, report detect.Report) (asked []detect.Finding) {
	for _, i := range report.Nights[night].Findings {
		f := report.Findings[i]
		if f.Series == detect.None || f.Better {
			continue
		}
		if good, _ := r.states(n.Series[f.Series]); len(good) > 0 {
			asked = append(asked, f)
		}
	}
	return asked
}

// confirm says whether a run of both states confirms a finding, if it tells
// at all. Of a rate the trials of the present state are held against what is
// usual, which the nights know better than so few trials of the last good one.
func (n Nights) confirm(r *Run, f detect.Finding, alpha float64, o detect.Options) (c detect.Confirmation, tells bool) {
	s := n.Series[f.Series]
	good, present := r.states(s)
	c.Series = f.Series
	undone := n.undone(r, f)
	if s.Metric.Unit() != study.UnitShare {
		d := compare.Change(good, present, alpha)
		c.Confirmed, c.Excluded = d.P <= alpha && d.Change >= o.Threshold, undone && d.Upper < o.Threshold
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

// undone is true when all that changed with a finding is part of a state, so
// that the run of both states had the one side without it. What a newer engine
// does is in both, and no trial of them excludes it.
func (n Nights) undone(r *Run, f detect.Finding) bool {
	for _, s := range r.Environment.States {
		if len(s.NotUndone) > 0 {
			return false
		}
	}
	return !slices.ContainsFunc(n.Causes(n.Series[f.Series].Cell, f.Since), func(c Cause) bool { return !ofState(c.What) })
}

// ofState is true for what is built again with a state.
func ofState(what string) bool {
	for _, part := range []string{"setting ", recipeOf, contextOf, "workload", "spec", "git revision", "tests in the suite"} {
		if strings.HasPrefix(what, part) {
			return true
		}
	}
	return false
}

// states are a series' trials of the two states, block by block; of a count 1
// for a bad one and 0 for a good one. Empty where no block has both.
func (r *Run) states(s Series) (good, present [][]float64) {
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
