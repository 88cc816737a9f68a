package claims

import (
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
	everyStrategyAlike := c.Kind == Needs || c.Phase == trial.PhaseCluster || c.Phase == trial.PhaseDeploy || c.Phase == trial.PhaseTest
	if f.Why == "" && !everyStrategyAlike && len(c.Where["strategy"]) == 0 && len(s.Levels("strategy")) > 1 {
		f.Why = "it does not say with which strategy"
	}
	if f.Why != "" {
		return f
	}
	by := map[Verdict][]Measured{}
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
		by[m.verdict] = append(by[m.verdict], m)
	}
	switch against := by[Contradicted]; {
	case len(against) > 0:
		f.Verdict, f.Why = Contradicted, against[0].why
		if len(against) < len(f.Measured) {
			var of []string
			for _, m := range against {
				of = append(of, m.Of)
			}
			f.Why += " for " + strings.Join(of, ", ")
		}
	case len(by[Untested]) > 0:
		f.Why = by[Untested][0].why
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
	a, errA := trial.ParseBytes(has)
	b, errB := trial.ParseBytes(level)
	// Few who write GB mean anything else than GiB.
	return errA == nil && errB == nil && math.Abs(math.Log(float64(a)/float64(b))) < 0.08
}

// in is the figure at the levels with its verdict, or why there is none.
func (c Claim) in(s study.Study, levels map[string]string) (m Measured, why string) {
	trials, missing := trialsAt(s, levels)
	if missing != "" {
		return m, missing
	}
	if c.Kind == Needs {
		return c.needs(trials)
	}
	together := 0
	for _, o := range trials {
		together = max(together, study.BuiltAtOnce(o.Record))
	}
	if c.Together > 0 && together > 0 && together != c.Together {
		return m, fmt.Sprintf("these trials build %d images at once, not %d", together, c.Together)
	}
	values := c.values(trials)
	switch c.Kind {
	case Works, Crashes, Never:
		return c.rate(trials), ""
	case Ratio:
		base := maps.Clone(levels)
		for factor, names := range c.Against {
			base[factor] = names[0]
		}
		against, missing := trialsAt(s, base)
		if missing != "" {
			return m, missing
		}
		others := c.values(against)
		if len(values) == 0 || len(others) == 0 {
			return m, "none of these trials became ready"
		}
		return c.ratio(values, others), ""
	}
	if len(values) == 0 {
		return m, "the records do not have this figure"
	}
	mean := stat.Mean(values, nil)
	m = Measured{N: len(trials), Failed: study.Failures(trials), Value: study.Value(mean)}
	if n := float64(len(values)); n > 1 {
		half := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975) * stat.StdErr(stat.StdDev(values, nil), n)
		m.bound(mean-half, mean+half)
	}
	c.hold(&m)
	return m, ""
}

// values are the figures of the trials that became ready.
func (c Claim) values(trials []study.Observation) (values []float64) {
	metric := study.Metric(c.Phase)
	switch {
	case c.Kind == PeakMemory:
		metric = study.MetricPeakMemory
	case c.Phase == "":
		metric = study.MetricSetup
	}
	for _, o := range trials {
		if v, ok := metric.Of(o); o.Ready && ok && v > 0 && !math.IsInf(v, 1) {
			values = append(values, v)
		}
	}
	return values
}

// bound leaves out an upper end that is infinite.
func (m *Measured) bound(low, high float64) {
	if m.Low = &low; !math.IsInf(high, 1) {
		m.High = &high
	}
}

// judge sets the verdict.
func (m *Measured) judge(v Verdict, why string) { m.verdict, m.why = v, why }

// tooFew is the verdict until another one is certain.
func (m *Measured) tooFew() { m.judge(Untested, tooFewOf(m.N, "")) }

// tooFewOf says that n trials, of the sort that is meant, are too few.
func tooFewOf(n int, which string) string {
	if n == 1 {
		return "1 trial" + which + " is too few to tell"
	}
	return fmt.Sprintf("%d trials%s are too few to tell", n, which)
}

// hold judges a figure by its interval. One that is too wide supports nothing.
func (c Claim) hold(m *Measured) {
	m.tooFew()
	if m.Low == nil {
		return
	}
	lower, upper, value := *m.Low, math.Inf(1), float64(m.Value)
	if m.High != nil {
		upper = *m.High
	}
	known := max(upper-value, value-lower) <= narrow*value
	if known {
		m.why = "it is at the edge of what is claimed"
	}
	low, high := c.Low*(1-tolerance), math.Inf(1)
	if c.High != nil {
		high = *c.High * (1 + tolerance)
	}
	switch {
	case upper < low:
		m.judge(Contradicted, "less")
	case lower > high:
		m.judge(Contradicted, "more")
	case value >= low && value <= high && known:
		m.judge(Supported, "")
	}
}

// rate judges how often trials become ready.
func (c Claim) rate(trials []study.Observation) Measured {
	r := study.FailureRate(trials)
	m := Measured{N: r.Trials, Failed: r.Events, Value: 1 - r.Estimate}
	m.bound(1-float64(r.Interval.Upper), 1-float64(r.Interval.Lower))
	m.tooFew()
	known := *m.High-*m.Low <= narrow
	switch {
	case c.Kind == Crashes && m.Failed > 0, c.Kind == Never && m.Failed == 0 && known:
		m.judge(Supported, "")
	case c.Kind == Crashes && known:
		m.judge(Contradicted, "none failed")
	case c.Kind == Never && m.Failed > 0:
		m.judge(Contradicted, "some failed")
	case c.Kind != Works:
	case *m.Low > *c.High:
		m.judge(Contradicted, "more often")
	case *m.High < c.Low:
		m.judge(Contradicted, "less often")
	case known:
		m.judge(Supported, "")
	}
	return m
}

// ratio is of two means; its interval is that of the difference of logarithms.
func (c Claim) ratio(own, base []float64) Measured {
	ratio := stat.Mean(own, nil) / stat.Mean(base, nil)
	m := Measured{N: len(own), Value: study.Value(ratio)}
	if len(own) > 1 && len(base) > 1 {
		spread := 0.0
		for _, values := range [][]float64{own, base} {
			relative := stat.StdDev(values, nil) / stat.Mean(values, nil)
			spread += relative * relative / float64(len(values))
		}
		half := distuv.StudentsT{Sigma: 1, Nu: float64(min(len(own), len(base)) - 1)}.Quantile(0.975) * math.Sqrt(spread)
		m.bound(ratio*math.Exp(-half), ratio*math.Exp(half))
	}
	c.hold(&m)
	return m
}

// needs judges that nothing becomes ready with less memory, and something with as much.
func (c Claim) needs(trials []study.Observation) (m Measured, why string) {
	var less, enough []study.Observation
	for _, o := range trials {
		level, _ := o.Cell.Level("memory")
		switch bytes, err := trial.ParseBytes(level); {
		case err != nil:
		case float64(bytes) < 0.92*c.Low:
			less = append(less, o)
		default:
			enough = append(enough, o)
		}
	}
	if len(less) == 0 {
		return m, "no trial had less memory"
	}
	m = c.rate(less)
	switch {
	case m.Failed < m.N:
		m.judge(Contradicted, "some became ready with less")
	case *m.High <= narrow && study.Failures(enough) < len(enough):
		m.judge(Supported, "")
	default:
		m.judge(Untested, tooFewOf(m.N, " with less"))
	}
	return m, ""
}
