package analyse

import (
	"cmp"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/analyse/stats"
)

// Stopping is what the trials so far decide, by methods that stay valid when
// looked at after every block.
type Stopping struct {
	// Settled says that every comparison asked for is decided.
	Settled bool `json:"settled"`
	// Decided and Open count the comparisons; Ended are those that were not
	// decided and get no more blocks, because a cell of theirs is retired.
	Decided int `json:"decided"`
	Open    int `json:"open"`
	Ended   int `json:"ended"`
	// Retire are cells that were shown to fail more often than is of any use:
	// to run them on teaches nothing.
	Retire []trial.Cell `json:"retire"`
}

// Stopping says whether a run may stop: each comparison of failure rates is
// decided by a test that stays valid when made after every block, at alpha
// over the number of comparisons; a cell is retired when the anytime-valid
// lower bound of its failure rate, with alpha shared by all cells, is over
// useless. A comparison with a retired cell gets no more blocks, and keeps
// nothing waiting.
func (s Study) Stopping(questions []Question, useless float64) (Stopping, error) {
	if questions == nil {
		questions = s.DefaultQuestions()
	}
	for _, q := range questions {
		if err := s.answerable(q); err != nil {
			return Stopping{}, err
		}
	}
	stop := Stopping{Retire: []trial.Cell{}}
	for _, c := range s.Cells {
		if s.keepsFailing(c, useless) {
			stop.Retire = append(stop.Retire, c)
		}
	}
	asked := s.asked(questions)
	for _, a := range asked {
		switch {
		case s.decided(a, Alpha/float64(len(asked))):
			stop.Decided++
		case a.without(stop.Retire):
			stop.Ended++
		default:
			stop.Open++
		}
	}
	stop.Settled = stop.Open == 0 && stop.Decided+stop.Ended > 0
	return stop, nil
}

// decided reports whether equal failure rates were rejected at any look.
func (s Study) decided(a arms, alpha float64) bool {
	blocks := rateBlocks(a)
	if plan, ok := s.sequentialPlan(a, blocks); ok {
		at, err := plan.RejectedAt(0, alpha)
		return err == nil && at > 0
	}
	p := anytime(a)
	return p.Finite() && float64(p) <= alpha
}

// without reports whether an arm has only retired cells left.
func (a arms) without(retired []trial.Cell) bool {
	for _, trials := range a.trials {
		running := slices.ContainsFunc(trials, func(o Observation) bool {
			return !slices.ContainsFunc(retired, func(c trial.Cell) bool { return slices.Equal(c, o.Cell) })
		})
		if len(trials) > 0 && !running {
			return true
		}
	}
	return false
}

func (s Study) keepsFailing(c trial.Cell, useless float64) bool {
	trials := s.Of(c)
	failed := count(trials, func(o Observation) bool { return !o.Ready })
	level := 1 - Alpha/float64(len(s.Cells))
	i, err := stats.BernoulliSequence(failed, len(trials), level, tightestAt)
	return err == nil && i.Lower > useless
}

// tightestAt is the number of trials of a cell for which bounds that are valid
// at every look are made tightest.
const tightestAt = 10

// anytime is the p-value of equal failure rates that is valid at every look.
func anytime(a arms) Value {
	blocks := rateBlocks(a)
	e, err := stats.TwoProportionEProcess(blocks)
	if err != nil {
		return none
	}
	p, err := stats.AnytimeP(e)
	if err != nil || len(p) == 0 {
		return none
	}
	return Value(p[len(p)-1])
}

// rateBlocks counts failures by block, in the order in which blocks began.
func rateBlocks(a arms) []stats.EBlock {
	type counted struct {
		began int
		arms  [2]stats.Arm
	}
	byStratum := map[sharing]*counted{}
	for i, trials := range a.trials {
		for _, o := range trials {
			key := stratum(o, a.factor)
			b := byStratum[key]
			if b == nil {
				b = &counted{began: o.Record.Trial.Position}
				byStratum[key] = b
			}
			b.began = min(b.began, o.Record.Trial.Position)
			b.arms[i].Trials++
			if !o.Ready {
				b.arms[i].Events++
			}
		}
	}
	all := make([]*counted, 0, len(byStratum))
	for _, b := range byStratum {
		all = append(all, b)
	}
	slices.SortFunc(all, func(x, y *counted) int { return cmp.Compare(x.began, y.began) })
	blocks := make([]stats.EBlock, len(all))
	for i, b := range all {
		blocks[i] = stats.EBlock{First: b.arms[0], Second: b.arms[1]}
	}
	return blocks
}
