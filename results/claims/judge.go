package claims

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/study"
)

const (
	// tolerance is how far a time may miss a claim: nobody writes down more digits.
	tolerance = 0.05
	// narrow is the widest interval that supports: a share of a mean, points of a rate.
	narrow = 0.3
)

// Judge compares a claim with the trials of a study. It is supported if the
// measured figure lies in what is claimed and is known well enough, contradicted
// if all of its interval lies outside, on any engine, and untested otherwise.
func Judge(s study.Study, c Claim) Finding {
	f := Finding{Claim: c, Verdict: Untested, Why: c.Unclear, Measured: []Measured{}}
	memory := c.Where["memory"]
	everyStrategyAlike := c.Phase == trial.PhaseCluster || c.Phase == trial.PhaseDeploy || c.Phase == trial.PhaseTest || len(memory) == 1 && strings.HasPrefix(memory[0], "<")
	if f.Why == "" && !everyStrategyAlike && len(c.Where["strategy"]) == 0 && len(s.Levels("strategy")) > 1 {
		f.Why = "it does not say with which strategy"
	}
	if f.Why != "" {
		return f
	}
	var against []Measured
	for _, levels := range c.levels(s) {
		m, why := c.in(s, levels)
		if why != "" {
			f.Why = why
			continue
		}
		var several []string // what the claim alone does not determine
		for _, factor := range slices.Sorted(maps.Keys(levels)) {
			if len(c.Where[factor]) != 1 {
				several = append(several, levels[factor])
			}
		}
		m.Of = strings.Join(several, " ")
		f.Measured = append(f.Measured, m)
		if m.verdict == Contradicted {
			against = append(against, m)
		} else if m.verdict == Untested {
			f.Why = m.why
		}
	}
	switch {
	case len(against) > 0:
		f.Verdict, f.Why = Contradicted, against[0].why
		if len(against) < len(f.Measured) {
			var of []string
			for _, m := range against {
				of = append(of, m.Of)
			}
			f.Why += " for " + strings.Join(of, ", ")
		}
	case len(f.Measured) > 0 && f.Why == "":
		f.Verdict = Supported
	}
	return f
}

// levels has each combination of the levels named, on each engine if none is named.
func (c Claim) levels(s study.Study) []map[string]string {
	named := Where{}
	maps.Copy(named, c.Where)
	if engines := s.Levels("runtime"); len(named["runtime"]) == 0 && len(engines) > 0 {
		named["runtime"] = engines
	}
	all := []map[string]string{{}}
	for _, factor := range slices.Sorted(maps.Keys(named)) {
		var more []map[string]string
		for _, at := range all {
			for _, level := range named[factor] {
				with := maps.Clone(at)
				with[factor] = level
				more = append(more, with)
			}
		}
		all = more
	}
	return all
}

// trialsAt are the trials at the levels, or which level has none.
func trialsAt(s study.Study, levels map[string]string) (trials []study.Observation, missing string) {
	trials = s.Trials
	for _, factor := range slices.Sorted(maps.Keys(levels)) {
		trials = slices.DeleteFunc(slices.Clone(trials), func(o study.Observation) bool { return !isAt(o, factor, levels[factor]) })
		if len(trials) == 0 {
			return nil, fmt.Sprintf("no trial has %s %s", factor, levels[factor])
		}
	}
	return trials, ""
}

func isAt(o study.Observation, factor, level string) bool {
	has, ok := o.Cell.Level(factor)
	if !ok {
		has = study.Setting(o.Record.Settings, factor)
	}
	if factor != "memory" {
		return strings.EqualFold(has, level)
	}
	limit, less := strings.CutPrefix(level, "<")
	a, errA := trial.ParseBytes(has)
	b, errB := trial.ParseBytes(limit)
	// Few who write GB mean anything else than GiB.
	const slack = 0.08
	apart := math.Log(float64(a) / float64(b))
	return errA == nil && errB == nil && (less && apart <= -slack || !less && math.Abs(apart) < slack)
}

// in is the figure at the levels with its verdict, or why there is none.
func (c Claim) in(s study.Study, levels map[string]string) (m Measured, why string) {
	trials, missing := trialsAt(s, levels)
	if missing != "" {
		return m, missing
	}
	together := 0
	for _, o := range trials {
		together = max(together, study.BuiltAtOnce(o.Record))
	}
	if c.Together > 0 && together > 0 && together != c.Together {
		return m, fmt.Sprintf("these trials build %d images at once, not %d", together, c.Together)
	}
	m = Measured{N: len(trials), Failed: study.Failures(trials)}
	if c.Kind == Works || c.Kind == Crashes {
		r := study.FailureRate(trials)
		m.Value = 1 - r.Estimate
		m.bound(1-float64(r.Interval.Upper), 1-float64(r.Interval.Lower))
		c.hold(&m)
		return m, ""
	}
	// A mean of the trials that became ready, or the ratio of two; its interval is that of logarithms.
	value, spread, fewest := 1.0, 0.0, math.MaxInt
	metric := cmp.Or(study.Metric(c.Phase), study.MetricSetup)
	if c.Kind == PeakMemory {
		metric = study.MetricPeakMemory
	}
	take := func(trials []study.Observation, power float64) {
		var values []float64
		for _, o := range trials {
			if v, ok := metric.Of(o); o.Ready && ok && v > 0 && !math.IsInf(v, 1) {
				values = append(values, v)
			}
		}
		mean := stat.Mean(values, nil)
		relative := stat.StdDev(values, nil) / mean
		value, spread, fewest = value*math.Pow(mean, power), spread+relative*relative/float64(len(values)), min(fewest, len(values))
	}
	take(trials, 1)
	if c.Kind == Ratio {
		base := maps.Clone(levels)
		for factor, names := range c.Against {
			base[factor] = names[0]
		}
		against, missing := trialsAt(s, base)
		if missing != "" {
			return m, missing
		}
		take(against, -1)
	}
	if fewest == 0 {
		return m, "the records do not have this figure"
	}
	m.Value = study.Value(value)
	if fewest > 1 {
		half := distuv.StudentsT{Sigma: 1, Nu: float64(fewest - 1)}.Quantile(0.975) * math.Sqrt(spread)
		m.bound(value*math.Exp(-half), value*math.Exp(half))
	}
	c.hold(&m)
	return m, ""
}

// bound leaves out an upper end that is infinite.
func (m *Measured) bound(low, high float64) {
	least := study.Value(low)
	if m.Low = &least; !math.IsInf(high, 1) {
		m.High = &high
	}
}

// hold judges a figure by its interval. One that is too wide supports nothing.
func (c Claim) hold(m *Measured) {
	m.verdict, m.why = Untested, fmt.Sprintf("too few trials to tell: %d", m.N)
	if m.Low == nil {
		return
	}
	lower, upper, value := float64(*m.Low), math.Inf(1), float64(m.Value)
	if m.High != nil {
		upper = *m.High
	}
	low, high := c.Low*(1-tolerance), math.Inf(1)
	if c.High != nil {
		high = *c.High * (1 + tolerance)
	}
	known, less, more := max(upper-value, value-lower) <= narrow*value, "it takes less", "it takes more"
	within := low <= value && value <= high
	if c.Kind == Works || c.Kind == Crashes {
		known, less, more, within = upper-lower <= narrow, "it works less often", "it works more often", true
		if low, high = 1, 1; c.Kind == Works {
			low, high = c.Low, *c.High
		}
	}
	switch {
	case upper < low:
		m.verdict, m.why = Contradicted, less
	case lower > high:
		m.verdict, m.why = Contradicted, more
	case known && !within:
		m.why = "it is at the edge of what is claimed"
	case known:
		m.verdict, m.why = Supported, ""
	}
	switch {
	case c.Kind == Crashes && m.verdict == Contradicted: // that all work
		m.verdict, m.why = Supported, ""
	case c.Kind == Crashes && m.verdict == Supported:
		m.verdict, m.why = Contradicted, "none failed"
	}
}
