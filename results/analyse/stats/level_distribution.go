package stats

import (
	"math"
	"math/bits"
)

// mostCounted bounds the work of counting out how sums by level are
// distributed; beyond it permutations are drawn.
const mostCounted = 3_000_000

// counted is the probability, over all arrangements of scores inside blocks,
// of a statistic as large as observed. ok is false where scores are not
// multiples of ½ (failures and midranks are) or there is too much to count.
func (m *levelSums) counted(scores []float64, observed float64) (p float64, ok bool) {
	doubled, highest := make([]uint64, len(scores)), uint64(0)
	for i, s := range scores {
		if s < 0 || s > 1e6 || 2*s != math.Trunc(2*s) {
			return 0, false
		}
		doubled[i] = uint64(2 * s)
		highest += doubled[i]
	}
	code := levelCode{levels: len(m.mean), width: bits.Len64(max(highest, uint64(len(scores))))}
	if code.levels*code.width > 64 {
		return 0, false
	}
	work, all := mostCounted, map[uint64]float64{0: 1}
	for _, members := range m.blocks {
		block := code.block(doubled, m.level, members, &work)
		if work -= len(block) * len(all); work < 0 {
			return 0, false
		}
		sums := make(map[uint64]float64, len(all))
		for a, pa := range all {
			for b, pb := range block {
				sums[a+b] += pa * pb
			}
		}
		all = sums
	}
	for sums, probability := range all {
		if m.statistic(code.halved(sums)) >= observed-1e-9*(1+math.Abs(observed)) {
			p += probability
		}
	}
	return min(1, p), true
}

// levelCode packs a number for each level, a sum or a count of trials, into
// one.
type levelCode struct{ levels, width int }

func (c levelCode) unit(level int) uint64 { return 1 << (level * c.width) }

func (c levelCode) halved(sums uint64) []float64 {
	values := make([]float64, c.levels)
	for l := range values {
		values[l] = float64(sums>>(l*c.width)&(1<<c.width-1)) / 2
	}
	return values
}

// block is the distribution of the sums by level of one block: its trials
// take the places of the levels one after the other, each free place alike.
func (c levelCode) block(scores []uint64, level, members []int, work *int) map[uint64]float64 {
	type state struct{ free, sums uint64 }
	start := state{}
	for _, i := range members {
		start.free += c.unit(level[i])
	}
	states := map[state]float64{start: 1}
	for k, i := range members {
		next := make(map[state]float64, len(states))
		for s, p := range states {
			for l := range c.levels {
				if places := s.free >> (l * c.width) & (1<<c.width - 1); places > 0 {
					to := state{s.free - c.unit(l), s.sums + scores[i]*c.unit(l)}
					next[to] += p * float64(places) / float64(len(members)-k)
				}
			}
		}
		states = next
		if *work -= len(states) * c.levels; *work < 0 {
			return nil
		}
	}
	sums := make(map[uint64]float64, len(states))
	for s, p := range states {
		sums[s.sums] += p
	}
	return sums
}
