package claims

import (
	"cmp"
	"math"
	"reflect"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// A hypothesis is a claim that was written down before the trials. It is tested as
// written: supported if the whole 95 % interval lies in what is claimed, contradicted
// if none of it does, and open otherwise. Its trials are compared with others in the
// same places; times also in the same block, with failures behind all times.

const (
	// Margin is how much higher a share of failures may be and still be no worse,
	// where the hypothesis does not say.
	Margin = 0.10
	// mayFail is the share of trials that may fail with enough memory: as many as CI
	// accepts.
	mayFail = 0.05
	// sure is how probable a claim about the least memory must be. alpha is the error
	// of each end of an interval.
	sure, alpha = 0.95, 0.025
)

// Tested is a hypothesis with its verdict.
type Tested struct {
	trial.Hypothesis
	Verdict Verdict `json:"verdict"`
	// Why is the reason why it could not be tested.
	Why string `json:"why,omitempty"`
	// Measured is nil where it could not be tested.
	Measured *Measured `json:"measured"`
}

// Test tests the hypotheses of a study's runs, each by the trials of those runs that
// it was written for.
func Test(s study.Study) (all []Tested) {
	for i, run := range s.Runs {
		for _, h := range run.Plan.Hypotheses {
			wrote := func(r results.Run) bool {
				return slices.ContainsFunc(r.Plan.Hypotheses, func(o trial.Hypothesis) bool { return reflect.DeepEqual(h, o) })
			}
			if slices.ContainsFunc(s.Runs[:i], wrote) {
				continue
			}
			its := slices.DeleteFunc(slices.Clone(s.Runs), func(r results.Run) bool { return !wrote(r) })
			f := Judge(study.Gather(its), ofHypothesis(h))
			t := Tested{Hypothesis: h, Verdict: f.Verdict}
			if len(f.Measured) > 0 {
				t.Measured = &f.Measured[0]
			} else {
				t.Why = f.Why
			}
			if t.Verdict == Untested {
				t.Verdict = Open
			}
			all = append(all, t)
		}
	}
	return all
}

// ofHypothesis is the claim that a hypothesis makes.
func ofHypothesis(h trial.Hypothesis) Claim {
	c := Claim{Beforehand: true, Survives: h.Survives, Where: where(h.Of.With(h.Where))}
	if len(h.Against) > 0 {
		c.Against = where(h.Against.With(h.Where))
	}
	high := h.Ratio
	switch h.Kind {
	case trial.HypothesisFailures:
		c.Kind, c.Low, high = FailsMore, -1, float64(cmp.Or(h.Margin, Margin))
	case trial.HypothesisTime:
		c.Kind = Ratio
	case trial.HypothesisLeastMemory:
		enough, _ := trial.ParseBytes(h.Memory) // none where it is compared
		c.Kind, high = LeastMemory, float64(enough)
	}
	c.High = &high
	return c
}

func where(levels trial.Levels) Where {
	w := Where{}
	for factor, level := range levels {
		w[factor] = []string{level}
	}
	return w
}

// of are the trials that have exactly these levels.
func (w Where) of(s study.Study) (trials []study.Observation) {
	for _, o := range s.Trials {
		has := true
		for factor, levels := range w {
			level, _ := o.Cell.Level(factor)
			has = has && slices.Contains(levels, level)
		}
		if has {
			trials = append(trials, o)
		}
	}
	return trials
}

// place is all of a trial's cell that the claim does not name.
func (c Claim) place(o study.Observation) string {
	return slices.DeleteFunc(slices.Clone(o.Cell), func(a trial.Assignment) bool {
		return len(c.Where[a.Factor])+len(c.Against[a.Factor]) > 0
	}).Key()
}

// test is the figure of a hypothesis with its verdict, or why there is none.
func (c Claim) test(s study.Study) (m Measured, why string) {
	own := c.Where.of(s)
	if c.Kind == LeastMemory {
		return c.leastMemory(own, s)
	}
	base := c.Against.of(s)
	// Places in which only one of them ran, or in which those that it is compared
	// with did not survive.
	only, other := map[string]bool{}, map[string]bool{}
	for _, o := range own {
		only[c.place(o)] = true
	}
	for _, o := range base {
		other[c.place(o)] = true
	}
	for _, o := range base {
		if c.Survives && !o.Ready {
			delete(other, c.place(o))
		}
	}
	apart := func(o study.Observation) bool { return !only[c.place(o)] || !other[c.place(o)] }
	own, base = slices.DeleteFunc(own, apart), slices.DeleteFunc(base, apart)
	if len(own) == 0 || len(base) == 0 {
		return m, "no trials of both were measured in the same place"
	}
	m = Measured{N: len(own), Failed: study.Failures(own), Base: &Base{N: len(base), Failed: study.Failures(base)}}
	var d compare.Difference
	if c.Kind == FailsMore {
		first, second := stats.Arm{Events: m.Base.Failed, Trials: m.Base.N}, stats.Arm{Events: m.Failed, Trials: m.N}
		d = compare.Rise(first, second, alpha)
		m.Value, m.Base.Value = study.Value(d.Change), study.Value(first.Rate())
		m.bound(d.Lower, d.Upper)
	} else {
		first, second := c.blocks(own, base)
		if d = compare.Change(first, second, alpha); math.IsNaN(d.Change) {
			return m, "no two of them ran in the same place and block"
		}
		m.Value, m.Base.Value = study.Value(1+d.Change), study.Value(stats.Median(study.Setups(base)))
		m.bound(1+d.Lower, 1+d.Upper)
	}
	c.hold(&m)
	return m, ""
}

// blocks are the set-up times of trials in the same place and block.
func (c Claim) blocks(own, base []study.Observation) (first, second [][]float64) {
	at := map[string]int{}
	add := func(to *[][]float64, trials []study.Observation) {
		for _, o := range trials {
			key := o.Block + " " + c.place(o)
			if _, known := at[key]; !known {
				at[key] = len(at)
				first, second = append(first, nil), append(second, nil)
			}
			if v, ok := study.MetricSetup.Of(o); ok && v > 0 {
				(*to)[at[key]] = append((*to)[at[key]], v)
			}
		}
	}
	add(&first, base)
	add(&second, own)
	return first, second
}

// step is the trials with one limit of memory.
type step struct {
	memory    trial.Bytes
	n, failed int
}

// steps has those with the least memory first.
func steps(trials []study.Observation) (all []step) {
	for _, o := range trials {
		level, _ := o.Cell.Level("memory")
		memory, err := trial.ParseBytes(level)
		if err != nil {
			continue
		}
		i := slices.IndexFunc(all, func(s step) bool { return s.memory == memory })
		if i < 0 {
			i, all = len(all), append(all, step{memory: memory})
		}
		if all[i].n++; !o.Ready {
			all[i].failed++
		}
	}
	slices.SortFunc(all, func(a, b step) int { return cmp.Compare(a.memory, b.memory) })
	return all
}

// least is the least memory from which on at most mayFail of the trials failed, and
// how many failed there; of no memory, those with the most.
func least(all []step) (memory study.Value, at step) {
	memory, at = study.Value(math.NaN()), all[len(all)-1]
	for _, s := range slices.Backward(all) {
		if float64(s.failed) > mayFail*float64(s.n) {
			break
		}
		memory, at = study.Value(s.memory), s
	}
	return memory, at
}

// few is how probable it is that at most mayFail of trials fail with the ith limit.
// More memory is assumed to make none fail more often, so trials with less of it count
// too, as far down as they make it more probable.
func few(all []step, i int) (chance float64) {
	n, failed := 0, 0
	for _, s := range slices.Backward(all[:i+1]) {
		n, failed = n+s.n, failed+s.failed
		chance = max(chance, compare.AtMost(failed, n, mayFail))
	}
	return chance
}

// many is how probable it is that more fail, by trials with as much memory or more.
func many(all []step, i int) (chance float64) {
	n, failed := 0, 0
	for _, s := range all[i:] {
		n, failed = n+s.n, failed+s.failed
		chance = max(chance, 1-compare.AtMost(failed, n, mayFail))
	}
	return chance
}

// leastMemory judges that few trials fail with so much memory, or with some limit with
// which more of the others do.
func (c Claim) leastMemory(trials []study.Observation, s study.Study) (m Measured, why string) {
	own, chance, opposite, total := steps(trials), 0.0, 0.0, 0.0
	if len(own) == 0 {
		return m, "no trial of it was measured"
	}
	memory, at := least(own)
	m = Measured{Value: memory, N: at.n, Failed: at.failed}
	if len(c.Against) == 0 {
		i := slices.IndexFunc(own, func(s step) bool { return float64(s.memory) == *c.High })
		if i < 0 {
			return m, "no trial with so much memory was measured"
		}
		chance, opposite, total = few(own, i), many(own, i), 1
	} else {
		base := steps(c.Against.of(s))
		for i := range own {
			j := slices.IndexFunc(base, func(s step) bool { return s.memory == own[i].memory })
			if j < 0 {
				continue
			}
			lower := few(own, i) * many(base, j)
			chance, opposite, total = max(chance, lower), max(opposite, few(base, j)*many(own, i)), total+lower
		}
		if len(base) == 0 {
			return m, "no trial that it is compared with was measured"
		}
		memory, at := least(base)
		m.Base = &Base{Value: memory, N: at.n, Failed: at.failed}
	}
	m.Chance = &chance
	switch m.tooFew(); {
	case chance >= sure:
		m.judge(Supported, "")
	case opposite >= sure, total <= 1-sure:
		m.judge(Contradicted, "more")
	}
	return m, ""
}
