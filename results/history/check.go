package history

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results/history/detect"
	"github.com/stratbench/stratbench/results/stats"
	"github.com/stratbench/stratbench/results/study"
)

// standsFor is for how many nights a regression keeps being reported that
// nobody accepts and nothing undoes.
const standsFor = 90

// Check judges the newest run of an experiment on a host against those before
// it. The options are the detector's.
func (h *History) Check(experiment, host string, o detect.Options) (Check, error) {
	n := h.Nights(experiment, host)
	c := Check{Schema: CheckSchema, Experiment: experiment, Host: host, Nights: len(n.Runs), Series: []Now{}, Findings: []Finding{}, Missing: []Missing{},
		Threshold: o.Threshold, FalseAlarm: undefined, Simulated: n.Simulated()}
	if len(n.Runs) == 0 {
		c.Verdict, c.Why = NoData, []string{"there is no run to judge; make one with: stratbench run experiments/nightly.yaml"}
		return c, nil
	}
	decisions := h.Decisions(experiment, host)
	report, err := n.replay(decisions, o)
	if err != nil {
		return c, fmt.Errorf("judging the runs of %s: %w", experiment, err)
	}
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
	c.NotFit = n.Fitness[last].Reasons
	c.Missing = n.missing()
	c.Needs = report.Nights[last].Needs
	c.FalseAlarm = study.Value(report.FalseAlarm)
	c.Findings = n.findings(report, n.restarts(decisions), o)
	c.decide(report.Nights[last].State)
	return c, nil
}

// replay judges all nights. What trials of both states showed is taken into
// account for what was suspected before them.
func (n Nights) replay(decisions []Baseline, o detect.Options) (detect.Report, error) {
	m, d := n.Matrix(), detect.Decisions{Restarts: n.restarts(decisions)}
	report, err := detect.Replay(m, d, o)
	if err != nil || len(n.Compared) == 0 {
		return report, err
	}
	if d.Confirmations = n.confirmations(report, o); len(d.Confirmations) == 0 {
		return report, nil
	}
	return detect.Replay(m, d, o)
}

// missing are the cells of the newest plan that were measured in one of the
// nights before it, and not in it.
func (n Nights) missing() []Missing {
	list := []Missing{}
	last := n.Runs[len(n.Runs)-1]
	for _, cell := range last.Cells {
		if last.measured(cell) {
			continue
		}
		for i := len(n.Runs) - 2; i >= max(0, len(n.Runs)-1-standsFor); i-- {
			if n.Runs[i].measured(cell) {
				list = append(list, Missing{cell, n.Runs[i].RunID})
				break
			}
		}
	}
	return list
}

func (r *Run) measured(cell trial.Cell) bool {
	at := r.cell(cell)
	return slices.ContainsFunc(r.Trials, func(t *Trial) bool { return t.Cell == at && t.counts() })
}

// findings are those of the newest night, and the regressions that stand.
func (n Nights) findings(report detect.Report, restarts []detect.Restart, o detect.Options) []Finding {
	list := []Finding{}
	last := len(n.Runs) - 1
	open := report.Open()
	for i, f := range report.Findings {
		if decidedOn(f, restarts) {
			continue
		}
		tonight := slices.Contains(report.Nights[last].Findings, i)
		stands := slices.Contains(open, i) && last-f.Raised < standsFor && n.borneOut(f, o)
		if kind, told := toReader(f, tonight, stands); told {
			list = append(list, n.finding(f, kind, o))
		}
	}
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Kind.rank(), b.Kind.rank()), cmp.Compare(a.Raised.Night, b.Raised.Night)*-1, cmp.Compare(a.P, b.P))
	})
	return list
}

// decidedOn is true for a change that lies before the state that somebody
// accepted, or set as the one to judge by.
func decidedOn(f detect.Finding, restarts []detect.Restart) bool {
	return slices.ContainsFunc(restarts, func(r detect.Restart) bool {
		return (r.Series == detect.None || r.Series == f.Series) && f.Since <= r.Night
	})
}

// toReader says what a finding is to the reader of this night, if anything.
func toReader(f detect.Finding, tonight, stands bool) (kind FindingKind, told bool) {
	switch {
	case f.Kind == detect.Host:
		return FindingHost, tonight
	case f.Certainty == detect.Refuted:
		return FindingRefuted, tonight
	case f.Better:
		return FindingImprovement, tonight && f.Certainty >= detect.Certain
	case f.Certainty == detect.Suspected:
		return FindingSuspect, tonight
	case tonight:
		return FindingRegression, true
	}
	return FindingStanding, stands
}

func (k FindingKind) rank() int {
	return slices.Index([]FindingKind{FindingRegression, FindingStanding, FindingSuspect, FindingHost, FindingImprovement, FindingRefuted}, k)
}

func (n Nights) finding(f detect.Finding, kind FindingKind, o detect.Options) Finding {
	out := Finding{Kind: kind, Shape: f.Kind.String(), Cell: trial.Cell{}, Better: f.Better, Certainty: f.Certainty.String(), P: study.Value(f.P),
		Before: study.Value(f.Before), After: study.Value(f.After), Ratio: study.Value(f.Ratio),
		Interval: study.Interval{Lower: study.Value(f.CI.Lower), Upper: study.Value(f.CI.Upper)},
		Since:    n.moment(f.Since), Raised: n.moment(f.Raised), LastGood: n.fitBefore(f.Since), Together: study.Value(f.Together), Causes: []Cause{}, Moved: []Moved{}}
	if f.Series != detect.None {
		s := n.Series[f.Series]
		out.Cell, out.Metric, out.Unit = s.Cell, s.Metric, s.Metric.Unit()
		out.Causes = append(out.Causes, n.Causes(s.Cell, f.Since)...)
		out.Moved = append(out.Moved, n.Moved(s, f.Since, o.Threshold)...)
		if kind == FindingRegression || kind == FindingSuspect || kind == FindingRefuted {
			out.Tried = n.tried(s)
		}
	}
	out.ID = n.idOf(out)
	return out
}

// fitBefore is the last fit run before a night.
func (n Nights) fitBefore(night int) string {
	for i := min(night, len(n.Runs)) - 1; i >= 0; i-- {
		if !n.Fitness[i].Unfit() {
			return n.Runs[i].RunID
		}
	}
	return ""
}

// idOf stays the same as long as the finding does: it is made of what the
// night that raised it knew.
func (n Nights) idOf(f Finding) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s\n%v", n.Experiment, n.Host, f.Cell.Key(), f.Metric, f.Raised.RunID, f.Better))
	return hex.EncodeToString(sum[:4])
}

// enoughSince nights after an alarm say whether it was one.
const enoughSince = 7

// borneOut is false for a regression that the nights since its alarm do not
// show: they are nearer to what was before than to the smallest change that
// would be reported. The alarm itself takes no part, for it was chosen.
func (n Nights) borneOut(f detect.Finding, o detect.Options) bool {
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
		return float64(bad)/float64(trials)-f.Before > o.RateThreshold/2
	}
	return stats.Median(since)/f.Before-1 > o.Threshold/2
}
