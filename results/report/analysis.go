package report

import (
	"fmt"
	"io"
	"strconv"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
	"github.com/stratbench/stratbench/results/analyse"
)

// Analysis is the document of an analysis.
func Analysis(s analyse.Study, a analyse.Analysis) Document {
	return Document{
		Sections:   sections(s, a),
		Notes:      append(overall(a), hostSpeeds(a)...),
		Data:       a,
		Tidy:       tidy(a),
		Benchmarks: func(w io.Writer) error { return benchmarks(w, s) },
	}
}

// sections are the tables of an analysis, without those that are empty.
func sections(s analyse.Study, a analyse.Analysis) (kept []Table) {
	for _, t := range []Table{Outcomes(a), SetupTimes(a), Comparisons(a), Phases(s, a), Images(a), Memory(a), Estimates(a), Contradictions(a)} {
		if len(t.Rows) > 0 {
			kept = append(kept, t)
		}
	}
	return kept
}

func overall(a analyse.Analysis) (notes []string) {
	for _, w := range a.Warnings {
		notes = append(notes, "Warning: "+Warning(w)+".")
	}
	return append(notes, runNotes(a)...)
}

// runNotes say what of each run is missing and what was decided while it ran.
func runNotes(a analyse.Analysis) (notes []string) {
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

func factorHeader(a analyse.Analysis) (names []string) {
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
func Outcomes(a analyse.Analysis) Table {
	var notes footnotes
	t := Table{Title: "Outcomes", Header: append(factorHeader(a), "n", "outcomes", "failed (95 % interval)", "ready (95 % interval)")}
	for _, c := range a.Cells {
		marks := notes.mark(c.Warnings, analyse.InvalidTrials, analyse.NotRun, analyse.Residue, analyse.CutOffTrials, analyse.ImportedTrials, analyse.SimulatedTrials)
		t.Rows = append(t.Rows, append(levels(c.Cell.Cell), strconv.Itoa(c.N)+marks, cellOutcomes(c.Cell), Rate(c.Failed), Rate(c.Ready)))
	}
	t.Notes = append(notes.list(), neverPlanned(a)...)
	t.Notes = append(t.Notes, "Intervals: Clopper–Pearson. Failed: crashed, hung or not ready within the limits; failed tests are no failure of the set-up.")
	if len(a.Cells) > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("To show a failure rate under 10 %% takes %d trials in a row without a failure.", a.Cells[0].CleanRuns))
	}
	return t
}

func neverPlanned(a analyse.Analysis) []string {
	if a.NeverPlanned <= 0 {
		return nil
	}
	return []string{fmt.Sprintf("Not tested either: %d further %s of these levels, in no plan.", a.NeverPlanned, noun(a.NeverPlanned, "combination"))}
}

// SetupTimes is how long the set-up took.
func SetupTimes(a analyse.Analysis) Table {
	var notes footnotes
	t := Table{Title: "Time to ready", Header: append(factorHeader(a), "ready", "setup: median of ready trials", "expected with retries", "restricted mean")}
	for _, c := range a.Cells {
		if c.N == 0 {
			t.Rows = append(t.Rows, append(levels(c.Cell.Cell), notTested, none, none, none))
			continue
		}
		marks := notes.mark(c.Warnings, analyse.SingleTrial, analyse.Conditional, analyse.Outlier, analyse.Ties, analyse.HostBusy, analyse.UnknownTimes)
		t.Rows = append(t.Rows, append(levels(c.Cell.Cell), fmt.Sprintf("%d of %d", c.Ready.Events, c.N),
			setupTime(c.SetupTime)+marks, runningTime(c.RunningTime), restrictedMean(c.RestrictedMean)))
	}
	t.Notes = append(notes.list(), "Medians: order-statistic intervals. Expected with retries: all time spent, failures and recovery included, per success; posterior interval (success rate under Jeffreys' prior, log-normal times with a weak prior of their spread, pooled over the cells).")
	if len(a.Cells) > 0 && a.Cells[0].RestrictedMean.Cap > 0 {
		t.Notes = append(t.Notes, "Restricted mean: mean time to ready up to "+duration(a.Cells[0].RestrictedMean.Cap)+", failures counted as that; posterior interval, which allows for failures that were not seen.")
	}
	return t
}
