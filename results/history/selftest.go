package history

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/study"
)

// SelfTested is how a check judged copies of its own history.
type SelfTested struct {
	Experiment string     `json:"experiment"`
	Host       string     `json:"host"`
	Steps      []SelfStep `json:"steps"`
}

// SelfStep is one copy: what was put into it, and what the check must find.
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

// Passed is true when the verdict on every copy is the right one.
func (t SelfTested) Passed() bool {
	return len(t.Steps) > 0 && !slices.ContainsFunc(t.Steps, func(s SelfStep) bool { return !s.Passed() })
}

// Passed is true when the checks of this copy found what was put in, and no more.
func (s SelfStep) Passed() bool { return s.Got == s.Want && (!s.Want || s.Verdict == Regression) }

// injection is made-up nights behind the last: earlier ones once more, changed.
type injection struct {
	what   string
	metric study.Metric
	worse  bool
	change func(values []float64)
}

// mostInjected is how many nights are put in at most. Two or three tell a gross
// change where the level before it is long known, but few nights after another
// change no rearrangement of so few is rare enough.
const mostInjected = 8

var (
	setup    = slices.Index(metrics, study.MetricSetup)
	building = slices.Index(metrics, study.Metric(trial.PhaseBuild))
	failures = slices.Index(metrics, study.MetricFailures)
)

var injections = []injection{
	{"nothing but quiet nights", study.MetricSetup, false, func([]float64) {}},
	{"twice the time to ready", study.MetricSetup, true, func(values []float64) {
		values[setup] *= 2
		values[building] *= 2
	}},
	{"every set-up fails", study.MetricFailures, true, func(values []float64) {
		for i := range values {
			values[i] = math.NaN()
		}
		values[failures] = 1
	}},
}

// ErrTooShort means that a history has too few nights to detect any regression.
var ErrTooShort = errors.New("too few nights")

// SelfTest checks copies of the history into which a regression was put, and
// one into which none was, after each night of it. The history itself is not
// touched. It returns ErrTooShort where no regression could be detected yet.
func (h *History) SelfTest(experiment, host string, threshold float64) (SelfTested, error) {
	t := SelfTested{Experiment: experiment, Host: host}
	now := h.Check(experiment, host, threshold)
	switch {
	case now.RunID == "":
		return t, fmt.Errorf("%w: %s; a self-test puts a regression into copies of a history, which takes about twelve nights of the same experiment: run one each night (stratbench run SPEC && stratbench check)",
			ErrTooShort, strings.Join(now.Why, "; "))
	case now.Needs > 0:
		return t, fmt.Errorf("%w: a self-test needs %d more fit nights", ErrTooShort, now.Needs)
	}
	n := h.Nights(experiment, host)
	for _, s := range n.Series {
		var quiet []*Run // the last ones that are fit and in which the cell became ready
		for i := len(n.Runs) - 1; i >= 0 && len(quiet) < 4 && s.Metric == study.MetricSetup; i-- {
			if !n.Fitness[i].Unfit() && len(s.Values[i]) > 0 {
				quiet = append(quiet, n.Runs[i])
			}
		}
		if len(quiet) == 0 {
			continue
		}
		for _, i := range injections {
			t.Steps = append(t.Steps, h.inject(i, s.Cell, quiet, threshold))
		}
		return t, nil
	}
	return t, fmt.Errorf("%w: no night fit to measure on has a cell that became ready", ErrTooShort)
}

// inject checks a copy of the history after each night that is put behind it: one of the nights
// once more, with one cell's trials changed, and marked as simulated.
func (h *History) inject(i injection, cell trial.Cell, nights []*Run, threshold float64) SelfStep {
	copied := &History{Dir: h.Dir, Runs: slices.Clone(h.Runs), Baselines: h.Baselines}
	last := h.Runs[len(h.Runs)-1].Environment.Started
	step := SelfStep{What: i.what, Cell: cell, Metric: i.metric, Want: i.worse}
	for step.Nights < mostInjected && !step.Got {
		again := *nights[step.Nights%len(nights)]
		step.Nights++
		when := last.AddDate(0, 0, step.Nights)
		again.RunID, again.Simulated = when.UTC().Format("20060102-150405")+"-"+again.Experiment, true
		again.Environment.RunID, again.Environment.Started = again.RunID, when
		again.Trials = slices.Clone(again.Trials)
		at := again.cell(cell)
		for k := range again.Trials {
			if t := &again.Trials[k]; t.Cell == at && t.counts() {
				t.values = slices.Clone(t.values)
				i.change(t.values)
			}
		}
		copied.Runs = append(copied.Runs, &again)
		c := copied.Check(again.Experiment, again.Host(), threshold)
		step.Verdict = c.Verdict
		step.Got = slices.ContainsFunc(c.Findings, func(f Finding) bool {
			fresh := f.Raised.Night >= c.Nights-step.Nights && (f.Kind == FindingRegression || f.Kind == FindingStanding)
			return fresh && f.Metric == i.metric && f.Cell.Key() == cell.Key()
		})
	}
	return step
}
