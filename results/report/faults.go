package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// faultRow is how the trials of one fault on one engine were classified.
type faultRow struct {
	Runtime  string                `json:"runtime"`
	Fault    string                `json:"fault"`
	Do       string                `json:"do"`
	Truth    []trial.Outcome       `json:"truth"`
	Phase    trial.Phase           `json:"truth_phase"`
	Trials   int                   `json:"trials"`
	Right    int                   `json:"right"`
	Missed   int                   `json:"never_injected"`
	Outcomes map[trial.Outcome]int `json:"outcomes"`
	Causes   map[trial.Cause]int   `json:"causes"`
	// WentOn are those that became ready after the crash.
	WentOn int `json:"went_on_after_a_crash,omitempty"`
	// Latency is from the injection until the outcome was known, Recovery until a
	// fresh engine answered.
	Latency  []trial.Seconds `json:"detection_seconds"`
	Recovery []trial.Seconds `json:"recovery_seconds"`
}

// deadly are the faults by which something dies at once.
var deadly = []string{"engine-kill", "containerd-kill", "node-kill", "worker-kill"}

// Faults is the confusion matrix of injected faults: a row for each fault on each
// engine, with how fast it was noticed and how long recovery took.
func Faults(runs []results.Run) Table {
	rows := faultRows(runs)
	t := Table{Data: rows, Header: []string{"fault", "engine", "true outcome", "classified as", "right", "cause", "noticed after", "recovery"}}
	trials, right := 0, 0
	var deaths []trial.Seconds
	for _, r := range rows {
		trials, right = trials+r.Trials, right+r.Right
		if slices.Contains(deadly, r.Do) {
			deaths = append(deaths, r.Latency...)
		}
		var causes []string
		truth := strings.Join(texts(r.Truth, func(o trial.Outcome) string { return string(o) }), " or ")
		if r.Phase != "" && !slices.Contains(r.Truth, trial.OK) {
			truth += " in " + string(r.Phase)
		}
		for _, name := range slices.Sorted(maps.Keys(r.Causes)) {
			if n := r.Causes[name]; n > 1 {
				causes = append(causes, fmt.Sprintf("%d %s", n, name))
			} else {
				causes = append(causes, string(name))
			}
		}
		seen := countOutcomes(r.Outcomes)
		if r.WentOn > 0 {
			seen += fmt.Sprintf(", then %d ready", r.WentOn)
		}
		t.Rows = append(t.Rows, []string{r.Fault, r.Runtime, truth, seen,
			fmt.Sprintf("%d of %d", r.Right, r.Trials), orNone(strings.Join(causes, ", ")), medianRange(r.Latency), medianRange(r.Recovery)})
	}
	t.Lead = []string{fmt.Sprintf("%d of %s are classified right.", right, Counted(trials, "trial"))}
	if len(deaths) == 0 {
		t.Notes = []string{"No death was injected."}
	} else {
		t.Notes = []string{fmt.Sprintf("Deaths (%s) were noticed after %s in the median, %s at most, of %d.", strings.Join(deadly, ", "), median(deaths), Seconds(slices.Max(deaths)), len(deaths))}
	}
	t.Notes = append(t.Notes, "From "+strings.Join(texts(runs, results.Run.ID), ", ")+".")
	for _, r := range rows {
		if r.Missed > 0 {
			t.Notes = append(t.Notes, fmt.Sprintf("%s on %s was not injected in %s: its moment never came.", r.Fault, r.Runtime, Counted(r.Missed, "trial")))
		}
	}
	return t
}

func faultRows(runs []results.Run) (rows []*faultRow) {
	for _, run := range runs {
		// A trial done again counts each time: its first classification is a finding.
		for _, rec := range run.Records {
			if rec.Kind != results.KindTrial || rec.Fault == nil || rec.Verdict.Outcome == trial.Cancelled {
				continue
			}
			i := slices.IndexFunc(rows, func(r *faultRow) bool { return r.Fault == rec.Fault.Name && r.Runtime == rec.Machine.Runtime })
			if i < 0 {
				i = len(rows)
				rows = append(rows, &faultRow{Fault: rec.Fault.Name, Do: rec.Fault.Do, Runtime: rec.Machine.Runtime, Truth: rec.Fault.Truth,
					Phase: rec.Fault.Phase, Outcomes: map[trial.Outcome]int{}, Causes: map[trial.Cause]int{}})
			}
			rows[i].add(rec)
		}
	}
	slices.SortStableFunc(rows, func(a, b *faultRow) int { return cmp.Compare(a.Fault+" "+a.Runtime, b.Fault+" "+b.Runtime) })
	return rows
}

// add adds a trial. Its classification is that of the crash, if it went on after one.
func (r *faultRow) add(rec results.Record) {
	v, f := rec.Verdict, rec.Fault
	if rec.Crash != nil {
		v = *rec.Crash
		if rec.Verdict.Outcome == trial.OK {
			r.WentOn++
		}
	}
	r.Trials++
	r.Outcomes[v.Outcome]++
	if v.Cause != "" {
		r.Causes[v.Cause]++
	}
	for _, s := range rec.Spans {
		if s.Name == "recovery" && s.Error == "" {
			r.Recovery = append(r.Recovery, s.Length())
		}
	}
	if f.At == nil {
		r.Missed++
		return
	}
	if slices.Contains(f.Truth, v.Outcome) && (v.Outcome == trial.OK || f.Phase == "" || v.Phase == f.Phase) {
		r.Right++
	}
	if known := noticed(rec, v, *f.At); len(known) > 0 {
		r.Latency = append(r.Latency, slices.Min(known))
	}
}

// noticed is how long after the injection the watch saw it, or the trial ended itself.
func noticed(rec results.Record, v trial.Verdict, at trial.Seconds) (known []trial.Seconds) {
	if v.Outcome == trial.OK {
		return nil
	}
	for _, e := range v.Evidence {
		if e.Rule == trial.RuleWatch && e.At > at {
			known = append(known, e.At-at)
		}
	}
	for _, s := range rec.Spans {
		if s.IsPhase() && s.Phase == v.Phase && s.End > at && s.Error != "" {
			known = append(known, s.End-at)
		}
		// A dead worker leaves no ended span; the runner's next one begins once it is seen.
		if s.Phase == "" && s.Start > at {
			known = append(known, s.Start-at)
		}
	}
	return known
}
