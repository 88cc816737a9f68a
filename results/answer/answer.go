// Package answer turns records into recommendations: which strategy to use, for
// each situation and environment, and what is known of it. It asks compare once
// for each and holds no statistics of its own.
package answer

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

// Schema is the version of the document.
const Schema = "stratbench.answer/v1"

// Situation is what one starts from.
type Situation string

// The situations.
const (
	// Build: sources have changed, and images must be built.
	Build Situation = "build"
	// Pull: the images are in a registry already. One may still build them.
	Pull Situation = "pull"
)

// Environment is where one works, and so what counts.
type Environment string

// The environments.
const (
	// Local: a developer loses the mean time.
	Local Environment = "local"
	// CI: a pipeline is judged by its slow runs, the 90 % quantile, and must not
	// fail more than once in 20 times.
	CI Environment = "ci"
)

// MaxFailureRate is the highest failure rate that CI accepts.
const MaxFailureRate = 0.05

var goals = map[Environment]compare.Goal{
	Local: {},
	CI:    {Quantile: 0.9, MaxFailureRate: MaxFailureRate},
}

// Answer is the document. Times are in seconds.
type Answer struct {
	Schema string `json:"schema"`
	// Indifference is the share by which two strategies may differ and be as
	// good as each other.
	Indifference float64    `json:"indifference"`
	Trials       int        `json:"trials"`
	Failed       int        `json:"failed"`
	Decisions    []Decision `json:"decisions"`
	// Strategies are all that were run, the fastest first.
	Strategies []Strategy `json:"strategies"`
	// Chosen are the factors whose levels make a strategy.
	Chosen []string `json:"chosen"`
	// By is the factor by whose levels Strategies has times; empty for none.
	By string `json:"by,omitempty"`
	// Levels are those of By.
	Levels []string `json:"levels,omitempty"`
	// Pooled has the factors that were given and vary.
	Pooled []Factor `json:"pooled"`
	Push   []Push   `json:"push,omitempty"`
	// FailuresAt are the levels that all failed trials share and others do not,
	// by factor; empty with fewer than two failures.
	FailuresAt map[string]string `json:"failures_at,omitempty"`
	// Causes have the level of each factor that failures go with most, the
	// surest first; empty where nothing failed.
	Causes   []Cause   `json:"failures_go_with,omitempty"`
	Warnings []Warning `json:"warnings"`
	// Doubts point out lines of imported files that can be true and seldom are.
	Doubts []string `json:"doubts,omitempty"`
}

// Decision is the answer for one situation and environment, at the levels of
// Where; Where is empty where the answer is the same everywhere.
type Decision struct {
	Situation   Situation       `json:"situation"`
	Environment Environment     `json:"environment"`
	Where       Where           `json:"where"`
	Verdict     compare.Verdict `json:"verdict"`
	// Best are the strategies to use: one when decided, several when tied. When
	// undecided they are those left, the one that looks best first.
	Best     []string `json:"best"`
	RuledOut []string `json:"ruled_out"`
	// Slower are those that another one beats when both work, ruled out or not.
	Slower []string `json:"slower_when_it_works"`
	// Effect is by which share the first of Best costs more or less than
	// Against; Interval holds it at 95 %, however often one looks.
	Effect   *float64    `json:"effect"`
	Interval *[2]float64 `json:"interval"`
	Against  string      `json:"against,omitempty"`
	// N and Failed count the trials of the first of Best.
	N      int `json:"n"`
	Failed int `json:"failed"`
	// Cost is what the first of Best takes: the mean or the quantile that
	// counts, retries included.
	Cost *float64 `json:"cost_seconds"`
	// WhenItWorks is the verdict if nothing ever failed.
	WhenItWorks compare.Verdict `json:"verdict_when_it_works"`
	// Slow counts those of N that took far longer than the others.
	Slow int `json:"slow"`
	// OnlyWhenItWorks says that failures could still turn this: FailureBound is
	// over BreakEven, or only failures keep the decision open.
	OnlyWhenItWorks bool `json:"only_when_it_works"`
	// FailTooOften are those of Best that more probably than not fail more often
	// than the environment accepts, and are not yet shown to.
	FailTooOften []string `json:"fail_too_often"`
	// BreakEven is the rate of failed and slow trials of the first of Best at
	// which Against would be as good; FailureBound the exact upper 95 % bound of it.
	BreakEven    *float64 `json:"break_even_failure_rate"`
	FailureBound *float64 `json:"failure_rate_upper_bound"`
	ToSettle     *Settle  `json:"to_settle"`
	// Arms are all strategies of the decision, with what it rests on.
	Arms []Arm `json:"arms"`
}

// Where are the levels at which a decision holds, by factor.
type Where map[string]Levels

// Levels are the levels of one factor, any of them. In JSON a single one is a
// text, several are a list.
type Levels []string

func (l Levels) String() string { return strings.Join(l, " or ") }

// MarshalJSON writes a text or a list.
func (l Levels) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return json.Marshal(l[0])
	}
	return json.Marshal([]string(l))
}

// Arm is one strategy in a decision. Cost is what it takes, retries included, in
// a typical place; Interval holds it at 95 %. One that is ruled out is so by
// BeatenBy, which costs by the share Effect less; without a BeatenBy it fails too
// often or never became ready.
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

// Settle is what is expected to end an open decision.
type Settle struct {
	Blocks     int      `json:"blocks"`
	Seconds    float64  `json:"seconds"`
	Strategies []string `json:"strategies"`
}

// Strategy is one strategy's trials: how many, and the mean time of those that
// became ready, by level of Answer.By and over all ("").
type Strategy struct {
	Name   string `json:"strategy"`
	N      int    `json:"n"`
	Failed int    `json:"failed"`
	// Crashed are those that lost the engine on the way and went on; their times
	// have all of that.
	Crashed int `json:"went_on_after_a_crash,omitempty"`
	// Pulls says that it takes images which were pushed before.
	Pulls   bool               `json:"pulls"`
	Seconds map[string]float64 `json:"mean_seconds"`
}

// Factor is a factor that was given and not chosen.
type Factor struct {
	Name string `json:"factor"`
	// P is the least p-value of all decisions that the strategies in question
	// compare alike at its levels; null where nothing could be tested.
	P *float64 `json:"p"`
	// Split says that a decision was made apart at its levels.
	Split bool `json:"split"`
}

// Cause is the level of a factor at which more trials failed than at its others.
type Cause struct {
	Factor      string `json:"factor"`
	Level       string `json:"level"`
	Failed      int    `json:"failed"`
	N           int    `json:"n"`
	OtherFailed int    `json:"failed_otherwise"`
	OtherN      int    `json:"n_otherwise"`
	// P is for everything else alike, adjusted for all levels and factors; null
	// where the factor never varied apart from the others.
	P *float64 `json:"p"`
}

// Push is what publishing the images cost, and after how many set-ups it has
// paid for itself; 0 is never.
type Push struct {
	Where   map[string]string `json:"where"`
	Seconds float64           `json:"seconds"`
	SetUps  int               `json:"set_ups"`
}

// Warning qualifies the whole. P is null where there was no test.
type Warning struct {
	Kind compare.WarningKind `json:"kind"`
	P    *float64            `json:"p"`
	// Change is the change of times from block to block (drift).
	Change float64 `json:"change,omitempty"`
	// After and Otherwise are failure rates (carry-over).
	After     float64  `json:"failures_after_failure,omitempty"`
	Otherwise float64  `json:"failures_otherwise,omitempty"`
	Arms      []string `json:"strategies,omitempty"`
	Factors   []string `json:"factors,omitempty"`
}

// ErrNothingToChoose says that the trials have fewer than two strategies, or no
// time to choose by.
var ErrNothingToChoose = errors.New("there is nothing to choose between")

// Of answers for a study. Indifference is the share by which two strategies may
// differ and be as good as each other; 0 is what the runs were made with.
func Of(s study.Study, indifference float64) (Answer, error) {
	if len(s.Trials) == 0 {
		return Answer{}, errors.New("there is no measured trial to decide by; estimates are not ranked")
	}
	m := newMaterial(s)
	if len(m.arms) < 2 {
		return Answer{}, fmt.Errorf("%w: the trials have only one strategy", ErrNothingToChoose)
	}
	if n := m.untimed(); n > 0 {
		return Answer{}, fmt.Errorf("%w: no time is given of the %d trials that became ready; add it as setup_seconds", ErrNothingToChoose, n)
	}
	if indifference == 0 {
		indifference = indifferenceOf(s)
	}
	a := Answer{Schema: Schema, Indifference: indifference, Trials: len(s.Trials),
		Decisions: []Decision{}, Pooled: []Factor{}, Warnings: []Warning{}}
	var whole compare.Answer
	for _, q := range m.questions(indifference) {
		a.note(q.answer)
		whole = q.answer
		for _, g := range q.answer.Groups {
			a.Decisions = append(a.Decisions, decision(q.situation, q.environment, g))
		}
	}
	for _, w := range whole.Warnings {
		a.Warnings = append(a.Warnings, Warning{w.Kind, finite(w.P), w.Change, w.After, w.Otherwise, w.Arms, w.Factors})
	}
	a.Chosen = m.chosen
	a.By, a.Strategies = m.strategies(s, a.Pooled)
	if i := slices.Index(m.places, a.By); i >= 0 {
		a.Levels = compare.Levels(m.trials, i)
	}
	for _, row := range a.Strategies {
		a.Failed += row.Failed
	}
	a.Push, a.FailuresAt = m.pushes(s), failuresAt(s)
	if a.Failed > 0 {
		a.Causes = m.causes()
	}
	for _, run := range s.Runs {
		if run.Import != nil {
			a.Doubts = append(a.Doubts, run.Import.Warnings...)
		}
	}
	return a, nil
}

// Indifference is a share as it is given, or the default where none is.
func Indifference(given float64) float64 { return cmp.Or(given, compare.DefaultIndifference) }

// indifferenceOf is the smallest that a run was made with.
func indifferenceOf(s study.Study) float64 {
	least := math.Inf(1)
	for _, run := range s.Runs {
		least = min(least, Indifference(run.Plan.Indifference))
	}
	return least
}

// question is what is asked for one situation and environment.
type question struct {
	situation   Situation
	environment Environment
	answer      compare.Answer
}

// questions are all that there is a choice for. The environments of a situation
// are answered side by side: more at once takes too much memory for long studies.
func (m material) questions(indifference float64) (all []*question) {
	for _, situation := range []Situation{Build, Pull} {
		trials := m.in(situation)
		if count(trials) < 2 {
			continue
		}
		var group sync.WaitGroup
		for _, environment := range []Environment{Local, CI} {
			q := &question{situation: situation, environment: environment}
			all = append(all, q)
			goal := goals[environment]
			goal.Indifference = indifference
			group.Go(func() { q.answer = compare.Decide(trials, m.places, goal) })
		}
		group.Wait()
	}
	return all
}

// note adds what one comparison found of the factors.
func (a *Answer) note(c compare.Answer) {
	for _, f := range c.Factors {
		i := slices.IndexFunc(a.Pooled, func(x Factor) bool { return x.Name == f.Name })
		if i < 0 {
			i = len(a.Pooled)
			a.Pooled = append(a.Pooled, Factor{Name: f.Name})
		}
		known := &a.Pooled[i]
		known.Split = known.Split || f.Split
		if p := finite(f.P); p != nil && (known.P == nil || *p < *known.P) {
			known.P = p
		}
	}
}

func decision(situation Situation, environment Environment, g compare.Group) Decision {
	d := Decision{Situation: situation, Environment: environment, Where: Where{}, Verdict: g.Verdict,
		Best: append([]string{}, g.Best...), RuledOut: []string{}, Slower: append([]string{}, g.Slower...), WhenItWorks: g.WhenItWorks,
		OnlyWhenItWorks: g.OnlyWhenItWorks(), FailTooOften: append([]string{}, g.FailTooOften...)}
	for factor, levels := range g.Where {
		d.Where[factor] = Levels(levels)
	}
	for _, o := range g.RuledOut {
		d.RuledOut = append(d.RuledOut, o.Arm)
	}
	d.Arms = arms(g)
	if g.Verdict == compare.None {
		return d
	}
	i := slices.IndexFunc(g.Arms, func(a compare.Arm) bool { return a.Name == g.Best[0] })
	d.N, d.Failed, d.Slow, d.Cost = g.Arms[i].N, g.Arms[i].Failed, g.Arms[i].Slow, finite(g.Arms[i].Cost)
	d.FailureBound = finite(g.FailureBound)
	if e := g.Effect; e != nil && !math.IsNaN(e.Change) {
		d.Effect, d.Against, d.BreakEven = &e.Change, e.Against, finite(g.BreakEven)
		d.Interval = both(e.Lower, e.Upper)
	}
	if s := g.Settle; s != nil {
		d.ToSettle = &Settle{s.Blocks, s.Seconds, s.Arms}
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

func arms(g compare.Group) (all []Arm) {
	for _, a := range g.Arms {
		arm := Arm{Strategy: a.Name, N: a.N, Failed: a.Failed, Cost: finite(a.Cost), Interval: both(a.Lower, a.Upper)}
		if i := slices.IndexFunc(g.RuledOut, func(o compare.RuledOut) bool { return o.Arm == a.Name }); i >= 0 {
			o := g.RuledOut[i]
			arm.RuledOut, arm.BeatenBy = true, o.By
			if o.By != "" {
				arm.Effect, arm.EffectInterval = finite(o.Effect.Change), both(o.Effect.Lower, o.Effect.Upper)
			}
		}
		all = append(all, arm)
	}
	slices.SortStableFunc(all, func(a, b Arm) int { return cmp.Compare(orEndless(a.Cost), orEndless(b.Cost)) })
	return all
}

func orEndless(v *float64) float64 {
	if v == nil {
		return math.Inf(1)
	}
	return *v
}

// material is a study's trials as compare takes them.
type material struct {
	trials []compare.Trial
	// chosen are the factors that make an arm, places all others that vary.
	chosen, places []string
	arms           []string
	pulls          map[string]bool
}

// choices are the settings that one chooses. All others are given by where one
// works: a recommendation never says to change the host.
var choices = []string{"strategy", "clusterStart", "onCrash", "build.", "load.", "workload.setup."}

func isChoice(factor string) bool {
	return slices.ContainsFunc(choices, func(c string) bool {
		return factor == c || strings.HasSuffix(c, ".") && strings.HasPrefix(factor, c)
	})
}

func newMaterial(s study.Study) material {
	m := material{pulls: map[string]bool{}}
	for _, f := range s.Varied() {
		if isChoice(f.Name) {
			m.chosen = append(m.chosen, f.Name)
		} else {
			m.places = append(m.places, f.Name)
		}
	}
	pulling := pullingStrategies(s)
	for _, o := range s.Trials {
		t := compare.Trial{Arm: m.arm(o.Cell), Block: o.Block, Ready: o.Ready, Seconds: o.Setup, Lost: o.Lost}
		if o.Recovery > 0 {
			t.Lost += o.Recovery
		}
		for _, f := range m.places {
			level, _ := o.Cell.Level(f)
			t.Place = append(t.Place, level)
		}
		m.trials = append(m.trials, t)
		if !slices.Contains(m.arms, t.Arm) {
			m.arms = append(m.arms, t.Arm)
		}
		if name, ok := o.Cell.Level("strategy"); ok && pulling[name] {
			m.pulls[t.Arm] = true
		}
	}
	return m
}

// untimed counts the trials that became ready where none of them has a time.
func (m material) untimed() (n int) {
	for _, t := range m.trials {
		if t.Ready && t.Seconds > 0 {
			return 0
		}
		if t.Ready {
			n++
		}
	}
	return n
}

// pullingStrategies are those whose images were pushed before the trials, and
// the one that stratbench brings.
func pullingStrategies(s study.Study) map[string]bool {
	names := map[string]bool{"registry": true}
	for _, run := range s.Runs {
		for _, p := range run.Preparations() {
			if name, ok := p.Trial.Cell.Level("strategy"); ok {
				names[name] = true
			}
		}
	}
	return names
}

func (m material) arm(c trial.Cell) string {
	var levels []string
	for _, f := range m.chosen {
		level, _ := c.Level(f)
		if f == "onCrash" { // its levels alone would read as a strategy
			level = f + "=" + level
		}
		levels = append(levels, level)
	}
	return strings.Join(levels, " ")
}

// in are the trials of the arms that one may take in the situation: pulling
// needs images that are there. Where nothing pulls there is one situation only.
func (m material) in(s Situation) (some []compare.Trial) {
	if s == Pull && len(m.pulls) == 0 {
		return nil
	}
	for _, t := range m.trials {
		if s == Pull || !m.pulls[t.Arm] {
			some = append(some, t)
		}
	}
	return some
}

// causes are what failures go with, the strategy among them.
func (m material) causes() (all []Cause) {
	for _, c := range compare.Causes(m.trials, m.places) {
		if c.Factor == "" {
			c.Factor = strings.Join(m.chosen, ", ")
		}
		all = append(all, Cause{c.Factor, c.Level, c.Failed, c.N, c.OtherFailed, c.OtherN, finite(c.P)})
	}
	return all
}

func count(trials []compare.Trial) int {
	arms := map[string]bool{}
	for _, t := range trials {
		arms[t.Arm] = true
	}
	return len(arms)
}
