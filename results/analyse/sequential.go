package analyse

import (
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// RateMethod says how a comparison of failure rates was made.
type RateMethod string

// The methods of comparing failure rates.
const (
	// FixedLength: Boschloo's test and the Miettinen–Nurminen interval.
	FixedLength RateMethod = "fixed"
	// Sequential: the exact test, and its interval, of a run that is looked at
	// after every block up to a planned number.
	Sequential RateMethod = "sequential"
	// AnytimeValid: the e-process and its confidence sequence, valid at every
	// look without a plan.
	AnytimeValid RateMethod = "anytime"
)

// stopsByLooking reports whether a run ended, or left cells out, because of
// what its trials showed.
func stopsByLooking(run results.Run) bool {
	return slices.ContainsFunc(run.Looks, func(l results.Look) bool { return l.Stopped || len(l.Retired) > 0 })
}

// sequential reports whether figures of a fixed length are wrong for the study.
func (s Study) sequential() bool { return slices.ContainsFunc(s.Runs, stopsByLooking) }

// afterStopping replaces what is not valid after a look decided how long the
// run was.
func (s Study) afterStopping(a arms, t RateTest) RateTest {
	blocks := rateBlocks(a)
	if plan, ok := s.sequentialPlan(a, blocks); ok {
		p, errP := plan.P()
		i, errI := plan.Interval(Confidence)
		if errP == nil && errI == nil {
			t.Method, t.P, t.Adjusted, t.Interval = Sequential, Value(p), Value(p), interval(i)
			return t
		}
	}
	if i, err := stats.TwoProportionSequence(blocks, Confidence); err == nil {
		t.Method, t.P, t.Adjusted, t.Interval = AnytimeValid, t.Anytime, t.Anytime, interval(i)
	}
	return t
}

// sequentialPlan is the exact sequential comparison of the arms' failure
// rates; ok is false where no plan bounds the blocks, or too many are planned
// to count all courses out.
func (s Study) sequentialPlan(a arms, blocks []stats.EBlock) (plan stats.SequentialRates, ok bool) {
	if len(s.Runs) != 1 {
		return plan, false
	}
	plan = stats.SequentialRates{Blocks: blocks, Most: s.plannedBlocks(a)}
	return plan, plan.Most > 0 && plan.Most <= stats.MostSequentialBlocks && len(blocks) <= plan.Most
}

// plannedBlocks counts the strata of which the run's plan has trials of both
// arms.
func (s Study) plannedBlocks(a arms) (n int) {
	names := make([]string, len(s.Factors))
	for i, f := range s.Factors {
		names[i] = f.Name
	}
	held := map[sharing]*[2]bool{}
	for _, run := range s.Runs {
		settings := settingsOf(run)
		for _, t := range run.Plan.Trials {
			arm, ok := a.armOf(complete(t.Cell, names, settings))
			if t.WarmUp || !ok {
				continue
			}
			key := stratum(Observation{Cell: complete(t.Cell, names, settings), Block: blockOf(run, &results.Record{Trial: t})}, a.factor)
			if held[key] == nil {
				held[key] = &[2]bool{}
			}
			held[key][arm] = true
		}
	}
	for _, arms := range held {
		if arms[0] && arms[1] {
			n++
		}
	}
	return n
}

// armOf says which arm a cell belongs to.
func (a arms) armOf(c trial.Cell) (arm int, ok bool) {
	for _, fixed := range a.within {
		if level, _ := c.Level(fixed.Factor); level != fixed.Level {
			return 0, false
		}
	}
	level, _ := c.Level(a.factor)
	switch level {
	case a.first:
		return 0, true
	case a.second:
		return 1, true
	}
	return 0, false
}
