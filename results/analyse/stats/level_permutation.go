package stats

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// LevelTest is a test that scores do not depend on a factor of any number of
// levels.
type LevelTest struct {
	// Statistic is Cochran, Mantel and Haenszel's, generalised; Limit is its
	// p-value in the χ² limit with Freedom degrees.
	Statistic, Limit float64
	Freedom          int
	// P is from the permutations; Limit where none were asked for.
	P float64
	// Exact: all permutations were counted. Else Draws were drawn.
	Exact bool
	Draws int
}

// LevelPermutation tests that scores are exchangeable between the levels of a
// factor inside blocks. scores, level (from 0, under levels) and block have an
// entry a trial; a nil block is one block. Scores of 0 and 1 are failures,
// ranks inside blocks make it Friedman's test. All permutations are counted
// where that is feasible; else draws of them from the seed give p =
// (k+1)/(draws+1), which is valid at any number of trials. With no draws the
// limit stands. It is an error when no block holds two levels and two scores.
//
// Landis, Heyman & Koch, International Statistical Review 46 (1978) 237;
// Phipson & Smyth (2010). R: mantelhaen.test, friedman.test.
func LevelPermutation(scores []float64, level []int, levels int, block []int, draws int, seed uint64) (LevelTest, error) {
	if len(scores) != len(level) || (block != nil && len(block) != len(scores)) || levels < 2 {
		return LevelTest{}, invalid("%d scores, %d levels of trials, %d blocks, %d levels", len(scores), len(level), len(block), levels)
	}
	if err := checkFinite("scores", scores); err != nil {
		return LevelTest{}, err
	}
	for i, l := range level {
		if l < 0 || l >= levels {
			return LevelTest{}, invalid("level[%d] is %d of %d", i, l, levels)
		}
	}
	m := newLevelSums(scores, level, levels, blocks(len(scores), block))
	if m.rank == 0 {
		return LevelTest{}, invalid("no block holds two levels and two scores")
	}
	t := LevelTest{Statistic: m.statistic(m.sums(scores)), Freedom: m.rank}
	t.Limit = distuv.ChiSquared{K: float64(m.rank)}.Survival(t.Statistic)
	if t.P = t.Limit; draws < 1 {
		return t, nil
	}
	if t.P, t.Exact = m.counted(scores, t.Statistic); !t.Exact {
		t.P, t.Draws = m.permuted(scores, t.Statistic, draws, seed), draws
	}
	return t, nil
}

// levelSums has the mean and the inverse covariance of the sums of scores by
// level, over all arrangements inside blocks.
type levelSums struct {
	level   []int
	blocks  [][]int
	mean    []float64
	inverse *mat.Dense
	rank    int
}

func newLevelSums(scores []float64, level []int, levels int, blocks [][]int) *levelSums {
	m := &levelSums{level: level, blocks: blocks, mean: make([]float64, levels)}
	covariance := mat.NewDense(levels, levels, nil)
	for _, members := range blocks {
		n, sum, squares := float64(len(members)), 0.0, 0.0
		held := make([]float64, levels)
		for _, i := range members {
			held[level[i]]++
			sum += scores[i]
		}
		for _, i := range members {
			squares += (scores[i] - sum/n) * (scores[i] - sum/n)
		}
		for a := range levels {
			m.mean[a] += held[a] * sum / n
			for b := range levels {
				if n > 1 {
					covariance.Set(a, b, covariance.At(a, b)+squares/(n*(n-1))*held[a]*(n*float64(index(a == b))-held[b]))
				}
			}
		}
	}
	m.inverse, m.rank = pseudoInverse(covariance)
	return m
}

// pseudoInverse of a symmetric matrix, and its rank.
func pseudoInverse(a *mat.Dense) (inverse *mat.Dense, rank int) {
	n, _ := a.Dims()
	inverse = mat.NewDense(n, n, nil)
	var svd mat.SVD
	if !svd.Factorize(a, mat.SVDFull) {
		return inverse, 0
	}
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	values := svd.Values(nil)
	for k, s := range values {
		if s <= 1e-10*max(values[0], 1e-300) {
			continue
		}
		rank++
		inverse.RankOne(inverse, 1/s, v.ColView(k), u.ColView(k))
	}
	return inverse, rank
}

func (m *levelSums) sums(scores []float64) []float64 {
	sums := make([]float64, len(m.mean))
	for i, s := range scores {
		sums[m.level[i]] += s
	}
	return sums
}

func (m *levelSums) statistic(sums []float64) (q float64) {
	for a := range sums {
		for b := range sums {
			q += (sums[a] - m.mean[a]) * m.inverse.At(a, b) * (sums[b] - m.mean[b])
		}
	}
	return q
}

func (m *levelSums) permuted(scores []float64, observed float64, draws int, seed uint64) float64 {
	random := rand.New(rand.NewPCG(seed, 0))
	shuffled, beyond := append([]float64{}, scores...), 0
	for range draws {
		for _, members := range m.blocks {
			for i := len(members) - 1; i > 0; i-- {
				j := random.IntN(i + 1)
				a, b := members[i], members[j]
				shuffled[a], shuffled[b] = shuffled[b], shuffled[a]
			}
		}
		if m.statistic(m.sums(shuffled)) >= observed-1e-9*(1+math.Abs(observed)) {
			beyond++
		}
	}
	return float64(beyond+1) / float64(draws+1)
}
