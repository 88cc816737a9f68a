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
	// N counts the values of each arm.
	N [2]int
	// Change is the share by which the second takes more, and of rates their
	// difference. Lower and Upper hold it, each with an error of at most alpha.
	// They are infinite where so few trials put no bound on it. NaN is nothing
	// to compare.
	Change, Lower, Upper float64
	// P is one-sided: how likely so much more is where nothing has changed.
	// Least is the smallest that so many trials could have given.
	P, Least float64
}

// TooFew reports that no outcome of so few trials could have shown anything at
// the level.
func (d Difference) TooFew(alpha float64) bool { return !(d.Least <= alpha) }

// Change compares values of two arms, block by block: what took longer than
// anything is +Inf. In a block the n-th value of one is held against the n-th
// of the other.
func Change(first, second [][]float64, alpha float64) Difference {
	d := Difference{Change: math.NaN(), Lower: math.NaN(), Upper: math.NaN(), P: math.NaN(), Least: math.NaN()}
	var logs []float64
	for i := range min(len(first), len(second)) {
		d.N[0], d.N[1] = d.N[0]+len(first[i]), d.N[1]+len(second[i])
		for j := range min(len(first[i]), len(second[i])) {
			logs = append(logs, logRatio(second[i][j], first[i][j]))
		}
	}
	if len(logs) == 0 {
		return d
	}
	d.P, d.Least = signedRank(logs), math.Pow(0.5, float64(len(logs)))
	var walsh []float64
	for i, a := range logs {
		for _, b := range logs[i:] {
			walsh = append(walsh, (a+b)/2)
		}
	}
	slices.Sort(walsh)
	d.Change, d.Lower, d.Upper = share(stats.Median(walsh)), -1, math.Inf(1)
	if k := outside(len(logs), alpha); k > 0 {
		d.Lower, d.Upper = share(walsh[k-1]), share(walsh[len(walsh)-k])
	}
	return d
}

// endless stands for the logarithm of a ratio to something that never ended. A
// mean with one in it is endless, too.
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

// signedRank is the one-sided p-value that differences are positive. Those that
// are nothing count for neither side.
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
		for i := from; i < to; i++ {
			ranks = append(ranks, from+1+to)
			if d[i] > 0 {
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

// rankSums has the probability of each sum of the ranks, when each is in it or
// not as a coin falls.
func rankSums(ranks []int) []float64 {
	chances := []float64{1}
	for _, r := range ranks {
		next := make([]float64, len(chances)+r)
		for sum, chance := range chances {
			next[sum] += chance / 2
			next[sum+r] += chance / 2
		}
		chances = next
	}
	return chances
}

// outside is how many of the means of two differences lie outside a bound that
// errs with at most alpha; 0 where so few differences give no bound.
func outside(n int, alpha float64) int {
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = i + 1
	}
	sum := 0.0
	for k, chance := range rankSums(ranks) {
		if sum += chance; sum > alpha*(1+1e-12) {
			return k
		}
	}
	return 0
}

// Rise compares how often something bad happened in two arms: bad of n.
func Rise(first, second [2]int, alpha float64) Difference {
	d := Difference{N: [2]int{first[1], second[1]}, Change: math.NaN(), Lower: math.NaN(), Upper: math.NaN(), P: math.NaN(), Least: math.NaN()}
	a, b := stats.Arm{Events: first[0], Trials: first[1]}, stats.Arm{Events: second[0], Trials: second[1]}
	p, err := stats.Fisher(b, a, stats.Greater)
	if err != nil {
		return d
	}
	d.P = p
	d.Least, _ = stats.Fisher(stats.Arm{Events: b.Trials, Trials: b.Trials}, stats.Arm{Trials: a.Trials}, stats.Greater)
	d.Change = float64(second[0])/float64(second[1]) - float64(first[0])/float64(first[1])
	if i, err := stats.MiettinenNurminen(b, a, 1-2*alpha); err == nil {
		d.Lower, d.Upper = i.Lower, i.Upper
	}
	return d
}

// Raised reports what trials say of a rate that was usual: confirmed is that it
// is higher, with an error of at most alpha, and excluded that it is not as high
// as raised, with one of at most missed.
func Raised(bad, n int, usual, raised, alpha, missed float64) (confirmed, excluded bool) {
	return failureLower(bad, n, alpha) > usual, failureUpper(bad, n, missed) < raised
}

// BlocksToTell is the least number of blocks, with a trial of both arms, in
// which one of so many comparisons that share alpha can show anything.
func BlocksToTell(comparisons int, alpha float64) int {
	return int(math.Ceil(math.Log2(float64(max(1, comparisons)) / alpha)))
}
