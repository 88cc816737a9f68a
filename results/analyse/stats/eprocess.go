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

type eProcess struct {
	log           float64
	first, second Arm
}

func (e *eProcess) observe(b EBlock) {
	if b.First.Trials == 0 || b.Second.Trials == 0 {
		return
	}
	n1, n2 := float64(b.First.Trials), float64(b.Second.Trials)
	t1, t2 := plugIn(e.first, EPlugIn), plugIn(e.second, EPlugIn*n2/n1)
	pooled := (n1*t1 + n2*t2) / (n1 + n2)
	e.log += logRatio(b.First, t1, pooled) + logRatio(b.Second, t2, pooled)
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
