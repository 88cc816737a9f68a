package stats

// FisherPower is the exact probability that Fisher's two-sided test rejects
// equal rates at alpha when the arms have n1 and n2 trials and event rates p1
// and p2.
func FisherPower(p1 float64, n1 int, p2 float64, n2 int, alpha float64) (float64, error) {
	if err := checkPower(p1, n1, p2, n2, alpha); err != nil {
		return 0, err
	}
	first, second := binomialPMF(n1, p1), binomialPMF(n2, p2)
	var power float64
	for events := range n1 + n2 + 1 {
		h := newHypergeometric(n1, n2, events)
		for i, p := range h.twoSided() {
			if p <= alpha {
				power += first[h.lo+i] * second[events-h.lo-i]
			}
		}
	}
	return min(1, power), nil
}

// BoschlooPower is FisherPower for Boschloo's central two-sided test.
func BoschlooPower(p1 float64, n1 int, p2 float64, n2 int, alpha float64) (float64, error) {
	if err := checkPower(p1, n1, p2, n2, alpha); err != nil {
		return 0, err
	}
	less := boschlooRejects(n1, n2, alpha/2)
	greater := boschlooRejects(n2, n1, alpha/2)
	return rejectionProbability(p1, n1, p2, n2, func(x1, x2 int) bool {
		return less(x1, x2) || greater(x2, x1)
	}), nil
}

// boschlooRejects finds the largest rejection region of the one-sided test:
// p-values fall with the statistic, so the critical value is found by
// bisection over its possible values instead of one test a table.
func boschlooRejects(n1, n2 int, alpha float64) func(x1, x2 int) bool {
	p := fisherLess(n1, n2)
	var values []float64
	for _, row := range p {
		values = append(values, row...)
	}
	order, _ := ascending(values)
	lo, hi := 0, len(order)
	for lo < hi {
		mid := (lo + hi) / 2
		limit := values[order[mid]] * (1 + sameStatistic)
		e := newExtreme(n1, n2, func(x1, x2 int) (bool, bool) { return false, p[x1][x2] <= limit })
		if _, worst := e.worst(); worst <= alpha {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return func(int, int) bool { return false }
	}
	limit := values[order[lo-1]] * (1 + sameStatistic)
	return func(x1, x2 int) bool { return p[x1][x2] <= limit }
}

func rejectionProbability(p1 float64, n1 int, p2 float64, n2 int, rejects func(x1, x2 int) bool) float64 {
	first, second := binomialPMF(n1, p1), binomialPMF(n2, p2)
	var sum float64
	for x1, w1 := range first {
		for x2, w2 := range second {
			if w1*w2 > 0 && rejects(x1, x2) {
				sum += w1 * w2
			}
		}
	}
	return min(1, sum)
}

// FisherTrials is the smallest number of trials in each arm at which
// FisherPower reaches power. An error says that most are not enough.
func FisherTrials(p1, p2, alpha, power float64, most int) (int, error) {
	return trialsFor(FisherPower, p1, p2, alpha, power, most)
}

// BoschlooTrials is FisherTrials for Boschloo's test, which needs fewer.
func BoschlooTrials(p1, p2, alpha, power float64, most int) (int, error) {
	return trialsFor(BoschlooPower, p1, p2, alpha, power, most)
}

type powerFunc func(p1 float64, n1 int, p2 float64, n2 int, alpha float64) (float64, error)

// trialsFor tries every number in turn: exact power is not monotone.
func trialsFor(f powerFunc, p1, p2, alpha, power float64, most int) (int, error) {
	if err := checkLevel("power", power); err != nil {
		return 0, err
	}
	for n := 2; n <= most; n++ {
		got, err := f(p1, n, p2, n, alpha)
		if err != nil {
			return 0, err
		}
		if got >= power {
			return n, nil
		}
	}
	return 0, invalid("%d trials in each arm do not reach power %v for rates %v and %v", most, power, p1, p2)
}

func checkPower(p1 float64, n1 int, p2 float64, n2 int, alpha float64) error {
	if err := checkProbability("rate", p1); err != nil {
		return err
	}
	if err := checkProbability("rate", p2); err != nil {
		return err
	}
	if n1 <= 0 || n2 <= 0 {
		return invalid("%d and %d trials", n1, n2)
	}
	return checkLevel("alpha", alpha)
}
