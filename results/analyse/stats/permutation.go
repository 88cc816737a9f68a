package stats

import (
	"math"
	"math/rand/v2"
)

// Permutation is the result of a permutation test on a sum of scores. Ties
// are in the distribution itself, so that no p-value needs a correction.
type Permutation struct {
	Statistic float64 // sum of the scores of the first arm
	Expected  float64 // its mean over all arrangements

	Less, Greater float64 // P(sum ≤ observed), P(sum ≥ observed)
	TwoSided      float64 // P(|sum − mean| ≥ |observed − mean|)
	Doubled       float64 // twice the smaller one-sided p-value, at most 1

	// Smallest is the least two-sided p-value that any outcome with these
	// scores could have had: above alpha the test could not have rejected.
	// It is 1/(draws+1) where p-values are simulated.
	Smallest     float64
	Arrangements float64 // equally likely arrangements; may be +Inf
	Exact        bool
	Draws        int // arrangements drawn where Exact is false
}

// StratifiedPermutation tests that the scores of the two arms are
// exchangeable inside blocks, which is what randomised blocks make true when
// the strategies do not differ. scores, first (whether the trial is of the
// first arm) and block have one entry a trial; a nil block is one block.
//
// The distribution is exact for midranks of up to some hundred trials and
// for up to two million arrangements of any scores; beyond, draws
// arrangements from the seed give p = (k+1)/(draws+1).
//
// Lehmann, Nonparametrics (1975) §3.3; Phipson & Smyth, Statistical
// Applications in Genetics and Molecular Biology 9 (2010) 39.
func StratifiedPermutation(scores []float64, first []bool, block []int, draws int, seed uint64) (Permutation, error) {
	p, err := newPermutation(scores, first, block)
	if err != nil {
		return Permutation{}, err
	}
	if d, ok := permuted(p.scores, p.sizes); ok {
		return p.exact(d), nil
	}
	if draws < 1 {
		return Permutation{}, invalid("%g arrangements need simulation and draws is %d", p.count, draws)
	}
	return p.simulated(draws, seed), nil
}

// WorstRankTest is StratifiedPermutation on the pooled midranks of values,
// the stratified Wilcoxon test for times with +Inf for failures.
// Less means that the first arm is the faster one.
func WorstRankTest(values []float64, first []bool, block []int, draws int, seed uint64) (Permutation, error) {
	ranks, err := Midranks(values)
	if err != nil {
		return Permutation{}, err
	}
	return StratifiedPermutation(ranks, first, block, draws, seed)
}

// permutation is a test's data by block: in each block the scores of the
// first arm come first.
type permutation struct {
	scores             [][]float64
	sizes              []int
	observed, expected float64
	count              float64
}

func newPermutation(scores []float64, first []bool, block []int) (*permutation, error) {
	if len(scores) != len(first) || (block != nil && len(block) != len(scores)) {
		return nil, invalid("%d scores, %d arms, %d blocks", len(scores), len(first), len(block))
	}
	if err := checkFinite("scores", scores); err != nil {
		return nil, err
	}
	p := &permutation{count: 1}
	for _, members := range blocks(len(scores), block) {
		p.add(scores, first, members)
	}
	if p.count < 2 {
		return nil, invalid("no block holds both arms")
	}
	return p, nil
}

func (p *permutation) add(scores []float64, first []bool, members []int) {
	var a, b []float64
	var sum, all float64
	for _, i := range members {
		all += scores[i]
		if first[i] {
			a, sum = append(a, scores[i]), sum+scores[i]
		} else {
			b = append(b, scores[i])
		}
	}
	p.observed += sum
	p.expected += all * float64(len(a)) / float64(len(members))
	p.count *= arrangements(len(members), len(a))
	p.scores = append(p.scores, append(a, b...))
	p.sizes = append(p.sizes, len(a))
}

// slack is what rounding may put between equal sums.
func (p *permutation) slack() float64 {
	return 1e-9 * (1 + math.Abs(p.observed) + math.Abs(p.expected))
}

func (p *permutation) exact(d distribution) Permutation {
	r := Permutation{Statistic: p.observed, Expected: p.expected, Arrangements: p.count, Exact: true}
	slack := p.slack()
	furthest := max(p.expected-d.value[0], d.value[len(d.value)-1]-p.expected)
	for i, v := range d.value {
		w := d.weight[i]
		if v <= p.observed+slack {
			r.Less += w
		}
		if v >= p.observed-slack {
			r.Greater += w
		}
		if math.Abs(v-p.expected) >= math.Abs(p.observed-p.expected)-slack {
			r.TwoSided += w
		}
		if math.Abs(v-p.expected) >= furthest-slack {
			r.Smallest += w
		}
	}
	return r.capped()
}

func (r Permutation) capped() Permutation {
	r.Less, r.Greater = min(1, r.Less), min(1, r.Greater)
	r.TwoSided, r.Smallest = min(1, r.TwoSided), min(1, r.Smallest)
	r.Doubled = min(1, 2*min(r.Less, r.Greater))
	return r
}

func (p *permutation) simulated(draws int, seed uint64) Permutation {
	random := rand.New(rand.NewPCG(seed, 0))
	var less, greater, beyond int
	slack := p.slack()
	for range draws {
		sum := p.draw(random)
		if sum <= p.observed+slack {
			less++
		}
		if sum >= p.observed-slack {
			greater++
		}
		if math.Abs(sum-p.expected) >= math.Abs(p.observed-p.expected)-slack {
			beyond++
		}
	}
	share := func(k int) float64 { return float64(k+1) / float64(draws+1) }
	r := Permutation{Statistic: p.observed, Expected: p.expected, Arrangements: p.count, Draws: draws,
		Less: share(less), Greater: share(greater), TwoSided: share(beyond), Smallest: share(0)}
	return r.capped()
}

// draw picks a first arm in every block by the start of a shuffle.
func (p *permutation) draw(random *rand.Rand) (sum float64) {
	for b, s := range p.scores {
		for i := range p.sizes[b] {
			j := i + random.IntN(len(s)-i)
			s[i], s[j] = s[j], s[i]
			sum += s[i]
		}
	}
	return sum
}
