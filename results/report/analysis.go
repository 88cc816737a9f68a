package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/answer"
	"github.com/stratbench/stratbench/results/compare"
	"github.com/stratbench/stratbench/results/study"
)

// Full is the first screen with all that is needed to check it below: a table of
// every decision, and the tables of the runs and cells. The answer is nil where
// there is nothing to choose between.
func Full(s study.Study, a study.Analysis, first *answer.Answer) Document {
	d := Document{Notes: Lead(s)}
	if first != nil {
		d = Answer(s, *first)
		d.Sections = append(d.Sections, ArmTable(*first))
	}
	for _, t := range []Table{Outcomes(a), SetupTimes(a), Phases(s, a), Limits(s), Predictions(s), Images(a), Memory(a), Estimates(a), Contradictions(a), Provenance(a)} {
		if len(t.Rows) > 0 {
			d.Sections = append(d.Sections, t)
		}
	}
	if first != nil && first.Failed > 0 {
		d.Notes = append(d.Notes, WhyFailed(*first)...)
	}
	d.Notes = slices.Concat(d.Notes, BackOffs(s), Doubts(a), hostSpeeds(a))
	d.Data = struct {
		*answer.Answer
		Analysis study.Analysis `json:"analysis"`
	}{first, a}
	return d
}

// ArmTable has what each decision rests on: a row for each strategy in it.
func ArmTable(a answer.Answer) Table {
	t := Table{Title: "Decisions", Header: []string{"images", "environment", "where", cmp.Or(strings.Join(a.Chosen, ", "), "strategy"), "failed", "cost (95 %)", "verdict"}}
	for _, d := range a.Decisions {
		for _, arm := range d.Arms {
			row := []string{situations[d.Situation], environments[d.Environment], placeName(d.Where), arm.Strategy, fmt.Sprintf("%d of %d", arm.Failed, arm.N), none}
			if arm.Cost != nil {
				row[5] = duration(study.Value(*arm.Cost))
				if i := arm.Interval; i != nil {
					row[5] += fmt.Sprintf(" (%s to %s)", duration(study.Value(i[0])), duration(study.Value(i[1])))
				}
			}
			t.Rows = append(t.Rows, append(row, armVerdict(d, arm)))
		}
	}
	t.Notes = []string{"Cost: the mean, or the 90 % quantile for CI, of the time to ready in a typical place, retries included."}
	return t
}

func armVerdict(d answer.Decision, arm answer.Arm) string {
	switch {
	case arm.RuledOut && arm.Effect != nil && arm.EffectInterval != nil:
		return fmt.Sprintf("ruled out by %s: %s (95 %%: %s to %s)", arm.BeatenBy, relative(*arm.Effect), relative(arm.EffectInterval[0]), relative(arm.EffectInterval[1]))
	case arm.RuledOut && arm.BeatenBy != "":
		return "ruled out by " + arm.BeatenBy
	case arm.RuledOut:
		return "ruled out: it fails too often"
	case slices.Contains(d.FailTooOften, arm.Strategy):
		return "open: it probably fails too often"
	case slices.Contains(d.Best, arm.Strategy) && d.Verdict != compare.Undecided:
		if d.OnlyWhenItWorks {
			return string(d.Verdict) + " when it works"
		}
		return string(d.Verdict)
	}
	if d.Verdict == compare.Undecided {
		return "open"
	}
	return "not shown to be better"
}

// runNotes say what of each run is missing and what was decided while it ran.
func runNotes(a study.Analysis) (notes []string) {
	for _, r := range a.Runs {
		if missing := r.Planned - r.Recorded; missing > 0 {
			notes = append(notes, fmt.Sprintf("Run %s: %d of %d planned trials are not recorded.", r.Run, missing, r.Planned))
		}
		for _, l := range r.Looks {
			notes = append(notes, lookNote(r.Run, l))
		}
		if r.FaultyRecords > 0 {
			notes = append(notes, fmt.Sprintf("Run %s: %d lines of its journal are no records and were passed over.", r.Run, r.FaultyRecords))
		}
	}
	return notes
}

// lookNote says what a look decided.
func lookNote(run string, l results.Look) string {
	text := fmt.Sprintf("Run %s, before block %d:", run, l.Block)
	for _, c := range l.Retired {
		text += fmt.Sprintf(" [%s] kept failing and was not run again.", c)
	}
	if l.Stopped {
		text += " stopped, because " + l.Reason + "."
	}
	return text
}

func factorHeader(a study.Analysis) (names []string) {
	for _, f := range a.Factors {
		names = append(names, f.Name)
	}
	return names
}

func levels(c trial.Cell) (names []string) {
	for _, x := range c {
		names = append(names, x.Level)
	}
	return names
}

// Outcomes is what the trials of each cell came to.
func Outcomes(a study.Analysis) Table {
	var notes footnotes
	t := Table{Title: "Outcomes", Header: append(factorHeader(a), "n", "outcomes", "failed (95 % interval)", "ready (95 % interval)")}
	for _, c := range a.Cells {
		marks := notes.mark(c.Warnings, study.InvalidTrials, study.NotRun, study.Residue, study.CutOffTrials, study.ImportedTrials, study.SimulatedTrials)
		t.Rows = append(t.Rows, append(levels(c.Cell.Cell), strconv.Itoa(c.N)+marks, cellOutcomes(c.Cell), Rate(c.Failed), Rate(c.Ready)))
	}
	t.Notes = append(notes.list(), neverPlanned(a)...)
	t.Notes = append(t.Notes, "Intervals: Clopper–Pearson. Failed: crashed, hung or not ready within the limits; failed tests are no failure of the set-up.")
	if len(a.Cells) > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("To show a failure rate under 10 %% takes %d trials in a row without a failure.", a.Cells[0].CleanRuns))
	}
	return t
}

func neverPlanned(a study.Analysis) []string {
	if a.NeverPlanned <= 0 {
		return nil
	}
	return []string{fmt.Sprintf("Not tested either: %d further %s of these levels, in no plan.", a.NeverPlanned, noun(a.NeverPlanned, "combination"))}
}

// SetupTimes is how long the set-up took.
func SetupTimes(a study.Analysis) Table {
	var notes footnotes
	t := Table{Title: "Time to ready", Header: append(factorHeader(a), "ready", "setup: median of ready trials", "mean with retries")}
	for _, c := range a.Cells {
		if c.N == 0 {
			t.Rows = append(t.Rows, append(levels(c.Cell.Cell), notTested, none, none))
			continue
		}
		marks := notes.mark(c.Warnings, study.SingleTrial, study.Conditional, study.Ties, study.HostBusy, study.UnknownTimes)
		t.Rows = append(t.Rows, append(levels(c.Cell.Cell), fmt.Sprintf("%d of %d", c.Ready.Events, c.N),
			setupTime(c.SetupTime)+marks, duration(c.WithRetries)))
	}
	t.Notes = append(notes.list(), "Medians: order-statistic intervals. Mean with retries: all time spent, failures and recovery included, for each success.")
	return t
}
