package detect

import (
	"cmp"
	"slices"
)

// enough arrangements that are as extreme as the observed one show that it is
// not: the drawing stops there.
//
// Besag & Clifford, Biometrika 78 (1991) 301.
const enough = 10

// tally counts the arrangements of the nights that are as extreme as the
// observed one, for each measure over itself and all less extreme ones: the
// step-down of Westfall & Young, Resampling-Based Multiple Testing (1993)
// algorithm 2.8.
type tally struct {
	observed []float64
	moved    []int // measures that moved at all, from the most extreme
	still    []int // the others of the family
	exceeded []int // by place in moved
	draws    int
}

// tallies are those of the primary measures and of the rest.
type tallies []*tally

func newTallies(observed []float64, primary []bool) tallies {
	families := map[bool]*tally{}
	for j, v := range observed {
		f := families[primary[j]]
		if f == nil {
			f = &tally{observed: slices.Clone(observed)}
			families[primary[j]] = f
		}
		if v > 0 {
			f.moved = append(f.moved, j)
		} else {
			f.still = append(f.still, j)
		}
	}
	var all tallies
	for _, f := range []*tally{families[true], families[false]} {
		if f != nil {
			slices.SortStableFunc(f.moved, func(a, b int) int { return cmp.Compare(observed[b], observed[a]) })
			f.exceeded = make([]int, len(f.moved))
			all = append(all, f)
		}
	}
	return all
}

func (t *tally) settled() bool { return len(t.moved) == 0 || t.exceeded[0] >= enough }

func (t tallies) settled() bool {
	return !slices.ContainsFunc(t, func(f *tally) bool { return !f.settled() })
}

func (t tallies) count(drawn []float64) {
	for _, f := range t {
		if !f.settled() {
			f.count(drawn)
		}
	}
}

func (t *tally) count(drawn []float64) {
	t.draws++
	var most float64
	for _, j := range t.still {
		most = max(most, drawn[j])
	}
	for i := len(t.moved) - 1; i >= 0; i-- {
		j := t.moved[i]
		most = max(most, drawn[j])
		// Equal sums may differ in their last bits.
		if most >= t.observed[j]*(1-1e-9) {
			t.exceeded[i]++
		}
	}
}

// adjusted are the p-values, (k+1)/(draws+1) or k/draws where enough stopped
// the drawing; each family has its share of the errors.
//
// Phipson & Smyth, Statistical Applications in Genetics and Molecular Biology
// 9 (2010) 39.
func (t tallies) adjusted(measures int) []float64 {
	p := make([]float64, measures)
	for j := range p {
		p[j] = 1
	}
	for _, f := range t {
		var running float64
		for i, j := range f.moved {
			share := float64(f.exceeded[i]+1) / float64(f.draws+1)
			if f.exceeded[0] >= enough {
				share = float64(f.exceeded[i]) / float64(f.draws)
			}
			running = max(running, share)
			p[j] = min(1, running*float64(len(t)))
		}
	}
	return p
}
