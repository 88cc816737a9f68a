package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stratbench/stratbench/internal/trial"
	"github.com/stratbench/stratbench/results"
)

// faultRow is what became of one fault on one engine.
type faultRow struct {
	Runtime  string                `json:"runtime"`
	Fault    string                `json:"fault"`
	Truth    []trial.Outcome       `json:"truth"`
	Phase    trial.Phase           `json:"truth_phase"`
	Trials   int                   `json:"trials"`
	Right    int                   `json:"right"`
	Missed   int                   `json:"never_injected"`
	Outcomes map[trial.Outcome]int `json:"outcomes"`
	Causes   map[trial.Cause]int   `json:"causes"`
	// Latency is from the injection until the outcome was known, Recovery
	// until a fresh engine answered.
	Latency  []trial.Seconds `json:"detection_seconds"`
	Recovery []trial.Seconds `json:"recovery_seconds"`
}

// Faults is the confusion matrix of injected faults: a row for each fault on
// each engine, with how fast it was noticed and how long recovery took.
func Faults(runs []results.Run) Table {
	rows := faultRows(runs)
	t := Table{Data: rows, Header: []string{"fault", "engine", "true outcome", "classified as", "right", "cause", "noticed after", "recovery"}}
	trials, right := 0, 0
	for _, r := range rows {
		trials, right = trials+r.Trials, right+r.Right
		t.Rows = append(t.Rows, []string{r.Fault, r.Runtime, truth(r), countOutcomes(r.Outcomes),
			fmt.Sprintf("%d of %d", r.Right, r.Trials), counted(r.Causes), medianRange(r.Latency), medianRange(r.Recovery)})
	}
	t.Lead = []string{fmt.Sprintf("%d of %d trials are classified right.", right, trials)}
	t.Notes = append(t.Notes, deaths(rows))
	var ids []string
	for _, run := range runs {
		ids = append(ids, run.ID())
	}
	t.Notes = append(t.Notes, "From "+strings.Join(ids, ", ")+".")
	for _, r := range rows {
		if r.Missed > 0 {
			t.Notes = append(t.Notes, fmt.Sprintf("%s on %s was not injected in %d trials: its moment never came.", r.Fault, r.Runtime, r.Missed))
		}
	}
	return t
}

func faultRows(runs []results.Run) (rows []*faultRow) {
	for _, run := range runs {
		// A trial that was done again counts each time: what it was first taken
		// for stays a finding.
		for _, rec := range run.Records {
			if rec.Kind != results.KindTrial || rec.Fault == nil || rec.Verdict.Outcome == trial.Cancelled {
				continue
			}
			i := slices.IndexFunc(rows, func(r *faultRow) bool { return r.Fault == rec.Fault.Name && r.Runtime == rec.Machine.Runtime })
			if i < 0 {
				i = len(rows)
				rows = append(rows, &faultRow{Fault: rec.Fault.Name, Runtime: rec.Machine.Runtime, Truth: rec.Fault.Truth,
					Phase: rec.Fault.Phase, Outcomes: map[trial.Outcome]int{}, Causes: map[trial.Cause]int{}})
			}
			rows[i].add(rec)
		}
	}
	slices.SortStableFunc(rows, func(a, b *faultRow) int {
		return strings.Compare(a.Fault+" "+a.Runtime, b.Fault+" "+b.Runtime)
	})
	return rows
}

func (r *faultRow) add(rec results.Record) {
	v := takenFor(rec)
	r.Trials++
	r.Outcomes[v.Outcome]++
	if v.Cause != "" {
		r.Causes[v.Cause]++
	}
	if rightly(rec) {
		r.Right++
	}
	if rec.Fault.At == nil {
		r.Missed++
	}
	if known, ok := knownAt(rec); ok {
		r.Latency = append(r.Latency, known)
	}
	for _, s := range rec.Spans {
		if s.Name == "recovery" && s.Error == "" {
			r.Recovery = append(r.Recovery, s.Length())
		}
	}
}

// takenFor is what the fault of a trial was taken for: also by one that went on
// after it.
func takenFor(rec results.Record) trial.Verdict {
	if rec.Crash != nil {
		return *rec.Crash
	}
	return rec.Verdict
}

// rightly says whether a trial ended as the fault truly ends it, and where.
func rightly(rec results.Record) bool {
	v, f := takenFor(rec), rec.Fault
	if f.At == nil || !slices.Contains(f.Truth, v.Outcome) {
		return false
	}
	return v.Outcome == trial.OK || f.Phase == "" || v.Phase == f.Phase
}

// knownAt is how long after the injection the outcome was known: when the watch
// saw it, or when the trial ended itself, whichever was first.
func knownAt(rec results.Record) (trial.Seconds, bool) {
	v := takenFor(rec)
	if rec.Fault.At == nil || v.Outcome == trial.OK {
		return 0, false
	}
	at := *rec.Fault.At
	var known []trial.Seconds
	for _, e := range v.Evidence {
		if e.Rule == trial.RuleWatch && e.At > at {
			known = append(known, e.At-at)
		}
	}
	for _, s := range rec.Spans {
		if s.IsPhase() && s.Phase == v.Phase && s.End > at && s.Error != "" {
			known = append(known, s.End-at)
		}
	}
	// A worker that died has no span that ended: the runner's own next span
	// begins once that was seen.
	for _, s := range rec.Spans {
		if s.Phase == "" && s.Start > at {
			known = append(known, s.Start-at)
		}
	}
	if len(known) == 0 {
		return 0, false
	}
	return slices.Min(known), true
}

func truth(r *faultRow) string {
	words := make([]string, len(r.Truth))
	for i, o := range r.Truth {
		words[i] = string(o)
	}
	text := strings.Join(words, " or ")
	if r.Phase != "" && !slices.Contains(r.Truth, trial.OK) {
		text += " in " + string(r.Phase)
	}
	return text
}

func counted(causes map[trial.Cause]int) string {
	var names []string
	for _, cause := range slices.Sorted(maps.Keys(causes)) {
		name := string(cause)
		if n := causes[cause]; n > 1 {
			name = strconv.Itoa(n) + " " + name
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}

// deadly are the faults by which something dies at once.
var deadly = []string{"engine-kill", "containerd-kill", "node-kill", "worker-kill"}

func deaths(rows []*faultRow) string {
	var all []trial.Seconds
	for _, r := range rows {
		if slices.Contains(deadly, r.Fault) {
			all = append(all, r.Latency...)
		}
	}
	if len(all) == 0 {
		return "No death was injected."
	}
	return fmt.Sprintf("Deaths (%s) were noticed after %s in the median, %s at most, of %d.", strings.Join(deadly, ", "), median(all), Seconds(slices.Max(all)), len(all))
}
