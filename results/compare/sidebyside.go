package compare

import (
	"cmp"
	"math"
	"slices"

	"github.com/stratbench/stratbench/results/stats"
)

// Two arms whose number of trials was fixed beforehand, such as the last good
// state and the present one, need no allowance for further looks. Values are
// compared by Wilcoxon's signed-rank test of the logarithms of their ratios
// inside blocks, with the interval that inverts it (Hollander, Wolfe and
// Chicken 2014, §3.1–3.3). The assumption is that a change would move all blocks
// the same way; nothing is assumed about the shape of the noise. Rates are
// compared by Fisher's exact test.

// Difference is how the second arm compares with the first.
type Difference struct {
	// Change is the share by which the second takes more, and of rates their
	// difference. Lower and Upper each err with at most alpha; they are infinite
	// where so few trials put no bound on it. NaN is nothing to compare.
	Change, Lower, Upper float64
	// P is one-sided: how likely so large a rise is where nothing has changed.
	// Least is the smallest that so many trials could have given.
	P, Least float64
}

// TooFew reports that so few trials could not have shown anything at the level.
func (d Difference) TooFew(alpha float64) bool { return !(d.Least <= alpha) }

// nothing is the difference where there is nothing to compare.
var nothing = Difference{math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()}

// Change compares values of two arms, block by block, the nth of one in a block with
// the nth of the other: what took longer than anything is +Inf.
func Change(first, second [][]float64, alpha float64) Difference {
	var logs []float64
	for i := range min(len(first), len(second)) {
		for j := range min(len(first[i]), len(second[i])) {
			logs = append(logs, logRatio(second[i][j], first[i][j]))
		}
	}
	if len(logs) == 0 {
		return nothing
	}
	var walsh []float64
	for i, a := range logs {
		for _, b := range logs[i:] {
			walsh = append(walsh, (a+b)/2)
		}
	}
	slices.Sort(walsh)
	d := Difference{Change: share(stats.Median(walsh)), Lower: -1, Upper: math.Inf(1), P: signedRank(logs), Least: math.Pow(0.5, float64(len(logs)))}
	var ranks []int
	for i := range logs {
		ranks = append(ranks, i+1)
	}
	// So many of the means of two differences lie outside a bound that errs with at most alpha.
	if k := stats.Outside(rankSums(ranks), alpha); k > 0 {
		d.Lower, d.Upper = share(walsh[k-1]), share(walsh[len(walsh)-k])
	}
	return d
}

// endless is the logarithm of a ratio to what never ended, and so of means with one.
const endless = 1e9

func logRatio(over, under float64) float64 {
	switch never := math.IsInf(over, 1); {
	case never && math.IsInf(under, 1):
		return 0
	case never:
		return endless
	case math.IsInf(under, 1):
		return -endless
	}
	return math.Log(over / under)
}

func share(log float64) float64 {
	if log > endless/4 {
		return math.Inf(1)
	}
	return math.Expm1(log)
}

// signedRank is the one-sided p-value of a rise. Zeros count for neither side.
func signedRank(differences []float64) float64 {
	d := slices.DeleteFunc(slices.Clone(differences), func(v float64) bool { return v == 0 })
	slices.SortFunc(d, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	// Ranks are doubled, so that those of ties are whole numbers.
	var ranks []int
	positive := 0
	for from := 0; from < len(d); {
		to := from
		for to < len(d) && math.Abs(d[to]) == math.Abs(d[from]) {
			to++
		}
		for _, v := range d[from:to] {
			if ranks = append(ranks, from+1+to); v > 0 {
				positive += from + 1 + to
			}
		}
		from = to
	}
	p := 0.0
	for sum, chance := range rankSums(ranks) {
		if sum >= positive {
			p += chance
		}
	}
	return min(1, p)
}

// rankSums has the probability of each sum of ranks if a coin decides about each.
func rankSums(ranks []int) []float64 {
	chances := []float64{1}
	for _, r := range ranks {
		in := make([]float64, r+1)
		in[0], in[r] = 0.5, 0.5
		chances = stats.Add(chances, in)
	}
	return chances
}

// Rise compares how often something bad happened in two arms.
func Rise(first, second stats.Arm, alpha float64) Difference {
	p := stats.Fisher(second, first, stats.Greater)
	if math.IsNaN(p) {
		return nothing
	}
	i := stats.MiettinenNurminen(second, first, 1-2*alpha)
	return Difference{second.Rate() - first.Rate(), i.Lower, i.Upper, p,
		stats.Fisher(stats.Arm{Events: second.Trials, Trials: second.Trials}, stats.Arm{Trials: first.Trials}, stats.Greater)}
}

// Raised compares a rate with the usual one: confirmed is that it is higher, with an error
// of at most alpha; excluded that it is not as high as raised, with one of missed.
func Raised(bad, n int, usual, raised, alpha, missed float64) (confirmed, excluded bool) {
	return stats.ClopperPearson(bad, n, 1-2*alpha).Lower > usual, stats.ClopperPearson(bad, n, 1-2*missed).Upper < raised
}

// BlocksToTell is the least number of blocks, with a trial of both arms, in
// which one of so many comparisons that share alpha can show anything.
func BlocksToTell(comparisons int, alpha float64) int {
	return int(math.Ceil(math.Log2(float64(max(1, comparisons)) / alpha)))
}
