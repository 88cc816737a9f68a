package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/study"
)

// shownCause is the p-value, over all factors, at which failures go with one.
const shownCause = 0.05

// WhyFailed says what failures go with.
func WhyFailed(a answer.Answer) (lines []string) {
	var untold []string
	for _, c := range a.Causes {
		switch {
		case c.P == nil:
			untold = append(untold, c.Factor)
		case *c.P < shownCause:
			lines = append(lines, fmt.Sprintf("Failures go with %s %s: %d of %d failed there, %d of %d otherwise (%s, exact, all else equal, over all factors).",
				c.Factor, c.Level, c.Failed, c.N, c.OtherFailed, c.OtherN, pIs(study.Value(*c.P))))
		}
	}
	if len(lines) == 0 {
		lines = []string{fmt.Sprintf("%d of %d trials failed. No factor was shown to go with that, nor shown not to.", a.Failed, a.Trials)}
	}
	if len(untold) > 0 {
		lines = append(lines, fmt.Sprintf("Cannot be told: what %s did, which never varied with all else equal.", and(untold)))
	}
	return lines
}

// Lead says what a page rests on.
func Lead(s study.Study) (lines []string) {
	cells := map[string]bool{}
	for _, o := range s.Trials {
		cells[o.Cell.Key()] = true
	}
	failed := study.Failures(s.Trials)
	failures := fmt.Sprintf("%d failed", failed)
	if failed == 0 {
		failures = "none failed"
	}
	if s.Simulated() {
		failures += ". No engine produced these figures"
	}
	lines = append(lines, fmt.Sprintf("%d %s %s of %d %s; %s.", len(s.Trials), Evidence(s.Trials), noun(len(s.Trials), "trial"), len(cells), noun(len(cells), "combination"), failures))
	if n := len(s.Estimates); n > 0 {
		lines = append(lines, fmt.Sprintf("%d %s of which nobody measured anything %s in no figure.", n, noun(n, "estimate"), isAre(n)))
	}
	return lines
}

// Doubts are what qualifies an analysis as a whole, without what the comparison
// itself says.
func Doubts(a study.Analysis) (points []string) {
	for _, w := range a.Warnings {
		if w.Kind != study.SimulatedTrials {
			points = append(points, capital(Warning(w))+".")
		}
	}
	return append(points, runNotes(a)...)
}

// Sources say in a sentence or two where the trials of each run come from.
func Sources(s study.Study, a study.Analysis) (points []string) {
	for i, r := range a.Runs {
		text := fmt.Sprintf("Run %s: %d trials", r.Run, r.Recorded)
		if r.Import != nil {
			text += ", imported from " + r.Import.Source
		}
		if !r.Started.IsZero() {
			text += ", started " + r.Started.UTC().Format("2006-01-02 15:04 UTC")
		}
		for _, part := range []string{engines(s.Runs[i]), software(r.Environment), host(r.Environment)} {
			if part != "" {
				text += "; " + part
			}
		}
		points = append(points, text+".")
	}
	return points
}

func software(e results.Environment) string {
	var parts []string
	for _, p := range [][2]string{{"stratbench", e.Stratbench}, {"Kind", e.KindVersion}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	return strings.Join(parts, ", ")
}

func host(e results.Environment) string {
	var parts []string
	if e.CPUs > 0 {
		parts = append(parts, fmt.Sprintf("%d × %s", e.CPUs, e.CPUModel))
	}
	if e.Memory > 0 {
		parts = append(parts, e.Memory.String())
	}
	if e.OS != "" {
		parts = append(parts, strings.TrimSpace(e.OS+" "+e.Kernel))
	}
	return strings.Join(parts, ", ")
}

// engines are those that the trials ran on, each once.
func engines(run results.Run) string {
	var names []string
	for _, r := range run.Records {
		if name := strings.TrimSpace(r.Machine.Runtime + " " + r.Machine.EngineVersion); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return and(names)
}

// Methods say how the figures of a page are made.
func Methods() []string {
	return []string{
		"Recommendations compare strategies inside places and blocks, over all places together; docs/decisions/016-one-comparison-engine.md has the procedure and its error rates.",
		"Failure rates: exact intervals (Clopper–Pearson). Failed means crashed, hung or not ready within the limits; failed tests are no failure of the set-up.",
		"Medians: order-statistic intervals where six trials or more give one, and else the range. In brackets: interval and n.",
		"Mean with retries: all time spent, failures and recovery included, for each success.",
		"docs/statistics.md says which method answers which question, docs/calibration.md and docs/decision-simulation.md how often it is right.",
	}
}

// Evidence says where trials come from.
func Evidence(trials []study.Observation) string {
	simulated, imported := 0, 0
	for _, o := range trials {
		if o.Record.Simulated {
			simulated++
		}
		if o.Record.Imported != nil {
			imported++
		}
	}
	switch {
	case simulated > 0:
		return "SIMULATED"
	case imported == len(trials):
		return "measured, imported"
	case imported > 0:
		return fmt.Sprintf("measured (%d imported)", imported)
	}
	return "measured"
}

func measuredOrStated(values []trial.Seconds, trials []study.Observation, of string) string {
	if len(values) > 0 {
		return phase(values)
	}
	for _, o := range trials {
		if i := o.Record.Imported; i != nil && statedRange(*i, of) != none {
			return statedRange(*i, of) + " (stated)"
		}
	}
	return none
}
