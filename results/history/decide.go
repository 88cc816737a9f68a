package history

import (
	"fmt"

	"github.com/stratbench/stratbench/results/history/detect"
)

// nightsToSettle is after how many nights a step of 10 % is certain in most
// cases: docs/nightly-simulation.md.
const nightsToSettle = 4

// decide comes to a verdict, the gravest first: what is surely worse is a
// regression whatever else is missing; no data is never good news.
func (c *Check) decide(state detect.State) {
	regressions, suspects := c.count(FindingRegression)+c.count(FindingStanding), c.count(FindingSuspect)
	why := func(v Verdict, format string, args ...any) {
		if c.Verdict == "" {
			c.Verdict = v
		}
		c.Why = append(c.Why, fmt.Sprintf(format, args...))
	}
	judged := state != detect.NoData && state != detect.Unfit && state != detect.HostShifted
	if regressions > 0 && judged {
		why(Regression, "%s", regressed(c.count(FindingRegression), c.count(FindingStanding)))
	}
	if state == detect.NoData {
		why(NoData, "the run has no trial that says anything")
	}
	for _, m := range c.Missing {
		why(NoData, "[%s] has no trial in this run; it had in %s", m.Cell, m.LastRun)
	}
	for _, reason := range c.NotFit {
		why(NotFit, "the host was not fit: %s", reason)
	}
	if state == detect.HostShifted {
		why(NotFit, "the host is not what it was: the reference workload moved, and most series with it")
	}
	if regressions > 0 && !judged {
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

func (c *Check) count(kind FindingKind) (n int) {
	for _, f := range c.Findings {
		if f.Kind == kind {
			n++
		}
	}
	return n
}

func regressed(fresh, standing int) string {
	switch {
	case standing == 0:
		return fmt.Sprintf("%d series worse, which is new", fresh)
	case fresh == 0:
		return fmt.Sprintf("%d series worse since earlier nights, neither undone nor accepted", standing)
	}
	return fmt.Sprintf("%d series worse, which is new, and %d since earlier nights, neither undone nor accepted", fresh, standing)
}

// Refuse makes the check one without data: the run that was judged is not the
// one that was meant.
func (c *Check) Refuse(why string) {
	c.Verdict, c.Why = NoData, append([]string{why}, c.Why...)
}

// Judged is true where the newest run is one that a verdict rests on.
func (c *Check) Judged() bool { return c.Verdict != NoData && c.Verdict != NotFit }

// NotConfirmed adds why the last good state could not be run beside the
// present one. The verdict stays what the nights alone say.
func (c *Check) NotConfirmed(err error) {
	c.Why = append(c.Why, fmt.Sprintf("not put to the test: %v", err))
}
