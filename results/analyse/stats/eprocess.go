package stats

import "math"

// EPlugIn is the weight of the plug-in's starting belief, Beta(0.18, 0.18) for
// either arm in blocks of equal size, which Turner, Ly & Grünwald found to be
// near optimal and R's safestats has as its default.
const EPlugIn = 0.18

// EBlock is one block of the two-arm comparison of event rates.
type EBlock struct{ First, Second Arm }

// TwoProportionEProcess is the evidence against equal event rates after each
// block, as the factor by which a bet against them has grown. Under equal
// rates its mean is at most 1 however the stopping is decided, so stopping
// when it reaches 1/alpha errs with at most alpha (m/alpha for m comparisons).
// A block in which an arm had no trial leaves it as it is.
//
// The bet on each block uses the rates estimated from the blocks before it:
// the product over its trials of the arm's rate over the pooled rate
// (n₁θ₁+n₂θ₂)/(n₁+n₂).
// Turner, Ly & Grünwald, "Generic E-variables for exact sequential
// k-sample tests that allow for optional stopping", arXiv 2106.02693.
func TwoProportionEProcess(blocks []EBlock) ([]float64, error) {
	var e eProcess
	values := make([]float64, 0, len(blocks))
	for i, b := range blocks {
		if err := checkPosterior(JeffreysPrior, b.First, b.Second); err != nil {
			return nil, invalid("block %d: %v", i, err)
		}
		e.observe(b)
		values = append(values, math.Exp(e.log))
	}
	return values, nil
}

// eProcess bets against rates that differ by delta.
type eProcess struct {
	delta, log    float64
	first, second Arm
}

func (e *eProcess) observe(b EBlock) {
	if b.First.Trials == 0 || b.Second.Trials == 0 {
		return
	}
	n1, n2 := float64(b.First.Trials), float64(b.Second.Trials)
	t1, t2 := plugIn(e.first, EPlugIn), plugIn(e.second, EPlugIn*n2/n1)
	null1, null2 := nearestRates(t1, t2, n1, n2, e.delta)
	e.log += logRatio(b.First, t1, null1) + logRatio(b.Second, t2, null2)
	e.first = Arm{e.first.Events + b.First.Events, e.first.Trials + b.First.Trials}
	e.second = Arm{e.second.Events + b.Second.Events, e.second.Trials + b.Second.Trials}
}

func plugIn(seen Arm, weight float64) float64 {
	return (float64(seen.Events) + weight) / (float64(seen.Trials) + 2*weight)
}

func logRatio(x Arm, theta, null float64) float64 {
	return float64(x.Events)*math.Log(theta/null) + float64(x.Trials-x.Events)*(math.Log1p(-theta)-math.Log1p(-null))
}

// AnytimeP turns an e-process into the p-value that stays valid at every
// look: after each block the inverse of the largest value so far, at most 1.
//
// Ramdas, Grünwald, Vovk & Shafer, Statistical Science 38 (2023) 576.
func AnytimeP(eValues []float64) ([]float64, error) {
	p, least := make([]float64, len(eValues)), 1.0
	for i, e := range eValues {
		if math.IsNaN(e) || e < 0 {
			return nil, invalid("e-value %v", e)
		}
		least = min(least, 1/e)
		p[i] = least
	}
	return p, nil
}

// TwoProportionSequence is the interval for the difference of event rates,
// first − second, that stays valid at every look: the differences against
// which no bet has grown to 1/(1−conf) at any block. It excludes 0 exactly
// where AnytimeP is under 1−conf.
//
// Each difference is bet against as equal rates are, with the pooled rate
// replaced by the rates with that difference that are nearest to those
// estimated (in Kullback–Leibler divergence).
// Turner & Grünwald, "Exact anytime-valid confidence intervals for
// contingency tables and beyond", arXiv 2203.09785.
func TwoProportionSequence(blocks []EBlock, conf float64) (Interval, error) {
	if err := checkConfidence(conf); err != nil {
		return Interval{}, err
	}
	if _, err := TwoProportionEProcess(blocks); err != nil {
		return Interval{}, err
	}
	limit := math.Log(1 / (1 - conf))
	keeps := func(delta float64) bool { return largestBet(blocks, delta) < limit }
	var a, b Arm
	for _, x := range blocks {
		a, b = a.plus(x.First), b.plus(x.Second)
	}
	if a.Trials == 0 || b.Trials == 0 {
		return Interval{-1, 1}, nil
	}
	estimate := a.rate() - b.rate()
	return Interval{keptEnd(keeps, estimate, -1), keptEnd(keeps, estimate, 1)}, nil
}

// largestBet is the log of the most that a bet against the difference has
// grown to.
func largestBet(blocks []EBlock, delta float64) float64 {
	e, most := eProcess{delta: delta}, 0.0
	for _, b := range blocks {
		e.observe(b)
		most = max(most, e.log)
	}
	return most
}

// nearestRates are the two rates with the given difference that are nearest
// to t1 and t2, weighted by trials.
func nearestRates(t1, t2, n1, n2, delta float64) (first, second float64) {
	if delta == 0 {
		pooled := (n1*t1 + n2*t2) / (n1 + n2)
		return pooled, pooled
	}
	const edge = 1e-12
	slope := func(p float64) float64 {
		q := p + delta
		return n1*(q-t1)/(q*(1-q)) + n2*(p-t2)/(p*(1-p))
	}
	low, high := max(0, -delta)+edge, min(1, 1-delta)-edge
	second = low
	if slope(low) < 0 && slope(high) > 0 {
		second = bisect(slope, low, high)
	} else if slope(high) <= 0 {
		second = high
	}
	return second + delta, second
}
