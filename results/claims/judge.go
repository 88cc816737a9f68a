package claims

import (
	"encoding/json"
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
	// tolerance is the share by which a time may miss what is claimed: nobody
	// writes down more digits than that.
	tolerance = 0.05
	// narrow is how wide an interval may be that supports a claim: points of a
	// rate, and the share of a mean.
	narrow = 0.3
)

// Judge holds a claim against the trials of a study. It is supported where the
// measured figure lies in what is claimed and is known well enough,
// contradicted where all of its interval lies outside, on any engine, and
// untested otherwise.
func Judge(s study.Study, c Claim) Finding {
	f := Finding{Claim: c, Verdict: Untested, Why: c.Unclear, Measured: []Measured{}}
	if c.Unclear != "" {
		return f
	}
	if f.Why = c.asksTooLittle(s); f.Why != "" {
		return f
	}
	for _, where := range groups(s, c.Where) {
		m, why := c.in(s, where)
		if why != "" {
			f.Why = why
			continue
		}
		m.Of = strings.Join(differing(where, c.Where), " ")
		f.Measured = append(f.Measured, m)
	}
	if len(f.Measured) == 0 {
		return f
	}
	verdicts := map[Verdict][]Measured{}
	for _, m := range f.Measured {
		verdicts[m.verdict] = append(verdicts[m.verdict], m)
	}
	switch {
	case len(verdicts[Contradicted]) > 0:
		f.Verdict, f.Why = Contradicted, verdicts[Contradicted][0].why
		if len(verdicts[Contradicted]) < len(f.Measured) {
			var of []string
			for _, m := range verdicts[Contradicted] {
				of = append(of, m.Of)
			}
			f.Why += " for " + strings.Join(of, ", ")
		}
	case len(verdicts[Untested]) > 0:
		f.Why = verdicts[Untested][0].why
	case f.Why == "":
		f.Verdict = Supported
	}
	return f
}

// asksTooLittle says what a claim leaves open that makes a difference.
func (c Claim) asksTooLittle(s study.Study) string {
	if c.Kind == Needs || c.Phase == trial.PhaseCluster || c.Phase == trial.PhaseDeploy || c.Phase == trial.PhaseTest {
		return ""
	}
	if _, named := c.Where["strategy"]; !named {
		if f, ok := s.Factor("strategy"); ok && len(f.Levels) > 1 {
			return "it does not say with which strategy"
		}
	}
	return ""
}

// groups are the levels of each group of trials that a claim is about: each of
// several levels that it names, on each engine where it names none.
func groups(s study.Study, named Where) []Where {
	named = maps.Clone(named)
	if named == nil {
		named = Where{}
	}
	if f, ok := s.Factor("runtime"); ok && len(named["runtime"]) == 0 {
		for _, l := range f.Levels {
			named["runtime"] = append(named["runtime"], l.Name)
		}
	}
	all := []Where{{}}
	for _, factor := range slices.Sorted(maps.Keys(named)) {
		var more []Where
		for _, where := range all {
			for _, level := range named[factor] {
				with := maps.Clone(where)
				with[factor] = []string{level}
				more = append(more, with)
			}
		}
		all = more
	}
	return all
}

// differing are the levels of a group that the claim alone does not tell.
func differing(group, named Where) (levels []string) {
	for _, factor := range slices.Sorted(maps.Keys(group)) {
		if len(named[factor]) != 1 {
			levels = append(levels, group[factor]...)
		}
	}
	return levels
}

// at are the trials at the levels, and which level has none.
func at(s study.Study, where Where) (trials []study.Observation, missing string) {
	trials = s.Trials
	for _, factor := range slices.Sorted(maps.Keys(where)) {
		trials = slices.DeleteFunc(slices.Clone(trials), func(o study.Observation) bool { return !isAt(o, factor, where[factor][0]) })
		if len(trials) == 0 {
			return nil, fmt.Sprintf("no trial has %s %s", factor, where[factor][0])
		}
	}
	return trials, ""
}

func isAt(o study.Observation, factor, level string) bool {
	has, ok := o.Cell.Level(factor)
	if !ok {
		var settings map[string]any
		if json.Unmarshal(o.Record.Settings, &settings) != nil || settings[factor] == nil {
			return false
		}
		has = fmt.Sprint(settings[factor])
		if bytes, isNumber := settings[factor].(float64); isNumber && factor == "memory" {
			has = trial.Bytes(bytes).String()
		}
	}
	if factor != "memory" {
		return strings.EqualFold(has, level)
	}
	a, errA := trial.ParseBytes(has)
	b, errB := trial.ParseBytes(level)
	// Few who write GB mean anything else than GiB.
	return errA == nil && errB == nil && math.Abs(math.Log(float64(a)/float64(b))) < 0.08
}

// in is the figure of one group of trials, with its verdict; or why there is none.
func (c Claim) in(s study.Study, where Where) (m Measured, why string) {
	if c.Kind == Needs {
		return c.needs(s, where)
	}
	trials, missing := at(s, where)
	if missing != "" {
		return m, missing
	}
	if n := together(trials); c.Together > 0 && n > 0 && n != c.Together {
		return m, fmt.Sprintf("these trials build %d images at once, not %d", n, c.Together)
	}
	switch c.Kind {
	case Works, Crashes, Never:
		return c.rate(trials), ""
	case Ratio:
		base := maps.Clone(where)
		for factor, levels := range c.Against {
			base[factor] = levels
		}
		against, missing := at(s, base)
		if missing != "" {
			return m, missing
		}
		own, other := c.values(trials), c.values(against)
		if len(own) == 0 || len(other) == 0 {
			return m, "none of these trials became ready"
		}
		return c.ratio(own, other), ""
	}
	values := c.values(trials)
	if len(values) == 0 {
		return m, "the records do not have this figure"
	}
	m = Measured{N: len(trials), Failed: study.Failures(trials), Value: stat.Mean(values, nil)}
	if n := float64(len(values)); n > 1 {
		half := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975) * stat.StdDev(values, nil) / math.Sqrt(n)
		m.bound(m.Value-half, m.Value+half)
	}
	c.hold(&m, tolerance, m.Value*narrow)
	return m, ""
}

func (m *Measured) bound(low, high float64) { m.Low, m.High = &low, &high }

// hold judges a figure that has an interval. One whose interval is wider than
// most to either side of it tells too little to support anything.
func (c Claim) hold(m *Measured, tolerance, most float64) {
	m.verdict, m.why = Untested, fmt.Sprintf("%d trials are too few to tell", m.N)
	if m.Low == nil {
		return
	}
	known := max(*m.High-m.Value, m.Value-*m.Low) <= most
	if known {
		m.why = "it is at the edge of what is claimed"
	}
	low, high := c.Low*(1-tolerance), math.Inf(1)
	if c.High != nil {
		high = *c.High * (1 + tolerance)
	}
	switch {
	case *m.High < low:
		m.verdict, m.why = Contradicted, "less"
	case *m.Low > high:
		m.verdict, m.why = Contradicted, "more"
	case m.Value >= low && m.Value <= high && known:
		m.verdict, m.why = Supported, ""
	}
}

// rate judges how often trials become ready.
func (c Claim) rate(trials []study.Observation) Measured {
	r := study.FailureRate(trials)
	m := Measured{N: r.Trials, Failed: r.Events, Value: 1 - float64(r.Estimate)}
	m.bound(1-float64(r.Interval.Upper), 1-float64(r.Interval.Lower))
	few := fmt.Sprintf("%d trials are too few to tell", m.N)
	known := *m.High-*m.Low <= narrow
	m.verdict, m.why = Untested, few
	switch {
	case c.Kind == Crashes && m.Failed > 0, c.Kind == Never && m.Failed == 0 && known:
		m.verdict, m.why = Supported, ""
	case c.Kind == Crashes && known:
		m.verdict, m.why = Contradicted, "none failed"
	case c.Kind == Never && m.Failed > 0:
		m.verdict, m.why = Contradicted, "some failed"
	case c.Kind != Works:
	case *m.Low > *c.High:
		m.verdict, m.why = Contradicted, "more often"
	case *m.High < c.Low:
		m.verdict, m.why = Contradicted, "less often"
	case known:
		m.verdict, m.why = Supported, ""
	}
	return m
}

// ratio is of two means; its interval is that of the difference of logarithms.
func (c Claim) ratio(own, base []float64) Measured {
	m := Measured{N: len(own), Value: stat.Mean(own, nil) / stat.Mean(base, nil)}
	if len(own) > 1 && len(base) > 1 {
		spread := 0.0
		for _, values := range [][]float64{own, base} {
			relative := stat.StdDev(values, nil) / stat.Mean(values, nil)
			spread += relative * relative / float64(len(values))
		}
		half := distuv.StudentsT{Sigma: 1, Nu: float64(min(len(own), len(base)) - 1)}.Quantile(0.975) * math.Sqrt(spread)
		m.bound(m.Value*math.Exp(-half), m.Value*math.Exp(half))
	}
	c.hold(&m, tolerance, m.Value*narrow)
	return m
}

// needs holds that nothing becomes ready with less memory against trials with
// less, and that it does with as much.
func (c Claim) needs(s study.Study, where Where) (m Measured, why string) {
	trials, missing := at(s, where)
	if missing != "" {
		return m, missing
	}
	var less, enough []study.Observation
	for _, o := range trials {
		level, _ := o.Cell.Level("memory")
		bytes, err := trial.ParseBytes(level)
		switch {
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
	m.verdict, m.why = Untested, fmt.Sprintf("%d trials with less are too few to tell", m.N)
	switch {
	case m.Failed < m.N:
		m.verdict, m.why = Contradicted, "some became ready with less"
	case *m.High <= narrow && study.Failures(enough) < len(enough):
		m.verdict, m.why = Supported, ""
	}
	return m, ""
}

// values are the figures of the trials that became ready.
func (c Claim) values(trials []study.Observation) (values []float64) {
	for _, o := range trials {
		v, ok := c.metric().Of(o)
		if o.Ready && ok && v > 0 && !math.IsInf(v, 1) {
			values = append(values, v)
		}
	}
	return values
}

func (c Claim) metric() study.Metric {
	switch {
	case c.Kind == PeakMemory:
		return study.MetricPeakMemory
	case c.Phase == "":
		return study.MetricSetup
	}
	return study.Metric(c.Phase)
}

// together is how many images a trial built at once; 0 where no record tells.
func together(trials []study.Observation) (most int) {
	for _, o := range trials {
		most = max(most, study.BuiltAtOnce(o.Record))
	}
	return most
}
