package history

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

const (
	// standsFor nights a regression is reported that nobody accepts or undoes.
	standsFor = 90
	// enoughSince nights after an alarm show whether it was one.
	enoughSince = 7
	// nightsToSettle make a step of 10 % certain, mostly: docs/nightly-simulation.md.
	nightsToSettle = 4
)

// Check judges the newest run of an experiment on a host against those before
// it. Changes of a measure by a smaller share than threshold are not reported.
func (h *History) Check(experiment, host string, threshold float64) Check {
	n, undefined := h.Nights(experiment, host), study.Value(math.NaN())
	c := Check{Schema: CheckSchema, Experiment: experiment, Host: host, Nights: len(n.Runs), Series: []Now{}, Findings: []Finding{}, Missing: []Missing{},
		Threshold: threshold, Odds: detect.Odds{FalseAlarm: undefined, Correlation: undefined, AfterAWeek: undefined, Wider: undefined}, Simulated: n.Simulated()}
	if len(n.Runs) == 0 {
		c.Verdict, c.Why = NoData, []string{"there is no run to judge; make one with: stratbench run experiments/nightly.yaml"}
		return c
	}
	decisions := h.Decisions(experiment, host)
	report := n.replay(decisions, threshold)
	last := len(n.Runs) - 1
	c.RunID, c.When = n.Runs[last].RunID, n.Runs[last].Environment.Started
	for _, f := range n.Fitness {
		if !f.Unfit() {
			c.Fit++
		}
	}
	for _, s := range n.Series {
		c.Series = append(c.Series, Now{s.Cell, s.Metric, s.Metric.Unit(), s.point(last)})
	}
	c.NotFit = n.Fitness[last].NotFit
	c.Missing = n.missing()
	c.Needs = report.Nights[last].Needs
	c.Odds = report.Odds
	c.Findings = n.findings(report, n.restarts(decisions), threshold)
	c.decide(report.Nights[last].State)
	return c
}

// replay judges all nights, with what trials of both states showed of suspicions.
func (n Nights) replay(decisions []Baseline, threshold float64) detect.Report {
	var showed map[question]detect.Confirmation
	decide := func(night int, f detect.Finding) (detect.Confirmation, bool) {
		c, asked := showed[question{night, f.Series}]
		return c, asked
	}
	m, restarts := n.Matrix(), n.restarts(decisions)
	report := detect.Replay(m, restarts, decide, threshold)
	if showed = n.confirmations(report, threshold); len(showed) > 0 {
		report = detect.Replay(m, restarts, decide, threshold)
	}
	return report
}

// missing are cells of the newest plan that were measured before it, and not in it.
func (n Nights) missing() []Missing {
	measured := func(r *Run, cell trial.Cell) bool {
		at := r.cell(cell)
		return slices.ContainsFunc(r.Trials, func(t Trial) bool { return t.Cell == at && t.counts() })
	}
	list := []Missing{}
	last := len(n.Runs) - 1
	for _, cell := range n.Runs[last].Cells {
		if measured(n.Runs[last], cell) {
			continue
		}
		for _, r := range slices.Backward(n.Runs[max(0, last-standsFor):last]) {
			if measured(r, cell) {
				list = append(list, Missing{cell, r.RunID})
				break
			}
		}
	}
	return list
}

// findings are those of the newest night, and the regressions that stand.
func (n Nights) findings(report detect.Report, restarts []detect.Restart, threshold float64) []Finding {
	list := []Finding{}
	last := len(n.Runs) - 1
	for i, f := range report.Findings {
		// A change before a state that was accepted, or set to judge by, was decided on.
		if slices.ContainsFunc(restarts, func(r detect.Restart) bool {
			return (r.Series == detect.None || r.Series == f.Series) && f.Since <= r.Night
		}) {
			continue
		}
		tonight := slices.Contains(report.Nights[last].Findings, i)
		kind, shown := FindingStanding, false
		switch {
		case f.Kind == detect.Host:
			kind, shown = FindingHost, tonight
		case f.Certainty == detect.Refuted:
			kind, shown = FindingRefuted, tonight
		case f.Better:
			kind, shown = FindingImprovement, tonight && f.Certainty >= detect.Certain
		case f.Certainty == detect.Suspected:
			kind, shown = FindingSuspect, tonight
		case tonight:
			kind, shown = FindingRegression, true
		default:
			shown = f.Open() && last-f.Raised < standsFor && n.borneOut(f, threshold)
		}
		if shown {
			list = append(list, n.finding(f, kind, threshold))
		}
	}
	order := []FindingKind{FindingRegression, FindingStanding, FindingSuspect, FindingHost, FindingImprovement, FindingRefuted}
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(slices.Index(order, a.Kind)-slices.Index(order, b.Kind), b.Raised.Night-a.Raised.Night, cmp.Compare(a.P, b.P))
	})
	return list
}

func (n Nights) finding(f detect.Finding, kind FindingKind, threshold float64) Finding {
	out := Finding{Kind: kind, Shape: string(f.Kind), Cell: trial.Cell{}, Certainty: f.Certainty.String(), Effect: n.effect(f, threshold),
		Raised: n.moment(f.Raised), Together: study.Value(f.Together)}
	for i := min(f.Since, len(n.Runs)) - 1; i >= 0 && out.LastGood == ""; i-- {
		if !n.Fitness[i].Unfit() {
			out.LastGood = n.Runs[i].RunID
		}
	}
	if f.Series != detect.None {
		s := n.Series[f.Series]
		out.Cell, out.Metric, out.Unit = s.Cell, s.Metric, s.Metric.Unit()
		if kind == FindingRegression || kind == FindingSuspect || kind == FindingRefuted {
			out.Tried = n.tried(s)
		}
	}
	// The id stays as long as the finding does: it is of what the night that raised it knew.
	out.ID = hashOf(4, fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s\n%v", n.Experiment, n.Host, out.Cell.Key(), out.Metric, out.Raised.RunID, out.Better))
	return out
}

func (n Nights) effect(f detect.Finding, threshold float64) Effect {
	e := Effect{Since: n.moment(f.Since), Better: f.Better, P: study.Value(f.P), Before: study.Value(f.Before), After: study.Value(f.After), Ratio: study.Value(f.Ratio),
		Interval: study.Interval{Lower: study.Value(f.CI.Lower), Upper: study.Value(f.CI.Upper)}, Causes: []Cause{}, Moved: []Moved{}}
	if f.Series != detect.None {
		s := n.Series[f.Series]
		e.Causes, e.Moved = n.Causes(s.Cell, f.Since), n.Moved(s, f.Since, threshold)
	}
	return e
}

// borneOut is false for a regression that the nights since its alarm do not
// show: they are nearer to what was before than to the smallest change that
// would be reported. The alarm itself takes no part, for it was chosen.
func (n Nights) borneOut(f detect.Finding, threshold float64) bool {
	s := n.Series[f.Series]
	var since []float64
	bad, trials := 0, 0
	for night := f.Raised + 1; night < len(n.Runs); night++ {
		p := s.point(night)
		if n.Fitness[night].Unfit() || !p.Value.Finite() {
			continue
		}
		since = append(since, float64(p.Value))
		bad, trials = bad+p.Bad, trials+p.N
	}
	if len(since) < enoughSince {
		return true
	}
	if s.Metric.Unit() == study.UnitShare {
		return float64(bad)/float64(trials)-f.Before > detect.RateThreshold/2
	}
	return stats.Median(since)/f.Before-1 > threshold/2
}

// decide comes to a verdict, the gravest first: what is surely worse is a
// regression whatever else is missing; no data is never good news.
func (c *Check) decide(state detect.State) {
	counts := map[FindingKind]int{}
	for _, f := range c.Findings {
		counts[f.Kind]++
	}
	fresh, standing, suspects := counts[FindingRegression], counts[FindingStanding], counts[FindingSuspect]
	why := func(v Verdict, format string, args ...any) {
		if c.Verdict == "" {
			c.Verdict = v
		}
		c.Why = append(c.Why, fmt.Sprintf(format, args...))
	}
	judged := state == detect.Judged
	switch {
	case !judged || fresh+standing == 0:
	case standing == 0:
		why(Regression, "%d series worse, which is new", fresh)
	case fresh == 0:
		why(Regression, "%d series worse since earlier nights, neither undone nor accepted", standing)
	default:
		why(Regression, "%d series worse, which is new, and %d since earlier nights, neither undone nor accepted", fresh, standing)
	}
	if state == detect.NoData {
		why(NoData, "the run has no trial with a result")
	}
	for _, m := range c.Missing {
		why(NoData, "[%s] has no trial in this run; it last had one in %s", m.Cell, m.LastRun)
	}
	for _, reason := range c.NotFit {
		why(NotFit, "the host was not fit: %s", reason)
	}
	if state == detect.HostShifted {
		why(NotFit, "the host is not what it was: the reference workload moved, and most series with it")
	}
	if fresh+standing > 0 && !judged {
		c.Why = append(c.Why, "regressions of earlier nights stand")
	}
	if c.Needs > 0 && judged {
		why(Inconclusive, "%d more fit nights before a regression can be told at the stated error rate", c.Needs)
	}
	if suspects > 0 && judged {
		why(Inconclusive, "%d series suspected and not certain: trials of the last good and the present state side by side would tell, or about %d more nights", suspects, nightsToSettle)
	}
	if c.Verdict == "" {
		why(NoRegression, "no regression")
	}
}

// Refuse makes the check one without data: the run that was judged is not the one meant.
func (c *Check) Refuse(why string) {
	c.Verdict, c.Why = NoData, append([]string{why}, c.Why...)
}

// The schemas are generated from the types by a test, which fails when they are not current.
//
//go:generate go test -run ^TestSchemasAreCurrent$ -update .

//go:embed check.schema.json
var checkSchema []byte

//go:embed review.schema.json
var reviewSchema []byte

// CheckJSONSchema returns the JSON Schema of a Check.
func CheckJSONSchema() []byte { return bytes.Clone(checkSchema) }

// ReviewJSONSchema returns the JSON Schema of a Review.
func ReviewJSONSchema() []byte { return bytes.Clone(reviewSchema) }

// CheckSchema is the version of a Check as JSON.
const CheckSchema = "stratbench.check/v1"

// Verdict is what a check comes to.
type Verdict string

// The verdicts. They are the exit codes of stratbench check.
const (
	// NoRegression: all is as it was, or better.
	NoRegression Verdict = "no-regression"
	// Regression: something is worse, and surely so.
	Regression Verdict = "regression"
	// Inconclusive: something is suspected, or there are too few nights.
	Inconclusive Verdict = "inconclusive"
	// NoData: the newest run has no trial of something that was measured
	// before, or there is none at all.
	NoData Verdict = "no-data"
	// NotFit: the host was not fit to measure on.
	NotFit Verdict = "host-not-fit"
)

// Check is the judgement of an experiment's newest run against its history.
type Check struct {
	Schema     string  `json:"schema"`
	Experiment string  `json:"experiment"`
	Host       string  `json:"host"`
	Verdict    Verdict `json:"verdict"`
	// Why is the verdict in words.
	Why []string `json:"why"`
	// RunID is the run that was judged, and When it began.
	RunID string    `json:"run_id"`
	When  time.Time `json:"when"`
	// Nights are those on record, the judged one included; Fit are those on a
	// host that was fit.
	Nights int `json:"nights"`
	Fit    int `json:"fit_nights"`
	// Series are judged together: what each cell's metrics are in this run.
	Series []Now `json:"series"`
	// Needs is how many more fit nights it takes until a regression can be
	// told at all; 0 where it can.
	Needs int `json:"more_nights_needed"`
	// Findings are regressions first, then what is suspected, then the rest.
	Findings []Finding `json:"findings"`
	// Missing are cells that were measured before and have no trial in this run.
	Missing []Missing `json:"missing"`
	// NotFit are the reasons for which the host was not fit.
	NotFit []string `json:"host_not_fit,omitempty"`
	// Threshold is the practical one: the smallest change that is reported.
	Threshold float64 `json:"threshold"`
	detect.Odds
	Simulated bool `json:"simulated"`
}

// Now is a series in the judged run; of no trial with a figure the value is
// null.
type Now struct {
	Cell   trial.Cell   `json:"cell"`
	Metric study.Metric `json:"metric"`
	Unit   study.Unit   `json:"unit"`
	Point
}

// Missing is a cell that has no trial in the run.
type Missing struct {
	Cell trial.Cell `json:"cell"`
	// LastRun is the last run that has one.
	LastRun string `json:"last_run_id"`
}

// FindingKind is what a finding is to the reader.
type FindingKind string

// The kinds of finding. A standing one is a regression of an earlier night
// that is not undone and was not accepted.
const (
	FindingRegression  FindingKind = "regression"
	FindingStanding    FindingKind = "standing"
	FindingSuspect     FindingKind = "suspect"
	FindingImprovement FindingKind = "improvement"
	FindingHost        FindingKind = "host"
	FindingRefuted     FindingKind = "refuted"
)

// Effect is how a series changed.
type Effect struct {
	// Since is the first run after the change.
	Since  Moment `json:"since"`
	Better bool   `json:"better"`
	// P is that of the night which raised it, adjusted for all series and for all
	// windows that were looked at.
	P study.Value `json:"p"`
	// Before and After are typical values on the two sides, in the unit of the series;
	// of a drift where it began and where it is.
	Before study.Value `json:"before"`
	After  study.Value `json:"after"`
	// Ratio is of After to Before, and Interval its 95 % interval; of a share the
	// interval is that of the difference.
	Ratio    study.Value    `json:"ratio"`
	Interval study.Interval `json:"interval"`
	Causes   []Cause        `json:"causes"`
	Moved    []Moved        `json:"moved"`
}

// Finding is one change.
type Finding struct {
	// ID names the finding to stratbench baseline accept.
	ID   string      `json:"id"`
	Kind FindingKind `json:"kind"`
	// Shape is step, drift, rate or host.
	Shape  string       `json:"shape"`
	Cell   trial.Cell   `json:"cell"`
	Metric study.Metric `json:"metric"`
	Unit   study.Unit   `json:"unit"`
	// Certainty is suspected, certain, confirmed or refuted.
	Certainty string `json:"certainty"`
	Effect
	// Raised is the first run to show the change.
	Raised Moment `json:"raised"`
	// LastGood is the last fit run before the change.
	LastGood string `json:"last_good_run_id,omitempty"`
	// Tried is the run of both states that put it to the test this night.
	Tried string `json:"tried_in_run_id,omitempty"`
	// Together is the share of all measures that moved the same way.
	Together study.Value `json:"moved_together"`
}

// Moment is a run in the series.
type Moment struct {
	Night int       `json:"night"`
	RunID string    `json:"run_id"`
	When  time.Time `json:"when"`
}

func (n Nights) moment(night int) Moment {
	r := n.Runs[max(0, min(night, len(n.Runs)-1))]
	return Moment{night, r.RunID, r.Environment.Started}
}
