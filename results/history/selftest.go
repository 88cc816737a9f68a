package history

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/study"
)

// SelfTested is what a check made of copies of its own history.
type SelfTested struct {
	Experiment string     `json:"experiment"`
	Host       string     `json:"host"`
	Steps      []SelfStep `json:"steps"`
}

// SelfStep is one copy: what was done to it, and what the check must say.
type SelfStep struct {
	What string     `json:"what"`
	Cell trial.Cell `json:"cell,omitempty"`
	// Want is a regression of the metric, or none of it.
	Metric study.Metric `json:"metric"`
	Want   bool         `json:"want_regression"`
	Got    bool         `json:"got_regression"`
	// Nights is how many were put in, one after the other, until it was
	// reported; all of them where it was not.
	Nights int `json:"nights"`
	// Verdict is what the check of the last of them came to.
	Verdict Verdict `json:"verdict"`
}

// Passed is true when the check said what it must of every copy.
func (t SelfTested) Passed() bool {
	for _, s := range t.Steps {
		if !s.Passed() {
			return false
		}
	}
	return len(t.Steps) > 0
}

// Passed is true when the checks of this copy said what they must.
func (s SelfStep) Passed() bool {
	return s.Got == s.Want && (!s.Want || s.Verdict == Regression)
}

// injection is made-up nights behind the last: those before them once more,
// changed.
type injection struct {
	what   string
	metric study.Metric
	worse  bool
	change func(*Trial)
}

// mostInjected is how many nights are put in at most. Two or three tell a gross
// change where the level before it is long known, but few nights after another
// change no rearrangement of so few is rare enough.
const mostInjected = 8

var injections = []injection{
	{"nothing but quiet nights", study.MetricSetup, false, func(*Trial) {}},
	{"twice the time to ready", study.MetricSetup, true, func(t *Trial) {
		t.values[slices.Index(metrics, study.MetricSetup)] *= 2
		t.values[slices.Index(metrics, study.Metric(trial.PhaseBuild))] *= 2
	}},
	{"every set-up fails", study.MetricFailures, true, func(t *Trial) {
		for i := range t.values {
			t.values[i] = math.NaN()
		}
		t.values[slices.Index(metrics, study.MetricFailures)] = 1
	}},
}

// ErrTooShort says that a history has too few nights for any regression to be
// told.
var ErrTooShort = errors.New("too few nights")

// SelfTest checks copies of the history into which a regression was put, and
// one into which none was, after each night of it. The history itself is not
// touched. It returns ErrTooShort where no regression could be told yet.
func (h *History) SelfTest(experiment, host string, o detect.Options) (SelfTested, error) {
	t := SelfTested{Experiment: experiment, Host: host}
	now, err := h.Check(experiment, host, o)
	if err != nil {
		return t, err
	}
	switch {
	case now.RunID == "":
		return t, fmt.Errorf("%w: %s; a self-test puts a regression into copies of a history, which takes about twelve nights of the same experiment: run one each night (stratbench run SPEC && stratbench check)",
			ErrTooShort, strings.Join(now.Why, "; "))
	case now.Needs > 0:
		return t, fmt.Errorf("%w: %d more fit nights before a self-test can be made", ErrTooShort, now.Needs)
	}
	cell, nights := h.quietNights(experiment, host)
	if len(nights) == 0 {
		return t, fmt.Errorf("%w: no night fit to measure on has a cell that became ready", ErrTooShort)
	}
	for _, i := range injections {
		step, err := h.inject(i, cell, nights, o)
		if err != nil {
			return t, fmt.Errorf("self-test %q: %w", i.what, err)
		}
		t.Steps = append(t.Steps, step)
	}
	return t, nil
}

// quietNights are the last ones that are fit and in which the cell, the first
// of the newest plan that does, became ready.
func (h *History) quietNights(experiment, host string) (cell trial.Cell, nights []*Run) {
	n := h.Nights(experiment, host)
	for _, s := range n.Series {
		if s.Metric != study.MetricSetup {
			continue
		}
		for i := len(n.Runs) - 1; i >= 0 && len(nights) < 4; i-- {
			if !n.Fitness[i].Unfit() && len(s.Values[i]) > 0 {
				nights = append(nights, n.Runs[i])
			}
		}
		if len(nights) > 0 {
			return s.Cell, nights
		}
	}
	return nil, nil
}

// inject checks a copy of the history after each night that is put behind it.
func (h *History) inject(i injection, cell trial.Cell, nights []*Run, o detect.Options) (step SelfStep, err error) {
	copied := &History{Dir: h.Dir, Runs: slices.Clone(h.Runs), Baselines: h.Baselines}
	last := h.Runs[len(h.Runs)-1].Environment.Started
	step = SelfStep{What: i.what, Cell: cell, Metric: i.metric, Want: i.worse}
	for step.Nights < mostInjected && !step.Got {
		again := nights[step.Nights%len(nights)]
		step.Nights++
		copied.Runs = append(copied.Runs, again.changed(cell, last.AddDate(0, 0, step.Nights), i.change))
		c, err := copied.Check(again.Experiment, again.Host(), o)
		if err != nil {
			return step, err
		}
		step.Verdict = c.Verdict
		step.Got = slices.ContainsFunc(c.Findings, func(f Finding) bool {
			fresh := f.Raised.Night >= c.Nights-step.Nights && (f.Kind == FindingRegression || f.Kind == FindingStanding)
			return fresh && f.Metric == i.metric && f.Cell.Key() == cell.Key()
		})
	}
	return step, nil
}

// changed is the run again at another time, with one cell's trials changed, and
// marked as simulated.
func (r *Run) changed(cell trial.Cell, when time.Time, change func(*Trial)) *Run {
	again := *r
	again.Simulated = true
	again.RunID = when.UTC().Format("20060102-150405") + "-" + r.Experiment
	again.Environment.RunID, again.Environment.Started = again.RunID, when
	again.Trials = make([]*Trial, len(r.Trials))
	at := r.cell(cell)
	for i, t := range r.Trials {
		u := *t
		u.values = slices.Clone(t.values)
		if u.Cell == at && u.counts() {
			change(&u)
		}
		again.Trials[i] = &u
	}
	return &again
}
