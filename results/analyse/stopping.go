package analyse

import (
	"cmp"
	"slices"

	"github.com/stratbench/stratbench/results/analyse/stats"
)

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
