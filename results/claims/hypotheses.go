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

// A hypothesis was written before the trials, and is tested as written: supported if the whole
// 95 % interval lies in what is claimed, contradicted if none of it does, else open. Its trials
// are compared with others in the same places; times also in a block, with failures behind.

const (
	// Margin is how much higher a share of failures may be, where the hypothesis does not say.
	Margin = 0.10
	// mayFail of the trials may fail with enough memory: as many as CI accepts.
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

// Test tests the hypotheses of a study's runs, each by the trials of those that it was written for.
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
			t, trials := Tested{Hypothesis: h, Verdict: Open}, study.Gather(its).Trials
			at := func(levels trial.Levels) []study.Observation {
				return slices.DeleteFunc(slices.Clone(trials), func(o study.Observation) bool { return !levels.In(o.Cell) })
			}
			own, base := at(h.Of.With(h.Where)), at(h.Against.With(h.Where))
			if h.Kind == trial.HypothesisLeastMemory {
				t.leastMemory(steps(own), steps(base))
			} else {
				t.sideBySide(own, base)
			}
			all = append(all, t)
		}
	}
	return all
}

// place is all of a trial's cell that the hypothesis does not name.
func (t *Tested) place(o study.Observation) string {
	named := t.Of.With(t.Against).With(t.Where)
	return slices.DeleteFunc(slices.Clone(o.Cell), func(a trial.Assignment) bool {
		_, is := named[a.Factor]
		return is
	}).Key()
}

// sideBySide compares failures, or times, with those of other trials.
func (t *Tested) sideBySide(own, base []study.Observation) {
	// Places in which only one of them ran, or in which those that it is compared
	// with did not survive, are left out.
	only, other := map[string]bool{}, map[string]bool{}
	for _, o := range own {
		only[t.place(o)] = true
	}
	for _, o := range base {
		other[t.place(o)] = true
	}
	for _, o := range base {
		if t.Survives && !o.Ready {
			delete(other, t.place(o))
		}
	}
	apart := func(o study.Observation) bool { return !only[t.place(o)] || !other[t.place(o)] }
	own, base = slices.DeleteFunc(own, apart), slices.DeleteFunc(base, apart)
	if len(own) == 0 || len(base) == 0 {
		t.Why = "no trials of both were measured in the same place"
		return
	}
	m := Measured{N: len(own), Failed: study.Failures(own), Base: &Base{N: len(base), Failed: study.Failures(base)}}
	most := t.Ratio
	if t.Kind == trial.HypothesisFailures {
		most = float64(cmp.Or(t.Margin, Margin))
		first, second := stats.Arm{Events: m.Base.Failed, Trials: m.Base.N}, stats.Arm{Events: m.Failed, Trials: m.N}
		d := compare.Rise(first, second, alpha)
		m.Value, m.Base.Value = study.Value(d.Change), study.Value(first.Rate())
		m.bound(d.Lower, d.Upper)
	} else {
		metric := cmp.Or(study.Metric(t.Phase), study.MetricSetup)
		values := metric.Paired([2][]study.Observation{base, own}, func(o study.Observation) string { return o.Block + " " + t.place(o) })
		d := compare.Change(values[0], values[1], alpha)
		if math.IsNaN(d.Change) {
			t.Why = "no two of them have a time in the same place and block"
			return
		}
		var times []float64
		for _, o := range base {
			if v, ok := metric.Of(o); ok && o.Ready {
				times = append(times, v)
			}
		}
		m.Value, m.Base.Value = study.Value(1+d.Change), study.Value(stats.Median(times))
		m.bound(1+d.Lower, 1+d.Upper)
	}
	t.Measured = &m
	switch {
	case m.High != nil && *m.High <= most:
		t.Verdict = Supported
	case float64(*m.Low) > most:
		t.Verdict = Contradicted
	}
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

// chances are how probable it is that at most mayFail of trials fail with the ith limit, and
// that more do. More memory is assumed to make none fail more often: trials with less count
// for few, and those with more for many, as far as they make it more probable.
func chances(all []step, i int) (few, many float64) {
	n, failed := 0, 0
	for _, s := range slices.Backward(all[:i+1]) {
		n, failed = n+s.n, failed+s.failed
		few = max(few, compare.AtMost(failed, n, mayFail))
	}
	n, failed = 0, 0
	for _, s := range all[i:] {
		n, failed = n+s.n, failed+s.failed
		many = max(many, 1-compare.AtMost(failed, n, mayFail))
	}
	return few, many
}

// leastMemory: few fail with so much memory, or with a limit with which more others do.
func (t *Tested) leastMemory(own, base []step) {
	if len(own) == 0 {
		t.Why = "no trial of it was measured"
		return
	}
	memory, at := least(own)
	m := Measured{Value: memory, N: at.n, Failed: at.failed}
	chance, opposite, total := 0.0, 0.0, 0.0
	if len(t.Against) == 0 {
		enough, _ := trial.ParseBytes(t.Memory)
		i := slices.IndexFunc(own, func(s step) bool { return s.memory == enough })
		if i < 0 {
			t.Why = "no trial with that much memory was measured"
			return
		}
		chance, opposite = chances(own, i)
		total = 1
	} else {
		if len(base) == 0 {
			t.Why = "no trial that it is compared with was measured"
			return
		}
		for i := range own {
			j := slices.IndexFunc(base, func(s step) bool { return s.memory == own[i].memory })
			if j < 0 {
				continue
			}
			few, many := chances(own, i)
			baseFew, baseMany := chances(base, j)
			lower := few * baseMany
			chance, opposite, total = max(chance, lower), max(opposite, baseFew*many), total+lower
		}
		memory, at := least(base)
		m.Base = &Base{Value: memory, N: at.n, Failed: at.failed}
	}
	m.Chance, t.Measured = &chance, &m
	switch {
	case chance >= sure:
		t.Verdict = Supported
	case opposite >= sure, total <= 1-sure:
		t.Verdict = Contradicted
	}
}
