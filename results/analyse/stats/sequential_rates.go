package stats

import "math"

// SequentialRates compares the event rates of two arms and is looked at after
// every block, up to a planned number of blocks. It is exact: the probability
// that a true difference is ever rejected is at most alpha whatever the rates.
//
// At each look the outcomes that speak most against the difference, by the
// likelihood ratio, are rejected for as long as the probability of having
// rejected by then stays within the share of alpha that may be spent: alpha
// times the share of the planned blocks. The probabilities are counted out
// over all courses, and taken at the worst common rate of a fine grid.
//
// Spending: Lan & DeMets, Biometrika 70 (1983) 659; in proportion to the
// blocks, Kim & DeMets, Biometrika 74 (1987) 149. Intervals by inverting the
// test at each look: Jennison & Turnbull, Controlled Clinical Trials 5 (1984) 33.
type SequentialRates struct {
	// Blocks are those seen, in order. One in which an arm has no trial is
	// passed over.
	Blocks []EBlock
	// Most is how many blocks are planned.
	Most int
}

// MostSequentialBlocks bounds SequentialRates, whose work grows with the cube.
const MostSequentialBlocks = 60

func (s SequentialRates) check() (SequentialRates, error) {
	kept := SequentialRates{Most: s.Most}
	for i, b := range s.Blocks {
		if b.First.Trials == 0 || b.Second.Trials == 0 {
			continue
		}
		if err := checkArms(b.First, b.Second); err != nil {
			return kept, invalid("block %d: %v", i, err)
		}
		kept.Blocks = append(kept.Blocks, b)
	}
	if s.Most < 1 || s.Most > MostSequentialBlocks || len(kept.Blocks) > s.Most {
		return kept, invalid("%d blocks of %d planned; at most %d can be counted out", len(kept.Blocks), s.Most, MostSequentialBlocks)
	}
	return kept, nil
}

// RejectedAt is the block, from 1, at which the hypothesis that the rates
// differ by delta (first − second) is rejected at alpha; 0 where it is not.
func (s SequentialRates) RejectedAt(delta, alpha float64) (int, error) {
	if err := checkLevel("alpha", alpha); err != nil {
		return 0, err
	}
	if !(delta > -1 && delta < 1) {
		return 0, invalid("difference %v", delta)
	}
	kept, err := s.check()
	if err != nil {
		return 0, err
	}
	return kept.rejectedAt(delta, alpha), nil
}

// P is the smallest level from which on equal rates are rejected.
func (s SequentialRates) P() (float64, error) {
	kept, err := s.check()
	if err != nil {
		return 0, err
	}
	rejected := func(logAlpha float64) bool { return kept.rejectedAt(0, math.Exp(logAlpha)) > 0 }
	const step = 0.25
	high := 0.0 // at level 1 nothing is decided and anything may be rejected
	for high > -14 && rejected(high-step) {
		high -= step
	}
	low := high - step
	for range 8 {
		if mid := (low + high) / 2; rejected(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return math.Exp(high), nil
}

// Interval holds the differences first − second that are not rejected at
// 1−conf: valid however it was decided to stop within the planned blocks.
func (s SequentialRates) Interval(conf float64) (Interval, error) {
	if err := checkConfidence(conf); err != nil {
		return Interval{}, err
	}
	kept, err := s.check()
	if err != nil {
		return Interval{}, err
	}
	if len(kept.Blocks) == 0 {
		return Interval{-1, 1}, nil
	}
	var a, b Arm
	for _, x := range kept.Blocks {
		a, b = a.plus(x.First), b.plus(x.Second)
	}
	keeps := func(delta float64) bool { return kept.rejectedAt(delta, 1-conf) == 0 }
	estimate := a.rate() - b.rate()
	return Interval{keptEnd(keeps, estimate, -1), keptEnd(keeps, estimate, 1)}, nil
}

func (a Arm) plus(b Arm) Arm { return Arm{a.Events + b.Events, a.Trials + b.Trials} }

// keptEnd walks from the far end, −1 or 1, towards the estimate until a
// difference is kept, and bisects: none beyond the end is kept.
func keptEnd(keeps func(float64) bool, estimate, far float64) float64 {
	const steps = 12
	start := far * 0.999999
	if keeps(start) {
		return far
	}
	outside, within := start, start
	for i := 1; i <= steps; i++ {
		outside, within = within, start+(estimate*0.999999-start)*float64(i)/steps
		if keeps(within) {
			break
		}
	}
	for range 14 {
		if mid := (outside + within) / 2; keeps(mid) {
			within = mid
		} else {
			outside = mid
		}
	}
	return outside
}

func (s SequentialRates) rejectedAt(delta, alpha float64) int {
	c := newCourse(delta)
	for k, block := range s.Blocks {
		c.step(block.First.Trials, block.Second.Trials)
		c.reject(alpha * float64(k+1) / float64(s.Most))
		c.seen.First, c.seen.Second = c.seen.First.plus(block.First), c.seen.Second.plus(block.Second)
		if c.rejected[c.place(c.seen.First.Events, c.seen.Second.Events)] {
			return k + 1
		}
	}
	return 0
}

// SequentialPower is, for blocks of one trial an arm, the probability that
// equal rates are rejected within the planned blocks, and the mean number of
// blocks until then or until they are used up.
func SequentialPower(p1, p2 float64, most int, alpha float64) (power, blocks float64, err error) {
	if err := checkProbability("rate", p1); err != nil {
		return 0, 0, err
	}
	if err := checkProbability("rate", p2); err != nil {
		return 0, 0, err
	}
	if err := checkLevel("alpha", alpha); err != nil {
		return 0, 0, err
	}
	if most < 1 || most > MostSequentialBlocks {
		return 0, 0, invalid("%d blocks", most)
	}
	c, truth := newCourse(0), []float64{1}
	for k := range most {
		blocks += 1 - power
		truth = convolveArms(truth, c.n1, c.n2, masses(1, p1), masses(1, p2))
		c.step(1, 1)
		c.reject(alpha * float64(k+1) / float64(most))
		for at, rejected := range c.rejected {
			if rejected {
				power += truth[at]
				truth[at] = 0
			}
		}
	}
	return power, blocks, nil
}
