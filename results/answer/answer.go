// Package answer turns records into answers: which strategy to use in each situation and
// environment, which version of an engine is faster, whether a state is worse than another,
// and what a plan can decide. It asks compare once for each, and has no
// statistics of its own.
package answer

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/claims"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

// Schema is the version of the document.
const Schema = "stratbench.answer/v1"

// Situation is what there is at the start.
type Situation string

// The situations.
const (
	Build Situation = "build" // images must be built
	Pull  Situation = "pull"  // images are in a registry already, and may still be built
)

// Environment is where the set-up runs, which decides what counts.
type Environment string

// The environments.
const (
	Local Environment = "local" // a developer loses the mean time
	CI    Environment = "ci"    // slow runs count, the 90 % quantile, and one in 20 may fail
)

// MaxFailureRate is the highest failure rate that CI accepts.
const MaxFailureRate = 0.05

// Answer is the document that docs/answer.md describes, field by field.
type Answer struct {
	Schema string `json:"schema"`
	// Hypotheses are those of the runs, as tested.
	Hypotheses   []claims.Tested `json:"hypotheses,omitempty"`
	Indifference float64         `json:"indifference"`
	Trials       int             `json:"trials"`
	Failed       int             `json:"failed"`
	Decisions    []Decision      `json:"decisions"`
	// Strategies are the fastest first, with their times by the Levels of the
	// factor By; that is empty where there is none.
	Strategies []Strategy `json:"strategies"`
	// Chosen are the factors whose levels make a strategy.
	Chosen []string `json:"chosen"`
	By     string   `json:"by,omitempty"`
	Levels []string `json:"levels,omitempty"`
	// Pooled are the factors that vary and are not chosen, each with its least P over
	// all decisions. It is split if any decision was made apart at its levels.
	Pooled []compare.Factor `json:"pooled"`
	Push   []Push           `json:"push,omitempty"`
	// Engines are set where an engine ran in several versions.
	Engines []EngineVersion `json:"engines,omitempty"`
	// FailuresAt are the levels that all failed trials share, by factor; empty with
	// fewer than two failures.
	FailuresAt compare.Where     `json:"failures_at,omitempty"`
	Causes     []compare.Cause   `json:"failures_go_with,omitempty"`
	Warnings   []compare.Warning `json:"warnings"`
	// Doubts name lines of imported files that can be true and seldom are.
	Doubts []string `json:"doubts,omitempty"`
}

// Decision is a compare.Decision for one situation and environment.
type Decision struct {
	Situation   Situation       `json:"situation"`
	Environment Environment     `json:"environment"`
	Where       compare.Where   `json:"where"`
	Verdict     compare.Verdict `json:"verdict"`
	Best        []string        `json:"best"`
	RuledOut    []string        `json:"ruled_out"`
	Slower      []string        `json:"slower_when_it_works"`
	// Effect is the share by which the first of Best costs more or less than
	// Against. N, Failed, Cost and Slow are those of the first of Best.
	Effect          *float64        `json:"effect"`
	Interval        *[2]float64     `json:"interval"`
	Against         string          `json:"against,omitempty"`
	N               int             `json:"n"`
	Failed          int             `json:"failed"`
	Cost            *float64        `json:"cost_seconds"`
	WhenItWorks     compare.Verdict `json:"verdict_when_it_works"`
	Slow            int             `json:"slow"`
	OnlyWhenItWorks bool            `json:"only_when_it_works"`
	FailTooOften    []string        `json:"fail_too_often"`
	BreakEven       *float64        `json:"break_even_failure_rate"`
	FailureBound    *float64        `json:"failure_rate_upper_bound"`
	ToSettle        *compare.Settle `json:"to_settle"`
	Arms            []Arm           `json:"arms"`
}

// Arm is one strategy in a decision. BeatenBy rules it out, costing less by the share
// Effect; one ruled out without it fails too often or never became ready.
type Arm struct {
	Strategy       string      `json:"strategy"`
	N              int         `json:"n"`
	Failed         int         `json:"failed"`
	Cost           *float64    `json:"cost_seconds"`
	Interval       *[2]float64 `json:"interval_seconds"`
	RuledOut       bool        `json:"ruled_out"`
	BeatenBy       string      `json:"beaten_by,omitempty"`
	Effect         *float64    `json:"effect,omitempty"`
	EffectInterval *[2]float64 `json:"effect_interval,omitempty"`
}

// Strategy is one strategy's trials, with the mean time of those that became ready
// by level of Answer.By and over all (""). Crashed are those that lost the engine
// on the way and went on; Pulls is that it uses images which were pushed before.
type Strategy struct {
	Name    string             `json:"strategy"`
	N       int                `json:"n"`
	Failed  int                `json:"failed"`
	Crashed int                `json:"went_on_after_a_crash,omitempty"`
	Pulls   bool               `json:"pulls"`
	Seconds map[string]float64 `json:"mean_seconds"`
}

// Push is what publishing images cost, and the set-ups that save it; 0 is never.
type Push struct {
	Where   compare.Where `json:"where"`
	Seconds float64       `json:"seconds"`
	SetUps  int           `json:"set_ups"`
}

// ErrNothingToChoose: the trials have fewer than two strategies, or no times.
var ErrNothingToChoose = errors.New("there is nothing to choose between")

// Of answers for a study. Indifference is the share by which two strategies may
// differ and be as good as each other; 0 is the smallest that a run was made with.
func Of(s study.Study, indifference float64) (Answer, error) {
	if len(s.Trials) == 0 {
		return Answer{}, errors.New("there is no measured trial to decide by; estimates are not ranked")
	}
	m := newMaterial(s)
	if len(m.arms) < 2 {
		if _, named := s.Factor("strategy"); !named {
			return Answer{}, fmt.Errorf("%w: the trials have no column or factor strategy", ErrNothingToChoose)
		}
		return Answer{}, fmt.Errorf("%w: the trials have only one strategy", ErrNothingToChoose)
	}
	ready := slices.DeleteFunc(slices.Clone(m.trials), func(t compare.Trial) bool { return !t.Ready })
	if len(ready) > 0 && !slices.ContainsFunc(ready, func(t compare.Trial) bool { return t.Seconds > 0 }) {
		return Answer{}, fmt.Errorf("%w: no time is given for any of the %d trials that became ready; add the times as setup_seconds", ErrNothingToChoose, len(ready))
	}
	if indifference == 0 {
		indifference = math.Inf(1)
		for _, run := range s.Runs {
			indifference = min(indifference, cmp.Or(run.Plan.Indifference, compare.DefaultIndifference))
		}
	}
	a := Answer{Schema: Schema, Hypotheses: claims.Test(s), Indifference: indifference, Trials: len(s.Trials),
		Decisions: []Decision{}, Pooled: []compare.Factor{}, Chosen: m.chosen}
	for _, situation := range []Situation{Build, Pull} {
		if situation == Build && len(m.arms)-len(m.pulls) < 2 || situation == Pull && len(m.pulls) == 0 {
			continue
		}
		a.decide(m, situation)
	}
	a.Warnings = append([]compare.Warning{}, compare.Warnings(m.trials, m.places)...)
	a.doubt(s, m)
	a.By, a.Strategies = m.strategies(s, a.Pooled)
	if i := slices.Index(m.places, a.By); i >= 0 {
		a.Levels = compare.Levels(m.trials, i)
	}
	for _, row := range a.Strategies {
		a.Failed += row.Failed
	}
	a.Push, a.FailuresAt, a.Engines = m.pushes(s), failuresAt(s), EngineVersions(s, indifference)
	if a.Failed > 0 {
		a.Causes = compare.Causes(m.trials, m.places)
		for i := range a.Causes {
			a.Causes[i].Factor = cmp.Or(a.Causes[i].Factor, strings.Join(m.chosen, ", "))
		}
	}
	return a, nil
}

// doubt adds the warnings of imports. No decision is made by times that seem to be in
// several units; if each combination has one only, what they look like stays.
func (a *Answer) doubt(s study.Study, m material) {
	warn := func(kind compare.WarningKind, detail string) {
		a.Warnings = append(a.Warnings, compare.Warning{Kind: kind, P: study.Value(math.NaN()), Detail: detail})
		if kind == compare.Imported {
			a.Doubts = append(a.Doubts, detail)
		}
	}
	for _, label := range m.labels {
		warn(compare.Imported, fmt.Sprintf("%s is left out: it has a different level in nearly every trial, and only trials at the same level can be compared.", label))
	}
	for _, run := range s.Runs {
		if run.Import == nil {
			continue
		}
		for _, w := range run.Import.Warnings {
			warn(compare.Imported, w)
		}
		if mixed := run.Import.MixedUnits; mixed != "" {
			warn(compare.MixedUnits, string(mixed))
		}
	}
	within := a.Mixed(results.MixedWithin)
	for i := range a.Decisions {
		d := &a.Decisions[i]
		if d.Verdict == compare.None || !within && !(a.Mixed(results.MixedBetween) && farApart(m.of(d.Situation))) {
			continue
		}
		d.Verdict, d.WhenItWorks, d.OnlyWhenItWorks = compare.Undecided, compare.Undecided, false
		d.RuledOut, d.Slower, d.BreakEven, d.FailureBound, d.ToSettle = []string{}, []string{}, nil, nil, nil
		if within {
			d.Effect, d.Interval, d.Against, d.Cost, d.Slow, d.FailTooOften = nil, nil, "", nil, 0, []string{}
		}
		for k := range d.Arms {
			arm := &d.Arms[k]
			failed := arm.RuledOut && arm.BeatenBy == "" // ruled out for its failures, not its times
			arm.RuledOut, arm.BeatenBy, arm.Effect, arm.EffectInterval = failed, "", nil, nil
			if within {
				arm.Cost, arm.Interval = nil, nil
			}
			switch {
			case failed:
				d.RuledOut = append(d.RuledOut, arm.Strategy)
			case !slices.Contains(d.Best, arm.Strategy):
				d.Best = append(d.Best, arm.Strategy)
			}
		}
	}
}

// farApart reports whether the times of a place fall into two groups, as those in minutes
// and in seconds do. Times are compared inside places, so that each may have its own unit.
func farApart(trials []compare.Trial) bool {
	places := map[string][]float64{}
	for _, t := range trials {
		if t.Ready && t.Seconds > 0 {
			at := strings.Join(t.Place, "\x00")
			places[at] = append(places[at], t.Seconds)
		}
	}
	for _, times := range places {
		slices.Sort(times)
		for i := 1; i < len(times); i++ {
			if times[i] >= results.FarApart*times[i-1] {
				return true
			}
		}
	}
	return false
}

// Mixed reports whether imported times seem to be in several units there.
func (a Answer) Mixed(where results.MixedUnits) bool {
	return slices.ContainsFunc(a.Warnings, func(w compare.Warning) bool { return w.Kind == compare.MixedUnits && w.Detail == string(where) })
}

// decide adds the decisions for a situation: among the strategies that build, and
// where images are there already among all. The environments are decided side by
// side; more at once takes too much memory for long studies.
func (a *Answer) decide(m material, situation Situation) {
	trials := m.of(situation)
	environments := []Environment{Local, CI}
	answers := make([]compare.Answer, len(environments))
	var group sync.WaitGroup
	for i, environment := range environments {
		goal := compare.Goal{Indifference: a.Indifference}
		if environment == CI {
			goal.Quantile, goal.MaxFailureRate = 0.9, MaxFailureRate
		}
		group.Go(func() { answers[i] = compare.Decide(trials, m.places, goal) })
	}
	group.Wait()
	for i, environment := range environments {
		for _, f := range answers[i].Factors {
			known := slices.IndexFunc(a.Pooled, func(x compare.Factor) bool { return x.Name == f.Name })
			if known < 0 {
				a.Pooled = append(a.Pooled, f)
				continue
			}
			all := &a.Pooled[known]
			all.Split = all.Split || f.Split
			if f.P.Finite() && !(all.P <= f.P) {
				all.P = f.P
			}
		}
		for _, g := range answers[i].Groups {
			a.Decisions = append(a.Decisions, decision(situation, environment, g))
		}
	}
}

func decision(situation Situation, environment Environment, g compare.Group) Decision {
	d := Decision{Situation: situation, Environment: environment, Where: g.Where, Verdict: g.Verdict,
		Best: append([]string{}, g.Best...), RuledOut: []string{}, Slower: append([]string{}, g.Slower...), WhenItWorks: g.WhenItWorks,
		OnlyWhenItWorks: g.OnlyWhenItWorks(), FailTooOften: append([]string{}, g.FailTooOften...), ToSettle: g.Settle}
	beaten := map[string]compare.Effect{}
	for _, o := range g.RuledOut {
		d.RuledOut = append(d.RuledOut, o.Against)
		beaten[o.Against] = o
	}
	slices.SortStableFunc(g.Arms, func(a, b compare.Arm) int { return cmp.Compare(a.Cost, b.Cost) })
	for _, of := range g.Arms {
		arm := Arm{Strategy: of.Name, N: of.N, Failed: of.Failed, Cost: finite(of.Cost), Interval: both(of.Lower, of.Upper)}
		if o, is := beaten[of.Name]; is {
			if arm.RuledOut, arm.BeatenBy = true, o.Of; o.Of != "" {
				arm.Effect, arm.EffectInterval = finite(o.Change), both(o.Lower, o.Upper)
			}
		}
		d.Arms = append(d.Arms, arm)
		if g.Verdict != compare.None && of.Name == g.Best[0] {
			d.N, d.Failed, d.Slow, d.Cost, d.FailureBound = of.N, of.Failed, of.Slow, arm.Cost, finite(g.FailureBound)
		}
	}
	if e := g.Effect; e != nil {
		d.Effect, d.Against, d.BreakEven = &e.Change, e.Against, finite(g.BreakEven)
		d.Interval = both(e.Lower, e.Upper)
	}
	return d
}

func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// both are the ends of an interval that has two.
func both(low, high float64) *[2]float64 {
	if finite(low) == nil || finite(high) == nil {
		return nil
	}
	return &[2]float64{low, high}
}

// Interim decides after any block whether a run may stop: when no decision is open.
// Until then it retires the cells that no open decision needs.
func Interim(s study.Study) (look results.Look) {
	a, err := Of(s, 0)
	if err != nil { // nothing to choose between yet
		return look
	}
	var ended []string
	for _, d := range a.Decisions {
		best := strings.Join(d.Best, " or ")
		if d.Verdict == compare.None {
			best = "no strategy works well enough"
		}
		if d.Verdict != compare.Undecided {
			ended = append(ended, fmt.Sprintf("%s, %s: %s", d.Situation, d.Environment, best))
		}
	}
	if len(ended) == len(a.Decisions) {
		return results.Look{Stopped: true, Reason: strings.Join(ended, "; ")}
	}
	for _, c := range s.Cells {
		needed := func(d Decision) bool {
			if arm := StrategyOf(a.Chosen, c); d.Verdict != compare.Undecided || !slices.Contains(d.Best, arm) || slices.Contains(d.Slower, arm) {
				return false
			}
			for factor, levels := range d.Where {
				if level, _ := c.Level(factor); !slices.Contains(levels, level) {
					return false
				}
			}
			return true
		}
		// A cell without a trial was not ruled out.
		if len(s.Of(c)) > 0 && !slices.ContainsFunc(a.Decisions, needed) {
			look.Retired = append(look.Retired, c)
		}
	}
	return look
}
