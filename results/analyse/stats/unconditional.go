package stats

import "math"

// Unconditional is the result of a test that maximises over the common event
// rate instead of conditioning on the number of events.
type Unconditional struct {
	Statistic float64 // Barnard: pooled z of first minus second; Boschloo: Fisher's one-sided p
	P         float64
	Nuisance  float64 // the common rate at which P is reached
}

// sameStatistic is the relative slack of Boschloo's statistic: above the
// rounding of log-gamma sums, and small because p-values near 1 lie close.
const sameStatistic = 1e-9

// maxTables bounds the work of an unconditional test; above it Fisher's test
// has lost its conservatism and should be used.
const maxTables = 1_000_000

// extreme holds the tables at least as extreme as the observed one, a row for
// each count x1 in the first arm: those with x2 < below[x1] or x2 >= from[x1].
// Both statistics are monotone in x2 (Barnard's convexity), so rows are
// prefixes and suffixes and one look at a common rate costs n1+n2.
type extreme struct {
	n1, n2      int
	below, from []int
}

func newExtreme(n1, n2 int, inside func(x1, x2 int) (prefix, suffix bool)) extreme {
	e := extreme{n1, n2, make([]int, n1+1), make([]int, n1+1)}
	for x1 := range e.below {
		e.from[x1] = n2 + 1
		for x2 := range n2 + 1 {
			prefix, suffix := inside(x1, x2)
			if prefix {
				e.below[x1] = x2 + 1
			} else if suffix {
				e.from[x1] = x2
				break
			}
		}
	}
	return e
}

// probability is that of the extreme tables when both arms have rate p.
func (e extreme) probability(p float64) float64 {
	first, second := binomialPMF(e.n1, p), binomialPMF(e.n2, p)
	cum, tail := make([]float64, e.n2+2), make([]float64, e.n2+2)
	for i := range second {
		cum[i+1] = cum[i] + second[i]
		j := e.n2 - i
		tail[j] = tail[j+1] + second[j]
	}
	var sum float64
	for x1, w := range first {
		sum += w * (cum[e.below[x1]] + tail[max(e.from[x1], e.below[x1])])
	}
	return min(1, sum)
}

func (e extreme) worst() (rate, p float64) {
	return maximise(e.probability, 0, 1, 256+2*(e.n1+e.n2))
}

func binomialPMF(n int, p float64) []float64 {
	pmf := make([]float64, n+1)
	if p <= 0 || p >= 1 {
		pmf[int(math.Round(p))*n] = 1
		return pmf
	}
	lp, lq, all := math.Log(p), math.Log1p(-p), logFactorial(n)
	for k := range pmf {
		pmf[k] = math.Exp(all - logFactorial(k) - logFactorial(n-k) + float64(k)*lp + float64(n-k)*lq)
	}
	return pmf
}

func checkUnconditional(a, b Arm, alt Alternative) error {
	if err := checkArms(a, b); err != nil {
		return err
	}
	if (a.Trials+1)*(b.Trials+1) > maxTables {
		return invalid("%d × %d tables are too many for an unconditional test; use Fisher", a.Trials+1, b.Trials+1)
	}
	return checkAlternative(alt)
}

// Barnard is the unconditional exact test with the pooled z statistic, as
// scipy.stats.barnard_exact has it: two-sided takes the tables whose |z| is
// at least the observed one.
//
// Barnard, Biometrika 34 (1947) 123; Suissa & Shuster, JRSS A 148 (1985) 317.
func Barnard(a, b Arm, alt Alternative) (Unconditional, error) {
	if err := checkUnconditional(a, b, alt); err != nil {
		return Unconditional{}, err
	}
	observed := pooledZ(a.Events, a.Trials, b.Events, b.Trials)
	slack := 1e-9 * (1 + math.Abs(observed))
	limit := math.Abs(observed)
	e := newExtreme(a.Trials, b.Trials, func(x1, x2 int) (bool, bool) {
		z := pooledZ(x1, a.Trials, x2, b.Trials)
		switch alt {
		case Less:
			return false, z <= observed+slack
		case Greater:
			return z >= observed-slack, false
		}
		return z >= limit-slack, z <= -limit+slack
	})
	rate, p := e.worst()
	return Unconditional{observed, p, rate}, nil
}

// pooledZ is zero where both rates are equal, also at 0/n against 0/m where
// the quotient is undefined.
func pooledZ(x1, n1, x2, n2 int) float64 {
	p1, p2 := float64(x1)/float64(n1), float64(x2)/float64(n2)
	if p1 == p2 {
		return 0
	}
	p := float64(x1+x2) / float64(n1+n2)
	return (p1 - p2) / math.Sqrt(p*(1-p)*(1/float64(n1)+1/float64(n2)))
}

// Boschloo is the unconditional exact test whose statistic is Fisher's
// one-sided p-value; uniformly more powerful than Fisher. Two-sided is twice
// the smaller one-sided p-value (the central convention of R's exact2x2 and
// of SciPy), at most 1.
//
// Boschloo, Statistica Neerlandica 24 (1970) 1.
func Boschloo(a, b Arm, alt Alternative) (Unconditional, error) {
	if err := checkUnconditional(a, b, alt); err != nil {
		return Unconditional{}, err
	}
	switch alt {
	case Less:
		return boschlooLess(a, b), nil
	case Greater:
		return boschlooLess(b, a), nil
	}
	result, other := boschlooLess(a, b), boschlooLess(b, a)
	if other.P < result.P {
		result = other
	}
	result.P = min(1, 2*result.P)
	return result, nil
}

func boschlooLess(a, b Arm) Unconditional {
	p := fisherLess(a.Trials, b.Trials)
	observed := p[a.Events][b.Events]
	limit := observed * (1 + sameStatistic)
	e := newExtreme(a.Trials, b.Trials, func(x1, x2 int) (bool, bool) {
		return false, p[x1][x2] <= limit
	})
	rate, worst := e.worst()
	return Unconditional{observed, worst, rate}
}

// fisherLess is Fisher's one-sided p-value of every table.
func fisherLess(n1, n2 int) [][]float64 {
	p := make([][]float64, n1+1)
	for x1 := range p {
		p[x1] = make([]float64, n2+1)
	}
	for events := range n1 + n2 + 1 {
		h := newHypergeometric(n1, n2, events)
		var sum float64
		for i, q := range h.pmf {
			sum += q
			p[h.lo+i][events-h.lo-i] = min(1, sum)
		}
	}
	return p
}
